"""What may be asked: parameters and their rules. All that is wrong is a `RequestError` that says what is right."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from eventmill.event import KEY_PARTS
from eventmill.query.conditions import columns
from eventmill.query.dimensions import DAILY, KEPT
from eventmill.query.errors import RequestError
from eventmill.query.filters import Condition, parse_conditions
from eventmill.settings import Product

__all__ = [
    "DEPTH", "FILTERS", "FIRST_DAY", "LAST_DAY", "Filter", "Range", "RequestError", "known", "of_hours",
    "parse_choice", "parse_compare", "parse_filter", "parse_number", "parse_range", "parse_tz",
]  # fmt: skip
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2148, 12, 31)
"""Days that the store's `Date` can hold, a day of margin for time zones. A request may name days outside."""
DEPTH = {part: depth for depth, part in enumerate(KEY_PARTS, 1)}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.0{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_SAID = "write YYYY-MM-DD such as 2026-11-20"


class Range(msgspec.Struct, frozen=True):
    """Whole days of a zone, both ends included; or whole hours, and the days that they touch."""

    first: date
    last: date
    tz: str
    hours: tuple[int, int] | None = None
    """[since, until) in s since the epoch, where not all of the first and the last day is meant."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.tz)


class Filter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which events count: equal in every field that is given, and all conditions hold. `parts` are of the key, by
    name: a prefix, which answers name. SQL is made of it by `select.matching` and nowhere else."""

    topic: str | None = None
    site: str | None = None
    parts: dict[str, str] = {}
    bot: bool | None = None
    conditions: tuple[Condition, ...] = ()
    products: tuple[Product, ...] = ()
    """The configured ones, where a condition asks for them."""

    @property
    def coarse(self) -> bool:
        """Whether all that it asks for beside the parts stands in the projections."""
        return self.bot is None and columns(self.conditions) <= DAILY

    @property
    def kept(self) -> bool:
        """Whether `daily` has all that it asks for, so that expired days can be filtered too."""
        return self.bot is None and columns(self.conditions) <= KEPT

    @property
    def depth(self) -> int:
        """How deep into the key the filter reaches: 0 for none, 4 for `value`."""
        return max((DEPTH[name] for name in self.parts), default=0)


FILTERS = ("topic", "site", *KEY_PARTS, "bot", "filters")


def known(params: Mapping[str, str], allowed: Iterable[str]) -> None:
    """Refuses parameters that mean nothing here: a typing error must not silently count everything."""
    names = [*allowed]
    for name in params:
        if name not in names:
            raise RequestError(f"unknown parameter {name!r}; known are {', '.join(names)}")


def parse_range(params: Mapping[str, str], default_tz: str, *, hours: bool = True) -> Range:
    """`from`, `to` (YYYY-MM-DD, or YYYY-MM-DDTHH:00 where `hours` may be given; inclusive) and `tz` (IANA name)."""
    tz = parse_tz(params, default_tz)
    first, last = (_moment(params, name, ZoneInfo(tz), hours) for name in ("from", "to"))
    if isinstance(first, datetime) or isinstance(last, datetime):
        since, until = _second(first, ZoneInfo(tz), 0), _second(last, ZoneInfo(tz), 1)
        if since >= until:
            raise RequestError(f"from ({params['from']}) is after to ({params['to']})")
        days = [each.date() if isinstance(each, datetime) else each for each in (first, last)]
        return Range(days[0], days[1], tz, (since, until))
    if first > last:
        raise RequestError(f"from ({first}) is after to ({last})")
    return Range(first, last, tz)


def of_hours(since: int, until: int, tz: str) -> Range:
    """The range of [since, until), in s since the epoch."""
    first, last = (datetime.fromtimestamp(second, ZoneInfo(tz)).date() for second in (since, until - 1))
    return Range(first, last, tz, (since, until))


def parse_tz(params: Mapping[str, str], default: str) -> str:
    """An IANA name. Raises `RequestError`."""
    name = params.get("tz") or default
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise RequestError(f"unknown tz {name!r}; write an IANA name such as Europe/Berlin") from error
    return name


def parse_filter(params: Mapping[str, str], products: Sequence[Product] = ()) -> Filter:
    """The fields of `FILTERS`; one that is given empty counts as not given. `products` are the configured ones."""
    conditions = parse_conditions(params.get("filters") or "")
    bot = params.get("bot") or None
    if bot not in (None, "true", "false", "1", "0"):
        raise RequestError(f"bot is true or false, not {bot!r}")
    return Filter(
        topic=params.get("topic") or None,
        site=params.get("site") or None,
        parts={name: params[name] for name in KEY_PARTS if params.get(name)},
        bot=None if bot is None else bot in ("true", "1"),
        conditions=conditions,
        products=tuple(products) if any(each.field == "product" for each in conditions) else (),
    )


def parse_compare(params: Mapping[str, str]) -> bool:
    """Whether the period before is asked for, too: `compare=previous`."""
    return parse_choice(params, "compare", ("", "previous"), "") == "previous"


def parse_choice(params: Mapping[str, str], name: str, choices: Iterable[str], default: str) -> str:
    """One of the choices."""
    value = params.get(name) or default
    options = [*choices]
    if value not in options:
        raise RequestError(f"unknown {name} {value!r}; one of {', '.join(o for o in options if o)}")
    return value


def parse_number(params: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number within its bounds."""
    text = params.get(name) or str(default)
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or not least <= int(text) <= most:
        raise RequestError(f"{name} is a whole number from {least} to {most}, not {text!r}")
    return int(text)


def _moment(params: Mapping[str, str], name: str, zone: ZoneInfo, hours: bool) -> date | datetime:
    """A day, or where an hour of the zone begins."""
    text = params.get(name) or ""
    if not text:
        raise RequestError(f"{name} is missing: a date such as 2026-11-20")
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if not _HOUR.fullmatch(text):
            raise ValueError(text)
        given = datetime.fromisoformat(text)
        local = given.astimezone(zone) if given.tzinfo else given.replace(tzinfo=zone)
    except (ValueError, OverflowError) as error:
        also = ", or an hour such as 2026-11-20T13:00" if hours else ""
        raise RequestError(f"{name} is no date: {text!r}; {_SAID}{also}") from error
    if not hours:
        raise RequestError(f"{name} has an hour ({text!r}), and this counts whole days: {_SAID}")
    if local.minute or local.second:
        raise RequestError(f"{name} is no whole hour of {zone.key}: {text!r}; write {local:%Y-%m-%dT%H}:00")
    # What has an offset is one moment; a clock's time in autumn may be two, and both of them are meant.
    return local if given.tzinfo else local.replace(fold=int(name == "to"))


def _second(moment: date | datetime, zone: ZoneInfo, after: int) -> int:
    """Where the day or hour begins, or the next one (`after` is 1), in s since the epoch."""
    if isinstance(moment, datetime):
        return int(moment.timestamp()) + 3600 * after
    try:
        day = moment + timedelta(days=after)
    except OverflowError:
        day = moment
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
