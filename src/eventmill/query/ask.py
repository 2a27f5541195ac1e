"""The questions: one record each, from which the API's routes, its description and the command line follow.

A statistic is a module of this package with `PARAMETERS`, a request type, `parse` and the function that answers;
here it gets its name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventmill.query import (
    counts,
    flows,
    funnel,
    goals,
    lag,
    ledger,
    pages,
    product_days,
    rejects,
    requests,
    retention,
    series,
    sessions,
    summary,
    top,
    visitors,
)
from eventmill.query.closed import ClosedDays
from eventmill.query.goals import SavedGoal
from eventmill.query.source import Queue, Store
from eventmill.settings import Product


@dataclass(slots=True, frozen=True)
class Sources:
    """What answers are made of. `groups` and `rate` are asked at each question: topics come and go."""

    store: Store
    queue: Queue
    zone: str
    groups: Callable[[], Mapping[str, Sequence[str]]]
    rate: Callable[[], float] = field(default=lambda: 0.0)
    closed: ClosedDays | None = None
    products: Sequence[Product] = ()
    """As configured."""
    goals: Callable[[], Sequence[SavedGoal]] = field(default=lambda: ())


@dataclass(slots=True, frozen=True)
class Question:
    """`ask` raises `RequestError`, `QueryRefused`, `StoreUnavailable` or `StoreError`."""

    name: str
    summary: str
    parameters: Sequence[str]
    """Each is described in `web/parameters.py`."""
    required: Sequence[str]
    answer: Any
    """The type of the answer."""
    ask: Callable[[Sources, Mapping[str, str]], Any]
    intervals: Sequence[str] = ()
    """What `interval` may be, where it is a parameter."""
    described: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)
    """Parameters that mean something of their own here: the meaning, and what they may be."""


def _lag(sources: Sources, params: Mapping[str, str]) -> lag.LagAnswer:
    lag.parse(params)
    return lag.lag(sources.queue, sources.groups(), sources.rate())


_DAYS = ("from", "to")
_ALL = (
    Question(
        "counts", "PV and UV of keys", counts.PARAMETERS, _DAYS, counts.Counts,
        lambda s, params: counts.counts(s.store, counts.parse(params, s.zone, s.products), s.zone), counts.INTERVALS,
    ),
    Question(
        "series", "PV and UV over time, gaps as zeros", series.PARAMETERS, _DAYS, series.Series,
        lambda s, params: series.series(s.store, series.parse(params, s.zone, s.products), s.zone, s.closed),
        series.INTERVALS,
    ),
    Question(
        "top", "The most frequent values of a field", top.PARAMETERS, (*_DAYS, "dimension"), top.Top,
        lambda s, params: top.top(s.store, top.parse(params, s.zone, s.products), s.zone, s.closed),
    ),
    Question(
        "summary", "Visitors, views and visits of a period", summary.PARAMETERS, _DAYS, summary.Summary,
        lambda s, params: summary.summary(s.store, summary.parse(params, s.zone, s.products), s.zone, s.closed),
    ),
    Question(
        "products", "PV and UV of each product over time", product_days.PARAMETERS, _DAYS, product_days.Products,
        lambda s, params: product_days.by_product(s.store, product_days.parse(params, s.zone, s.products), s.zone),
        product_days.INTERVALS,
    ),
    Question(
        "sessions", "Sessions, bounces, pages and duration", sessions.PARAMETERS, _DAYS, sessions.SessionsAnswer,
        lambda s, params: sessions.sessions(s.store, sessions.parse(params, s.zone, s.products), s.closed),
        sessions.INTERVALS,
    ),
    Question(
        "sessions/pages", "The pages that sessions begin or end with", pages.PARAMETERS, _DAYS, pages.Pages,
        lambda s, params: pages.pages(s.store, pages.parse(params, s.zone, s.products), s.closed),
        described={"kind": ("The first page of each session, or the last one.", pages.KINDS)},
    ),
    Question(
        "flows", "From which page to which sessions go", flows.PARAMETERS, _DAYS, flows.Flows,
        lambda s, params: flows.flows(s.store, flows.parse(params, s.zone, s.products), s.closed),
        described={
            "steps": ("Steps shown, 2 to 8; 4 by default.", ()),
            "start": ("Only from this page (or key) on.", ()),
            "end": ("Only up to this page (or key).", ()),
            "by": ("What a step is called by: its page, of page views; or its key, of all events.", flows.BY),
        },
    ),
    Question(
        "goals/report", "Goals with their conversion", goals.PARAMETERS, _DAYS, goals.GoalsReport,
        lambda s, params: goals.report(s.store, goals.parse(params, s.zone, s.products), s.goals(), s.zone),
    ),
    Question(
        "funnel", "How many visitors come how far", funnel.PARAMETERS, (*_DAYS, "steps"), funnel.Funnel,
        lambda s, params: funnel.funnel(s.store, funnel.parse(params, s.zone, s.products)),
        described={
            "steps": ('2 to 10 steps, a JSON list of `{"name":text,"filters":[...]}`.', ()),
            "window": ("From the first step to the last one, such as 30m or 7d; 1d by default.", ()),
        },
    ),
    Question(
        "retention", "Who comes back, by the period first seen", retention.PARAMETERS, _DAYS, retention.Retention,
        lambda s, params: retention.retention(s.store, retention.parse(params, s.zone, s.products), s.closed),
        retention.INTERVALS,
        described={
            "from": ("First day, inclusive; no hour.", ()),
            "to": ("Last day, inclusive; no hour.", ()),
            "periods": ("Periods shown of each cohort, its own among them, 1 to 31; 8 by default.", ()),
            "again": ("What counts as coming back: conditions like `filters`; any event by default.", ()),
        },
    ),
    Question(
        "requests", "How many requests, how fast, how many failed", requests.PARAMETERS, _DAYS, requests.Requests,
        lambda s, params: requests.requests(s.store, requests.parse(params, s.zone, s.products), s.closed),
        described={"by": ("What is told apart.", requests.BY)},
    ),
    Question(
        "visitors", "Who is there now", visitors.PARAMETERS, (), visitors.Visitors,
        lambda s, params: visitors.visitors(s.store, visitors.parse(params, s.zone, s.products)),
        described={"minutes": ("The running minute and those before it, 1 to 60; 5 by default.", ())},
    ),
    Question(
        "ledger", "received = stored + duplicate + rejected + queued", ledger.PARAMETERS, (), ledger.Ledger,
        lambda s, params: ledger.ledger(s.store, s.queue, ledger.parse(params, s.zone), s.groups()),
    ),
    Question(
        "lag", "What waits to be stored", (), (), lag.LagAnswer, _lag,
    ),
    Question(
        "rejects", "What was refused", rejects.PARAMETERS, (), rejects.Rejects,
        lambda s, params: rejects.rejects(s.store, rejects.parse(params, s.zone)),
    ),
)  # fmt: skip
QUESTIONS: Mapping[str, Question] = {question.name: question for question in _ALL}
