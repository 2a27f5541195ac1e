"""One server for all pages, with the events that the API's examples are about."""

import datetime
from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server, until

CONFIG = """
[collect]
trusted_proxies = ["127.0.0.1"]
"""


def day(ago: int) -> str:
    return (datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=ago)).isoformat()


def dated(text: str) -> str:
    """The text with the examples' days, 2026-11-19 to 2026-11-21, as the last three days."""
    for ago in range(3):
        text = text.replace(f"2026-11-{21 - ago}", day(ago))
    return text


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("docs") / "data", CONFIG) as server:
        h5 = {"category": "h5", "action": "pv", "label": "85"}
        first = {**h5, "value": "41", "id": "e-1", "user": "ann", "time": f"{day(1)}T10:00:00Z"}
        events = [
            first,
            {**first, "id": "e-2", "user": "bob"},
            {**first, "id": "e-3", "value": "42"},
            {**first, "id": "e-4", "time": f"{day(0)}T00:00:00Z"},
            first,
        ]
        assert server.post(events).status == 200
        assert server.post({"id": "e-1", "category": "h5"}).status == 200
        settled(server)
        yield server


def settled(server: Server) -> None:
    """Waits until everything that was sent can be asked for."""
    until(lambda: server.api("ledger")["total"]["queued"] == 0, "an empty queue", why=server.said)


def local(text: str, server: Server) -> str:
    """The text with the addresses of this server instead of the default ones."""
    return text.replace("127.0.0.1:8080", f"127.0.0.1:{server.collect_port}").replace(
        "127.0.0.1:8090", f"127.0.0.1:{server.web_port}"
    )
