"""Sessions, flows, funnels and the rest computed plainly, event by event: what the statements must agree with."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from eventmill.event import key_text
from tests.stored_events import Row, local, row

MINUTE, DAY = 60_000, 86_400_000
Visit = list[Row]


def order(event: Row) -> tuple[int, ...]:
    """Time, then receipt."""
    return event["time"], event["receipt_high"], event["receipt_low"], event["receipt_index"]


def key(event: Row) -> str:
    return key_text(*(event[name] for name in ("category", "action", "label", "value")))


def page(event: Row) -> str:
    return (urlsplit(event["url"]).path or "/") if event["url"] else key(event)


def is_view(event: Row) -> bool:
    return event["action"] in ("", "pv", "view", "pageview")


def by_people(events: Iterable[Row], topic: str | None = None) -> list[Row]:
    return [e for e in events if (e["topic"] not in ("request", "log") if topic is None else e["topic"] == topic)]


def visits(events: Iterable[Row], topic: str | None = None) -> Iterator[Visit]:
    """Every session there is, each in order."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for event in by_people(events, topic):
        if event["user"]:
            groups[event["site"], event["user"], event["session"]].append(event)
    for (_, _, given), found in groups.items():
        open_visit: Visit = []
        for event in sorted(found, key=order):
            if open_visit and event["time"] - open_visit[-1]["time"] >= (DAY if given else 30 * MINUTE):
                yield [e for e in open_visit if e["time"] - open_visit[0]["time"] < DAY]
                open_visit = []
            open_visit.append(event)
        yield [e for e in open_visit if e["time"] - open_visit[0]["time"] < DAY]


def begun(found: Iterable[Visit], zone: str, first: date, last: date) -> list[Visit]:
    """Those whose first event is on one of the days."""
    return [visit for visit in found if first <= local(visit[0], zone).date() <= last]


def walk(seed: int, count: int, first: datetime, last: datetime) -> list[Row]:
    """Shuffled events of a few visitors in bursts: given sessions and none, ties in time, silences of exactly half an
    hour, visits over midnight, days without a pause, requests and events of nobody among them."""
    chance = random.Random(seed)
    begin, end = int(first.timestamp() * 1000), int(last.timestamp() * 1000)
    rows: list[Row] = []
    while len(rows) < count:
        at = chance.randrange(begin, end)
        user, site = chance.choice(["", *(f"u{n}" for n in range(12))]), chance.choice(["shop", "blog"])
        session = chance.choice(["", "", "s1", "s2"])
        for _ in range(chance.choice([1, 1, 2, 3, 5, 8, 60 if chance.random() < 0.1 else 2])):
            rows.append(
                row(
                    at, user=user, site=site, session=session if chance.random() < 0.9 else "",
                    topic=chance.choice(["event"] * 8 + ["request", "log", "order"]),
                    action=chance.choice(["pv", "pv", "pv", "", "view", "pageview", "click"]),
                    label=chance.choice(["a", "b", "c.d"]), value=chance.choice(["", "1", "500"]),
                    url=chance.choice(["", *(f"https://shop.example{at}" for at in ("", "/", "/a", "/b?q=1", "/c#x"))]),
                    browser=chance.choice(["Chrome", "Safari"]), bot=chance.random() < 0.05,
                    receipt_high=chance.randrange(1, 4) << 60, receipt_low=chance.randrange(1 << 63),
                    receipt_index=len(rows),
                )
            )  # fmt: skip
            at += chance.choice([0, 0, 1, 1000, 20_000, 29 * MINUTE, 30 * MINUTE - 1, 30 * MINUTE, 31 * MINUTE])
            if chance.random() < 0.02:
                at += chance.choice([DAY - 1, DAY, 5 * 60 * MINUTE])
    chance.shuffle(rows)
    return rows


def came_to(events: Iterable[Row], steps: Sequence[Callable[[Row], bool]], window_ms: int) -> int:
    """How far one visitor came: the longest chain of different events, each fitting its step, none before the one
    before, all within the window of the first."""
    ordered = sorted(events, key=order)

    def further(step: int, used: frozenset[int], at: int, begun: int) -> int:
        if step == len(steps):
            return step
        best = step
        for number, event in enumerate(ordered):
            fits = number not in used and steps[step](event)
            if fits and (not step or at <= event["time"] <= begun + window_ms):
                time = event["time"]
                best = max(best, further(step + 1, used | {number}, time, begun if step else time))
        return best

    return further(0, frozenset(), 0, 0)


def by_user(events: Iterable[Row]) -> dict[str, list[Row]]:
    """Events of each visitor."""
    found: dict[str, list[Row]] = defaultdict(list)
    for event in events:
        if event["user"]:
            found[event["user"]].append(event)
    return found


def period(day: date, interval: str) -> date:
    """The first day of the day's week or month."""
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[interval]


def cohorts(
    base: Iterable[Row], again: Iterable[Row], zone: str, interval: str
) -> dict[date, tuple[int, dict[date, int]]]:
    """For each period in which somebody was first seen: how many, and how many of them were there in which period."""
    first = {user: min(period(local(e, zone).date(), interval) for e in found) for user, found in by_user(base).items()}
    there = {user: {period(local(e, zone).date(), interval) for e in found} for user, found in by_user(again).items()}
    made: dict[date, tuple[int, dict[date, int]]] = {}
    for start in {*first.values()}:
        users = [user for user in first if first[user] == start]
        counted: dict[date, int] = defaultdict(int)
        for user in users:
            for at in there.get(user, ()):
                counted[at] += 1
        made[start] = len(users), counted
    return made
