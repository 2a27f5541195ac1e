"""The door's side: a record for each event, confirmed by the brokers before anybody is answered."""

import time
from collections.abc import Sequence
from zlib import crc32

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec.structs import replace

from eventmill.queue.base import Draft, QueueUnavailable
from eventmill.queue.kafka.names import HEAD, Cluster
from eventmill.queue.records import name_of, requests

_CONFIRM_S = 8.0
_LOOK_S = 0.5
_encode = msgspec.json.Encoder().encode


class KafkaWriter:
    """Writer of `queue.base` on Kafka: acks=all, idempotent. The value is the event's line, the key its id, a header
    its head."""

    def __init__(self, cluster: Cluster, durability: str) -> None:
        self.durability = durability
        self._cluster = cluster
        self._trouble: str | None = None
        self._looked = 0.0
        self._failures: list[KafkaError] = []
        self._producer = self._open()

    def _open(self) -> Producer:
        return Producer(
            self._cluster.client(
                **{
                    "acks": "all",
                    "enable.idempotence": True,
                    "linger.ms": 1,
                    "batch.num.messages": 50_000,
                    "queue.buffering.max.messages": 2_000_000,
                    "queue.buffering.max.kbytes": 512_000,
                    "delivery.timeout.ms": int(_CONFIRM_S * 1000),
                    "message.max.bytes": 10_000_000,
                }
            )
        )

    def append(self, drafts: Sequence[Draft]) -> None:
        """See `queue.base.Writer.append`. What was confirmed of an append that failed as a whole stays: a copy that
        nobody was told of."""
        self._failures.clear()
        try:
            for draft in drafts:
                self._produce(draft)
            left = self._producer.flush(_CONFIRM_S + 2.0)
        except (BufferError, KafkaException) as error:
            self._discard()
            raise self._unavailable(str(error)) from error
        if left or self._failures:
            reason = str(self._failures[0]) if self._failures else "no answer"
            self._discard()
            raise self._unavailable(reason)
        self._trouble = None

    def _produce(self, draft: Draft) -> None:
        topic = self._cluster.topic(draft.topic)
        nameless = draft.receipt_low >> 22
        produce, partitions, told = self._producer.produce, self._cluster.partitions, self._told
        for head, lines in requests(draft):
            said = _encode(replace(head, n=1, first=0))[:-1]
            for index, line in enumerate(lines, head.first):
                name = name_of(line, head, index)
                produce(
                    topic,
                    line[:-1],
                    None if name is None else name.encode(),
                    (nameless if name is None else crc32(name.encode())) % partitions,
                    told,
                    None,
                    head.at,
                    {HEAD: said + b',"first":%d}' % index},
                )

    def _told(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failures.append(error)

    def _discard(self) -> None:
        """Nothing of a failed append may be sent later: a new producer begins without it."""
        self._producer.purge()
        self._producer.flush(0)
        self._producer = self._open()

    def _unavailable(self, reason: str) -> QueueUnavailable:
        self._trouble = f"Kafka does not confirm: {reason}"
        return QueueUnavailable(self._trouble)

    def check(self) -> str | None:
        """See `queue.base.Writer.check`; asks again every half second while there is trouble."""
        if self._trouble is not None and time.monotonic() - self._looked > _LOOK_S:
            self._looked = time.monotonic()
            try:
                self._producer.list_topics(self._cluster.topic("event"), timeout=_LOOK_S)
                self._trouble = None
            except KafkaException as error:
                self._trouble = f"Kafka is away: {error.args[0]}"
        return self._trouble

    def close(self) -> None:
        """See `queue.base.Writer.close`."""
        self._producer.flush(_CONFIRM_S)
