"""`serve` and the roles of it that run alone: `collect`, `work`, `web`."""

import os
import sys
from typing import Annotated

import typer

from eventmill.commands.common import ConfigOption, DataOption, errors, fail, settings_from
from eventmill.settings import Settings, address

CollectOption = Annotated[
    list[str] | None,
    typer.Option("--collect", metavar="HOST:PORT", help="Take events here; repeat for several addresses."),
]
WebOption = Annotated[str | None, typer.Option("--web", metavar="HOST:PORT", help="API and dashboard.")]
CollectorsOption = Annotated[int | None, typer.Option("--collectors", metavar="N", help="Collector processes.")]
QueueOption = Annotated[str | None, typer.Option("--queue", metavar="URL", help="The durable queue.")]
StoreOption = Annotated[str | None, typer.Option("--store", metavar="URL", help="The store.")]


def serve(
    config: ConfigOption = None,
    data: DataOption = None,
    collect: CollectOption = None,
    web: WebOption = None,
    collectors: CollectorsOption = None,
    queue: QueueOption = None,
    store: StoreOption = None,
) -> None:
    """Run everything on this machine: collectors, queue, worker, store, API, dashboard.

    Prints its addresses once it is ready. SIGTERM or Ctrl-C drains: what was acknowledged is stored or
    still queued, and the next start goes on from there.

    [dim]Example:[/dim]  eventmill serve --collect 0.0.0.0:8080 --web 127.0.0.1:8090 --collectors 2
    """
    settings = settings_from(
        config,
        data,
        collect__listen=collect or None,
        web__listen=web,
        collect__processes=collectors,
        queue__url=queue,
        store__url=store,
    )
    check_web(settings)
    from eventmill.app import plan
    from eventmill.parent import claim

    with errors():
        lock = claim(settings.data_dir)  # before the plan: that of a running server is not overwritten
        path = plan(settings, lock)
    # The parent is a program of its own: it keeps none of what the command line needed.
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "eventmill.parent", str(path)])  # noqa: S606


def check_web(settings: Settings) -> None:
    """An address that other machines reach needs a password or a key; a settings database that cannot be opened is
    told here, and not by an engine that restarts for ever."""
    from eventmill import app

    with errors():
        why = app.unprotected(settings)
    if why:
        fail(why, 2)


def collect(
    config: ConfigOption = None,
    data: DataOption = None,
    collect: CollectOption = None,
    queue: QueueOption = None,
) -> None:
    """Run one collector alone (several machines: needs a broker queue, or `work` on the same data directory)."""
    from eventmill import app
    from eventmill.parent import bind

    settings = settings_from(config, data, collect__listen=collect or None, queue__url=queue)
    with errors():
        sockets = []
        for listen in settings.collect.listen:
            listener = bind(*address(listen), shared=True)
            listener.listen(4096)
            sockets.append(listener)
        typer.echo(f"collector on {', '.join(settings.collect.listen)}; queue {settings.queue.url}")
        app.run_collector(settings, None, sockets, lambda: typer.echo("ready"))


def work(config: ConfigOption = None, data: DataOption = None, store: StoreOption = None) -> None:
    """Run the worker alone: it reads the queue and stores."""
    from eventmill import app

    settings = settings_from(config, data, store__url=store)
    with errors():
        app.run_engine(settings, None, lambda: typer.echo("worker ready"))


def web(config: ConfigOption = None, data: DataOption = None, web: WebOption = None, store: StoreOption = None) -> None:
    """Run the API and the dashboard alone (needs a server store; the embedded one belongs to `serve`)."""
    from eventmill import app
    from eventmill.parent import bind

    settings = settings_from(config, data, web__listen=web, store__url=store)
    check_web(settings)
    with errors():
        listener = bind(*address(settings.web.listen), shared=False)
        listener.listen(1024)
        app.run_web(settings, listener, lambda: typer.echo(f"API and dashboard on http://{settings.web.listen}/"))
