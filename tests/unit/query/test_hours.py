"""Ranges of hours: the same figures as of whole days that have events in these hours alone."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from eventmill.query.ask import QUESTIONS, Sources
from eventmill.query.closed import ClosedDays
from eventmill.query.errors import RequestError
from eventmill.query.model import parse_range
from eventmill.query.source import Store
from tests.stored_events import frame
from tests.unit.query.queues import FakeQueue
from tests.unit.query.reference import PRODUCTS, varied

SPANS = {
    "UTC": ("2026-11-10T07:00", "2026-11-11T06:00"),
    "Europe/Berlin": ("2026-10-24T20:00", "2026-10-25T19:00"),  # clocks go back in between
    "Asia/Kolkata": ("2026-11-10T00:00:00+05:30", "2026-11-12"),
}
FUNNEL = '[{"filters":[["is","category","h5"]]},{"filters":[["is","category","web"]]}]'


def asked(zone: str) -> dict[str, str]:
    return dict(zip(("from", "to"), SPANS[zone], strict=True)) | {"tz": zone}


@pytest.fixture(scope="module")
def ask(opened: Callable[..., Store]) -> Callable[[str, Mapping[str, str]], Any]:
    """Events of the site `whole`, and of the sites that are called like zones those within the zone's hours."""
    store = opened("UTC")
    rows = varied(8, 6000, datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC))
    rows = [{**row, "site": "whole"} for row in rows]
    for zone in SPANS:
        since, until = parse_range(asked(zone), "UTC").hours or (0, 0)
        rows += [
            {**row, "site": zone} for row in rows if row["site"] == "whole" and since <= row["time"] / 1000 < until
        ]
    store.insert("events", frame(rows))
    closed = ClosedDays(store, "UTC", now=lambda: datetime(2026, 11, 20, tzinfo=UTC))
    closed.worth = 1
    sources = Sources(store, FakeQueue(), "UTC", dict, closed=closed, products=PRODUCTS)
    return lambda name, params: msgspec.to_builtins(QUESTIONS[name].ask(sources, params))


