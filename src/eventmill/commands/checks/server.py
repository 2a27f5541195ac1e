"""The running server, and what its queue promises."""

import http.client
import os
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from eventmill import runtime
from eventmill.app import queue_schemes
from eventmill.commands.checks.finding import Finding, bad, ok, warn
from eventmill.settings import Settings

_REPLY_S = 5.0


def check(settings: Settings) -> Iterator[Finding]:
    """Asks each address whether it is ready."""
    yield _queue(settings)
    server = runtime.find(settings.data_dir)
    if server is None:
        if (settings.data_dir / "runtime.json").exists():
            yield warn(
                "server", "was killed, and is not running", "eventmill serve: what was acknowledged is stored then"
            )
        else:
            yield ok("server", "none runs on this data directory")
        return
    down = [process.name for process in server.processes if not process.ready]
    restarts = sum(process.restarts for process in server.processes)
    text = f"pid {server.pid}, {len(server.processes)} processes, {restarts} restarts"
    if down:
        yield warn("server", f"{text}; not ready: {', '.join(down)}", "wait a second, then look at its output")
    else:
        yield ok("server", text)
    for name, where in (*(("collector", shown) for shown in server.collect), ("API", server.web)):
        yield _ready(name, where)


def _ready(name: str, where: str) -> Finding:
    connection = http.client.HTTPConnection(where, timeout=_REPLY_S)
    try:
        connection.request("GET", "/ready")
        response = connection.getresponse()
        text = response.read(200).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return bad(name, f"{where} does not answer: {error}", "look at the server's output; restart it")
    finally:
        connection.close()
    if response.status != 200:
        return bad(name, f"{where} is not ready: {response.status} {text}", "the reason says what mends it")
    return ok(name, f"{where} is ready")


def _queue(settings: Settings) -> Finding:
    parts = urlsplit(settings.queue.url)
    if parts.scheme not in queue_schemes():
        known = ", ".join(f"{name}:" for name in queue_schemes())
        return bad("queue", f"{settings.queue.url!r} has no known scheme", f"set queue to one of {known}")
    if parts.scheme == "sqlite":
        if parse_qs(parts.query).get("durability") == ["relaxed"]:
            text = f"{settings.queue.url} durability class relaxed: a power cut may lose what was answered"
            return warn("queue", text, "take ?durability=relaxed away, unless these events may be lost")
        cores = len(os.sched_getaffinity(0))
        text = f"{settings.queue.url} durability class fsync: an answer is sent after the disk has the event"
        if settings.collect.processes > 2 * cores:
            return warn(
                "queue",
                f"{text}; {settings.collect.processes} collectors on {cores} cores",
                f"set collect.processes to {cores}",
            )
        return ok("queue", text)
    return ok("queue", settings.queue.url)
