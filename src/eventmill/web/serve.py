"""Runs the API and the dashboard on a socket until the process is told to stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Generator

import uvicorn
from litestar import Litestar

from eventmill.web.api import END_STREAMS, create_app
from eventmill.web.guard import check_listen
from eventmill.web.services import Services


class _Server(uvicorn.Server):
    """uvicorn that tells when it serves, and returns on a signal instead of raising it again."""

    def __init__(self, config: uvicorn.Config, app: Litestar, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state[END_STREAMS]()
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def run_web(services: Services, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serves until SIGTERM or SIGINT. The listener is bound and listening. Raises `ListenError`, `RegistryError`."""
    check_listen(services.settings, services.registry)
    app = create_app(services)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        log_config=None,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
        # Whose X-Forwarded-For and -Proto are believed: for the bound on sign-ins, and for Secure cookies.
        forwarded_allow_ips=["127.0.0.1", "::1", *services.settings.collect.trusted_proxies],
    )
    _Server(config, app, on_ready).run(sockets=[listener])
