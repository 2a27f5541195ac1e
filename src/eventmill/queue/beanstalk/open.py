"""The beanstalkd queue from the settings.

beanstalk://HOST[:PORT][?partitions=4&prefix=eventmill&durability=fsync|relaxed]
"""

from functools import partial
from urllib.parse import urlsplit

from eventmill.queue.address import Address, chosen, parse_address
from eventmill.queue.base import QueueError, QueueUnavailable
from eventmill.queue.beanstalk.promise import MEND, promise
from eventmill.queue.beanstalk.reader import BeanstalkReader
from eventmill.queue.beanstalk.wire import Wire
from eventmill.queue.beanstalk.writer import BeanstalkWriter
from eventmill.settings import Settings

_PORT = 11300


def open_writer(settings: Settings, slot: int | None) -> BeanstalkWriter:
    """Any number of collectors may write. Raises QueueError."""
    del slot
    address, _ = parse_address(settings.queue.url)
    real = durability(settings)
    return BeanstalkWriter(partial(Wire, *_place(address)), address.prefix, address.partitions, real)


def open_reader(settings: Settings) -> BeanstalkReader:
    """Raises QueueError."""
    address, _ = parse_address(settings.queue.url)
    return BeanstalkReader(partial(Wire, *_place(address)), address.prefix, address.partitions)


def durability(settings: Settings) -> str:
    """What an answer means. Raises QueueError where the server is away, or gives less."""
    address, _ = parse_address(settings.queue.url)
    place = _place(address)
    try:
        wire = Wire(*place)
        try:
            real, why = promise(wire.stats())
        finally:
            wire.close()
    except OSError as error:
        raise QueueUnavailable(f"queue: beanstalkd does not answer at {place[0]}:{place[1]}: {error}") from error
    return chosen(address.asked, real, why, MEND)


def _place(address: Address) -> tuple[str, int]:
    parts = urlsplit(address.url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise QueueError(f"queue: {address.url!r} has no port that is a number") from error
    if not host or parts.path.strip("/") or parts.username is not None:
        raise QueueError(f"queue: {address.url!r} is no address of beanstalkd; write beanstalk://HOST:PORT")
    if len(address.prefix) > 100 or address.prefix.startswith("-") or not address.prefix.isascii():
        raise QueueError(f"queue: prefix={address.prefix!r} cannot begin the name of a tube")
    return host, port or _PORT
