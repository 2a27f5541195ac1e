"""Clients that keep a ledger of what was acknowledged, and the oracle that compares it with the store."""

import http.client
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance.server import Server


class Client:
    """Sends events with ids of its own; `acked` are the ids that were answered 2xx, `sent` all of them."""

    def __init__(self, server: Server, name: str, pad: int = 0) -> None:
        self._server, self._name, self._pad = server, name, pad
        self._numbers = itertools.count()
        self.acked: set[str] = set()
        self.sent: set[str] = set()
        self.refused: list[tuple[int, dict[str, str]]] = []

    def send(self, count: int = 1) -> int:
        """One request with so many events; the status, 0 where there was no answer."""
        ids = [f"{self._name}-{next(self._numbers)}" for _ in range(count)]
        self.sent.update(ids)
        try:
            reply = self._server.post([{"id": each, "category": "load", "pad": "x" * self._pad} for each in ids])
        except (OSError, http.client.HTTPException):
            return 0
        if reply.status == 200:
            self.acked.update(ids)
        else:
            self.refused.append((reply.status, dict(reply.headers)))
        return reply.status


@contextmanager
def running(client: Client, count: int = 10) -> Iterator[None]:
    """The client sends all the time, in a thread of its own."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(0.005):
            client.send(count)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def check(server: Server, *clients: Client) -> dict[str, int]:
    """The oracle: nothing acknowledged is missing, nothing is there twice, nothing that was not sent, and the
    ledger balances. Returns its total."""
    total = server.drain()
    stored = [row[0] for row in server.sql("SELECT id FROM events WHERE category = 'load'", 100_000)]
    rejected = {json.loads(text).get("id") for _, text in server.rejects() if text.startswith("{")}
    assert len(stored) == len(set(stored)), "stored twice"
    acked = set().union(*(client.acked for client in clients))
    assert not acked - set(stored) - rejected, "acknowledged and lost"
    assert not set(stored) - set().union(*(client.sent for client in clients)), "stored and never sent"
    return total
