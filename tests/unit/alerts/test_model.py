"""The rules of alerts, against a plain reference over whole histories."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventmill.alerts import model
from eventmill.alerts.model import Reading, Spec, State
from eventmill.query.errors import RequestError

HOUR = 3_600_000


def told(history: list[tuple[int, bool | None]], repeat: int) -> list[tuple[int, str]]:
    """The notices of a history of (moment, whether the condition held), by the plainest means: stretches of the
    judged moments with the same answer; each firing one begins, repeats and ends."""
    judged = [(at, holds) for at, holds in history if holds is not None]
    notices: list[tuple[int, str]] = []
    for place, (at, holds) in enumerate(judged):
        before = judged[place - 1][1] if place else False
        if holds and not before:
            notices.append((at, "began"))
        elif before and not holds:
            notices.append((at, "ended"))
        elif holds and repeat and at - notices[-1][0] >= repeat:
            notices.append((at, "repeats"))
    return notices


@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from([True, True, False, None])), max_size=60),
    st.sampled_from([0, 3, 7, 1000]),
)
def test_notices_of_any_history(steps: list[tuple[int, bool | None]], repeat: int) -> None:
    state, at, history, notices = State(), 0, [], []
    for pause, holds in steps:
        at += pause
        history.append((at, holds))
        # Kept and read again between any two evaluations, as by a restart.
        state = msgspec.json.decode(msgspec.json.encode(state), type=State)
        state, due = model.advance(state, holds, at, repeat)
        if due:
            notices.append((at, due))
            assert state.notified == at
        assert state.firing == any(h for _, h in [pair for pair in history if pair[1] is not None][-1:])
    assert notices == told(history, repeat)


NUMBER = st.floats(0, 1000, allow_nan=False)


@given(NUMBER, st.none() | NUMBER, st.none() | NUMBER)
def test_thresholds(value: float, above: float | None, below: float | None) -> None:
    spec = Spec(kind="threshold", above=above, below=below)
    plain = (above is not None and value > above) or (below is not None and value < below)
    assert model.breached(spec, Reading(value)) is plain


@given(NUMBER, NUMBER, st.floats(1, 300), st.sampled_from(["up", "down", "both"]), st.sampled_from([0.0, 10.0, 100.0]))
def test_changes(value: float, before: float, percent: float, direction: str, least: float) -> None:
    spec = Spec(kind="change", percent=percent, direction=direction, least=least)
    found = model.breached(spec, Reading(value, before))
    if before < least or before == 0:
        assert found is None
        return
    change = (value - before) / before * 100
    plain = {"up": change >= percent, "down": change <= -percent, "both": abs(change) >= percent}[direction]
    assert found is plain


def test_what_cannot_be_measured_changes_nothing() -> None:
    for kind in model.KINDS:
        assert model.breached(Spec(kind=kind, above=1.0, percent=1.0), Reading(None)) is None
    firing = State(firing=True, since=5, notified=5)
    assert model.advance(firing, None, 10 * HOUR, HOUR) == (firing, None)
    assert model.breached(Spec(kind="silence"), Reading(0.0)) is True
    assert model.breached(Spec(kind="silence"), Reading(1.0)) is False
    assert model.breached(Spec(kind="pipeline", statistic="unbalanced"), Reading(1.0)) is True
    assert model.breached(Spec(kind="pipeline", statistic="lag_seconds", above=60), Reading(60.0)) is False


RIGHT: list[dict[str, Any]] = [
    {"kind": "threshold", "above": 5},
    {"kind": "threshold", "below": 1, "above": 9, "statistic": "error_rate", "window": "5m", "repeat": "0"},
    {"kind": "threshold", "statistic": "rejected", "topic": "order", "above": 0},
    {"kind": "change", "percent": 50, "direction": "down", "filters": [["is", "browser", "Chrome"]]},
    {"kind": "silence", "topic": "order", "site": "shop", "window": "10m"},
    {"kind": "pipeline", "statistic": "lag_seconds", "above": 60},
    {"kind": "pipeline", "statistic": "unbalanced"},
]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "nothing"}, "kind"),
    ({"kind": "threshold"}, "above or below"),
    ({"kind": "threshold", "above": 1, "percent": 5}, "above or below"),
    ({"kind": "threshold", "statistic": "lag_events", "above": 1}, "statistic"),
    ({"kind": "threshold", "above": float("nan")}, "number"),
    ({"kind": "threshold", "above": float("inf")}, "number"),
    ({"kind": "threshold", "statistic": "rejected", "above": 1, "site": "shop"}, "topic only"),
    ({"kind": "threshold", "above": 1, "window": "30s"}, "window"),
    ({"kind": "threshold", "above": 1, "window": "32d"}, "window"),
    ({"kind": "threshold", "above": 1, "window": "9" * 400 + "d"}, "window"),
    ({"kind": "threshold", "above": 1, "window": "soon"}, "window"),
    ({"kind": "threshold", "above": 1, "repeat": "10s"}, "repeat"),
    ({"kind": "threshold", "above": 1, "filters": [["is", "nothing", "x"]]}, "field"),
    ({"kind": "threshold", "above": 1, "filters": [["like", "page", "x"]]}, "operator"),
    ({"kind": "threshold", "above": 1, "topic": "a\n"}, "topic"),
    ({"kind": "change", "percent": 0}, "percent"),
    ({"kind": "change", "percent": 5, "above": 5}, "percent"),
    ({"kind": "change", "percent": 5, "direction": "left"}, "direction"),
    ({"kind": "change", "percent": 5, "least": float("nan")}, "least"),
    ({"kind": "silence", "above": 1}, "silence"),
    ({"kind": "pipeline", "statistic": "pv", "above": 1}, "statistic"),
    ({"kind": "pipeline", "statistic": "lag_events"}, "above"),
    ({"kind": "pipeline", "statistic": "unbalanced", "above": 1}, "unbalanced"),
    ({"kind": "pipeline", "statistic": "lag_events", "above": 1, "site": "x"}, "site"),
]


@pytest.mark.parametrize("given_", RIGHT)
def test_right_specs_have_words_and_survive_being_kept(given_: dict[str, Any]) -> None:
    spec = model.checked(msgspec.convert(given_, Spec, strict=False))
    assert msgspec.json.decode(msgspec.json.encode(spec), type=Spec) == spec
    assert model.words(spec).isprintable()


@pytest.mark.parametrize(("given_", "said"), WRONG)
def test_wrong_specs_are_told_what_is_right(given_: dict[str, Any], said: str) -> None:
    filters = [tuple(each) for each in given_.pop("filters", [])]
    with pytest.raises(RequestError, match=said):
        model.checked(Spec(**given_, filters=filters))
