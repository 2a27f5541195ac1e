"""What an alert watches, how it stands, and when somebody is told: the rules, without a clock, a store or a network.

An alert is ok or firing. One notice is due when it begins, one when it ends, and between the two one each `repeat`.
What cannot be measured changes nothing: a store that is away is no reason to say that all is well.
"""

import math
from typing import Any, Literal

import msgspec

from eventmill.query.filters import parse_conditions
from eventmill.query.model import Filter, RequestError
from eventmill.settings import SettingsError, duration

KINDS = ("threshold", "change", "silence", "pipeline")
STATISTICS = ("pv", "uv", "rejected", "requests", "errors", "error_rate", "p95_ms")
PIPELINE = ("lag_events", "lag_seconds", "unbalanced")
DAY_MS = 86_400_000
SHORTEST_MS, LONGEST_MS = 60_000, 31 * DAY_MS
LONGEST_REPEAT_MS = 366 * DAY_MS
Event = Literal["began", "repeats", "ended"]


class Spec(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is watched.

    - `threshold`: `statistic` of the last `window` is `above` or `below` a number.
    - `change`: it differs by `percent` or more (`direction` up, down or both) from the same window a week before;
      where that week had less than `least`, nothing is said.
    - `silence`: nothing was received for a `window`.
    - `pipeline`: `lag_events` or `lag_seconds` is above a number, or the ledger is `unbalanced`.

    `topic`, `site` and `filters` choose the events, as in statistics; `rejected` knows no more than the topic.
    """

    kind: str
    statistic: str = "pv"
    topic: str = ""
    site: str = ""
    filters: list[tuple[str, str, str | list[str]]] = []
    window: str = "1h"
    above: float | None = None
    below: float | None = None
    percent: float | None = None
    direction: str = "both"
    least: float = 10.0
    repeat: str = "6h"

    @property
    def window_ms(self) -> int:
        return duration(self.window)

    @property
    def repeat_ms(self) -> int:
        """0: never again."""
        return duration(self.repeat)

    @property
    def filter(self) -> Filter:
        """Raises RequestError."""
        text = msgspec.json.encode(self.filters).decode() if self.filters else ""
        conditions = parse_conditions(text)
        return Filter(topic=self.topic or None, site=self.site or None, conditions=conditions)


class Reading(msgspec.Struct, frozen=True):
    """What was measured: `value` (None: there is none to judge), and `before`, of the same window a week ago."""

    value: float | None
    before: float | None = None


class State(msgspec.Struct, omit_defaults=True):
    """How an alert stands, as it is kept. Times are ms since the epoch. `pending` is a notice that may not have
    arrived: a start after a stop sends it again."""

    firing: bool = False
    since: int = 0
    notified: int = 0
    value: float | None = None
    pending: str = ""


def checked(spec: Spec) -> Spec:
    """The spec. Raises RequestError, which says what is right."""
    _one_of("kind", spec.kind, KINDS)
    _length("window", spec.window, SHORTEST_MS, LONGEST_MS, "1m to 31d")
    if spec.repeat not in ("0", "0s"):
        _length("repeat", spec.repeat, SHORTEST_MS, LONGEST_REPEAT_MS, "0 (never) or 1m to 366d")
    for name in ("topic", "site"):
        text = getattr(spec, name)
        if len(text) > 255 or not text.isprintable():
            raise RequestError(f"{name} is a printable text of at most 255 characters")
    given = [n for n in ("above", "below", "percent") if (getattr(spec, n)) is not None]
    if any(not math.isfinite(getattr(spec, name)) for name in given):
        raise RequestError(f"{' and '.join(given)}: a number")
    spec.filter  # noqa: B018 - checks the conditions
    _CHECKS[spec.kind](spec, given)
    return spec


def _threshold(spec: Spec, given: list[str]) -> None:
    _one_of("statistic", spec.statistic, STATISTICS)
    if not given or "percent" in given:
        raise RequestError("a threshold needs above or below, a number: it fires when the statistic is past it")
    _only_topic(spec)


def _change(spec: Spec, given: list[str]) -> None:
    _one_of("statistic", spec.statistic, STATISTICS)
    _one_of("direction", spec.direction, ("up", "down", "both"))
    if given != ["percent"] or (spec.percent or 0) <= 0:
        raise RequestError("a change needs percent, above 0, and neither above nor below")
    if not (math.isfinite(spec.least) and spec.least >= 0):
        raise RequestError("least is a number from 0: a week before with less is not compared")
    _only_topic(spec)


def _silence(_: Spec, given: list[str]) -> None:
    if given:
        raise RequestError(f"silence has no {given[0]}: it fires when nothing came for a window")


def _pipeline(spec: Spec, given: list[str]) -> None:
    _one_of("statistic", spec.statistic, PIPELINE)
    if spec.statistic == "unbalanced":
        if given:
            raise RequestError(f"unbalanced has no {given[0]}: the ledger balances or it does not")
    elif given != ["above"]:
        raise RequestError(f"{spec.statistic} needs above, a number")
    if spec.site or spec.filters:
        raise RequestError("the pipeline is watched by topic, or whole: no site, no filters")


_CHECKS = {"threshold": _threshold, "change": _change, "silence": _silence, "pipeline": _pipeline}


def breached(spec: Spec, reading: Reading) -> bool | None:
    """Whether the alert's condition holds; None where there is nothing to judge."""
    value = reading.value
    if value is None:
        return None
    if spec.kind == "silence":
        return value == 0
    if spec.kind == "pipeline" and spec.statistic == "unbalanced":
        return value > 0
    if spec.kind == "change":
        change = changed(reading)
        if change is None or (reading.before or 0.0) < spec.least:
            return None
        percent = spec.percent or 0.0
        up, down = change >= percent, change <= -percent
        return {"up": up, "down": down}.get(spec.direction, up or down)
    over = spec.above is not None and value > spec.above
    return over or (spec.below is not None and value < spec.below)


def changed(reading: Reading) -> float | None:
    """Percent by which the value differs from the one before; None where there was nothing."""
    if reading.value is None or not reading.before:
        return None
    return (reading.value - reading.before) / reading.before * 100


def advance(state: State, holds: bool | None, now: int, repeat_ms: int) -> tuple[State, Event | None]:
    """The next state and the notice that is due now, if any. `holds` None leaves everything as it is."""
    if holds is None:
        return state, None
    if holds and not state.firing:
        return State(firing=True, since=now, notified=now), "began"
    if not holds and state.firing:
        return State(firing=False, since=now, notified=now), "ended"
    if state.firing and repeat_ms and now - state.notified >= repeat_ms:
        return State(firing=True, since=state.since, notified=now), "repeats"
    return state, None


def words(spec: Spec) -> str:
    """The condition as people say it: `pv of topic order in 1h is below 5`."""
    of = [f"{name} {value}" for name, value in (("topic", spec.topic), ("site", spec.site)) if value]
    of += [f"{f} {op.replace('_', ' ')} {v if isinstance(v, str) else ', '.join(v)}" for op, f, v in spec.filters]
    about = f" of {', '.join(of)}" if of else ""
    if spec.kind == "silence":
        return f"no event{about} for {spec.window}"
    if spec.kind == "pipeline":
        return f"{spec.statistic}{about}" + (f" is above {figure(spec.above)}" if spec.above is not None else "")
    if spec.kind == "change":
        sign = {"up": "+", "down": "-"}.get(spec.direction, "±")
        return (
            f"{spec.statistic}{about} in {spec.window} differs {sign}{figure(spec.percent or 0.0)} % from a week before"
        )
    limits = [f"{n} {figure(getattr(spec, n))}" for n in ("above", "below") if getattr(spec, n) is not None]
    return f"{spec.statistic}{about} in {spec.window} is {' or '.join(limits)}"


def figure(value: float) -> str:
    """A number as people read it: six digits that count, thousands apart."""
    return f"{float(f'{value:.6g}'):,.15g}"


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RequestError(f"unknown {name} {str(value)[:80]!r}; one of {', '.join(choices)}")


def _only_topic(spec: Spec) -> None:
    if spec.statistic == "rejected" and (spec.site or spec.filters):
        raise RequestError("rejected events are known by topic only: no site, no filters")


def _length(name: str, text: str, least: int, most: int, right: str) -> None:
    try:
        if least <= duration(text) <= most:
            return
    except (SettingsError, OverflowError):
        pass
    raise RequestError(f"{name} is a duration of {right}, such as 1h or 30m, not {text[:40]!r}")
