"""Names of keys, and numbers of stream ids.

PREFIX:shards                    set: the streams that exist, as `TOPIC/PARTITION`
PREFIX:stream:TOPIC/PARTITION    stream: h heads, b lines (NDJSON), n events, t received (ms)
PREFIX:received:TOPIC            hash: events by minute of receipt, counted in the transaction that adds them
PREFIX:group:GROUP               hash: `s TOPIC/PARTITION` the last committed seq, `d TOPIC` events committed,
                                 `batch` its number, `replay` (JSON) while one lasts
PREFIX:groups                    set: the groups that have committed
"""

_COUNTER_BITS = 20


class Keys:
    """The keys under one prefix."""

    def __init__(self, prefix: str) -> None:
        self.shards = f"{prefix}:shards"
        self.groups = f"{prefix}:groups"
        self._prefix = prefix

    def stream(self, shard: str) -> str:
        return f"{self._prefix}:stream:{shard}"

    def received(self, topic: str) -> str:
        return f"{self._prefix}:received:{topic}"

    def group(self, group: str) -> str:
        return f"{self._prefix}:group:{group}"


def shard_name(topic: str, partition: int) -> str:
    return f"{topic}/{partition}"


def topic_of(shard: str) -> str:
    return shard.rpartition("/")[0]


def seq_of(stream_id: bytes | str) -> int:
    """A stream id `MS-N` as one number that grows with it."""
    text = stream_id.decode() if isinstance(stream_id, bytes) else stream_id
    ms, _, counter = text.partition("-")
    return int(ms) << _COUNTER_BITS | int(counter or 0)


def id_of(seq: int) -> str:
    """The inverse of `seq_of`."""
    return f"{seq >> _COUNTER_BITS}-{seq & (1 << _COUNTER_BITS) - 1}"
