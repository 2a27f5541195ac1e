"""Entry and exit pages: equal to a plain reference; steps of the same ms in order of receipt."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from eventmill.query import pages, walks
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests import behaviour_reference as plain
from tests.days_over import thrice
from tests.stored_events import Row, frame, row

FIRST, LAST = date(2026, 3, 27), date(2026, 4, 5)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return plain.walk(11, 4000, datetime(2026, 3, 24, tzinfo=UTC), datetime(2026, 4, 8, tzinfo=UTC))


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("Europe/Berlin")
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


def ask(store: Store, **params: str) -> list[tuple[str, int, int, float]]:
    params = {"from": FIRST.isoformat(), "to": LAST.isoformat(), "limit": "1000", **params}
    request = pages.parse(params, "UTC")
    found = thrice(store, lambda closed: pages.pages(store, request, closed)).data
    return [(row.value, row.sessions, row.bounces, row.share) for row in found]


def expected(rows: list[Row], kind: str, zone: str) -> list[tuple[str, int, int, float]]:
    walked = [[plain.page(e) for e in visit if plain.is_view(e)]
              for visit in plain.begun(plain.visits(rows), zone, FIRST, LAST)]  # fmt: skip
    walked = [walk for walk in walked if walk]
    at = 0 if kind == "entry" else -1
    sessions, bounces = Counter(walk[at] for walk in walked), Counter(walk[at] for walk in walked if len(walk) == 1)
    ranked = sorted(sessions.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(page, count, bounces[page], count / len(walked)) for page, count in ranked]


@pytest.mark.parametrize("few", [20_000, 3, 0])
@pytest.mark.parametrize("kind", pages.KINDS)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
def test_against_a_reference(
    store: Store, rows: list[Row], zone: str, kind: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "_FEW", few)
    wanted = expected(rows, kind, zone)
    assert ask(store, kind=kind, tz=zone) == wanted
    assert ask(store, kind=kind, tz=zone, limit="3") == wanted[:3]
    assert len(wanted) > 5


def test_filters(store: Store, rows: list[Row]) -> None:
    wanted = expected([e for e in rows if e["site"] == "shop" and e["browser"] == "Chrome"], "entry", "UTC")
    assert ask(store, site="shop", filters='[["is","browser","Chrome"]]') == wanted


def test_nothing(store: Store) -> None:
    assert ask(store, **{"from": "1900-01-01", "to": "1900-01-02"}) == []
    assert ask(store, site="nowhere") == []


def test_the_receipt_orders_what_came_in_one_ms(opened: Callable[..., Store]) -> None:
    store = opened("UTC")
    at = datetime(2026, 3, 28, tzinfo=UTC)
    paths = [f"/{n}" for n in range(20)]
    rows = [row(at, action="pv", url=f"https://a.example{path}", receipt_high=7, receipt_index=n)
            for n, path in enumerate(paths)]  # fmt: skip
    store.insert("events", frame(rows[::-1]))
    assert ask(store, kind="entry") == [("/0", 1, 0, 1.0)]
    assert ask(store, kind="exit") == [("/19", 1, 0, 1.0)]


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(RequestError, match="unknown kind"):
        pages.parse({"from": "2026-11-20", "to": "2026-11-20", "kind": "middle"}, "UTC")
