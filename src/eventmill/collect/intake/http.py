"""eventmill's own paths: pixels, `/e`, `/t/{topic}`, aliases, the tracker, health."""

from collections.abc import Sequence
from importlib import resources

from eventmill.collect.collector import Collector
from eventmill.collect.forms import event_of
from eventmill.collect.head import RequestHead
from eventmill.collect.inflate import inflate
from eventmill.collect.refusal import Malformed, Refused
from eventmill.collect.replies import JSON, Answer
from eventmill.collect.routes import Connection, Route, Routes, merge
from eventmill.collect.sent import encoder
from eventmill.collect.sign import sign

DEFAULT_TOPIC = "event"
_TRACKER = resources.files("eventmill.collect").joinpath("eventmill.js").read_bytes()
# An hour: a new version reaches every page the same day, and a visitor fetches it once a visit.
_TRACKER_FIELDS = b"Cache-Control: public, max-age=3600\r\nCross-Origin-Resource-Policy: cross-origin\r\n"


def routes(collector: Collector, pixel_paths: Sequence[str]) -> dict[str, Route]:
    """Every path of this intake. A pixel path wins over an alias, an alias over `/t/…`."""
    replies = collector.replies
    health = Health(collector)
    fixed: Routes = {
        "/e": Route(post=Events(collector, DEFAULT_TOPIC)),
        "/eventmill.js": Route(get=Fixed(Answer(200, _TRACKER, b"text/javascript; charset=utf-8", _TRACKER_FIELDS))),
        "/health": Route(get=health.alive),
        "/ready": Route(get=health.ready),
    }
    pixels: Routes = {
        path: Route(get=Pixel(collector, replies.png if path.endswith(".png") else replies.gif)) for path in pixel_paths
    }
    aliases: Routes = {
        alias: Route(post=Events(collector, name, replies.ok))
        for name, topic in collector.topics.items()
        for alias in topic.aliases
    }
    topics: Routes = {f"/t/{name}": Route(post=Events(collector, name)) for name in collector.topics}
    return merge([pixels, fixed, aliases, topics])


class Pixel:
    """GET: the query is one event, the answer an image. HEAD records nothing."""

    __slots__ = ("_answer", "_checked", "_collector")

    def __init__(self, collector: Collector, answer: Answer) -> None:
        self._collector = collector
        self._answer = answer
        self._checked = frozenset(name for name, topic in collector.topics.items() if topic.checked)

    def __call__(self, door: Connection, head: RequestHead, query: str, _body: bytes) -> None:
        collector = self._collector
        answer = self._answer
        if head.bodiless or (head.client.opted_out and collector.do_not_track == "drop"):
            door.answer(answer, head)
            return
        site = None if head.bearer is None else collector.keys.site(head.bearer)
        try:
            line = event_of(query, DEFAULT_TOPIC in self._checked)
            topic = DEFAULT_TOPIC
            if line.topic is not None and line.topic != topic and line.topic in collector.topics:
                topic = line.topic
                if topic in self._checked and line.raw is None:
                    line = event_of(query, keep_raw=True)
        except Malformed as error:
            collector.take_malformed(door, head, DEFAULT_TOPIC, query.encode(), error)
            return
        if collector.commit.refusal is not None:
            raise Refused(503, collector.commit.refusal)
        envelope = door.envelope if door.client is head.client else collector.envelope(door, head)
        if site:
            line.site = line.site or site
        sign((line,), envelope, collector.visitors, envelope.page_host)
        reply = answer.plain if head.plain else answer.render(collector.replies.date, head)
        collector.commit.add(topic, envelope.page_line, encoder.encode(line), 1, door, reply)


class Events:
    """POST: JSON or a form into a topic. `answer` where it is fixed; else the count of events is told."""

    __slots__ = ("_answer", "_collector", "_topic")

    def __init__(self, collector: Collector, topic: str, answer: Answer | None = None) -> None:
        self._collector = collector
        self._topic = topic
        self._answer = answer

    def __call__(self, door: Connection, head: RequestHead, _query: str, body: bytes) -> None:
        collector = self._collector
        if head.multipart:
            raise Refused(415, "multipart bodies are not read")
        site = None if head.bearer is None else collector.keys.site(head.bearer)
        try:
            if head.encoding or body[:2] == b"\x1f\x8b":
                body = inflate(body, head.encoding, collector.limits.max_body)
            lines = collector.bodies.read(body, self._topic, head.accepts_form)
        except Malformed as error:
            collector.take_malformed(door, head, self._topic, body, error)
            return
        if site:
            for line in lines:
                line.site = line.site or site
        collector.take(door, head, self._topic, lines, self._answer or collector.replies.accepted(len(lines)))


class Fixed:
    """GET: always the same answer, recording nothing."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __call__(self, door: Connection, head: RequestHead, _query: str, _body: bytes) -> None:
        door.answer(self._answer, head)


class Health:
    """`/health`: the process lives. `/ready`: a durable write would be taken now."""

    __slots__ = ("_collector",)

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def alive(self, door: Connection, head: RequestHead, _query: str, _body: bytes) -> None:
        door.answer(self._collector.replies.alive, head)

    def ready(self, door: Connection, head: RequestHead, _query: str, _body: bytes) -> None:
        collector = self._collector
        reason = "draining" if collector.draining else collector.commit.refusal or collector.writer.check()
        if reason is not None:
            raise Refused(503, reason)
        fields = b"Cache-Control: no-store\r\n"
        door.answer(Answer(200, b'{"status":"ok"}', JSON, fields), head)
