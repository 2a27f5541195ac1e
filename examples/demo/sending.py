"""Events into the door: batches with a key each, bodies that are refused, and pixels as browsers ask for them."""

import http.client
import threading
from collections.abc import Iterable
from datetime import datetime
from itertools import count, islice
from random import Random
from typing import Any
from urllib.parse import urlencode

import msgspec

from demo.world import AGENTS, SITES
from eventmill.commands.delivery import Collector, Refused

Event = dict[str, Any]
_BATCH = 1000
_BROWSERS = 8


class Door:
    """One collector at `where` (HOST:PORT); `accepted` counts the events that it has acknowledged."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._collector = Collector(f"http://{where}")
        self._keys = count()
        self._lock = threading.Lock()
        self.accepted = 0

    def send(self, events: Iterable[Event]) -> list[Event]:
        """Sends in batches; returns those that carry an id of their own."""
        encoder, source, with_id = msgspec.json.Encoder(), iter(events), []
        while batch := list(islice(source, _BATCH)):
            self.accepted += self._collector.post(encoder.encode_lines(batch), f"demo-{next(self._keys)}")
            with_id += [event for event in batch if "id" in event]
        return with_id

    def refused(self, body: bytes) -> None:
        """Sends what is no event."""
        try:
            self.accepted += self._collector.post(body, f"demo-{next(self._keys)}", kind="application/json")
        except Refused as error:
            if error.status != 400:
                raise

    def pixels(self, times: Iterable[datetime], random: Random) -> None:
        """GETs of the pixel at these times over several kept connections, as pages would make them."""
        all_times = list(times)
        parts = [(all_times[place::_BROWSERS], Random(random.randrange(1 << 30))) for place in range(_BROWSERS)]
        threads = [threading.Thread(target=self._browse, args=part) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _browse(self, times: Iterable[datetime], random: Random) -> None:
        connection = http.client.HTTPConnection(self._where, timeout=30)
        answered = 0
        for at in times:
            site = random.choice(SITES)
            query = {
                "category": "banner", "action": random.choices(("shown", "clicked"), (9, 1))[0], "label": "autumn",
                "value": random.choice("ab"), "user": f"{site.name}-{random.randrange(900)}", "site": site.name,
                "time": at.isoformat(timespec="milliseconds"),
            }  # fmt: skip
            headers = {
                "User-Agent": random.choice(AGENTS)[0], "Referer": f"https://{site.name}{random.choice(tuple(site.ways))}",
            }  # fmt: skip
            connection.request("GET", f"/event.png?{urlencode(query)}", headers=headers)
            response = connection.getresponse()
            response.read()
            answered += response.status == 200
        connection.close()
        with self._lock:
            self.accepted += answered
