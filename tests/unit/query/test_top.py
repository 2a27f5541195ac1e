"""Rankings by pages, search and comparison, against a plain count."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from eventmill.query import top
from eventmill.query.closed import ClosedDays
from eventmill.query.model import RequestError
from eventmill.query.source import Store
from tests.stored_events import Row, frame, row, tally
from tests.unit.query.reference import PRODUCTS, has, text_of, varied

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 11), date(2026, 11, 20)
RANGE = {"from": FIRST.isoformat(), "to": LAST.isoformat()}
DIMENSIONS = (
    "browser",
    "page",
    "key",
    "props.plan",
    "category",
    "action",
    "label",
    "product",
    "route",
    "user",
    "bytes",
)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return varied(11, 3000, datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture(scope="module")
def store(opened: Callable[..., Store], rows: list[Row]) -> Store:
    made = opened("UTC")
    for part in range(3):
        made.insert("events", frame(rows[part::3]))
    return made


@pytest.fixture(scope="module", params=["events", "closed days"])
def closed(request: pytest.FixtureRequest, store: Store) -> ClosedDays | None:
    if request.param == "events":
        return None
    made = ClosedDays(store, "UTC", now=lambda: NOW)
    made.worth = 1
    for dimension in DIMENSIONS:
        ask(store, dimension, made, compare="previous")
    made.work()
    return made


def ask(store: Store, dimension: str, closed: ClosedDays | None, **params: str) -> top.Top:
    request = top.parse({**RANGE, "dimension": dimension, **params}, "UTC", PRODUCTS)
    return top.top(store, request, "UTC", closed)


def plainly(rows: list[Row], dimension: str, first: date = FIRST, last: date = LAST) -> list[tuple[str, int, int]]:
    chosen = (e for e in rows if first <= datetime.fromtimestamp(e["time"] / 1000, UTC).date() <= last)
    found = tally((text_of(e, dimension), e) for e in chosen if has(e, dimension))
    return sorted(((value, pv, uv) for value, (pv, uv) in found.items()), key=lambda each: (-each[1], each[0]))


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_pages_of_a_ranking(store: Store, rows: list[Row], closed: ClosedDays | None, dimension: str) -> None:
    expected = plainly(rows, dimension)
    views = sum(pv for _, pv, _ in plainly(rows, "site"))
    shown: list[tuple[str, int, int]] = []
    while page := ask(store, dimension, closed, limit="3", offset=str(len(shown))):
        if not page.data:
            assert page.total == top.Total(views)
            break
        shown += [(each.value, each.pv, each.uv) for each in page.data]
        assert page.total == top.Total(views, len(expected))
        assert all(each.share == each.pv / views and each.before is None for each in page.data)
    assert shown == expected


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_period_before(store: Store, rows: list[Row], closed: ClosedDays | None, dimension: str) -> None:
    before = {value: (pv, uv) for value, pv, uv in plainly(rows, dimension, date(2026, 11, 1), date(2026, 11, 10))}
    answer = ask(store, dimension, closed, compare="previous", limit="1000")
    assert answer.data
    for each in answer.data:
        assert each.before is not None
        assert (each.before.pv, each.before.uv) == before.get(each.value, (0, 0)), each.value


@pytest.mark.parametrize(("dimension", "search"), [
    ("page", "ITEM"), ("browser", "cHr"), ("category", "H5"), ("props.plan", "o"), ("key", "."), ("label", "8"),
    ("product", "zzz"), ("screen", "%"), ("screen", "'"), ("screen", "日"),
])  # fmt: skip
def test_search(store: Store, rows: list[Row], closed: ClosedDays | None, dimension: str, search: str) -> None:
    expected = [each for each in plainly(rows, dimension) if search.lower() in each[0].lower()]
    answer = ask(store, dimension, closed, search=search, limit="1000")
    assert [(each.value, each.pv, each.uv) for each in answer.data] == expected
    assert answer.total.values == len(expected)
    assert answer.total.pv == sum(pv for _, pv, _ in plainly(rows, "site"))


def test_a_value_that_is_new_has_zeros_before(store: Store) -> None:
    day = LAST + timedelta(days=30)
    store.insert("events", frame([row(datetime(day.year, day.month, day.day, tzinfo=UTC), browser="Lynx")]))
    params = {"from": day.isoformat(), "to": day.isoformat(), "compare": "previous"}
    (entry,) = ask(store, "browser", None, **params).data
    assert entry.before == top.Figures(0, 0)


def test_what_is_wrong_is_said() -> None:
    for change, said in (
        ({"compare": "next"}, "unknown compare"), ({"offset": "-1"}, "offset is a whole number"),
        ({"limit": "10001"}, "limit is"), ({"search": "x" * 9000}, "search has more"),
    ):  # fmt: skip
        with pytest.raises(RequestError, match=said):
            top.parse({**RANGE, "dimension": "browser", **change}, "UTC")


def test_no_days() -> None:
    request = top.parse({"from": "1800-01-01", "to": "1800-01-02", "dimension": "os", "compare": "previous"}, "UTC")
    assert top.top(None, request, "UTC") == top.Top([], top.Total(0, 0))  # type: ignore[arg-type]
