"""Golden data of this version: a data directory as it leaves it, and what it answers about it.

    python -m scripts.golden

writes tests/golden/VERSION.tar.xz and VERSION.json. Run it once for each release, when the schema is final;
tests/faults/test_upgrade.py opens the golden data of every release with the code of today.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eventmill import __version__
from tests.acceptance.server import PROGRAM, ROOT, Server, ask, until

FOLDER = ROOT / "tests" / "golden"
LARGEST = 300_000
CONFIG = """[topics.order]
aliases = ["/order"]
field_count = 4
[topics.order.fields.order_no]
required = true
[topics.order.fields.amount]
type = "number"
min = 0
"""
LEFT_OUT = ("run", "runtime.json", "store.xml")
"""Written anew by each start; they name folders of the machine."""
COLUMNS = (
    "topic", "site", "category", "action", "label", "value", "time", "received", "id", "receipt_high", "receipt_low",
    "receipt_index", "user", "session", "url", "url_host", "referrer", "referrer_host", "utm_source", "browser", "os",
    "device", "bot", "ip", "language", "screen", "duration_ms", "bytes", "props",
)  # fmt: skip
"""Of an event: what a user sees of it, and its receipt."""
DAYS = {"from": "2020-01-01", "to": "2100-01-01"}
JSON = {"Content-Type": "application/json"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass
class Request:
    """One request to a collector. `repeats`: how many duplicates it makes where it was stored already."""

    path: str
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    repeats: int = 0

    def send(self, port: int) -> None:
        reply = ask(port, self.path, self.body, self.headers)
        if reply.status != self.status:
            raise RuntimeError(f"{self.path} {self.body!r}: {reply.status} {reply.body!r}")


def events(*given: dict[str, Any], **headers: str) -> Request:
    """Events as JSON; all that have ids make duplicates when they are sent again."""
    named = len(given) if "Idempotency-Key" in headers else sum("id" in event for event in given)
    return Request("/e", json.dumps(given), {**JSON, **headers}, repeats=named)


def view(number: int) -> dict[str, Any]:
    """One page view with most fields."""
    return {
        "id": f"view-{number}",
        "site": "shop.example",
        "time": f"2026-02-{1 + number % 3:02}T{number % 24:02}:07:00.25Z",
        "category": "h5",
        "action": "pv",
        "label": 80 + number % 5,
        "value": number % 2,
        "user": f"user-{number % 7}",
        "session": f"session-{number % 9}",
        "url": f"https://shop.example/p/{number}?utm_source=letter",
        "referrer": "https://search.example/?q=mill",
        "user_agent": FIREFOX,
        "ip": "198.51.100.77",
        "language": "de",
        "screen": "1280x800",
        "duration_ms": number + 0.5,
        "bytes": 100 * number,
        "props": '{"price": 1.10, "deep": {"list": [1, "zwei", null]}}',
        "unknown": f"joins props {number}",
    }


VIEWS = [view(number) for number in range(20)]
STORED = [
    events(*VIEWS[:12]),
    events(*VIEWS[9:]),
    events({"category": "plain"}, {"category": "plain"}),
    events({"category": "keyed"}, {"category": "keyed", "label": "two"}, **{"Idempotency-Key": "golden"}),
    events({"id": "dots", "category": "a.b", "action": "50%", "label": "é\u0000😀"}),
    events({"id": "call", "topic": "request", "category": "api", "action": "GET", "duration_ms": 12, "bytes": 3}),
    events({"topic": "log", "category": "app", "action": "error", "props": {"line": "it broke"}}),
    Request("/event.png?category=pixel&action=seen&id=pixel-1", headers={"User-Agent": FIREFOX}, repeats=1),
    Request("/order", "id=order-1&order_no=N-1&amount=12.50&paid=yes", repeats=1),
    Request("/order", "id=order-2&order_no=N-2&amount=-1&paid=yes"),
    Request("/order", "order_no=N-3&paid=no"),
    events({**VIEWS[0], "label": "another content"}),
    events({"category": "late", "time": "yesterday"}),
    Request("/e", "no event at all", JSON, status=400),
]
UNREAD = [
    events(*VIEWS[15:], *(view(number) for number in range(20, 24))),
    events({"category": "unread"}, {"category": "unread", "time": "tomorrow"}),
    Request("/order", "id=order-3&order_no=N-4&amount=3&paid=no", repeats=1),
]
NEVER_AGAIN = (STORED[9], STORED[11])
"""Their ids belong to rejects or to other events."""


def answers(server: Server) -> dict[str, Any]:
    """What a version must go on saying about the same data, as JSON gives it back."""
    total = server.drain()
    ledger = ("topic", "minute", "received", "stored", "duplicate", "rejected")
    reject = ("id", "received", "topic", "reason", "detail", "bytes")
    found = {
        "total": total,
        "ledger": sorted([row[name] for name in ledger] for row in server.api("ledger", limit="10000")["data"]),
        "rejects": sorted([row[name] for name in reject] for row in server.api("rejects", limit="10000")["data"]),
        "counts": _rows(server.api("counts", **DAYS, by="all", interval="total")),
        "days": _rows(server.api("counts", **DAYS, by="action", interval="day")),
        "events": server.events(", ".join(f"`{name}`" for name in COLUMNS)),
    }
    answer: dict[str, Any] = json.loads(json.dumps(found))
    return answer


def _rows(answer: dict[str, Any]) -> list[list[Any]]:
    return sorted([row["eventDate"], row["eventKey"], *row["eventData"].values()] for row in answer["data"])


def make(data: Path) -> None:
    """Stores some events in `data` and leaves others in the queue."""
    with Server(data, CONFIG) as server:
        for request in STORED:
            request.send(server.collect_port)
            server.drain()  # an insert for each, so that there are parts to be merged
        total = server.drain()
        if total["rejected"] != 5 or not total["duplicate"]:
            raise RuntimeError(f"not what was to be stored: {total}")
    words = [str(PROGRAM), "collect", "--data", str(data), "--config", str(data.with_suffix(".toml"))]
    with subprocess.Popen(
        [*words, "--collect", f"127.0.0.1:{server.collect_port}"], stdout=subprocess.DEVNULL
    ) as alone:
        try:
            until(lambda: ask(server.collect_port, "/ready").status == 200, "the collector's start")
            for request in UNREAD:
                request.send(server.collect_port)
        finally:
            alone.terminate()


def pack(data: Path, path: Path) -> None:
    """The directory as an archive that says nothing of the machine it was made on."""

    def cleaned(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if entry.name in LEFT_OUT:
            return None
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    for file in _files(data):
        if str(data.parent).encode() in file.read_bytes():
            raise RuntimeError(f"{file} names the folder it was made in")
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:xz", preset=9) as archive:
        for child in sorted(data.iterdir()):
            archive.add(child, child.name, filter=cleaned)
    if path.stat().st_size > LARGEST:
        raise RuntimeError(f"{path} has {path.stat().st_size} bytes")


def _files(data: Path) -> Iterable[Path]:
    kept = (path for path in data.rglob("*") if path.relative_to(data).parts[0] not in LEFT_OUT)
    return (path for path in kept if path.is_file() and not path.is_symlink())


def main() -> int:
    archive, expected = FOLDER / f"{__version__}.tar.xz", FOLDER / f"{__version__}.json"
    with tempfile.TemporaryDirectory(prefix="eventmill-golden-") as folder:
        data = Path(folder) / "data"
        make(data)
        pack(data, archive)
        with Server(data, CONFIG) as server:
            said = answers(server)
    again = [request for request in (*STORED, *UNREAD) if request.repeats and request not in NEVER_AGAIN]
    content = {"version": __version__, "config": CONFIG, "again": [asdict(request) for request in again], **said}
    # One row a line: what has changed can be read in a diff.
    expected.write_text(_lines(content), encoding="utf-8")
    print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size} bytes; {said['total']}")
    return 0


def _lines(content: dict[str, Any]) -> str:
    parts = []
    for name, value in content.items():
        rows = isinstance(value, list)
        text = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if rows else json.dumps(value)
        parts.append(f"{json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
