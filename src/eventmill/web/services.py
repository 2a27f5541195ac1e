"""What the web needs of the rest, handed in by the composition root."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eventmill.alerts.loop import Watch
from eventmill.clock import Clock, system_clock
from eventmill.forget import Forgetting
from eventmill.query.ask import Sources
from eventmill.registry.database import Database
from eventmill.settings import Settings

Replay = Callable[[Sequence[tuple[str, bytes]]], int]
"""Puts (topic, bytes) into the queue again as new events; returns how many are durable."""


@dataclass(slots=True, frozen=True)
class Services:
    """`replay` None: this process cannot send. `health` says why the pipeline stands still, None where it runs.
    `gauges` are numbers of this process for /metrics, by name. `registry` None: there are no keys, no
    password and no settings to change. `local_key` is the key of the commands on this machine (`registry.local`)."""

    sources: Sources
    settings: Settings
    replay: Replay | None = None
    clock: Clock = system_clock
    health: Callable[[], str | None] = lambda: None
    gauges: Callable[[], dict[str, float]] = dict
    registry: Database | None = None
    local_key: str = ""
    forgetting: Forgetting | None = None
    alerts: Watch | None = None
