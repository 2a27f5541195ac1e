"""The watch as a whole: a real store, a real settings database, a real webhook; only the clock is the test's."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from eventmill.alerts.deliver import Deliverer
from eventmill.alerts.loop import Watch, spec_text
from eventmill.alerts.model import Spec
from eventmill.query.ask import Sources
from eventmill.query.errors import RequestError
from eventmill.registry import alerts
from eventmill.registry.base import Alert
from eventmill.registry.database import Database
from eventmill.registry.open import open_database
from eventmill.settings import load
from eventmill.store.base import StoreUnavailable
from eventmill.store.clickhouse import ClickHouseStore
from tests.stored_events import frame, row
from tests.unit.alerts.receiver import Receiver, receiving
from tests.unit.query.queues import FakeQueue

START = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000
HOUR = 60 * MINUTE


@dataclass
class Bench:
    """A watch that is stepped by hand. `started` gives another one on the same database, as a restart does."""

    registry: Database
    sources: Sources
    receiver: Receiver
    now: int = START
    deliverers: list[Deliverer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = self.started()

    def started(self) -> Watch:
        deliverer = Deliverer(allow_private=True, timeout_s=5.0, back_off_s=(0.02,), clock=lambda: self.now)
        self.deliverers.append(deliverer)
        self.watch = Watch(self.registry, self.sources, deliverer, every_s=0.02, clock=lambda: self.now)
        return self.watch

    def add(self, name: str, spec: Spec) -> Alert:
        return alerts.add_alert(self.registry, name, spec_text(spec), self.receiver.url)

    def events(self, count: int, **fields: Any) -> None:
        rows = [row(self.now - 1000, user=f"u{n}", **fields) for n in range(count)]
        self.sources.store.insert("events", frame(rows))  # type: ignore[attr-defined]

    def step(self, later: int = 0) -> None:
        self.now += later
        self.watch.step()

    def told(self, count: int) -> list[tuple[str, str]]:
        self.receiver.wait(count)
        return [(body["alert"], body["event"]) for body in self.receiver.bodies]


@pytest.fixture
def bench(opened: Callable[..., ClickHouseStore], tmp_path: Path) -> Iterator[Bench]:
    registry = open_database(load(flags={"data": str(tmp_path)}, env={}), clock=lambda: START - 24 * HOUR)
    with receiving() as receiver:
        made = Bench(registry, Sources(opened(), FakeQueue(), "UTC", lambda: {"store": ["event"]}), receiver)
        yield made
        for deliverer in made.deliverers:
            deliverer.close()
    registry.close()


def test_one_notice_when_it_begins_one_when_it_ends_and_one_each_repeat(bench: Bench) -> None:
    alert = bench.add("many", Spec(kind="threshold", above=5, window="10m", repeat="1h"))
    bench.step()
    assert (bench.watch.standing(alert).state, bench.watch.standing(alert).value) == ("ok", 0.0)
    bench.events(6)
    for _ in range(5):
        bench.step(30_000)
    assert bench.told(1) == [("many", "began")]
    standing = bench.watch.standing(alert)
    assert (standing.state, standing.value, standing.since) == ("firing", 6.0, "2026-11-20T12:00:30.000Z")
    for _ in range(14):
        bench.events(6)
        bench.step(9 * MINUTE)
    assert bench.told(3) == [("many", "began"), ("many", "repeats"), ("many", "repeats")]
    bench.step(11 * MINUTE)
    assert bench.told(4)[-1] == ("many", "ended")
    bench.step(HOUR)
    bench.step(HOUR)
    assert len(bench.receiver.bodies) == 4
    first, last = bench.receiver.bodies[0], bench.receiver.bodies[-1]
    assert (first["state"], first["value"], first["condition"]) == ("firing", 6.0, "pv in 10m is above 5")
    assert "many began" in first["text"]
    assert (last["state"], last["value"]) == ("ok", 0.0)


def test_silence(bench: Bench) -> None:
    bench.add("silent", Spec(kind="silence", topic="event", window="10m"))
    bench.add("silent order", Spec(kind="silence", topic="order", window="10m", repeat="0"))
    bench.events(3)
    bench.step()
    assert bench.told(1) == [("silent order", "began")]
    bench.step(9 * MINUTE)
    bench.step(2 * MINUTE)
    assert bench.told(2)[-1] == ("silent", "began")
    bench.events(1)
    bench.step(30_000)
    assert bench.told(3)[-1] == ("silent", "ended")


def test_a_change_against_last_week(bench: Bench) -> None:
    bench.now -= 7 * 24 * HOUR
    bench.events(40)
    bench.now = START
    bench.add("fewer", Spec(kind="change", percent=50, direction="down", window="1h", least=10))
    bench.add("not compared", Spec(kind="change", percent=50, direction="down", window="1h", least=100))
    bench.events(20)
    bench.step()
    assert bench.told(1) == [("fewer", "began")]
    (body,) = bench.receiver.bodies
    assert (body["value"], body["before"], body["change_percent"]) == (20.0, 40.0, -50.0)
    bench.events(1)
    bench.step()
    assert bench.told(2)[-1] == ("fewer", "ended")


def test_a_restart_tells_nothing_twice(bench: Bench) -> None:
    alert = bench.add("many", Spec(kind="threshold", above=0, window="1h", repeat="0"))
    bench.events(1)
    bench.step()
    bench.told(1)
    bench.deliverers[-1].close()
    bench.started()
    assert bench.watch.standing(alert).state in ("unknown", "firing")
    stop = threading.Event()
    thread = threading.Thread(target=bench.watch.run, args=(stop,))
    thread.start()
    while bench.watch.standing(alert).checked is None:
        stop.wait(0.01)
    stop.wait(0.2)
    stop.set()
    thread.join()
    assert len(bench.receiver.bodies) == 1
    assert bench.watch.standing(alert).state == "firing"


def test_a_notice_that_a_stop_held_back_goes_out_after_it(bench: Bench) -> None:
    alert = bench.add("many", Spec(kind="threshold", above=0, window="1h"))
    bench.events(1)
    bench.deliverers[-1].close()  # the process ends here: what it was handed is not sent
    bench.step()
    assert bench.receiver.bodies == []
    bench.started()
    stop = threading.Event()
    thread = threading.Thread(target=bench.watch.run, args=(stop,))
    thread.start()
    assert bench.told(1) == [("many", "began")]
    while '"pending"' in (alerts.find_alert(bench.registry, str(alert.id)) or alert).state:
        stop.wait(0.01)
    stop.set()
    thread.join()
    assert len(bench.receiver.bodies) == 1


def test_a_fault_in_one_alert_is_its_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = alerts.add_alert(bench.registry, "of a newer version", '{"kind":"moon"}', bench.receiver.url)
    odd = alerts.add_alert(bench.registry, "no json", "x", bench.receiver.url, "y")
    good = bench.add("many", Spec(kind="threshold", above=0, window="1h"))
    bench.events(1)
    bench.step()
    assert bench.told(1) == [("many", "began")]
    for alert in (broken, odd):
        standing = bench.watch.standing(alert)
        assert standing.state == "unknown"
        assert standing.error
        with pytest.raises(RequestError):
            bench.watch.test(alert)

    def away(*_: object) -> Any:
        raise StoreUnavailable("the store is away")

    with monkeypatch.context() as patched:
        patched.setattr(type(bench.sources.store), "query", away)
        bench.step(HOUR)
    standing = bench.watch.standing(good)
    assert (standing.state, standing.error) == ("firing", "the store is away")
    bench.step(HOUR)
    assert bench.told(2)[-1] == ("many", "ended")
    assert bench.watch.standing(good).error == ""


def test_a_removed_alert_is_watched_no_more(bench: Bench) -> None:
    alert = bench.add("many", Spec(kind="threshold", above=0, window="1h"))
    bench.step()
    assert alerts.remove_alert(bench.registry, "many")
    bench.events(1)
    bench.step(30_000)
    assert bench.receiver.bodies == []
    assert bench.watch.standing(alert).state == "unknown"


def test_a_test_notice_says_what_became_of_it(bench: Bench) -> None:
    alert = bench.add("many", Spec(kind="threshold", above=0, topic="<!channel>&"))
    assert bench.watch.test(alert).delivered
    (body,) = bench.receiver.bodies
    assert body["event"] == "test"
    assert "&lt;!channel&gt;&amp;" in body["text"]
    bench.receiver.answers = [500]
    outcome = bench.watch.test(alert)
    assert (outcome.delivered, outcome.status) == (False, 500)
    assert len(bench.receiver.bodies) == 2  # once, not again


def test_urls_are_checked_where_they_are_kept(bench: Bench) -> None:
    strict = Watch(bench.registry, bench.sources, Deliverer())
    with pytest.raises(RequestError, match="allow_private"):
        strict.check_url("http://2130706433/")
    with pytest.raises(RequestError, match="https"):
        bench.watch.check_url("ftp://x/")
    assert bench.watch.check_url("http://127.0.0.1/x") == "http://127.0.0.1/x"
