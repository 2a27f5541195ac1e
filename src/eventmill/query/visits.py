"""What a visitor, a page view and a session are: the one place where it is written down.

A **visitor** is a `user`; an event without one is nobody's. A **page view** is an event whose action is empty, `pv`,
`view` or `pageview`; its page is the path of its url, or its key where it has no url. A **session** is what a visitor
did on a site under one given `session`, or, where none is given, without one. Silence ends it: 30 minutes, or a day
where `session` is given. It belongs to the moment of its first event, and what it did a day after that or later is
not counted. So it follows from events of a day before to a day after alone, whatever range is asked for, in whatever
order they came. Requests and log lines belong to no session unless the filter names their topic.
"""

import msgspec

from eventmill.query.days import instants
from eventmill.query.dimensions import expression
from eventmill.query.model import Filter, Range
from eventmill.query.select import Statement, matching

SILENCE_S = 1800
GIVEN_SILENCE_S = LONGEST_S = 86_400
PAGE_VIEWS = ("", "pv", "view", "pageview")
"""Actions of page views."""
MACHINE_TOPICS = ("request", "log")
"""Topics of what machines say: no visitor did it."""
PAGE = "page"
PAGE_VIEW = f"action IN {PAGE_VIEWS}"
KEY = expression("key", {}, "")
GROUP = "cityHash64(site, user_hash, session)"
"""A visitor on a site, under one given session or without one; 64 bits are hashed and compared faster than texts."""


def by_people(chosen: Filter, tag: str = "") -> Statement:
    """The filter's conditions, without what machines say unless it names their topic. `tag` as in `matching`."""
    made = matching(chosen, tag)
    if not names_topic(chosen):
        made.where.append(f"topic NOT IN {MACHINE_TOPICS}")
    return made


def without_machines(chosen: Filter) -> Filter:
    """The filter without conditions that `by_people` adds: so that one answer serves whoever writes them out."""
    if names_topic(chosen):
        return chosen
    left = tuple(
        each for each in chosen.conditions
        if (each.operator, each.field) != ("is_not", "topic") or each.values[0] not in MACHINE_TOPICS
    )  # fmt: skip
    return msgspec.structs.replace(chosen, conditions=left)


def names_topic(chosen: Filter) -> bool:
    """Whether the filter says which topics are meant."""
    return chosen.topic is not None or any(
        condition.field == "topic" and condition.operator in ("is", "in") for condition in chosen.conditions
    )


def of_visitors(made: Statement) -> Statement:
    """Adds that somebody did it."""
    made.where.append("user_hash != cityHash64('')")
    return made


def within(made: Statement, days: Range, margin_s: int = 0) -> Statement:
    """Adds the condition on time, `margin_s` more at both ends; `{since:Int64}` and `{until:Int64}` are the range in ms
    since the epoch, without the margin."""
    since, until = instants(days)
    made.where += ["time >= {since_read:DateTime64(3, 'UTC')}", "time < {until_read:DateTime64(3, 'UTC')}"]
    made.params |= {
        "since": since * 1000, "until": until * 1000, "since_read": since - margin_s, "until_read": until + margin_s,
    }  # fmt: skip
    return made


def for_sessions(chosen: Filter, days: Range) -> Statement:
    """Events that sessions of these days may be made of, and the parameters of `sql/visits.sql`."""
    made = within(of_visitors(by_people(chosen)), days, LONGEST_S)
    # Before the range a day matters where a session is given, else half an hour.
    made.where.append("(session != '' OR time >= {since_own:DateTime64(3, 'UTC')})")
    made.params["since_own"] = made.params["since_read"] + LONGEST_S - SILENCE_S
    made.params |= {"silence": SILENCE_S * 1000, "given_silence": GIVEN_SILENCE_S * 1000, "longest": LONGEST_S * 1000}
    return made
