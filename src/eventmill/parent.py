"""The parent of `serve`: holds the listening sockets, starts the processes, restarts what ends.

It imports nothing but the standard library, so that it stays small and has little to fail on. The sockets
stay open here while a collector restarts: connections wait in the backlog instead of being refused.
"""

import ctypes
import errno
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BACKLOG = 4096
_BACKOFF_S = (0.05, 0.1, 0.25, 0.5, 1.0)
_STABLE_S = 10.0
_DRAIN_S = 30.0
_TAKEOVER_S = 10.0
_PR_SET_PDEATHSIG = 1
REFUSED = 78
"""Exit code (EX_CONFIG of sysexits.h) of a child that would end the same way however often it is started."""


@dataclass
class Child:
    """One process: how to start it, and what became of it."""

    name: str
    argv: list[str]
    sockets: list[socket.socket]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = 0
    failures: int = 0
    due: float = 0.0
    ready: bool = False
    last_exit: int | None = None
    told: int = 0


def die_with_parent(parent: int) -> None:
    """Linux: this process gets SIGTERM when its parent ends, and ends at once where it already has."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)


def claim(data: Path, wait_s: float = _TAKEOVER_S) -> int:
    """Takes the data directory for one server, or raises OSError naming the one that has it.

    The lock lives as long as the returned descriptor, which stays open across `exec`; children do not inherit it.
    """
    path = data / "run" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 20, 0).decode() or "?"
                os.close(descriptor)
                raise OSError(
                    f"{data} is served by another eventmill (pid {holder}): stop it, or name another with --data"
                ) from None
            time.sleep(0.05)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    os.set_inheritable(descriptor, True)
    return descriptor


def bind(host: str, port: int, *, shared: bool) -> socket.socket:
    """A listening socket; `shared` ones join a group whose members the kernel spreads connections over."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    return listener


