"""Four weeks of visits: who comes when, from where, and what they do there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from demo.world import AGENTS, BOTS, LANGUAGES, PRODUCTS, ROUTES, SITES, STATUSES, WAYS_IN, Site

Event = dict[str, Any]
DAYS = 28


@dataclass(frozen=True)
class Visitor:
    """Somebody, or a bot, who comes back with the same device."""

    fields: Event
    site: Site
    bot: bool


class Traffic:
    """Makes the events. The same seed and the same `now` make the same ones."""

    def __init__(self, seed: int, now: datetime) -> None:
        self._random = Random(seed)
        self._now = now
        self._visitors = {site.name: [self._visitor(site, n) for n in range(site.visitors)] for site in SITES}
        self._serial = 0
        self.sessions = 0

    def past(self, visits: int) -> Iterator[Event]:
        """All events of so many visits spread over the last days, with their times; not in their order."""
        for site in SITES:
            for at in self._arrivals(site, round(visits * site.share)):
                yield from self.visit(site, at)

    def requests(self, count: int) -> Iterator[Event]:
        """Request logs of the sites' servers."""
        routes, statuses = [route[:3] for route in ROUTES], [status for status, _ in STATUSES]
        for site in SITES:
            for at in self._arrivals(site, round(count * site.share)):
                method, route, usual = self._random.choices(routes, [route[3] for route in ROUTES])[0]
                status = self._random.choices(statuses, [weight for _, weight in STATUSES])[0]
                yield {
                    "topic": "request", "site": site.name, "time": at.isoformat(), "category": site.name,
                    "action": method, "label": route, "value": status,
                    "duration_ms": round(usual * self._random.lognormvariate(0, 0.6), 2),
                    "bytes": self._random.randrange(200, 40_000),
                }  # fmt: skip

    def arrivals(self, count: int) -> Iterator[datetime]:
        """So many moments of the last days, in the rhythm of the sites."""
        for site in SITES:
            yield from self._arrivals(site, round(count * site.share))

    def visit(self, site: Site, at: datetime) -> Iterator[Event]:
        """One visit: some pages, sometimes a click, sometimes an order."""
        visitor = self._who(site)
        referrer, query, _ = self._random.choices(WAYS_IN, [way[2] for way in WAYS_IN])[0]
        self.sessions += 1
        common = {**visitor.fields, "site": site.name, "session": f"s{self.sessions}"}
        for number, page in enumerate(self._walk(site)):
            url = f"https://{site.name}{page}"
            first = {"url": f"{url}?{query}" if query else url, "referrer": referrer} if number == 0 else {"url": url}
            section, _, slug = page.strip("/").partition("/")
            yield self._event(common, at, category="page", action="view", label=section or "home", value=slug, **first)
            at = min(at + timedelta(seconds=self._random.lognormvariate(3.2, 0.9)), self._now)
            if visitor.bot:
                continue
            if self._random.random() < 0.12:
                click = self._random.choice(site.clicks)
                yield self._event(
                    common, at, category="button", action="click", label=click, value=self._random.choice("01"), url=url
                )
            if page == "/checkout" and self._random.random() < 0.6:
                yield self._order(common, at, url)

    def _walk(self, site: Site) -> Iterator[str]:
        """The pages of a visit, in order."""
        page = ""
        for _ in range(20):
            follows = site.ways[page]
            page = self._random.choices(tuple(follows), tuple(follows.values()))[0]
            if not page:
                return
            yield page

    def _order(self, common: Event, at: datetime, url: str) -> Event:
        product = self._random.choice(tuple(PRODUCTS))
        number = self._random.choices((1, 2, 3), (70, 22, 8))[0]
        self._serial += 1
        return self._event(
            common, at, topic="order", category="order", action="paid", label=product, value=str(number), url=url,
            id=f"order-{self._serial}", order_id=f"o{self._serial:06d}", amount=round(number * PRODUCTS[product], 2),
            currency=self._random.choice(("EUR", "EUR", "USD", "CNY")),
        )  # fmt: skip

    def _event(self, common: Event, at: datetime, **fields: Any) -> Event:
        event = {**common, "time": at.isoformat(timespec="milliseconds"), **fields}
        return {name: value for name, value in event.items() if value != ""}

    def _visitor(self, site: Site, number: int) -> Visitor:
        if self._random.random() < 0.03:
            return Visitor({"user_agent": self._random.choice(BOTS), "user": f"bot-{number % 7}"}, site, bot=True)
        agent, screen, _ = self._random.choices(AGENTS, [agent[2] for agent in AGENTS])[0]
        language = self._random.choices([name for name, _ in LANGUAGES], [weight for _, weight in LANGUAGES])[0]
        fields = {"user": f"{site.name.partition('.')[0]}-{number}", "user_agent": agent, "screen": screen}
        return Visitor({**fields, "language": language}, site, bot=False)

    def _who(self, site: Site) -> Visitor:
        """A few come often, many once: the place in the list is drawn with a long tail."""
        known = self._visitors[site.name]
        return known[int(len(known) * self._random.random() ** 2.2)]

    def _arrivals(self, site: Site, count: int) -> Iterator[datetime]:
        """Times with the rhythm of day and week; none after now."""
        hour = (self._now - timedelta(days=DAYS)).replace(minute=0, second=0, microsecond=0)
        starts, weights = [], []
        while hour < self._now:
            weekend = site.weekend if hour.weekday() >= 5 else 1.0
            begun = min((self._now - hour) / timedelta(hours=1), 1.0)
            growth = 2.2 - 1.2 * ((self._now - hour) / timedelta(days=DAYS))  # the last week beats the one before
            starts.append((hour, begun))
            weights.append(site.hours[hour.hour] * weekend * begun * growth)
            hour += timedelta(hours=1)
        for start, begun in self._random.choices(starts, weights, k=count):
            yield start + timedelta(seconds=self._random.random() * 3600 * begun)


def key_example(now: datetime) -> list[Event]:
    """100 views of `h5.pv.85` over three channels: 41 thirty times, 42 twenty times, 43 fifty times."""
    events = []
    for channel, views, users in (("41", 30, 20), ("42", 20, 10), ("43", 50, 25)):
        for number in range(views):
            at = now - timedelta(minutes=number)
            events.append({
                "site": "shop.example", "time": at.isoformat(timespec="milliseconds"), "category": "h5",
                "action": "pv", "label": "85", "value": channel, "user": f"h5-{number % users}",
            })  # fmt: skip
    return events


def utc_now() -> datetime:
    return datetime.now(UTC)
