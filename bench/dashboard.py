"""How long the dashboard's pages take over a month of visits, in Chromium and question by question.

    python -m bench.dashboard [--events 20000000] [--keep DIR]

Fills a store by SQL as `bench.behaviour` does, starts the server on it, and opens the Overview in Chromium (Debian's,
by Playwright) again and again, once the days that are over have been counted: from navigation until every panel shows
its answer, while ten events a second come in, without which nothing would have to be counted again. Then each question
that any page asks is asked alone, as many events coming in, and again at 5,000 events a second (NDJSON of 100 events):
the lag is what waits to be stored meanwhile. With `--full` there are 100 M events.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from bench.behaviour import FUNNEL
from bench.events import events
from bench.part import UnavailableError, alone, by_dose, say
from bench.server import Sender, Server, cpu_seconds
from bench.table import Row
from scripts.services import CATALOGUE, MissingError

_PAGES = ("/", "/events", "/live", "/flows", "/funnels", "/retention", "/requests", "/pipeline")
_RATE, _SIZE = 5_000, 100
_USUAL_RATE = 10
"""Events a second beside one page or question: what makes 20 M in a month, and each makes today new."""
_PANEL, _OVERVIEW, _LAG = 300.0, 800.0, 2.0
_MUST = {"flows": 1500.0, "retention": 1500.0, "funnel": 3000.0, "sessions": 3000.0, "sessions/pages": 3000.0}
"""ms that a question may take, where it is not a panel's."""
_FILL = """
import sys
from pathlib import Path
from bench.behaviour import fill
from bench.query import settle
from eventmill.store.clickhouse import ClickHouseStore
store = ClickHouseStore("chdb:", data=Path(sys.argv[1]), zone="UTC")
fill(store, int(sys.argv[2]))
settle(store)
store.close()
"""
# When the page was first filled for good: cards are there, none waits for an answer, and a chart is drawn.
_WATCH = """
const look = () => {
  const cards = document.querySelectorAll("main .card");
  const waits = document.querySelector("main [aria-busy=true], main .waiting");
  const full = cards.length > 0 && !waits && document.querySelector("main .card canvas");
  if (!full) window.filled = undefined; else window.filled ??= performance.now();
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
_QUIET_MS = 400
"""A page that stays filled so long will not ask more."""


def p95(spent: list[float]) -> float:
    ranked = sorted(spent)
    return ranked[min(len(ranked) - 1, int(len(ranked) * 0.95))]


class Browser:
    """Chromium with one profile, so that scripts come from its cache as they do for whoever comes every day."""

    def __init__(self, base: str) -> None:
        self._base = base
        try:
            from playwright.sync_api import sync_playwright
        except ImportError as error:
            raise UnavailableError("playwright is not installed: make setup") from error
        try:
            path = str(CATALOGUE["chromium"].path)
        except MissingError as error:
            raise UnavailableError(str(error)) from error
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        # High enough that all of a page is seen, and asked for.
        self._context = self._chromium.new_context(viewport={"width": 1440, "height": 2400}, reduced_motion="reduce")

    def close(self) -> None:
        self._chromium.close()
        self._playwright.stop()

    def overview(self) -> tuple[float, list[tuple[str, float, float]]]:
        """ms from navigation until the last panel is filled; (address, begin, end in ms) of what was asked."""
        page = self._context.new_page()
        try:
            page.add_init_script(_WATCH)
            page.goto(f"{self._base}/?range=30d")
            _until(page, f"window.filled && performance.now() - window.filled > {_QUIET_MS}")
            asked = page.evaluate(
                "performance.getEntriesByType('resource').filter(e => e.name.includes('/api/v1/'))"
                ".map(e => [e.name, e.startTime, e.responseEnd])"
            )
            return float(page.evaluate("window.filled")), [(name, start, end) for name, start, end in asked]
        finally:
            page.close()

    def asks(self, path: str) -> list[str]:
        """What a page asks of the API until all its cards have answers: addresses without the host."""
        page = self._context.new_page()
        found: dict[str, None] = {}

        def note(request: Any) -> None:
            parts = urlsplit(request.url)
            if request.method == "GET" and parts.path.startswith("/api/v1/") and parts.path != "/api/v1/live":
                found[f"{parts.path.removeprefix('/api/v1/')}{'?' + parts.query if parts.query else ''}"] = None

        page.on("request", note)
        try:
            page.goto(f"{self._base}{path}?range=30d")
            page.locator("main .card, main .figures").first.wait_for()
            page.wait_for_timeout(500)
            _until(page, "!document.querySelector('main [aria-busy=true]')")
            return [*found]
        finally:
            page.close()


def _until(page: Any, true: str, seconds: float = 120) -> None:
    """Asked from outside: the page allows no script but its own."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(true):
        if time.monotonic() > deadline:
            raise UnavailableError(f"{page.url} is not filled after {seconds:.0f} s")
        time.sleep(0.05)


