"""/metrics: Prometheus text of all processes. Names and labels are few and fixed, whatever clients send."""

import contextlib
import json
import re
from collections.abc import Iterator

from eventmill.query.source import StoreError
from eventmill.web.services import Services

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_GAUGES = ("connections_open", "held_bytes", "started_ms", "pid")


def render(services: Services) -> str:
    """The whole page. What cannot be read now is left out, never zero."""
    lines: list[str] = []
    for name, kind, help_text, samples in _families(services):
        lines.append(f"# HELP eventmill_{name} {help_text}")
        lines.append(f"# TYPE eventmill_{name} {kind}")
        lines += [f"eventmill_{name}{labels} {value:.17g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


Family = tuple[str, str, str, list[tuple[str, float]]]


def _families(services: Services) -> Iterator[Family]:
    yield from _collectors(services)
    engine: dict[str, list[tuple[str, float]]] = {}
    for name, value in sorted(services.gauges().items()):
        base, _, labels = name.partition("{")
        if _NAME.fullmatch(base):
            engine.setdefault(base, []).append((f"{{{labels}" if labels else "", value))
    for base, samples in engine.items():
        kind = "counter" if base.endswith("_total") else "gauge"
        yield base, kind, f"of the engine: {base.removesuffix('_total').replace('_', ' ')}", samples
    with contextlib.suppress(StoreError, ConnectionError):
        sources = services.sources
        waiting = sources.queue.lag(sources.groups())
        events = sum(row.events for row in waiting)
        yield "lag_events", "gauge", "Durable events that are not stored yet", [("", events)]
        age = max((row.oldest_ms for row in waiting), default=0) / 1000
        yield "lag_seconds", "gauge", "Age of the oldest of them", [("", age)]


def _collectors(services: Services) -> Iterator[Family]:
    """What each collector publishes in `<data>/run/*.json`, one label for the process."""
    found: dict[str, list[tuple[str, float]]] = {}
    for path in sorted((services.settings.data_dir / "run").glob("collector-*.json")):
        try:
            counters = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        label = f'{{process="{re.sub(r"[^a-zA-Z0-9_-]", "_", path.stem)}"}}'
        for name, value in counters.items() if isinstance(counters, dict) else ():
            if _NAME.fullmatch(name) and isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(name, []).append((label, value))
    for name, samples in found.items():
        gauge = name in _GAUGES
        shown = f"collector_{name}" if gauge else f"collector_{name}_total"
        yield shown, "gauge" if gauge else "counter", f"of the collector: {name.replace('_', ' ')}", samples
