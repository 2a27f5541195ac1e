"""Funnels: how many visitors did the first step, how many of them then the second, and so on, within a window.

A visitor has come to a step where there is one event for each step up to it, none of them twice, none before the one
of the step before, and all no later than `window` after the first; two events of one ms are in either order. This is
ClickHouse's `windowFunnel` in its mode `strict_once`. Other events in between do not matter. All steps are looked for
within the days that are asked for, on all sites together unless `site` says which.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from eventmill.query.model import FILTERS, Filter, Range, RequestError, known, parse_filter, parse_range
from eventmill.query.select import matching
from eventmill.query.source import Store
from eventmill.query.spans import empty
from eventmill.query.statements import statement
from eventmill.query.visits import by_people, names_topic, of_visitors, within
from eventmill.settings import Product

PARAMETERS = ("from", "to", *FILTERS, "steps", "window", "tz")
MIN_STEPS, MAX_STEPS, MAX_NAME = 2, 10, 200
_LONGEST = 100_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MAX_WINDOW_S = 366 * 86_400
_EXAMPLE = '[{"name":"seen","filters":[["is","action","pv"]]},{"name":"bought","filters":[["is","action","buy"]]}]'


class FunnelStep(msgspec.Struct, frozen=True):
    """An event that the filter lets through."""

    name: str
    filter: Filter


class FunnelRequest(msgspec.Struct, frozen=True):
    """`window_s` from the first step's event to the last one's, inclusive."""

    days: Range
    filter: Filter
    steps: tuple[FunnelStep, ...]
    window_s: int = 86_400


class Reached(msgspec.Struct):
    """Visitors that came to a step; `share` of those of the first step, `step_share` of those of the step before, 0 to
    1; `drop` is how many of the step before did not come here."""

    name: str
    visitors: int
    share: float
    step_share: float
    drop: int


class Funnel(msgspec.Struct):
    """The answer, one row for each step."""

    data: list[Reached]
    window_s: int


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    filters: msgspec.Raw = msgspec.Raw(b"[]")


def parse(params: Mapping[str, str], default_tz: str, products: Sequence[Product] = ()) -> FunnelRequest:
    """The request of these parameters. Raises `RequestError`."""
    known(params, PARAMETERS)
    return FunnelRequest(
        days=parse_range(params, default_tz),
        filter=parse_filter(params, products),
        steps=parse_steps(params.get("steps") or "", products),
        window_s=parse_window(params.get("window") or "1d"),
    )


def parse_steps(text: str, products: Sequence[Product] = ()) -> tuple[FunnelStep, ...]:
    """The steps of this JSON text. Raises `RequestError`."""
    if not text:
        raise RequestError(f"steps is missing: a JSON list such as {_EXAMPLE}")
    if len(text) > _LONGEST:
        raise RequestError(f"steps is longer than {_LONGEST:,} characters")
    try:
        given = msgspec.json.decode(text, type=list[_Given])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise RequestError(f"steps is no list of steps such as {_EXAMPLE}: {error}") from error
    if not MIN_STEPS <= len(given) <= MAX_STEPS:
        raise RequestError(f"a funnel has from {MIN_STEPS} to {MAX_STEPS} steps, not {len(given)}")
    steps = []
    for number, step in enumerate(given, 1):
        if len(step.name) > MAX_NAME:
            raise RequestError(f"the name of step {number} has more than {MAX_NAME} characters")
        try:
            fits = parse_filter({"filters": bytes(step.filters).decode()}, products)
        except RequestError as error:
            raise RequestError(f"step {number}: {error}") from error
        steps.append(FunnelStep(step.name or f"step {number}", fits))
    return tuple(steps)


def parse_window(text: str) -> int:
    """`30m`, `1d`: seconds. Raises `RequestError`."""
    found = re.fullmatch(r"(\d{1,9})([smhdw])", text, re.ASCII)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 1 <= seconds <= _MAX_WINDOW_S:
        raise RequestError(f"window is a time up to 366d such as 30m, 12h or 7d, not {text!r}")
    return seconds


def funnel(store: Store, request: FunnelRequest) -> Funnel:
    """Raises what the store raises."""
    made = within(of_visitors(matching(request.filter)), request.days)
    made.params["window_ms"] = request.window_s * 1000
    steps = [_condition(step, number, request.filter, made.params) for number, step in enumerate(request.steps)]
    made.where.append(f"({' OR '.join(steps)})")
    sql = statement("funnel", steps=", ".join(steps), conditions=" AND ".join(made.where))
    rows = [] if empty(request.days) else store.query(sql, made.params)
    ended = {int(reached): int(count) for reached, count in rows}
    came = [sum(n for reached, n in ended.items() if reached > at) for at in range(len(steps))]
    data = []
    for step, visitors, before in zip(request.steps, came, [came[0], *came], strict=False):
        shares = (visitors / max(came[0], 1), visitors / max(before, 1))
        data.append(Reached(step.name, visitors, *shares, before - visitors))
    return Funnel(data, request.window_s)


def _condition(step: FunnelStep, number: int, whole: Filter, params: dict[str, Any]) -> str:
    """What an event of the step is, as one SQL condition. A step may name a topic for itself."""
    build = matching if names_topic(whole) else by_people
    made = build(step.filter, f"step{number}_")
    params |= made.params
    return f"({' AND '.join(made.where) or '1'})"
