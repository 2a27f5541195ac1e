"""Where sessions are cut, at every edge: any few events of one visitor, against the plain reference."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.query import pages, sessions
from eventmill.query.source import Store
from tests import behaviour_reference as plain
from tests.stored_events import frame, row

START = int(datetime(2026, 3, 28, 23, 30, tzinfo=UTC).timestamp() * 1000)
GAPS = (0, 1, 30 * plain.MINUTE - 1, 30 * plain.MINUTE, plain.DAY - 1, plain.DAY, plain.DAY - 30 * plain.MINUTE)
STEP = st.tuples(st.sampled_from(GAPS), st.sampled_from(["", "s"]), st.sampled_from(["pv", "click"]), st.integers(0, 3))


@pytest.fixture(scope="module")
def sites(opened: Callable[..., Store]) -> tuple[Store, Callable[[], str]]:
    """The store, and a site that no example had before."""
    count = iter(range(1_000_000))
    return opened("UTC"), lambda: f"site{next(count)}"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(STEP, min_size=1, max_size=8))
def test_any_few_events(sites: tuple[Store, Callable[[], str]], steps: list[tuple[int, str, str, int]]) -> None:
    store, fresh = sites
    site, at, events = fresh(), START, []
    for number, (gap, session, action, page) in enumerate(steps):
        at += gap
        url = f"https://a.example/{page}"
        events.append(row(at, site=site, session=session, action=action, url=url, receipt_high=1, receipt_low=number))
    store.insert("events", frame(events[::-1]))
    visits = [*plain.visits(events)]
    for first, last in ((date(2026, 3, 28), date(2026, 4, 9)), (date(2026, 3, 29), date(2026, 3, 29))):
        asked = {"from": first.isoformat(), "to": last.isoformat(), "site": site}
        begun = plain.begun(visits, "UTC", first, last)
        total = sessions.sessions(store, sessions.parse(asked, "UTC")).total
        views = [[plain.page(e) for e in visit if plain.is_view(e)] for visit in begun]
        assert total.sessions == len(begun)
        assert total.pages == sum(map(len, views))
        assert total.bounces == sum(len(walk) == 1 for walk in views)
        length = sum(visit[-1]["time"] - visit[0]["time"] for visit in begun) / 1000
        assert (total.duration_s or 0) * len(begun) == pytest.approx(length)
        for kind, place in (("entry", 0), ("exit", -1)):
            found = pages.pages(store, pages.parse({**asked, "kind": kind, "limit": "99"}, "UTC")).data
            ends = [walk[place] for walk in views if walk]
            assert {each.value: each.sessions for each in found} == {page: ends.count(page) for page in ends}
