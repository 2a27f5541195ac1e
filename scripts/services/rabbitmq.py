"""RabbitMQ's broker with an epmd of its own, without Debian's wrapper (which changes the user)."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from scripts.services.base import Running, Server, free_port, listens, scratch

_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# Erlang ignores SIGINT: a test run that is killed takes these with it by SIGKILL.
_TIED = ("setpriv", "--pdeathsig", "KILL", "--")


class RabbitMQ(Server):
    def __init__(self) -> None:
        super().__init__("rabbitmq", package="rabbitmq-server")

    def find(self) -> Path | None:
        return _SERVER if _SERVER.exists() else None

    @contextmanager
    def start(self, *options: str, directory: Path | None = None, port: int | None = None) -> Iterator[Running]:
        """`options` are lines of rabbitmq.conf such as `disk_free_limit.absolute = 1GB`. With `directory` and `port` a
        server that ended before goes on with its data."""
        with scratch("rabbitmq") if directory is None else nullcontext(directory) as home:
            number, distribution, names = _ports(home, port)
            environment = _environment(home, number, distribution, names, options)
            registry = [*_TIED, "epmd", "-port", str(names), "-address", "127.0.0.1"]
            server = [*_TIED, "env", *environment, str(self.path)]
            epmd, rabbit = home / "epmd", home / "server"
            epmd.mkdir(exist_ok=True)
            rabbit.mkdir(exist_ok=True)
            with (
                self._run(registry, epmd, lambda: listens(names)),
                self._run(server, rabbit, lambda: listens(number)) as process,
            ):
                yield Running(number, process.pid, home, f"amqp://guest:guest@127.0.0.1:{number}/")


def _ports(home: Path, port: int | None) -> tuple[int, int, int]:
    """The broker's, and two of its own; kept in a file beside the data, since they are part of the node."""
    kept = home / "ports"
    if not kept.exists():
        kept.write_text(f"{port or free_port()} {free_port()} {free_port()}")
    number, distribution, names = map(int, kept.read_text().split())
    return number, distribution, names


def _environment(home: Path, port: int, distribution: int, names: int, options: tuple[str, ...]) -> list[str]:
    (home / "rabbitmq.conf").write_text("".join(f"{line}\n" for line in options), encoding="utf-8")
    (home / "enabled_plugins").write_text("[].\n", encoding="utf-8")
    told = {
        "HOME": home,
        "RABBITMQ_NODENAME": f"eventmill-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": port,
        "RABBITMQ_DIST_PORT": distribution,
        "RABBITMQ_MNESIA_BASE": home / "data",
        "RABBITMQ_LOG_BASE": home / "log",
        "RABBITMQ_ENABLED_PLUGINS_FILE": home / "enabled_plugins",
        "RABBITMQ_CONFIG_FILE": home / "rabbitmq.conf",
        "RABBITMQ_ALLOW_INPUT": "true",  # without it a shell stands before the server, and would get its signals
        # Schedulers that spin while idle would take the tests' processors.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1} -noinput +sbwt none +sbwtdcpu none +sbwtdio none"
        ),
        "ERL_EPMD_PORT": names,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    return [f"{name}={value}" for name, value in told.items()]
