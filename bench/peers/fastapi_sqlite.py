"""FastAPI + SQLite as the documentation of both has it; one INSERT, one fsync, per request.

One connection in one process, used from the event loop: faster here than FastAPI's thread pool, because no request
changes threads and no two wait for SQLite's lock.
"""

import os
import sqlite3
from typing import Any

from fastapi import FastAPI, Response
from pydantic import BaseModel

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
INSERT = "INSERT INTO events (category, action, label, value, user, url, time) VALUES (?, ?, ?, ?, ?, ?, ?)"

db = sqlite3.connect(os.environ["BENCH_SQLITE"], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=FULL")
db.execute(
    "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, category TEXT, action TEXT, label TEXT, value TEXT, "
    "user TEXT, url TEXT, time INTEGER)"
)
app = FastAPI()


class Event(BaseModel):
    category: str
    action: str
    label: str = ""
    value: str = ""
    user: str = ""
    url: str = ""
    time: int = 0


def store(event: Event) -> None:
    values = (event.category, event.action, event.label, event.value, event.user, event.url, event.time)
    db.execute(INSERT, values)


@app.get("/event.gif")
async def pixel(category: str, action: str, label: str = "", value: str = "", user: str = "") -> Response:
    store(Event(category=category, action=action, label=label, value=value, user=user))
    return Response(GIF, media_type="image/gif", headers={"Cache-Control": "no-store"})


@app.post("/e")
async def collect(event: Event) -> dict[str, Any]:
    store(event)
    return {"accepted": 1}
