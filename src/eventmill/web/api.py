"""The routes of the API and the dashboard's files."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from eventmill.query import events, export, live, rejects, sql
from eventmill.query.ask import QUESTIONS
from eventmill.query.model import RequestError, known
from eventmill.web import (
    about,
    alerts_api,
    assets,
    forget_api,
    metrics,
    openapi,
    pipeline,
    problems,
    session,
    settings_api,
    shares,
)
from eventmill.web.auth import Access
from eventmill.web.guard import Guarded, caller_of
from eventmill.web.live import Broadcast
from eventmill.web.permits import narrowed_about
from eventmill.web.rates import Meter
from eventmill.web.services import Services
from eventmill.web.threads import Threads

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]
PREFIX = "/api/v1"
END_STREAMS = "end_streams"
"""Name in the application's state of what a stopping server calls first."""


def create_app(services: Services) -> Litestar:
    """The ASGI application. Opens nothing: what it asks is in `services`."""
    api = Api(services)
    access = Access(services)
    few = Threads(parallel=2, waiting=20)  # passwords take 64 MiB each, and questions must not wait for them

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        following = asyncio.create_task(access.follow())
        async with api.measuring():
            yield
        following.cancel()
        few.close()
        api.close()

    app = Litestar(
        route_handlers=[
            *api.handlers(), *settings_api.handlers(services, few), *session.handlers(services, access, few),
            *shares.handlers(access), *assets.handlers(), *forget_api.handlers(services, few),
            *alerts_api.handlers(services, few),
        ],
        exception_handlers={Exception: problems.handle},
        lifespan=[lifespan],
        state=State({END_STREAMS: api.end_streams}),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=2_000_000,
    )  # fmt: skip
    # Around the whole application: its own middleware does not see requests that match no route.
    app.asgi_handler = Guarded(app.asgi_handler, services.settings, access)
    return app


class Api:
    """The handlers, and the threads in which they ask the store."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._threads = Threads()
        self._broadcast = Broadcast(services.sources.store, services.clock, self._threads.run)
        self._meter = Meter(lambda: pipeline.totals(services))

    def close(self) -> None:
        self._threads.close()

    def measuring(self) -> AbstractAsyncContextManager[None]:
        """Rates are measured for the length of the block."""
        return self._meter.running(self._threads.run)

    def end_streams(self) -> None:
        """Lets go of those who watch `live`."""
        self._broadcast.close()

    def handlers(self) -> list[Any]:
        """The routes. Each question of `query.ask` is one of them."""
        asked = [self._question(name) for name in QUESTIONS]
        return [*asked, *self._traces(), *self._posts(), *self._streams(), *self._states()]

    def _question(self, name: str) -> Any:
        question = QUESTIONS[name]

        @get(f"{PREFIX}/{name}", name=name)
        async def answer(request: AnyRequest) -> Response[bytes]:
            kind, params = export.parse_format(single(request))

            def asked() -> bytes:
                return export.export(question.ask(self._services.sources, params), kind)

            headers = {"content-disposition": f'attachment; filename="{name.replace("/", "-")}.{kind}"'}
            return Response(
                await self._threads.run(asked),
                media_type=export.FORMATS[kind],
                headers={} if kind == "json" else headers,
            )

        return answer

    def _traces(self) -> list[Any]:
        sources = self._services.sources

        @get(f"{PREFIX}/events/{{needle:path}}", name="event")
        async def event(request: AnyRequest, needle: FromPath[str]) -> Response[bytes]:
            events.parse(single(request))
            # From the bytes as sent: an id may hold slashes, and begin with one.
            needle = unquote(request.scope["raw_path"].decode("latin-1").removeprefix(f"{PREFIX}/events/"))
            found = await self._threads.run(lambda: events.trace(sources.store, sources.queue, needle))
            return _json(_found(found, f"no event has the id or receipt {needle!r}"))

        @get(f"{PREFIX}/rejects/{{receipt:str}}", name="reject")
        async def reject(request: AnyRequest, receipt: FromPath[str]) -> Response[bytes]:
            events.parse(single(request))
            found = await self._threads.run(lambda: rejects.reject(sources.store, receipt))
            return _json(_found(found, f"no reject {receipt!r}"))

        return [event, reject]

    def _posts(self) -> list[Any]:
        @post(f"{PREFIX}/rejects/replay", name="replay", status_code=200)
        async def replay(request: AnyRequest) -> Response[bytes]:
            send = self._services.replay
            if send is None:
                raise HTTPException("this process cannot send events", status_code=503)
            wanted = await _body(request, rejects.ReplayRequest)

            def again() -> rejects.Replayed:
                found = rejects.to_replay(self._services.sources.store, wanted)
                return rejects.Replayed(send(found) if found else 0)

            return _json(await self._threads.run(again))

        @post(f"{PREFIX}/sql", name="sql", status_code=200)
        async def asked(request: AnyRequest) -> Response[bytes]:
            wanted = await _body(request, sql.SqlRequest)
            return _json(await self._threads.run(lambda: sql.sql(self._services.sources.store, wanted)))

        return [replay, asked]

    def _streams(self) -> list[Any]:
        @get(f"{PREFIX}/live", name="live")
        async def stream(request: AnyRequest) -> ServerSentEvent:
            chosen = live.parse(single(request), self._services.sources.products)
            events = await self._broadcast.subscribe(chosen)
            return ServerSentEvent(events, headers={"cache-control": "no-store", "x-accel-buffering": "no"})

        return [stream]

    def _states(self) -> list[Any]:
        services = self._services

        @get("/health", name="health")
        async def health() -> dict[str, str]:
            return {"status": "ok"}

        @get("/ready", name="ready")
        async def ready() -> Response[bytes]:
            why = services.health()
            if why is None:
                await self._threads.run(lambda: services.sources.store.query("SELECT 1"))
                return _json({"status": "ok"})
            return problems.response(problems.Problem(503, "Not ready", why))

        @get("/metrics", name="metrics", media_type=MediaType.TEXT)
        async def measured() -> Response[str]:
            text = await self._threads.run(lambda: metrics.render(services))
            return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

        @get(f"{PREFIX}/about", name="about")
        async def about_us(request: AnyRequest) -> Response[bytes]:
            known(single(request), ())
            answer = await self._threads.run(lambda: about.about(services))
            return _json(narrowed_about(caller_of(request.scope), answer))

        @get(f"{PREFIX}/pipeline", name="pipeline")
        async def piped(request: AnyRequest) -> Response[bytes]:
            known(single(request), ())
            return _json(await self._threads.run(lambda: pipeline.pipeline(services, self._meter)))

        @get(f"{PREFIX}/openapi.json", name="openapi")
        async def described() -> Response[bytes]:
            return _json(openapi.document())

        return [health, ready, measured, about_us, piped, described]


def single(request: AnyRequest) -> Mapping[str, str]:
    """The query's parameters. One given twice, or holding NUL, is refused."""
    params: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in params:
            raise RequestError(f"{name} is given twice")
        if "\0" in value or "\ufffd" in value:
            raise RequestError(f"{name} is no text")
        params[name] = value
    return params


async def _body(request: AnyRequest, kind: type[T]) -> T:
    # A form on a page of another site cannot send this type without asking first.
    if request.content_type[0] != MediaType.JSON:
        raise HTTPException("send application/json", status_code=415)
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise RequestError(str(error)) from error


def _found(found: T | None, otherwise: str) -> T:
    if found is None:
        raise HTTPException(otherwise, status_code=404)
    return found


def _json(answer: Any) -> Response[bytes]:
    return Response(msgspec.json.encode(answer), media_type=MediaType.JSON)
