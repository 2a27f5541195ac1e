"""The Redis queue from the settings, and what the server promises.

    redis://[[USER]:PASSWORD@]HOST:PORT[/DB][?partitions=4&prefix=eventmill&durability=fsync|relaxed]

With `appendonly yes` and `appendfsync always` Redis answers after its log is on the disk (redis.io, persistence).
"""

from typing import Any

import redis

from eventmill.queue.address import Address, chosen, parse_address
from eventmill.queue.base import QueueError, QueueUnavailable
from eventmill.queue.redis.layout import Keys
from eventmill.queue.redis.reader import RedisReader
from eventmill.queue.redis.writer import RedisWriter
from eventmill.settings import Settings

_CONNECT_S = 3.0
_ANSWER_S = 10.0


def open_writer(settings: Settings, slot: int | None) -> RedisWriter:
    """Any number of collectors may write. Raises QueueError."""
    del slot
    address, _ = parse_address(settings.queue.url)
    return RedisWriter(connect(address), Keys(address.prefix), address.partitions, durability(settings))


def open_reader(settings: Settings) -> RedisReader:
    """Raises QueueError."""
    address, _ = parse_address(settings.queue.url)
    return RedisReader(connect(address), Keys(address.prefix))


def durability(settings: Settings) -> str:
    """What an acknowledgement means, as the server says itself. Raises QueueError where it is away, or gives less."""
    address, _ = parse_address(settings.queue.url)
    client = connect(address)
    try:
        real, why = promise(client)
    except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
        raise QueueUnavailable(f"queue: Redis does not answer at {_shown(address.url)}: {error}") from error
    finally:
        client.close()
    return chosen(address.asked, real, why, "Start it with appendonly yes and appendfsync always")


def promise(client: Any) -> tuple[str, str]:
    """(class, the settings that say so). Who may not read them learns `relaxed`."""
    try:
        found = {**client.config_get("appendonly"), **client.config_get("appendfsync")}
        found |= client.config_get("no-appendfsync-on-rewrite")
    except redis.ResponseError as error:
        return "relaxed", f"its settings cannot be read: {error}"
    told = {_text(name): _text(value) for name, value in found.items()}
    why = ", ".join(f"{name} {value}" for name, value in sorted(told.items()))
    sure = (
        told.get("appendonly") == "yes"
        and told.get("appendfsync") == "always"
        and told.get("no-appendfsync-on-rewrite", "no") == "no"
    )
    return ("fsync" if sure else "relaxed"), why


def connect(address: Address) -> redis.Redis:
    """A client that gives up after seconds: the door must answer. Raises QueueError where the URL is none."""
    try:
        return redis.Redis.from_url(
            address.url,
            socket_connect_timeout=_CONNECT_S,
            socket_timeout=_ANSWER_S,
            health_check_interval=15,
            client_name="eventmill",
        )
    except ValueError as error:
        raise QueueError(f"queue: {_shown(address.url)} is no address of Redis: {error}") from error


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _shown(url: str) -> str:
    """Without the password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
