"""Flask + PostgreSQL as the documentation of both has it; one INSERT, one commit with fsync, per request.

gunicorn's four workers keep one connection each, prepared statement and autocommit: the cheapest durable way.
"""

import os
from typing import Any

import psycopg
from flask import Flask, Response, request

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
FIELDS = ("category", "action", "label", "value", "user", "url")
INSERT = "INSERT INTO events (category, action, label, value, visitor, url, time) VALUES (%s, %s, %s, %s, %s, %s, %s)"
app = Flask(__name__)
_connection: list[psycopg.Connection[Any]] = []


def store(given: Any) -> None:
    if not _connection:  # after gunicorn's fork, never before
        _connection.append(psycopg.connect(os.environ["BENCH_POSTGRESQL"], autocommit=True))
    values = [str(given.get(field, "")) for field in FIELDS]
    _connection[0].execute(INSERT, [*values, int(given.get("time", 0))], prepare=True)


@app.get("/event.gif")
def pixel() -> Response:
    store(request.args)
    return Response(GIF, mimetype="image/gif", headers={"Cache-Control": "no-store"})


@app.post("/e")
def collect() -> dict[str, int]:
    store(request.get_json())
    return {"accepted": 1}