class Parent:
    """Runs children until told to stop. `plan` is the JSON written by `serve`."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._runtime = Path(plan["runtime"])
        os.set_inheritable(plan["lock"], False)  # held as long as we live, and by nobody else
        self._ready_read, self._ready_write = os.pipe()
        os.set_blocking(self._ready_read, False)
        self._stopping = 0
        self._announced = False
        self._patience = 0.0
        self._refused = False
        self._children: list[Child] = []
        self._collect: list[str] = []
        self._web = ""

    def bind_all(self) -> None:
        """Takes every address, or raises OSError naming the one that is taken."""
        # The children of a parent that was killed may still have its addresses; they end within this time.
        self._patience = time.monotonic() + (_TAKEOVER_S if self._runtime.exists() else 0.0)
        listeners: list[list[socket.socket]] = [[] for _ in range(self._plan["collectors"])]
        for host, wanted in self._plan["collect"]:
            port = wanted
            for sockets in listeners:
                listener = _bind_or_say(host, port, self._patience, shared=True)
                port = listener.getsockname()[1]
                sockets.append(listener)
            self._collect.append(_shown(host, port))
        # Only now, since a socket that listens is given connections: all or none.
        for sockets in listeners:
            for listener in sockets:
                listener.listen(_BACKLOG)
        host, port = self._plan["web"]
        web = _bind_or_say(host, port, self._patience, shared=False)
        web.listen(_BACKLOG)
        self._web = _shown(host, web.getsockname()[1])
        for number, sockets in enumerate(listeners):
            self._children.append(Child(f"collector-{number}", ["collector", str(number)], sockets))
        self._children.append(Child("engine", ["engine", "0"], [web]))

    def run(self) -> int:
        """Supervises until SIGTERM or SIGINT; the exit code."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        selector = selectors.DefaultSelector()
        selector.register(wake_read, selectors.EVENT_READ)
        selector.register(self._ready_read, selectors.EVENT_READ)
        self._write_runtime()
        deadline = 0.0
        while True:
            now = time.monotonic()
            self._reap(now)
            if self._stopping:
                deadline = deadline or now + _DRAIN_S
                if self._advance_stop(3 if now > deadline else min(self._stopping, 3)):
                    break
            else:
                self._start_due(now)
            for key, _ in selector.select(self._timeout(now)):
                data = _drain(int(key.fd))
                if key.fd == self._ready_read:
                    self._mark_ready(data)
        self._runtime.unlink(missing_ok=True)
        return 1 if self._refused else 0

    def _on_stop(self, *_: object) -> None:
        self._stopping += 1

    def _timeout(self, now: float) -> float:
        due = [child.due - now for child in self._children if child.process is None]
        return max(0.01, min([1.0, *due])) if not self._stopping else 0.1

    def _start_due(self, now: float) -> None:
        started = False
        for child in self._children:
            if child.process is None and now >= child.due:
                self._start(child, now)
                started = True
        if started:
            self._write_runtime()

    def _start(self, child: Child, now: float) -> None:
        fds = [listener.fileno() for listener in child.sockets]
        child.process = subprocess.Popen(
            [
                sys.executable, "-m", "eventmill.child", *child.argv, self._plan["settings"],
                str(os.getpid()), str(self._ready_write), *map(str, fds),
            ],
            pass_fds=[*fds, self._ready_write],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        child.started, child.ready = now, False

    def _reap(self, now: float) -> None:
        changed = False
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            child.last_exit, child.process, changed = child.process.returncode, None, True
            child.ready = False
            if self._stopping:
                continue
            if child.last_exit == REFUSED and not self._announced:
                self._refused, self._stopping = True, 1
                continue
            child.failures = 0 if now - child.started > _STABLE_S else child.failures + 1
            child.due = now + _BACKOFF_S[min(child.failures, len(_BACKOFF_S) - 1)]
            child.restarts += 1
            say(f"{child.name} ended ({_exit_text(child.last_exit)}); restarting")
        if changed:
            self._write_runtime()

    def _advance_stop(self, level: int) -> bool:
        """Collectors first, so that the engine can store what they acknowledged; at level 2 all at once, at 3 by
        SIGKILL. True once all have ended."""
        running = [child for child in self._children if child.process is not None]
        collectors = [child for child in running if child.name != "engine"]
        for child in running if level > 1 else collectors or running:
            if child.process is not None and child.told < level:
                child.told = level
                child.process.send_signal(signal.SIGKILL if level == 3 else signal.SIGTERM)
        return not running

    def _mark_ready(self, data: bytes) -> None:
        names = data.decode().split()
        for child in self._children:
            if child.name in names:
                child.ready = True
        if not self._announced and all(child.ready for child in self._children):
            self._announced = True
            self._announce()
        self._write_runtime()

    def _announce(self) -> None:
        say("eventmill is ready")
        for address in self._collect:
            say(f"  collector   http://{address}   (try: http://{address}/event.png?category=hello)")
        say(f"  dashboard   http://{self._web}/")
        for name, text in self._plan["banner"]:
            say(f"  {name:<11} {text}")

    def _write_runtime(self) -> None:
        state = {
            "pid": os.getpid(),
            "collect": self._collect,
            "web": self._web,
            "ready": all(child.ready for child in self._children),
            "processes": [
                {
                    "name": child.name,
                    "pid": child.process.pid if child.process else None,
                    "ready": child.ready,
                    "restarts": child.restarts,
                    "started": time.time() - (time.monotonic() - child.started) if child.process else None,
                }
                for child in self._children
            ],
        }
        new = self._runtime.with_suffix(".new")
        try:
            new.write_text(json.dumps(state, indent=1), encoding="utf-8")
            new.replace(self._runtime)
        except OSError as error:
            say(f"could not write {self._runtime}: {error}")


def say(text: str) -> None:
    """A line for the person who started us."""
    print(text, flush=True)


def _bind_or_say(host: str, port: int, until: float, *, shared: bool) -> socket.socket:
    while True:
        try:
            return bind(host, port, shared=shared)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < until:
                time.sleep(0.05)
                continue
            raise OSError(
                f"cannot listen on {_shown(host, port)}: {error.strerror}; another program has the port?"
            ) from error


def _shown(host: str, port: int) -> str:
    name = "127.0.0.1" if host in ("0.0.0.0", "") else "::1" if host == "::" else host  # noqa: S104
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _exit_text(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit {code}"


def _drain(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""


def main() -> int:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    parent = Parent(plan)
    try:
        parent.bind_all()
    except OSError as error:
        print(f"eventmill: {error}", file=sys.stderr)
        return 1
    return parent.run()


if __name__ == "__main__":
    sys.exit(main())
