"""Delivering notices: in threads of their own, with an end to each attempt, a back-off, and a log of what became of it.

Whoever hands in a notice never waits for it. Where too many wait, the new ones are given up at once, and say so.
"""

import contextlib
import http.client
import logging
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from eventmill import __version__
from eventmill.alerts.address import Refused, Resolve, Target, system_resolve, target
from eventmill.clock import Clock, system_clock
from eventmill.query.days import rfc3339_ms

log = logging.getLogger(__name__)
BACK_OFF_S = (1.0, 5.0, 25.0, 120.0)
_THREADS = 2
_WAITING = 200
_KEPT = 20
_ANSWER_BYTES = 4096


class Delivery(msgspec.Struct):
    """One notice on its way: `state` is waiting, delivered or given up; `status` of the last answer, 0 for none."""

    at: str
    alert: str
    event: str
    host: str
    state: str = "waiting"
    attempts: int = 0
    status: int = 0
    error: str = ""


class Outcome(msgspec.Struct):
    """What one attempt came to."""

    delivered: bool
    status: int = 0
    error: str = ""


@dataclass(slots=True, order=True)
class _Job:
    due: float
    url: str = field(compare=False)
    body: bytes = field(compare=False)
    shown: Delivery = field(compare=False)
    done: Callable[[bool], None] = field(compare=False)


class Deliverer:
    """`send` takes a notice; threads deliver. All times but those shown are monotonic seconds."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout_s: float = 10.0,
        back_off_s: tuple[float, ...] = BACK_OFF_S,
        resolve: Resolve = system_resolve,
        clock: Clock = system_clock,
    ) -> None:
        self.allow_private = allow_private
        self._timeout, self._back_off, self._resolve, self._clock = timeout_s, back_off_s, resolve, clock
        self._waiting: list[_Job] = []
        self._log: deque[Delivery] = deque(maxlen=_KEPT)
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def send(
        self, url: str, alert: str, event: str, body: Mapping[str, Any], done: Callable[[bool], None] = lambda _: None
    ) -> Delivery:
        """Takes a notice. `done` is told whether it arrived, from another thread, once that is certain."""
        shown = Delivery(rfc3339_ms(self._clock()), alert, event, shown_host(url))
        with self._changed:
            self._log.append(shown)
            if self._closed or len(self._waiting) >= _WAITING:
                shown.state, shown.error = "given up", "too many notices wait"
                log.warning("alert %s: too many notices wait", alert)
                return shown
            self._waiting.append(_Job(time.monotonic(), url, msgspec.json.encode(body), shown, done))
            if not self._threads:
                self._start()
            self._changed.notify()
        return shown

    def deliveries(self) -> list[Delivery]:
        """The last ones, newest first."""
        with self._changed:
            return [msgspec.structs.replace(shown) for shown in reversed(self._log)]

    def attempt(self, url: str, body: bytes) -> Outcome:
        """One attempt, now, within the time that it may take. Never raises for what a URL or a server does."""
        try:
            to = target(url, allow_private=self.allow_private, resolve=self._resolve)
            status = _post(to, body, self._timeout)
        except Refused as error:
            return Outcome(False, 0, str(error))
        except (OSError, http.client.HTTPException) as error:
            return Outcome(False, 0, f"{type(error).__name__}: {error}"[:300])
        if 200 <= status < 300:
            return Outcome(True, status)
        why = "it redirects, and redirects are not followed" if 300 <= status < 400 else "no success"
        return Outcome(False, status, f"the server answered {status}: {why}")

    def close(self) -> None:
        """Ends the threads; what still waits is left to the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=1.0)

    def _start(self) -> None:
        for number in range(_THREADS):
            thread = threading.Thread(target=self._run, name=f"deliver-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            outcome = self.attempt(job.url, job.body)
            with self._changed:
                shown = job.shown
                shown.attempts += 1
                shown.status, shown.error = outcome.status, outcome.error
                if not outcome.delivered and shown.attempts <= len(self._back_off) and _may_pass(outcome):
                    job.due = time.monotonic() + self._back_off[shown.attempts - 1]
                    self._waiting.append(job)
                    self._changed.notify()
                    continue
                shown.state = "delivered" if outcome.delivered else "given up"
            if not outcome.delivered:
                log.warning("alert %s: notice given up: %s", shown.alert, outcome.error)
            with contextlib.suppress(Exception):
                job.done(outcome.delivered)

    def _next(self) -> _Job | None:
        with self._changed:
            while not self._closed:
                if self._waiting:
                    first = min(self._waiting)
                    wait = first.due - time.monotonic()
                    if wait <= 0:
                        self._waiting.remove(first)
                        return first
                    self._changed.wait(wait)
                else:
                    self._changed.wait()
            return None


def shown_host(url: str) -> str:
    """Of a URL only its host: its path is often a secret."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2][:100]


def _may_pass(outcome: Outcome) -> bool:
    """Whether another attempt can go better: not where the server understood and said no."""
    return not (400 <= outcome.status < 500) or outcome.status in (408, 425, 429)


class _Connection(http.client.HTTPConnection):
    """To the address that was looked at; the host is only named."""

    def __init__(self, to: Target, timeout: float) -> None:
        super().__init__(to.host, to.port, timeout=timeout)
        self._to = to

    def connect(self) -> None:
        self.sock = socket.create_connection((self._to.address, self._to.port), self.timeout)
        if self._to.secure:
            # In two steps, so that the handshake can be ended too.
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self._to.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()


def _post(to: Target, body: bytes, timeout: float) -> int:
    """The status. A server that answers byte by byte is left when the time is over. Raises OSError, HTTPException."""
    connection = _Connection(to, timeout)
    late = threading.Event()

    def end() -> None:
        late.set()
        sock = connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(timeout, end)
    timer.daemon = True
    timer.start()
    try:
        default = 443 if to.secure else 80
        host = f"[{to.host}]" if ":" in to.host else to.host
        headers = {
            "Host": host if to.port == default else f"{host}:{to.port}",
            "Content-Type": "application/json",
            "User-Agent": f"eventmill/{__version__}",
            "Connection": "close",
        }
        connection.request("POST", to.path, body, headers)
        response = connection.getresponse()
        response.read(_ANSWER_BYTES)
        return response.status
    except (OSError, http.client.HTTPException) as error:
        if late.is_set():
            raise TimeoutError(f"no answer within {timeout:g} s") from error
        raise
    finally:
        timer.cancel()
        connection.close()
