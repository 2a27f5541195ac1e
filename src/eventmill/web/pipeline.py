"""The pipeline as it runs: processes, rates by step, ledger, lag, sizes."""

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping

import msgspec

from eventmill import runtime
from eventmill.query.days import rfc3339_ms
from eventmill.query.lag import Drain, Waiting, lag
from eventmill.query.ledger import Balance, LedgerRequest, ledger
from eventmill.query.pipeline import StoreSize, store_size
from eventmill.settings import size
from eventmill.web.rates import Meter
from eventmill.web.services import Services

_EVER = LedgerRequest(0, 1 << 40, None, "UTC", 0)
_GAUGE = re.compile(r"worker_(events_total|stored_total|rejected_total|step_seconds_total)\{(.*)\}")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Process(msgspec.Struct):
    """One process under the parent. `pid` and `started` (RFC 3339) are null while it is down."""

    name: str
    role: str
    pid: int | None
    ready: bool
    restarts: int
    started: str | None


class Rate(msgspec.Struct):
    """Of one step of the flow, over the last half minute: events and errors a second, and the share of the time
    that it is at work (null where it is not measured). Null rates: two looks are needed, five seconds apart."""

    step: str
    rate: float | None
    errors: float | None
    busy: float | None = None


class LedgerTotal(msgspec.Struct):
    """All time: all topics together, and each."""

    total: Balance
    balanced: bool
    topics: dict[str, Balance]


class QueueSize(msgspec.Struct):
    """Files of the embedded queue, and the bytes that they may take."""

    bytes: int
    files: int
    quota: int


class Disk(msgspec.Struct):
    """Of the data directory, in bytes. Below `reserve` the door answers 503."""

    free: int
    total: int
    reserve: int


class Pipeline(msgspec.Struct):
    """The answer. `trouble` says why storing stands still, null where it runs; `processes` is empty where no parent
    runs on this machine; `queue` is null for a queue elsewhere. `lag` lists what waits, by group, topic and shard."""

    processes: list[Process]
    rates: list[Rate]
    ledger: LedgerTotal
    lag: list[Waiting]
    waiting: int
    seconds: float
    drain: Drain
    store: StoreSize
    queue: QueueSize | None
    disk: Disk
    trouble: str | None


def totals(services: Services) -> dict[str, float]:
    """Everything that only grows: of each collector `NAME/field`, of the workers by metric."""
    found: dict[str, float] = {}
    for path in sorted((services.settings.data_dir / "run").glob("collector-*.json")):
        try:
            counters = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        for name in ("events", "replies_4xx", "replies_5xx", "commit_failures", "commit_seconds"):
            value = counters.get(name) if isinstance(counters, dict) else None
            if isinstance(value, int | float):
                found[f"{path.stem}/{name}"] = value
    return found | services.gauges()


def pipeline(services: Services, meter: Meter) -> Pipeline:
    """Asks the store, the queue and the files. Raises StoreError."""
    sources, settings = services.sources, services.settings
    groups = sources.groups()
    waiting = lag(sources.queue, groups, sources.rate())
    balance = ledger(sources.store, sources.queue, _EVER, groups)
    disk = shutil.disk_usage(settings.data_dir)
    return Pipeline(
        processes=_processes(services),
        rates=_rates(totals(services), meter.rates()),
        ledger=LedgerTotal(balance.total, balance.balanced, balance.topics),
        lag=waiting.data,
        waiting=waiting.events,
        seconds=waiting.seconds,
        drain=waiting.drain,
        store=store_size(sources.store),
        queue=_queue(services),
        disk=Disk(disk.free, disk.total, size(settings.queue.reserve)),
        trouble=services.health(),
    )


def _processes(services: Services) -> list[Process]:
    running = runtime.find(services.settings.data_dir)
    return [
        Process(
            name=process.name,
            role=process.name.partition("-")[0],
            pid=process.pid,
            ready=process.ready,
            restarts=process.restarts,
            started=None if process.started is None else rfc3339_ms(int(process.started * 1000)),
        )
        for process in (running.processes if running else [])
    ]


def _rates(known: Mapping[str, float], rates: Mapping[str, float]) -> list[Rate]:
    """Steps in the order of the flow. `known` names the totals, those too that have no rate yet."""
    door: defaultdict[str, float] = defaultdict(float)
    doors = {name.partition("/")[0] for name in known if "/" in name}
    work: defaultdict[str, float] = defaultdict(float)
    busy: dict[str, float] = {}
    for name in known:
        if "/" in name:
            door[name.partition("/")[2]] += rates.get(name, 0.0)
        elif match := _GAUGE.fullmatch(name):
            if match[1] == "step_seconds_total":
                step = dict(_LABEL.findall(match[2])).get("step", "")
                busy[step] = busy.get(step, 0.0) + rates.get(name, 0.0)
            else:
                work[match[1]] += rates.get(name, 0.0)

    def rate(value: float, there: object = True) -> float | None:
        return round(value, 4) if rates and there else None

    found = [
        Rate("door", rate(door["events"], doors), rate(door["replies_4xx"] + door["replies_5xx"], doors)),
        Rate(
            "queue", rate(door["events"], doors), rate(door["commit_failures"], doors),
            rate(door["commit_seconds"] / max(1, len(doors)), doors),
        ),
    ]  # fmt: skip
    found += [Rate(step, rate(work["events_total"]), rate(0.0), rate(seconds)) for step, seconds in busy.items()]
    return [*found, Rate("store", rate(work["stored_total"]), rate(work["rejected_total"]))]


def _queue(services: Services) -> QueueSize | None:
    folder = services.settings.queue_dir
    if folder is None:
        return None
    sizes = []
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                sizes.append(path.stat().st_size)
        except OSError:  # it was deleted by retention just now
            continue
    return QueueSize(sum(sizes), len(sizes), size(services.settings.queue.quota))
