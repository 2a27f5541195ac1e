"""Counts against a plain reference: every prefix, every interval, days of zones with daylight saving."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from eventmill.event import KEY_PARTS, key_text
from eventmill.query import counts
from eventmill.query.source import Store
from tests.stored_events import Row, frame, local, row, scattered, tally

FIRST, LAST = date(2026, 3, 20), date(2026, 11, 10)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "America/Havana", "Australia/Lord_Howe")
Opened = Callable[..., Store]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Some over the whole time, many around changes of the clocks."""
    wide = scattered(1, 3000, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    spring = scattered(2, 1500, datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC))
    autumn = scattered(3, 1500, datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC))
    return [*wide, *spring, *autumn]


@pytest.fixture(scope="module")
def store(opened: Opened, rows: list[Row]) -> Store:
    made = opened("Europe/Berlin")
    made.insert("events", frame(rows))
    return made


def ask(store: Store, **params: str) -> dict[tuple[str, str], tuple[int, int | None]]:
    given = {"from": FIRST.isoformat(), "to": LAST.isoformat(), **params}
    answer = counts.counts(store, counts.parse(given, "Europe/Berlin"), "Europe/Berlin")
    assert answer.next is None
    keys = [(item.eventDate, item.eventKey) for item in answer.data]
    assert len(set(keys)) == len(keys)
    return {key: (item.eventData.pv, item.eventData.uv) for key, item in zip(keys, answer.data, strict=True)}


def chosen(rows: list[Row], zone: str, **equal: str) -> list[Row]:
    return [
        event for event in rows
        if FIRST <= local(event, zone).date() <= LAST and all(event[name] == value for name, value in equal.items())
    ]  # fmt: skip


def key(event: Row, depth: int) -> str:
    return key_text(*(event[part] for part in KEY_PARTS[:depth]))


@pytest.mark.parametrize("zone", ZONES)
def test_days_of_a_zone(store: Store, rows: list[Row], zone: str) -> None:
    expected = tally(((local(e, zone).date().isoformat(), ""), e) for e in chosen(rows, zone))
    assert ask(store, tz=zone) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_days_of_a_key_deep_and_shallow(store: Store, rows: list[Row], zone: str) -> None:
    for depth in (1, 2, 3, 4):
        prefix = dict(zip(KEY_PARTS[:depth], ("h5", "pv", "85", "41"), strict=False))
        events = chosen(rows, zone, **prefix)
        expected = tally(((local(e, zone).date().isoformat(), key(e, depth)), e) for e in events)
        assert ask(store, tz=zone, **prefix) == expected
        views = {at: (pv, None) for at, (pv, _) in expected.items()}
        assert ask(store, tz=zone, metrics="pv", **prefix) == views


@pytest.mark.parametrize("zone", ZONES)
def test_hours_of_a_zone(store: Store, rows: list[Row], zone: str) -> None:
    events = chosen(rows, zone, category="h5")
    hours = ((local(e, zone).replace(minute=0, second=0, microsecond=0).isoformat(), "h5") for e in events)
    expected = tally(zip(hours, events, strict=True))
    found = ask(store, tz=zone, interval="hour", category="h5")
    if zone == "Australia/Lord_Howe":  # its clocks change by half an hour, so hours of these two days are cut elsewhere
        assert sum(pv for pv, _ in found.values()) == len(events)
        assert {at[:10] for at, _ in {*found} ^ {*expected}} <= {"2026-04-05", "2026-10-04"}
    else:
        assert found == expected
    views = ask(store, tz=zone, interval="hour", category="h5", metrics="pv")
    assert {at: pv for at, (pv, _) in views.items()} == {at: pv for at, (pv, _) in found.items()}


@pytest.mark.parametrize("by", KEY_PARTS)
@pytest.mark.parametrize("prefix", [{}, {"category": "h5"}, {"category": "a.b", "action": "pv"}])
def test_one_row_for_each_key_of_a_depth(store: Store, rows: list[Row], by: str, prefix: dict[str, str]) -> None:
    depth = KEY_PARTS.index(by) + 1
    if depth < len(prefix):
        with pytest.raises(counts.RequestError, match="above the given"):
            ask(store, by=by, **prefix)
        return
    events = [e for e in chosen(rows, "Europe/Berlin", **prefix) if e[by]]
    expected = tally((("2026-03-20", key(e, depth)), e) for e in events)
    assert ask(store, by=by, interval="total", **prefix) == expected


def test_all_is_every_prefix(store: Store, rows: list[Row]) -> None:
    events = chosen(rows, "Europe/Berlin", category="h5")
    depths = [(depth, e) for e in events for depth in range(1, 5) if depth == 1 or e[KEY_PARTS[depth - 1]]]
    expected = tally((("2026-03-20", key(e, depth)), e) for depth, e in depths)
    assert ask(store, by="all", interval="total", category="h5") == expected
    assert ("2026-03-20", "") in ask(store, by="all", interval="total")


def test_filters(store: Store, rows: list[Row]) -> None:
    events = chosen(rows, "Europe/Berlin", site="shop", topic="request")
    assert ask(store, interval="total", site="shop", topic="request") == tally((("2026-03-20", ""), e) for e in events)
    bots = [e for e in events if e["bot"]]
    found = ask(store, interval="total", site="shop", topic="request", bot="true")
    assert found == tally((("2026-03-20", ""), e) for e in bots)
    labels = chosen(rows, "Europe/Berlin", label="85")
    assert ask(store, interval="total", label="85") == tally((("2026-03-20", key(e, 3)), e) for e in labels)


def test_the_example_of_the_interface(opened: Opened) -> None:
    made = opened("UTC")
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    views = [("41", 30), ("42", 20), ("43", 50)]
    sent = [(value, f"{value}-{n % 20}") for value, count in views for n in range(count)]
    made.insert("events", frame(row(at, action="pv", label="85", value=value, user=user) for value, user in sent))
    params = {"from": "2026-11-20", "to": "2026-11-20", "by": "all"}
    answer = counts.counts(made, counts.parse(params, "UTC"), "UTC")
    assert [(i.eventKey, i.eventData.pv, i.eventData.uv) for i in answer.data] == [
        ("", 100, 60), ("h5", 100, 60), ("h5.pv", 100, 60), ("h5.pv.85", 100, 60),
        ("h5.pv.85.41", 30, 20), ("h5.pv.85.42", 20, 20), ("h5.pv.85.43", 50, 20),
    ]  # fmt: skip


def test_no_events_no_rows_and_no_limit_on_the_range(opened: Opened) -> None:
    made = opened("America/New_York")
    for first, last in (("0001-01-01", "9999-12-31"), ("0001-01-01", "0001-01-02"), ("2026-01-01", "2026-01-01")):
        for interval in ("day", "hour", "total"):
            for tz in ("America/New_York", "Asia/Shanghai"):
                params = {"from": first, "to": last, "interval": interval, "tz": tz, "by": "all"}
                assert counts.counts(made, counts.parse(params, "UTC"), "America/New_York").data == []
