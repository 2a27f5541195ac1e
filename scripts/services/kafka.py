"""Kafka's broker in KRaft mode, from Maven Central: one process that is broker and controller."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from scripts.services.base import Running, Server, free_port, listens, scratch

VERSION = "4.3.1"
_HOME = Path(__file__).parents[2] / ".cache" / "services" / f"kafka-{VERSION}"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>eventmill.test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
_SETTINGS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}
_REPLICAS = (
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
)
_LEAST = ("transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr")


class Kafka(Server):
    def __init__(self) -> None:
        super().__init__("kafka", package="default-jre-headless maven")

    def find(self) -> Path | None:
        """Java, where the broker's jars are there too."""
        java = shutil.which("java")
        return Path(java) if java and (_HOME / "done").exists() else None

    def packages(self) -> str:
        return "" if shutil.which("java") and shutil.which("mvn") else self.package

    def fetch(self) -> None:
        """Takes the jars into the checkout's cache."""
        _HOME.mkdir(parents=True, exist_ok=True)
        (_HOME / "pom.xml").write_text(_POM, encoding="utf-8")
        command = ["mvn", "-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime"]
        subprocess.run([*command, f"-DoutputDirectory={_HOME}/lib"], cwd=_HOME, check=True, stdout=sys.stderr)
        (_HOME / "done").touch()

    @contextmanager
    def start(
        self,
        *options: str,
        directory: Path | None = None,
        port: int | None = None,
    ) -> Iterator[Running]:
        """One broker. `options` are properties such as `min.insync.replicas=1`. With `directory` and `port` a broker
        that ended before goes on with its data."""
        with scratch("kafka") if directory is None else nullcontext(directory) as home:
            node = _Node(1, home, port)
            with self._node(node, [node], options):
                yield Running(node.port, node.pid, home, f"kafka://127.0.0.1:{node.port}")

    @contextmanager
    def start_cluster(self, *options: str, brokers: int = 3) -> Iterator["Cluster"]:
        """Several brokers, each of which may be killed and started again."""
        with scratch("kafka") as home, ExitStack() as stack:
            nodes = []
            for number in range(1, brokers + 1):
                (home / str(number)).mkdir()
                nodes.append(_Node(number, home / str(number), None))
            cluster = Cluster(self, nodes, options)
            stack.callback(cluster.close)
            cluster.start_all()
            yield cluster

    @contextmanager
    def _node(self, node: "_Node", all_nodes: Sequence["_Node"], options: Sequence[str]) -> Iterator[None]:
        config = node.write(all_nodes, options)
        if not (node.directory / "log" / "meta.properties").exists():
            self._java("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(config))
        command = [str(self.path), "-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", *_QUIET, "-cp", f"{_HOME}/lib/*"]
        ready = (lambda: True) if len(all_nodes) > 1 else (lambda: listens(node.port))  # a majority must run first
        with self._run([*command, "kafka.Kafka", str(config)], node.directory, ready) as process:
            node.pid = process.pid
            yield

    def _java(self, *words: str) -> None:
        command = [str(self.path), *_QUIET, "-cp", f"{_HOME}/lib/*", *words]
        subprocess.run(command, check=True, capture_output=True)


class Cluster:
    """Brokers of one cluster; `url` names them all."""

    def __init__(self, program: Kafka, nodes: Sequence["_Node"], options: Sequence[str]) -> None:
        self._program, self._nodes, self._options = program, nodes, options
        self._running: dict[int, ExitStack] = {}
        self.url = "kafka://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)

    def start_all(self) -> None:
        for node in self._nodes:
            self.start(node.number)
        self.wait()

    def start(self, number: int) -> None:
        """Starts a broker, on its data where it ran before."""
        stack = self._running[number] = ExitStack()
        stack.enter_context(self._program._node(self._nodes[number - 1], self._nodes, self._options))

    def kill(self, number: int) -> None:
        os.kill(self._nodes[number - 1].pid, signal.SIGKILL)
        self._running.pop(number).close()

    def wait(self) -> None:
        """Until every running broker listens."""
        deadline = time.monotonic() + 60
        while not all(listens(self._nodes[number - 1].port) for number in self._running):
            if time.monotonic() > deadline:
                raise RuntimeError("kafka: the cluster did not start")
            time.sleep(0.1)

    def close(self) -> None:
        for stack in self._running.values():
            stack.close()


_CLUSTER = urlsafe_b64encode(uuid.UUID(int=0x65766D6C6C5F7465737473).bytes).decode().rstrip("=")
_QUIET = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]


class _Node:
    """A broker's number, place and ports; the controller's port is kept in a file beside its data."""

    def __init__(self, number: int, directory: Path, port: int | None) -> None:
        self.number, self.directory, self.pid = number, directory, 0
        kept = directory / "ports"
        if kept.exists():
            self.port, self.controller = map(int, kept.read_text().split())
        else:
            self.port, self.controller = port or free_port(), free_port()
            kept.write_text(f"{self.port} {self.controller}")

    def write(self, all_nodes: Sequence["_Node"], options: Sequence[str]) -> Path:
        replicas = str(min(3, len(all_nodes)))
        least = "2" if len(all_nodes) > 1 else "1"
        said: Mapping[str, str] = {
            **_SETTINGS,
            **dict.fromkeys(_REPLICAS, replicas),
            **dict.fromkeys(_LEAST, least),
            "node.id": str(self.number),
            "controller.quorum.voters": ",".join(f"{n.number}@127.0.0.1:{n.controller}" for n in all_nodes),
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": str(self.directory / "log"),
            **({"min.insync.replicas": "2", "unclean.leader.election.enable": "false"} if len(all_nodes) > 1 else {}),
            **dict(option.split("=", 1) for option in options),
        }
        path = self.directory / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in said.items()), encoding="utf-8")
        return path
