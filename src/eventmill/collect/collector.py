"""What all connections of a collector process share, and the way of events from a handler to the queue."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from hashlib import blake2b

from eventmill.clock import Clock
from eventmill.collect.bodies import Bodies
from eventmill.collect.commit import GroupCommit, Records
from eventmill.collect.counters import Counters
from eventmill.collect.door_keys import DoorKeys
from eventmill.collect.envelope import Envelope
from eventmill.collect.head import Client, HeadCache, RequestHead
from eventmill.collect.limits import MALFORMED_KEPT, Limits, MalformedBound
from eventmill.collect.loose import rejected
from eventmill.collect.privacy import TrustedProxies, scrub
from eventmill.collect.refusal import Malformed, Refused
from eventmill.collect.replies import Answer, Replies
from eventmill.collect.routes import Connection, Routes
from eventmill.collect.salts import Salts
from eventmill.collect.sent import Sent, encoder
from eventmill.collect.sign import sign
from eventmill.collect.sweep import Swept, sweep
from eventmill.collect.visitors import Visitors
from eventmill.queue.base import Writer
from eventmill.settings import Settings
from eventmill.topics import Topic

MAX_KEY_BYTES = 48


class Collector:
    """One process's door: its connections, its open batch, its caches and counters."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        name: str,
        routes: "Callable[[Collector], Routes]",
    ) -> None:
        """`routes` makes the table of paths, now and whenever the topics have changed."""
        self.writer = writer
        self.clock = clock
        self.limits = Limits.of(settings.collect)
        self.counters = Counters(name=name, started_ms=clock())
        self.commit = GroupCommit(loop, writer, clock, self.counters, self.limits.queue_memory)
        self.replies = Replies()
        self.heads = HeadCache()
        self.keys = DoorKeys(settings.data_dir)
        self.visitors = Visitors(Salts(settings.data_dir / "salts"))
        self.proxies = TrustedProxies(settings.collect.trusted_proxies)
        self.do_not_track = settings.collect.do_not_track
        self.malformed_bound = MalformedBound()
        self.doors: set[Swept] = set()
        """The open connections."""
        self.nobody = Envelope(Client(), None, anonymous=True)
        self.draining = False
        self.now = 0
        """Seconds since the epoch, as of the last tick."""
        self._make_routes = routes
        self.use_topics(settings.topics)
        self.tick()

    def use_topics(self, topics: Mapping[str, Topic]) -> None:
        """Takes over a changed set of topics; requests under way end as they began."""
        self.topics = dict(topics)
        self.bodies = Bodies(frozenset(name for name, topic in topics.items() if topic.checked))
        self.routes = self._make_routes(self)

    def tick(self) -> None:
        """Once a second: the date, the deadlines, the day's salt (last: a disk that fails must not stop the rest)."""
        self.now = self.clock() // 1000
        self.replies.tick(self.now)
        sweep(self.doors, self.now, self.limits)
        self.counters.connections_open = len(self.doors)
        self.counters.held_bytes = self.commit.held
        self.visitors.tick(self.now)

    def envelope(self, door: Connection, head: RequestHead) -> Envelope:
        """The envelope of the client of this request, which its connection then keeps."""
        address = self.proxies.client(door.peer(), head.client.forwarded)
        anonymous = head.client.opted_out and self.do_not_track == "anonymous"
        door.client = head.client
        door.envelope = Envelope(head.client, address, anonymous)
        return door.envelope

    def take(self, door: Connection, head: RequestHead, topic: str, lines: list[Sent], answer: Answer) -> None:
        """Makes the events durable and then answers; 503 where that is not possible now."""
        envelope = door.envelope if door.client is head.client else self.envelope(door, head)
        if head.client.opted_out and self.do_not_track == "drop":
            lines = []
        if not lines:
            door.answer(answer, head)
            return
        if self.commit.refusal is not None:
            raise Refused(503, self.commit.refusal)
        sign(lines, envelope, self.visitors)
        reply = answer.plain if head.plain else answer.render(self.replies.date, head)
        key = None if head.key is None else _short(head.key)
        groups = self._by_topic(lines, topic)
        if groups is None:
            if len(lines) == 1:
                line = envelope.line if key is None else envelope.head_line(1, key)
                self.commit.add(topic, line, encoder.encode(lines[0]), 1, door, reply)
            else:
                line = envelope.head_line(len(lines), key)
                self.commit.add(topic, line, encoder.encode_lines(lines)[:-1], len(lines), door, reply)
            return
        if key is not None:
            # The worker counts an id's index within one part: with several parts the ids are made here.
            for index, sent in enumerate(lines):
                if not sent.id:
                    sent.id = f"{key}-{index}"
        self.commit.add_all(
            [
                Records(name, envelope.head_line(len(part)), encoder.encode_lines(part)[:-1], len(part))
                for name, part in groups.items()
            ],
            door,
            reply,
        )

    def _by_topic(self, lines: list[Sent], topic: str) -> dict[str, list[Sent]] | None:
        """The lines by the topic they name, None where all stay in the route's. An unknown name stays too."""
        for line in lines:
            if line.topic is not None and line.topic != topic and line.topic in self.topics:
                break
        else:
            return None
        groups: dict[str, list[Sent]] = {}
        for line in lines:
            name = line.topic if line.topic is not None and line.topic in self.topics else topic
            groups.setdefault(name, []).append(line)
        return groups

    def take_malformed(self, door: Connection, head: RequestHead, topic: str, body: bytes, error: Malformed) -> None:
        """Keeps the bytes of a body that holds no event, then answers 400; too many of one source only count."""
        envelope = door.envelope if door.client is head.client else self.envelope(door, head)
        self.counters.malformed += 1
        reply = self.replies.error(400, error.reason, head, at=error.at)
        if head.client.opted_out and self.do_not_track == "drop":
            door.send(reply)
            return
        if not self.malformed_bound.keep(envelope.address, self.now):
            self.counters.malformed_unkept += 1
            door.send(reply)
            return
        if self.commit.refusal is not None:
            raise Refused(503, self.commit.refusal)
        line = rejected(error.kind, _kept_text(body), 0, {})
        self.commit.add(topic, envelope.line, encoder.encode(line), 1, door, reply)


def _short(key: str) -> str:
    """An Idempotency-Key that leaves room for the index in an id of 64 bytes."""
    raw = key.encode()
    return key if len(raw) <= MAX_KEY_BYTES else blake2b(raw, digest_size=16).hexdigest()


def _kept_text(body: bytes) -> str:
    """The body as text, or in base64 where it is none; cut to what is kept, and without addresses."""
    kept = body[:MALFORMED_KEPT]
    try:
        return scrub(kept.decode())
    except UnicodeDecodeError as error:
        if error.end == len(kept) and len(body) > len(kept):
            return scrub(kept[: error.start].decode())  # the cut went through a character
    return "base64:" + base64.b64encode(scrub(kept.decode("latin-1")).encode("latin-1")).decode()