class Traffic:
    """So many events of now a second, some in one body; how long the oldest of them waits to be stored."""

    def __init__(self, server: Server, rate: int, size: int) -> None:
        self._server, self._pause, self._size, self._stop = server, size / rate, size, threading.Event()
        # Received now, since no time is given.
        lines = [msgspec.json.encode({**each, "time": None}) for each in events(20 * rate, ids=False)]
        self._bodies = [b"\n".join(lines[at : at + size]) for at in range(0, len(lines), size)]
        self.sent, self.worst = 0, 0.0
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._send, self._look)]

    def __enter__(self) -> "Traffic":
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.rate = self.sent / (time.monotonic() - self._began)

    def lag(self) -> float:
        """The worst since it was asked before, in s."""
        worst, self.worst = self.worst, 0.0
        return worst

    def _send(self) -> None:
        sender, due, number = Sender(self._server.collector), time.monotonic(), 0
        while not self._stop.is_set():
            if sender.post(self._bodies[number % len(self._bodies)]) == 200:
                self.sent += self._size
            number += 1
            due = max(due + self._pause, time.monotonic() - 1)
            self._stop.wait(max(0.0, due - time.monotonic()))
        sender.close()

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            self.worst = max(self.worst, float(self._server.get("lag")["seconds"]))


def named(address: str) -> str:
    """A question as the table shows it."""
    parts = urlsplit(address)
    shown = {name: values[0] for name, values in parse_qs(parts.query).items() if name not in ("from", "to", "tz")}
    words = [f"{name}={text if len(text) < 30 else text[:27] + '…'}" for name, text in shown.items()]
    return " ".join([parts.path, *words])


def must(address: str) -> float:
    return _MUST.get(urlsplit(address).path, _PANEL)


def timed(server: Server, address: str) -> float:
    began = time.perf_counter()
    server.get(address)
    return (time.perf_counter() - began) * 1000


def warm(server: Server) -> None:
    """Waits until days that are over have been counted, as they are on a server that runs for longer."""
    say("counting the days that are over")
    counted, since, deadline = -1, time.monotonic(), time.monotonic() + 300
    while time.monotonic() < min(since + 12, deadline):
        now = server.sql("SELECT count() FROM closed_days")
        if now != counted:
            counted, since = now, time.monotonic()
        time.sleep(1)


def overview(server: Server, browser: Browser, times: int) -> list[Row]:
    first, _ = browser.overview()
    warm(server)
    with Traffic(server, _USUAL_RATE, 1):
        browser.overview()
        spent, cpu = [], sum(server.cpu().values())
        for _ in range(times):
            filled, asked = browser.overview()
            spent.append(filled)
    for address, start, end in asked:
        say(f"   {start:5.0f} to {end:5.0f} ms: {named(address.partition('/api/v1/')[2])}")
    cpu = (sum(server.cpu().values()) - cpu) * 1000 / times
    note = f"p50 {sorted(spent)[len(spent) // 2]:.0f}, {len(asked)} questions, the server's CPU {cpu:.0f}"
    say(f"Overview: p95 {p95(spent):.0f} ms, {note}, the first time {first:.0f}")
    return [
        Row("Overview of 30 days in Chromium, navigation to last panel, p95", p95(spent), "ms", _OVERVIEW, lower=True,
            note=note),
        Row("   Overview, asked for the first time", first, "ms", detail=True),
    ]  # fmt: skip


