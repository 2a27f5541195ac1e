"""The door's side: one transaction for each commit, answered after Redis has written its log to the disk."""

import time
from collections.abc import Sequence

import redis

from eventmill.clock import MINUTE_MS
from eventmill.queue.base import Draft, QueueFull, QueueUnavailable
from eventmill.queue.records import parts
from eventmill.queue.redis.layout import Keys, shard_name

_LOOK_S = 0.5


class RedisWriter:
    """Writer of `queue.base` on Redis Streams. All events of an append are added in one MULTI: all or none."""

    def __init__(self, client: redis.Redis, keys: Keys, partitions: int, durability: str) -> None:
        self.durability = durability
        self._client, self._keys, self._partitions = client, keys, partitions
        self._known: set[str] = set()
        self._trouble: str | None = None
        self._looked = 0.0

    def append(self, drafts: Sequence[Draft]) -> None:
        """See `queue.base.Writer.append`."""
        pipe = self._client.pipeline(transaction=True)
        new: set[str] = set()
        for draft in drafts:
            for part in parts(draft, self._partitions):
                shard = shard_name(part.topic, part.partition)
                if shard not in self._known and shard not in new:
                    pipe.sadd(self._keys.shards, shard)
                    new.add(shard)
                fields = {"h": b"".join(part.heads), "b": b"".join(part.lines), "n": part.count, "t": part.received}
                pipe.xadd(self._keys.stream(shard), fields)  # type: ignore[arg-type]
            pipe.hincrby(self._keys.received(draft.topic), str(draft.received // MINUTE_MS), draft.count)
        try:
            pipe.execute()
        except redis.ResponseError as error:
            # Inside EXEC a command can fail by itself; `OOM` and the like refuse the transaction as a whole.
            self._trouble = str(error)
            raise QueueFull(f"Redis refuses: {error}") from error
        except (redis.RedisError, OSError) as error:
            self._trouble = f"Redis is away: {error}"
            raise QueueUnavailable(self._trouble) from error
        self._known |= new
        self._trouble = None

    def check(self) -> str | None:
        """See `queue.base.Writer.check`; asks again every half second while there is trouble."""
        if self._trouble is not None and time.monotonic() - self._looked > _LOOK_S:
            self._looked = time.monotonic()
            try:
                self._client.ping()
                self._trouble = None
            except (redis.RedisError, OSError) as error:
                self._trouble = f"Redis is away: {error}"
        return self._trouble

    def close(self) -> None:
        """See `queue.base.Writer.close`."""
        self._client.close()