@pytest.mark.parametrize(("name", "more"), [
    ("counts", {"by": "all", "interval": "total"}), ("counts", {"by": "label"}), ("counts", {"interval": "hour"}),
    ("counts", {"metrics": "pv", "interval": "total"}),
    ("series", {"interval": "day"}), ("series", {"filters": '[["is","browser","Chrome"]]'}),
    ("top", {"dimension": "browser"}), ("top", {"dimension": "category"}), ("top", {"dimension": "props.plan"}),
    ("top", {"dimension": "page"}), ("products", {}), ("funnel", {"steps": FUNNEL, "window": "2h"}),
    ("requests", {"by": "status"}), ("requests", {"topic": "event"}),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("zone", SPANS)
def test_as_of_the_events_in_these_hours(ask: Callable[..., Any], zone: str, name: str, more: dict[str, str]) -> None:
    hours = asked(zone)
    days = hours | {"from": hours["from"][:10], "to": hours["to"][:10]}
    found = ask(name, {**hours, "site": "whole", **more})
    wanted = ask(name, {**days, "site": zone, **more})
    for rows in (found, wanted):
        for row in [*rows.get("data", ()), rows.get("total", {})]:
            row.pop("rate", None)  # a second of a range of another length
            if more.get("interval") == "total":
                row.pop("eventDate", None)
        rows.pop("series", None)
    assert wanted["data"]
    assert found == wanted


@pytest.mark.parametrize("zone", SPANS)
def test_a_series_by_the_hour_has_these_hours(ask: Callable[..., Any], zone: str) -> None:
    span = parse_range(asked(zone), "UTC")
    since, until = span.hours or (0, 0)
    for name in ("series", "sessions"):
        more = {"interval": "hour", "tz": zone, "site": "whole"}
        found = ask(name, {**asked(zone), **more})["data"]
        wanted = {
            row["time"]: row for row in ask(name, {"from": str(span.first), "to": str(span.last), **more})["data"]
        }
        hours = [datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat() for at in range(since, until, 3600)]
        assert found == [wanted[hour] for hour in hours]
        assert len(found) == {"UTC": 24, "Europe/Berlin": 25, "Asia/Kolkata": 72}[zone]
    assert sum(row["sessions"] for row in found) > 0


def test_the_period_before_is_as_long(ask: Callable[..., Any]) -> None:
    params = {"from": "2026-11-10T07:00", "to": "2026-11-10T18:00", "site": "whole"}
    before = params | {"from": "2026-11-09T19:00", "to": "2026-11-10T06:00"}
    for name, more in (("summary", {}), ("series", {"interval": "hour"}), ("sessions", {"interval": "total"})):
        found = ask(name, {**params, **more, "compare": "previous"})
        wanted = ask(name, {**before, **more})
        assert found["before"] == wanted["total" if name == "sessions" else "data"]
    assert ask("sessions", {**params, "interval": "total"})["data"][0]["time"] == "2026-11-10T07:00:00+00:00"
    (whole,) = ask("counts", {**params, "interval": "total"})["data"]
    assert whole["eventDate"] == "2026-11-10T07:00:00+00:00"


def test_an_hour_of_autumn_is_both_of_its_kind() -> None:
    both = parse_range({"from": "2026-10-25T02:00", "to": "2026-10-25T02:00", "tz": "Europe/Berlin"}, "UTC")
    first = parse_range({"from": "2026-10-25T00:00Z", "to": "2026-10-25T00:00Z", "tz": "Europe/Berlin"}, "UTC")
    assert both.hours is not None
    assert first.hours is not None
    assert (both.hours[1] - both.hours[0], first.hours[1] - first.hours[0]) == (7200, 3600)
    assert both.hours[0] == first.hours[0]


@pytest.mark.parametrize("name", ["flows", "sessions/pages", "goals/report", "rejects", "ledger"])
def test_others_take_hours_too(ask: Callable[..., Any], name: str) -> None:
    params = {"from": "2026-11-10T07:00", "to": "2026-11-10T18:00"}
    assert ask(name, params) == ask(name, params | {"from": "2026-11-10T07:00:00.000Z"})


@pytest.mark.parametrize("name", ["flows", "sessions/pages"])
def test_walks_of_a_day_are_those_of_its_hours(ask: Callable[..., Any], name: str) -> None:
    """Sessions that begin in the two halves of a day are those of the day, whether its walks are kept or not."""
    key = "sessions"
    for _ in range(2):
        day, early, late = (
            ask(name, {"from": f"2026-11-10{first}", "to": f"2026-11-10{last}", "site": "whole", "limit": "1000"})
            for first, last in (("", ""), ("T00:00", "T10:00"), ("T11:00", "T23:00"))
        )
        if name == "flows":
            assert day[key] == early[key] + late[key] > early[key] > 0
        else:
            parts: Counter[str] = Counter()
            for row in (*early["data"], *late["data"]):
                parts[row["value"]] += row[key]
            assert early["data"]
            assert {row["value"]: row[key] for row in day["data"]} == parts


def test_retention_says_that_it_counts_days(ask: Callable[..., Any]) -> None:
    with pytest.raises(RequestError, match="counts whole days: write YYYY-MM-DD"):
        ask("retention", {"from": "2026-11-10T07:00", "to": "2026-11-12"})


@pytest.mark.parametrize("first", ["0001-01-01T00:00", "9999-12-31T00:00", "1970-01-01T00:00", "2200-01-01T05:00"])
def test_hours_that_no_store_holds(ask: Callable[..., Any], first: str) -> None:
    params = {"from": first, "to": f"{first[:10]}T23:00", "compare": "previous", "site": "whole"}
    assert ask("summary", params)["data"]["views"] == 0
    assert not any(row["pv"] for row in ask("series", {**params, "interval": "hour"})["data"])