def alone_each(server: Server, asked: list[str], times: int) -> list[Row]:
    """The worst panel, each of the larger questions, and all of them as details."""
    found: dict[str, Row] = {}
    engine = server.pids["engine"]
    for address in asked:
        first = timed(server, address)
        cpu = cpu_seconds(engine)
        spent = [timed(server, address) for _ in range(times)]
        cpu = (cpu_seconds(engine) - cpu) * 1000 / times
        note = f"p50 {sorted(spent)[times // 2]:.0f}, CPU {cpu:.0f}, first {first:.0f}"
        say(f"{named(address)}: p95 {p95(spent):.0f} ms, {note}")
        found[address] = Row(
            f"   {named(address)}, p95", p95(spent), "ms", must(address), lower=True, note=note, detail=True
        )
    rows = []
    for route in ("", *_MUST):
        family = [
            (row, each) for each, row in found.items() if (urlsplit(each).path if must(each) > _PANEL else "") == route
        ]
        if not family:
            continue
        row, each = max(family, key=lambda pair: pair[0].figure)
        name = route or f"any panel, worst of {len(family)}"
        rows.append(
            Row(f"{name}, 30 days, p95", row.figure, "ms", row.must, lower=True, note="" if route else named(each))
        )
    return [*rows, *found.values()]


def beside(server: Server, asked: list[str], seconds: float) -> list[Row]:
    """The lag while each question is asked again and again."""
    details: dict[str, float] = {}
    with Traffic(server, _RATE, _SIZE) as traffic:
        time.sleep(3)
        idle = traffic.lag()
        for address in asked:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                server.get(address)
            details[address] = traffic.lag()
            say(f"lag {details[address]:.2f} s beside {named(address)}")
    worst = max(details, key=lambda each: details[each])
    note = f"beside {named(worst)}; {idle:.2f} beside none; {traffic.rate:,.0f} events/s"
    return [
        Row("lag at 5,000 events/s while any of these is asked", details[worst], "s", _LAG, lower=True, note=note),
        *(
            Row(f"   lag beside {named(each)}", lag, "s", _LAG, lower=True, detail=True)
            for each, lag in details.items()
        ),
    ]


def questions(browser: Browser) -> list[str]:
    """All that the pages ask, each once, and a funnel, which nobody has yet on a new server."""
    found: dict[str, None] = {}
    for path in _PAGES:
        found |= dict.fromkeys(browser.asks(path))
    today = datetime.now(UTC).date()
    days = f"from={today - timedelta(days=29)}&to={today}&tz=UTC"
    found[f"funnel?{days}&steps={quote(FUNNEL)}"] = None
    found[f"sessions/pages?{days}&kind=entry"] = None
    found[f"sessions/pages?{days}&kind=exit"] = None
    return [*found]


def rows(given: argparse.Namespace) -> list[Row]:
    if not resources.files("eventmill.web").joinpath("static", "index.html").is_file():
        raise UnavailableError("the dashboard is not built: make setup")
    count, times = by_dose(given, "events", 500_000, 20_000_000, 100_000_000), by_dose(given, "times", 3, 10, 40)
    seconds = by_dose(given, "seconds", 1.0, 2.0, 5.0)
    folder = given.keep or Path(tempfile.mkdtemp(prefix="eventmill-bench-", dir=os.environ.get("BENCH_DIR")))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-c", _FILL, str(folder), str(count)], check=True)
        with Server(keep=folder, env={"EVENTMILL_TIMEZONE": "UTC"}) as server:
            browser = Browser(f"http://{server.runtime['web']}")
            try:
                found = overview(server, browser, times)
                asked = questions(browser)
            finally:
                browser.close()
            with Traffic(server, _USUAL_RATE, 1):  # or nothing of today would have to be counted again
                found += alone_each(server, asked, times)
            found += beside(server, asked, seconds)
            memory = server.memory()
            found.append(Row("   memory of all processes", sum(memory.values()), "MB", detail=True))
            return [*(row for row in found if not row.detail), *(row for row in found if row.detail)]
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int)
    parser.add_argument("--times", type=int)
    parser.add_argument("--seconds", type=float, help="how long each question is asked again and again beside ingest")
    parser.add_argument("--keep", type=Path, help="keep the data here, and use what it holds")


if __name__ == "__main__":
    sys.exit(alone("dashboard", __doc__, rows, options))
