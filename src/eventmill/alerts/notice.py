"""What a webhook is sent: the facts as JSON, and `text` as Slack and its kin show it."""

from typing import Any

from eventmill.alerts.model import Reading, Spec, State, changed, figure, words
from eventmill.query.days import rfc3339_ms

_SIGNS = {"began": "🔴", "repeats": "🔴", "ended": "🟢", "test": "🔵"}
_SAID = {"began": "began", "repeats": "still", "ended": "is over", "test": "test notice"}


def notice(name: str, spec: Spec, event: str, state: State, reading: Reading | None, now: int) -> dict[str, Any]:
    """The body. Times are RFC 3339 in UTC."""
    value = reading.value if reading else state.value
    facts: dict[str, Any] = {
        "text": f"{_SIGNS[event]} {_escaped(name)} {_SAID[event]}: {_escaped(words(spec))}{_shown(spec, reading)}",
        "alert": name,
        "event": event,
        "state": "firing" if state.firing else "ok",
        "kind": spec.kind,
        "condition": words(spec),
        "value": value,
        "at": rfc3339_ms(now),
        "since": rfc3339_ms(state.since) if state.since else None,
    }
    if spec.kind == "change" and reading is not None:
        facts |= {"before": reading.before, "change_percent": changed(reading)}
    return facts


def _shown(spec: Spec, reading: Reading | None) -> str:
    if reading is None or reading.value is None or spec.kind == "silence":
        return ""
    if spec.kind == "change" and reading.before is not None:
        return f" (now {figure(reading.value)}, then {figure(reading.before)})"
    return f" (now {figure(reading.value)})"


def _escaped(text: str) -> str:
    """What stands in `<…>` would be a link or a call of everybody in Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
