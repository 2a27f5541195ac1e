"""Where a reading command gets its answers: the running server's API, else the store itself."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from eventmill import runtime
from eventmill.commands.common import fail
from eventmill.query import events, rejects, sql
from eventmill.query.ask import QUESTIONS, Sources
from eventmill.query.model import RequestError
from eventmill.query.source import QueryRefused, StoreError
from eventmill.registry.local import read_local_key
from eventmill.settings import Settings

_TIMEOUT_S = 120


class Answers:
    """The same questions, asked of a server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        server = runtime.find(settings.data_dir)
        self._url = server.web_url if server is not None else ""
        key = read_local_key(settings.data_dir)
        self._headers = {"authorization": f"Bearer {key}"} if key else {}

    @property
    def served(self) -> bool:
        """Whether a server answers."""
        return bool(self._url)

    def ask(self, question: str, params: Mapping[str, str]) -> Any:
        """The answer as JSON values. Ends the command with 2 where the question is wrong, 1 where it failed."""
        if self._url:
            return json.loads(self._fetch(question, params))
        with self._opened() as sources:
            return _plain(QUESTIONS[question].ask(sources, params))

    def trace(self, needle: str) -> Any:
        """The event, or None."""
        if self._url:
            return self._one(f"events/{urllib.parse.quote(needle, safe='')}")
        with self._opened() as sources:
            return _plain(events.trace(sources.store, sources.queue, needle))

    def reject(self, receipt: str) -> Any:
        """The reject, or None."""
        if self._url:
            return self._one(f"rejects/{urllib.parse.quote(receipt, safe='')}")
        with self._opened() as sources:
            return _plain(rejects.reject(sources.store, receipt))

    def sql(self, request: sql.SqlRequest) -> Any:
        """Columns and rows."""
        if self._url:
            return json.loads(self._fetch("sql", {}, msgspec.json.encode(request)))
        with self._opened() as sources:
            return _plain(sql.sql(sources.store, request))

    def replay(self, request: rejects.ReplayRequest) -> Any:
        """How many were sent again. Needs a server: events come in through its door."""
        if not self._url:
            fail(f"no server runs on {self._settings.data_dir}: start it with `eventmill serve`, then replay")
        return json.loads(self._fetch("rejects/replay", {}, msgspec.json.encode(request)))

    def get(self, path: str) -> Any:
        """What a route of the running server says."""
        return json.loads(self._fetch(path, {}))

    def post(self, path: str, body: Any) -> Any:
        """What the running server answers to a record."""
        return json.loads(self._fetch(path, {}, msgspec.json.encode(body)))

    def stream(self, params: Mapping[str, str]) -> Iterator[str]:
        """The data of each server-sent event. Needs a server."""
        if not self._url:
            fail(f"no server runs on {self._settings.data_dir}, so nothing comes in: start it with `eventmill serve`")
        request = urllib.request.Request(self._address("live", params), headers=self._headers)  # noqa: S310 - our own server
        with _http_errors(self._url), urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            for line in answer:
                if line.startswith(b"data: "):
                    yield line[6:].decode().rstrip("\r\n")

    def _address(self, path: str, params: Mapping[str, str]) -> str:
        given = {name: value for name, value in params.items() if value}
        return f"{self._url}/api/v1/{path}" + (f"?{urllib.parse.urlencode(given)}" if given else "")

    def _fetch(self, path: str, params: Mapping[str, str], body: bytes | None = None) -> bytes:
        headers = {**self._headers, **({"content-type": "application/json"} if body is not None else {})}
        request = urllib.request.Request(self._address(path, params), data=body, headers=headers)  # noqa: S310
        with _http_errors(self._url), urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content

    def _one(self, path: str) -> Any:
        try:
            request = urllib.request.Request(self._address(path, {}), headers=self._headers)  # noqa: S310
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            fail(_detail(error), 2 if error.code == 400 else 1)
        except OSError as error:
            fail(f"{self._url} does not answer: {error}")

    @contextmanager
    def _opened(self) -> Iterator[Sources]:
        from eventmill.app import open_sources

        with open_sources(self._settings) as sources:
            try:
                yield sources
            except (RequestError, QueryRefused) as error:
                fail(str(error), 2)
            except StoreError as error:
                fail(str(error))


@contextmanager
def _http_errors(url: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        fail(_detail(error), 2 if error.code == 400 else 1)
    except OSError as error:
        fail(f"{url} does not answer: {error}")


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["detail"])
    except (ValueError, KeyError, OSError):
        return f"{error.url}: {error.code} {error.reason}"


def _plain(answer: Any) -> Any:
    return json.loads(msgspec.json.encode(answer)) if answer is not None else None
