"""Goals against a plain count in Python over the same events."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from eventmill.query import goals
from eventmill.query.errors import RequestError
from eventmill.registry.base import Goal
from eventmill.store import retention
from eventmill.store.clickhouse import ClickHouseStore
from tests.stored_events import Row, frame, local, scattered

Opened = Callable[..., ClickHouseStore]
ZONE = "Europe/Berlin"
FIRST, END = datetime(2026, 11, 14, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)
ASKED = {"from": "2026-11-14", "to": "2026-11-21"}


def goal(name: str, conditions: list[Any], site: str = "") -> Goal:
    return Goal(1, name, site, goals.checked_goal(conditions), "")


GOALS: list[tuple[Goal, Callable[[Row], bool]]] = [
    (goal("bought", [["is", "key", "h5.pv.85"]]),
     lambda e: (e["category"], e["action"], e["label"], e["value"]) == ("h5", "pv", "85", "")),
    (goal("any click", [["is", "action", "click"]]), lambda e: e["action"] == "click"),
    (goal("page", [["starts_with", "page", "/item/"]]), lambda e: e["path"].startswith("/item/")),
    (goal("of the shop", [["is", "category", "web"]], site="shop"),
     lambda e: e["category"] == "web" and e["site"] == "shop"),
    (goal("never", [["is", "browser", "Netscape"]]), lambda e: False),
]  # fmt: skip


@pytest.fixture(scope="module")
def events() -> list[Row]:
    rows = scattered(5, 3000, FIRST, END)
    for number, event in enumerate(rows):
        event["path"] = ("/item/1", "/item/2", "/", "/cart")[number % 4]
        event["url"] = f"https://shop.example{event['path']}?n={number}"
    return rows


@pytest.fixture(scope="module")
def store(opened: Opened, events: list[Row]) -> ClickHouseStore:
    made = opened(ZONE)
    made.insert("events", frame([{n: v for n, v in event.items() if n != "path"} for event in events]))
    return made


def visitors_of(events: Iterable[Row]) -> set[str]:
    """An event that names nobody is no visitor's."""
    return {event["user"] for event in events} - {""}


def expected(events: list[Row], saved: Goal, reached: Callable[[Row], bool]) -> dict[str, Any]:
    base = [event for event in events if saved.site in ("", event["site"])]
    done = [event for event in base if reached(event)]
    days = []
    for number in range(8):
        day = (FIRST + timedelta(days=number)).date()
        whole = visitors_of(event for event in base if local(event, ZONE).date() == day)
        hits = [event for event in done if local(event, ZONE).date() == day]
        days.append(
            {"time": day.isoformat(), "visitors": len(visitors_of(hits)), "conversions": len(hits),
             "rate": len(visitors_of(hits)) / len(whole) if whole else 0.0}
        )  # fmt: skip
    visitors, of = visitors_of(done), visitors_of(base)
    return {
        "name": saved.name, "visitors": len(visitors), "conversions": len(done), "rate": len(visitors) / len(of),
        "of": len(of), "series": days,
    }  # fmt: skip


def asked(store: ClickHouseStore, **params: str) -> list[dict[str, Any]]:
    found = goals.report(store, goals.parse({**ASKED, **params}, ZONE), [saved for saved, _ in GOALS], ZONE)
    return msgspec.to_builtins(found)["data"]


def test_every_goal_against_a_plain_count(store: ClickHouseStore, events: list[Row]) -> None:
    assert asked(store) == [expected(events, *each) for each in GOALS]


def test_filters_narrow_visitors_and_conversions(store: ClickHouseStore, events: list[Row]) -> None:
    chrome = [event for event in events if event["browser"] == "Chrome"]
    assert asked(store, filters='[["is","browser","Chrome"]]') == [expected(chrome, *each) for each in GOALS]


def test_a_site_has_its_goals_and_those_of_all_sites(store: ClickHouseStore, events: list[Row]) -> None:
    blog = [event for event in events if event["site"] == "blog"]
    rows = asked(store, site="blog")
    assert [row["name"] for row in rows] == ["bought", "any click", "page", "never"]
    assert rows == [expected(blog, *each) for each in GOALS if not each[0].site]
    assert [row["name"] for row in asked(store, site="shop")] == [saved.name for saved, _ in GOALS]


def test_expired_days_still_have_their_goals_by_key(store: ClickHouseStore, events: list[Row]) -> None:
    before = asked(store)
    retention.expire(store, 3 * 86_400_000, int(END.timestamp() * 1000), ZONE)
    after = asked(store)
    assert store.query("SELECT count() FROM events")[0][0] < len(events)
    for name in ("bought", "any click", "of the shop"):
        assert [row for row in after if row["name"] == name] == [row for row in before if row["name"] == name]


@pytest.mark.parametrize(
    "wrong", [[], "", "[]", [["is", "nothing", "x"]], [["like", "page", "x"]], {"a": 1}, "x", None]
)
def test_a_goal_needs_conditions_that_can_be_asked(wrong: Any) -> None:
    with pytest.raises(RequestError):
        goals.checked_goal(wrong)


@pytest.mark.parametrize("params", [{}, {"from": "x", "to": "y"}, {**ASKED, "interval": "day"}, {**ASKED, "tz": "No"}])
def test_wrong_questions(params: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        goals.parse(params, ZONE)


def test_days_outside_what_the_store_holds(store: ClickHouseStore) -> None:
    request = goals.parse({"from": "1900-01-01", "to": "1900-01-02"}, ZONE)
    assert goals.report(store, request, [GOALS[0][0]], ZONE).data == []
