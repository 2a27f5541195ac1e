"""The watch: evaluates every alert again and again, keeps how it stands, and hands notices to the deliverer."""

import logging
import threading
from datetime import UTC, datetime
from typing import Any

import msgspec

from eventmill.alerts import model
from eventmill.alerts.address import Refused, checked_url
from eventmill.alerts.deliver import Deliverer, Delivery, Outcome
from eventmill.alerts.evaluate import measure
from eventmill.alerts.model import Reading, Spec, State
from eventmill.alerts.notice import notice
from eventmill.clock import Clock, system_clock
from eventmill.query.ask import Sources
from eventmill.query.days import rfc3339_ms
from eventmill.query.model import RequestError
from eventmill.registry import alerts as rows
from eventmill.registry.base import Alert
from eventmill.registry.database import Database

log = logging.getLogger(__name__)


class Standing(msgspec.Struct):
    """How an alert stands: `state` is ok, firing, or unknown until it could be measured. `error` is why the last
    measurement failed."""

    state: str = "unknown"
    value: float | None = None
    before: float | None = None
    since: str | None = None
    checked: str | None = None
    error: str = ""


class Watch:
    """Evaluates the alerts of the settings database. A fault in one alert is that alert's own; none reaches the
    pipeline."""

    def __init__(
        self,
        registry: Database,
        sources: Sources,
        deliverer: Deliverer,
        *,
        every_s: float = 30.0,
        clock: Clock = system_clock,
    ) -> None:
        self._registry, self._sources, self._deliverer = registry, sources, deliverer
        self._every, self._clock = every_s, clock
        self._standing: dict[int, Standing] = {}
        self._turn, self._writing = threading.Lock(), threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Until told to stop."""
        self._resume()
        while not stop.is_set():
            self.step()
            stop.wait(self._every)
        self._deliverer.close()

    def step(self) -> None:
        """Evaluates every alert once."""
        try:
            saved = rows.list_alerts(self._registry)
        except Exception as error:  # noqa: BLE001 - the pipeline must go on without its watch
            log.warning("alerts wait: %s", error)
            return
        with self._turn:
            known = {alert.id for alert in saved}
            self._standing = {number: state for number, state in self._standing.items() if number in known}
        for alert in saved:
            self._evaluate(alert)

    def standing(self, alert: Alert) -> Standing:
        """How it stands, as far as is known."""
        with self._turn:
            found = self._standing.get(alert.id)
        if found is not None:
            return found
        state = _state(alert)
        if not state.since:
            return Standing()
        return Standing("firing" if state.firing else "ok", state.value, since=rfc3339_ms(state.since))

    def deliveries(self) -> list[Delivery]:
        """The last notices, newest first."""
        return self._deliverer.deliveries()

    def check_url(self, url: str) -> str:
        """A URL that may be kept. Raises RequestError."""
        try:
            return checked_url(url, allow_private=self._deliverer.allow_private)
        except Refused as error:
            raise RequestError(str(error)) from error

    def test(self, alert: Alert) -> Outcome:
        """Sends a test notice, once, and says what became of it. Raises RequestError where its spec is unreadable."""
        spec = spec_of(alert)
        body = notice(alert.name, spec, "test", _state(alert), None, self._clock())
        return self._deliverer.attempt(alert.url, msgspec.json.encode(body))

    def _resume(self) -> None:
        """Notices that a stop may have kept from arriving go out again."""
        try:
            saved = rows.list_alerts(self._registry)
        except Exception as error:  # noqa: BLE001 - as in `step`
            log.warning("alerts wait: %s", error)
            return
        for alert in saved:
            state = _state(alert)
            if state.pending:
                try:
                    self._tell(alert, spec_of(alert), state.pending, state, None)
                except RequestError as error:
                    log.warning("alert %s: %s", alert.name, error)

    def _evaluate(self, alert: Alert) -> None:
        now = self._clock()
        try:
            spec = spec_of(alert)
            reading = measure(spec, self._sources, now, _created(alert))
            before = _state(alert)
            state, due = model.advance(before, model.breached(spec, reading), now, spec.repeat_ms)
            if due is not None:
                state.pending, state.value = due, reading.value
                with self._writing:
                    self._keep(alert, state)
                self._tell(alert, spec, due, state, reading)
            self._stands(alert, _standing(state, reading, now))
        except Exception as error:  # noqa: BLE001
            # Whatever an alert is about: the next one is evaluated, and this one again.
            text = str(error) or type(error).__name__
            log.warning("alert %s cannot be evaluated: %s", alert.name, text)
            last = self.standing(alert)
            self._stands(alert, msgspec.structs.replace(last, error=text[:300], checked=rfc3339_ms(now)))

    def _tell(self, alert: Alert, spec: Spec, event: str, state: State, reading: Reading | None) -> None:
        body = notice(alert.name, spec, event, state, reading, self._clock())

        def done(_: bool) -> None:
            """Arrived or given up: it is not sent again by the next start."""
            with self._writing:
                current = rows.find_alert(self._registry, str(alert.id))
                kept = _state(current) if current is not None else State()
                if kept.pending == event:
                    kept.pending = ""
                    self._keep(alert, kept)

        self._deliverer.send(alert.url, alert.name, event, body, done)

    def _keep(self, alert: Alert, state: State) -> None:
        rows.set_alert_state(self._registry, alert.id, msgspec.json.encode(state).decode())

    def _stands(self, alert: Alert, standing: Standing) -> None:
        with self._turn:
            self._standing[alert.id] = standing


def spec_of(alert: Alert) -> Spec:
    """Raises RequestError where it was written by a newer eventmill."""
    try:
        return model.checked(msgspec.json.decode(alert.spec, type=Spec))
    except msgspec.DecodeError as error:
        raise RequestError(f"alert {alert.name}: {error}") from error


def spec_text(given: Any) -> str:
    """A spec, as the text that is kept. Raises RequestError."""
    return msgspec.json.encode(model.checked(given)).decode()


def _state(alert: Alert) -> State:
    try:
        return msgspec.json.decode(alert.state or "{}", type=State)
    except msgspec.DecodeError:
        return State()


def _created(alert: Alert) -> int:
    try:
        return round(datetime.fromisoformat(alert.created).astimezone(UTC).timestamp() * 1000)
    except ValueError:
        return 0


def _standing(state: State, reading: Reading, now: int) -> Standing:
    return Standing(
        state="firing" if state.firing else "ok",
        value=reading.value,
        before=reading.before,
        since=rfc3339_ms(state.since) if state.since else None,
        checked=rfc3339_ms(now),
    )
