"""The API's description, OpenAPI 3.1, from the same lists and types that the code uses."""

from functools import cache
from typing import Any

import msgspec

from eventmill.query import counts, events, lag, ledger, live, rejects, series, sql, top
from eventmill.query.model import LAST_DAY
from eventmill.web.problems import MEDIA_TYPE, Problem

_DATE = {"type": "string", "format": "date", "examples": ["2026-11-20"]}
_TEXT = {"type": "string"}
_FILTER = "Only events with exactly this {}."
PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "from": ("First day, inclusive.", _DATE),
    "to": (f"Last day, inclusive; data reaches to {LAST_DAY} at most.", _DATE),
    "tz": ("Time zone of the days, an IANA name; the configured one by default.",
           {"type": "string", "examples": ["Europe/Berlin"]}),
    "topic": (_FILTER.format("topic"), _TEXT),
    "site": (_FILTER.format("site"), _TEXT),
    "category": ("First part of the key.", _TEXT),
    "action": ("Second part of the key.", _TEXT),
    "label": ("Third part of the key.", _TEXT),
    "value": ("Fourth part of the key.", _TEXT),
    "bot": ("Only bots, or only others.", {"type": "string", "enum": ["true", "false"]}),
    "by": ("One row for each key of this depth below the prefix; `all` for every prefix at or below it.",
           {"type": "string", "enum": [name for name in counts.BY if name]}),
    "metrics": ("Views and visitors, or views alone (faster).", {"type": "string", "enum": list(counts.METRICS)}),
    "dimension": (f"A field ({', '.join(top.COLUMNS)}) or `props.NAME`.", {"type": "string", "examples": ["browser"]}),
    "limit": ("How many rows at most.", {"type": "integer", "minimum": 0}),
    "reason": ("Only rejects with this reason.", _TEXT),
    "before": ("The page after this one: `next` of the answer before.", _TEXT),
}  # fmt: skip
_ROUTES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], Any]] = {
    "counts": ("PV and UV of keys", counts.PARAMETERS, ("from", "to"), counts.Counts),
    "series": ("PV and UV over time, gaps as zeros", series.PARAMETERS, ("from", "to"), series.Series),
    "top": ("The most frequent values of a field", top.PARAMETERS, ("from", "to", "dimension"), top.Top),
    "ledger": ("received = stored + duplicate + rejected + queued", ledger.PARAMETERS, (), ledger.Ledger),
    "lag": ("What waits to be stored", (), (), lag.LagAnswer),
    "rejects": ("What was refused", rejects.PARAMETERS, (), rejects.Rejects),
}
_INTERVALS = {"counts": counts.INTERVALS, "series": series.INTERVALS}


@cache
def document() -> dict[str, Any]:
    """The document."""
    types = [route[3] for route in _ROUTES.values()]
    types += [events.Trace, rejects.Reject, rejects.ReplayRequest, rejects.Replayed, live.LiveEvent, Problem]
    types += [sql.SqlRequest, sql.SqlAnswer]
    references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    refs = dict(zip([kind.__name__ for kind in types], references, strict=True))
    paths: dict[str, Any] = {}
    for name, (summary, parameters, required, answer) in _ROUTES.items():
        described = [_parameter(name, parameter, parameter in required) for parameter in parameters]
        paths[f"/api/v1/{name}"] = {"get": _operation(name, summary, described, _content(refs[answer.__name__]), refs)}
    for path, name, summary, answer in (
        ("/api/v1/events/{id}", "event", "Where one event is, by its id or receipt", events.Trace),
        ("/api/v1/rejects/{id}", "reject", "One refused event, whole", rejects.Reject),
    ):
        place = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        paths[path] = {"get": _operation(name, summary, [place], _content(refs[answer.__name__]), refs, missing=True)}
    replayed = _operation(
        "replay", "Send refused events again, mended or not", [], _content(refs["Replayed"]), refs, missing=True
    )
    replayed["requestBody"] = {"required": True, "content": _content(refs["ReplayRequest"])}
    paths["/api/v1/rejects/replay"] = {"post": replayed}
    asked = _operation("sql", "One read-only statement", [], _content(refs["SqlAnswer"]), refs, missing=True)
    asked["requestBody"] = {"required": True, "content": _content(refs["SqlRequest"])}
    paths["/api/v1/sql"] = {"post": asked}
    filters = [_parameter("live", parameter, False) for parameter in live.PARAMETERS]
    paths["/api/v1/live"] = {
        "get": _operation("live", "Events as they come, server-sent", filters, {"text/event-stream": {}}, refs)
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "eventmill", "version": "1", "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": components},
    }


def _parameter(route: str, name: str, required: bool) -> dict[str, Any]:
    if name == "interval":
        text, schema = "Length of a bucket.", {"type": "string", "enum": list(_INTERVALS[route])}
    else:
        text, schema = PARAMETERS[name]
    return {"name": name, "in": "query", "required": required, "description": text, "schema": schema}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _operation(
    name: str,
    summary: str,
    parameters: list[dict[str, Any]],
    content: dict[str, Any],
    refs: dict[str, Any],
    missing: bool = False,
) -> dict[str, Any]:
    failed = {MEDIA_TYPE: {"schema": refs["Problem"]}}
    answers = {
        "200": {"description": "The answer.", "content": content},
        "400": {"description": "The request is wrong; `detail` says what is right.", "content": failed},
        "401": {"description": "Origin or Referer of another site.", "content": failed},
        "403": {"description": "`Host` is no name of this server.", "content": failed},
        "503": {"description": "Busy, or the store is away; see Retry-After.", "content": failed},
    }
    if missing:
        answers["404"] = {"description": "There is none.", "content": failed}
        answers["415"] = {"description": "Not JSON.", "content": failed}
    return {"operationId": name, "summary": summary, "parameters": parameters, "responses": answers}
