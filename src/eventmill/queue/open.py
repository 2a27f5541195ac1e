"""Opens a queue by its URL: an explicit table from scheme to backend, imported only when used."""

from importlib import import_module
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from eventmill.queue.base import QueueError, Reader, Writer
from eventmill.settings import Settings, size

SPILL = "spill"
"""The folder of the data directory in which events wait while a broker is away."""
_MOST_COLLECTORS = 256


class Backend(NamedTuple):
    """Where a backend lives, and the extra that brings what it needs."""

    module: str
    extra: str | None


BACKENDS = {
    "sqlite": Backend("eventmill.queue.sqlite.open", None),
    "kafka": Backend("eventmill.queue.kafka.open", "kafka"),
    "redis": Backend("eventmill.queue.redis.open", "redis"),
    "rediss": Backend("eventmill.queue.redis.open", "redis"),
    "amqp": Backend("eventmill.queue.amqp.open", "amqp"),
    "amqps": Backend("eventmill.queue.amqp.open", "amqp"),
    "beanstalk": Backend("eventmill.queue.beanstalk.open", None),
}


def open_writer(settings: Settings, slot: int | None) -> Writer:
    """The door's side of the configured queue. Raises QueueError."""
    module = _module(settings)
    if _is_embedded(settings) or not settings.queue.spill:
        return cast(Writer, module.open_writer(settings, slot))
    from eventmill.queue.spill.writer import SpillingWriter

    number = slot or 0
    more = range(settings.collect.processes, _MOST_COLLECTORS) if number == 0 else ()
    left = [folder for one in more if (folder := _spill(settings, one)).exists()]
    return SpillingWriter(
        lambda: cast(Writer, module.open_writer(settings, slot)),
        _spill(settings, number),
        left,
        quota=size(settings.queue.quota),
        reserve=size(settings.queue.reserve),
    )


def durability(settings: Settings) -> str:
    """`fsync`, `replicated` or `relaxed`: what an acknowledgement of the configured queue means. Raises QueueError."""
    return cast(str, _module(settings).durability(settings))


def open_reader(settings: Settings) -> Reader:
    """The consumers' side of the configured queue. Raises QueueError."""
    reader = cast(Reader, _module(settings).open_reader(settings))
    if _is_embedded(settings) or not settings.queue.spill:
        return reader
    from eventmill.queue.spill.reader import WithSpill

    return WithSpill(reader, settings.data_dir / SPILL)


def _is_embedded(settings: Settings) -> bool:
    return urlsplit(settings.queue.url).scheme == "sqlite"


def _spill(settings: Settings, number: int) -> Path:
    return settings.data_dir / SPILL / f"collector-{number}"


def _module(settings: Settings):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a module has no narrower type
    scheme = urlsplit(settings.queue.url).scheme
    backend = BACKENDS.get(scheme)
    if backend is None:
        known = ", ".join(f"{name}:" for name in BACKENDS)
        raise QueueError(f"queue: {settings.queue.url!r} has no known scheme; write one of {known}")
    try:
        return import_module(backend.module)
    except ModuleNotFoundError as error:
        if backend.extra is None:
            raise
        raise QueueError(f"queue {scheme}: needs an extra: pip install 'eventmill[{backend.extra}]'") from error
