"""One name for each question: what the API and the command line share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventmill.query import counts, lag, ledger, rejects, series, top
from eventmill.query.closed import ClosedDays
from eventmill.query.source import Queue, Store


@dataclass(slots=True, frozen=True)
class Sources:
    """What answers are made of. `groups` and `rate` are asked at each question: topics come and go."""

    store: Store
    queue: Queue
    zone: str
    groups: Callable[[], Mapping[str, Sequence[str]]]
    rate: Callable[[], float] = field(default=lambda: 0.0)
    closed: ClosedDays | None = None


Question = Callable[[Sources, Mapping[str, str]], Any]


def _counts(sources: Sources, params: Mapping[str, str]) -> counts.Counts:
    return counts.counts(sources.store, counts.parse(params, sources.zone), sources.zone)


def _series(sources: Sources, params: Mapping[str, str]) -> series.Series:
    return series.series(sources.store, series.parse(params, sources.zone), sources.zone)


def _top(sources: Sources, params: Mapping[str, str]) -> top.Top:
    return top.top(sources.store, top.parse(params, sources.zone), sources.zone, sources.closed)


def _ledger(sources: Sources, params: Mapping[str, str]) -> ledger.Ledger:
    request = ledger.parse(params, sources.zone)
    return ledger.ledger(sources.store, sources.queue, request, sources.groups())


def _lag(sources: Sources, params: Mapping[str, str]) -> lag.LagAnswer:
    lag.parse(params)
    return lag.lag(sources.queue, sources.groups(), sources.rate())


def _rejects(sources: Sources, params: Mapping[str, str]) -> rejects.Rejects:
    return rejects.rejects(sources.store, rejects.parse(params, sources.zone))


QUESTIONS: Mapping[str, Question] = {
    "counts": _counts,
    "series": _series,
    "top": _top,
    "ledger": _ledger,
    "lag": _lag,
    "rejects": _rejects,
}
"""Each raises `RequestError`, `QueryRefused`, `StoreUnavailable` or `StoreError`."""
