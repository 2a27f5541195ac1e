"""What an alert's statistic is now: one small question of the store or the queue each."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from eventmill.alerts.model import Reading, Spec
from eventmill.query import ledger
from eventmill.query.ask import Sources
from eventmill.query.model import Filter
from eventmill.query.select import UNIQUES, Statement, matching

_BETWEEN = ("time >= fromUnixTimestamp64Milli({since:Int64})", "time < fromUnixTimestamp64Milli({until:Int64})")
_RECEIVED = (
    "received >= fromUnixTimestamp64Milli({since:Int64})",
    "received < fromUnixTimestamp64Milli({until:Int64})",
)
_ERROR = "toUInt16OrZero(value) >= 500"
_EXPRESSIONS = {
    "pv": "count()",
    "uv": UNIQUES,
    "requests": "count()",
    "errors": f"countIf({_ERROR})",
    "error_rate": f"if(count() = 0, NULL, countIf({_ERROR}) / count())",
    "p95_ms": "if(count() = 0, NULL, quantile(0.95)(duration_ms))",
}
_OF_REQUESTS = ("requests", "errors", "error_rate", "p95_ms")
_LEDGER_MINUTES = 60 * 24


def measure(spec: Spec, sources: Sources, now: int, created: int) -> Reading:
    """The reading at `now` (ms since the epoch) of an alert made at `created`. Raises what the store raises."""
    if spec.kind == "pipeline":
        return _pipeline(spec, sources, now)
    window = spec.window_ms
    if spec.kind == "silence":
        return Reading(_received(spec, sources, now, created))
    value = _statistic(spec, sources, now - window, now)
    if spec.kind == "threshold":
        return Reading(value)
    last_week = week_before(now, sources.zone)
    return Reading(value, _statistic(spec, sources, last_week - window, last_week))


def week_before(now: int, zone: str) -> int:
    """The same time on the clocks of the zone seven days before, in ms since the epoch."""
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    moment = (local - timedelta(days=7)).replace(tzinfo=ZoneInfo(zone))
    return round(moment.timestamp() * 1000)


def _filter(spec: Spec, sources: Sources) -> Filter:
    return msgspec.structs.replace(spec.filter, products=tuple(sources.products))


def _statistic(spec: Spec, sources: Sources, since: int, until: int) -> float | None:
    """In the time of the events; what was refused has only a time of receipt."""
    if spec.statistic == "rejected":
        made = Statement([*_RECEIVED])
        if spec.topic:
            made.equal("topic", spec.topic)
        made.params |= {"since": since, "until": until}
        return float(sources.store.query(made.build(["count()"], [], "rejects"), made.params)[0][0])
    made = matching(_filter(spec, sources))
    made.where += _BETWEEN
    made.params |= {"since": since, "until": until}
    if spec.statistic in _OF_REQUESTS and not spec.topic:
        made.equal("topic", "request")
    value = sources.store.query(made.build([_EXPRESSIONS[spec.statistic]], []), made.params)[0][0]
    return None if value is None else float(value)


def _received(spec: Spec, sources: Sources, now: int, created: int) -> float | None:
    """How many of the window were received: 0 is silence. None: an alert younger than its window knows nothing, and
    where events wait to be stored, they may be the ones that are missed."""
    window = spec.window_ms
    made = matching(_filter(spec, sources))
    made.where += _RECEIVED
    made.params |= {"since": now - window, "until": now + 1}
    found = sources.store.query(made.build(["1"], [], tail="LIMIT 1"), made.params)
    if found:
        return 1.0
    if now - created < window:
        return None
    waiting = [row for row in sources.queue.lag(sources.groups()) if spec.topic in ("", row.topic)]
    return None if waiting else 0.0


def _pipeline(spec: Spec, sources: Sources, now: int) -> Reading:
    if spec.statistic == "unbalanced":
        # The last day: what lies further back was looked at then.
        until = now // 60_000 + 1
        asked = ledger.LedgerRequest(max(0, until - _LEDGER_MINUTES), until, spec.topic or None, "UTC", 0)
        return Reading(float(not ledger.ledger(sources.store, sources.queue, asked, sources.groups()).balanced))
    waiting = [row for row in sources.queue.lag(sources.groups()) if spec.topic in ("", row.topic)]
    if spec.statistic == "lag_events":
        return Reading(float(sum(row.events for row in waiting)))
    return Reading(max((row.oldest_ms for row in waiting), default=0) / 1000)
