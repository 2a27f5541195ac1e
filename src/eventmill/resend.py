"""Sends rejected events through the door again, as any client would: as new events, with receipts of their own."""

import http.client
import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote


def resend(runtime: Path, events: Sequence[tuple[str, bytes]]) -> int:
    """Posts each (topic, bytes) to the first collector of the running server; returns how many it accepted.

    Raises OSError where the collector cannot be reached, and RuntimeError with its answer where it refuses.
    """
    collectors = json.loads(runtime.read_text(encoding="utf-8"))["collect"]
    host, _, port = collectors[0].rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=30)
    accepted = 0
    try:
        for topic, body in events:
            connection.request("POST", f"/t/{quote(topic, safe='')}", body)
            response = connection.getresponse()
            answer = response.read()
            if response.status == 400:
                continue  # still not readable: it is rejected again, under a new id
            if response.status != 200:
                raise RuntimeError(f"the collector answered {response.status}: {answer.decode(errors='replace')}")
            accepted += int(json.loads(answer)["accepted"])
    finally:
        connection.close()
    return accepted
