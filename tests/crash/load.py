"""Clients that keep books: `python -m tests.crash.load PORT FOLDER SEED THREADS`, until its stdin is closed.

Every event carries a token in its label. `FOLDER/sent-*` gets a token before it is sent, `FOLDER/acked-*` after
its success reply, fsynced, so that the books survive what the server has to survive. What was not acknowledged
is sent again until it is: with its id where it has one, else under a new token, since then it is a new event.

Kinds of tokens: `i` has an id, `k` is named by an Idempotency-Key, `n` has neither, `r` is an `n` of topic
`request`, `b` has a time that is none (rejected), `x` repeats the id of an acknowledged `i` with other content.
"""

import http.client
import json
import os
import random
import sys
import threading
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SITE = "crash"
_PAUSE_S = 0.01
"""Between two requests of a client: enough of them meet in a batch, and the drain at the end stays short."""
_GIVE_UP = 0.1
"""How often a client never asks again: such an event may be stored or not, but not twice."""


@dataclass
class Request:
    """One request and the tokens of its events. `again` makes the same request for another attempt."""

    path: str
    tokens: list[str]
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    repeatable: bool = False


class Client(threading.Thread):
    """One keep-alive connection after another; one request at a time."""

    def __init__(self, port: int, folder: Path, seed: int, number: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._port, self._stop_asked = port, stop
        self._random = random.Random(seed * 1000 + number)
        self._prefix = f"{seed}.{number}"
        self._count = 0
        self._sent, self._acked = (
            os.open(folder / f"{book}-{self._prefix}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for book in ("sent", "acked")
        )
        self._connection: http.client.HTTPConnection | None = None
        self._done: list[Request] = []

    def run(self) -> None:
        while not self._stop_asked.is_set():
            self._stop_asked.wait(self._random.uniform(0, _PAUSE_S))
            kind, seed = self._kind(), self._random.random()
            while not self._stop_asked.is_set():
                # The same seed makes the same request, but for the tokens of events without a name.
                request = kind(random.Random(seed))
                if self._send(request):
                    if request.repeatable:
                        self._done = [*self._done[-200:], request]
                    break
                if self._random.random() < _GIVE_UP:
                    break
                self._stop_asked.wait(self._random.uniform(0.01, 0.1))

    def _kind(self) -> Any:
        if self._done and self._random.random() < 0.1:
            repeated = self._random.choice(self._done)
            return lambda _random: repeated
        number = self._next()
        if self._done and self._random.random() < 0.05:
            victim = self._random.choice(self._done).tokens[0]
            return lambda _random: self._conflict(victim, number)
        make = self._random.choice([self._pixel, self._single, self._lines, self._lines, self._keyed])
        return lambda seeded: make(seeded, number)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _event(self, kind: str, number: int, index: int = 0) -> dict[str, Any]:
        if kind in "nrb":
            number, index = self._next(), 0
        token = f"{kind}{self._prefix}.{number}.{index}"
        event: dict[str, Any] = {"site": SITE, "category": "crash", "action": kind, "label": token}
        if kind == "i":
            event["id"] = token
        elif kind == "r":
            event["topic"] = "request"
        elif kind == "b":
            event["time"] = "never"
        return event

    def _pixel(self, seeded: random.Random, number: int) -> Request:
        event = self._event(seeded.choice("in"), number)
        return Request(f"/event.png?{urllib.parse.urlencode(event)}", [event["label"]], repeatable="id" in event)

    def _single(self, seeded: random.Random, number: int) -> Request:
        event = self._event(seeded.choice("iinb"), number)
        return Request("/e", [event["label"]], json.dumps(event).encode(), repeatable="id" in event)

    def _lines(self, seeded: random.Random, number: int) -> Request:
        kinds = [seeded.choice("iiinnrb") for _ in range(seeded.randint(2, 12))]
        return self._batch([self._event(kind, number, index) for index, kind in enumerate(kinds)])

    def _keyed(self, seeded: random.Random, number: int) -> Request:
        events = [self._event("k", number, index) for index in range(seeded.randint(1, 8))]
        request = self._batch(events)
        request.headers["Idempotency-Key"] = f"key-{self._prefix}.{number}"
        request.repeatable = True
        return request

    def _conflict(self, victim: str, number: int) -> Request:
        event = self._event("x", number)
        return Request("/e", [event["label"]], json.dumps({**event, "id": victim}).encode())

    @staticmethod
    def _batch(events: list[dict[str, Any]]) -> Request:
        body = b"\n".join(json.dumps(event).encode() for event in events)
        return Request("/e", [event["label"] for event in events], body)

    def _send(self, request: Request) -> bool:
        """Whether it was acknowledged; then its tokens are in the book, on the disk."""
        tokens = "".join(f"{token}\n" for token in request.tokens).encode()
        os.write(self._sent, tokens)
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
            self._connection.request(
                "GET" if request.body is None else "POST", request.path, request.body, request.headers
            )
            reply = self._connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return False
        if reply.status != 200:
            if reply.status != 503:
                raise AssertionError(f"{reply.status} for {request}")
            return False
        os.write(self._acked, tokens)
        os.fsync(self._acked)
        return True


def main() -> int:
    port, folder, seed, threads = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    stop = threading.Event()
    clients = [Client(port, folder, seed, number, stop) for number in range(threads)]
    failed: list[BaseException] = []
    threading.excepthook = lambda told: failed.append(told.exc_value or RuntimeError(told.exc_type))
    for client in clients:
        client.start()
    sys.stdin.read()
    stop.set()
    for client in clients:
        client.join()
    for error in failed:
        print(error, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
