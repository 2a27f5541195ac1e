"""The API's description, OpenAPI 3.1, from the same lists and types that the code uses."""

from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from eventmill.query import events, live, rejects, sql
from eventmill.query.ask import QUESTIONS, Question
from eventmill.query.export import FORMATS, has_rows
from eventmill.web import about, alerts_api, forget_api, pipeline, session, settings_api
from eventmill.web.auth import SESSION_COOKIE
from eventmill.web.operation import Operation
from eventmill.web.parameters import PARAMETERS
from eventmill.web.problems import MEDIA_TYPE, Problem

OPERATIONS: tuple[Operation, ...] = (
    *settings_api.OPERATIONS,
    *session.OPERATIONS,
    *forget_api.OPERATIONS,
    *alerts_api.OPERATIONS,
)
_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, or the token of a share."},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": "Of POST session."},
}
"""Neither is needed on loopback."""


@cache
def document() -> dict[str, Any]:
    """The document."""
    types = [question.answer for question in QUESTIONS.values()]
    types += [events.Trace, rejects.Reject, rejects.ReplayRequest, rejects.Replayed, live.LiveEvent, Problem]
    types += [sql.SqlRequest, sql.SqlAnswer, pipeline.Pipeline, about.About]
    types += [kind for each in OPERATIONS for kind in (each.answer, each.body) if kind is not None]
    references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    refs = dict(zip([kind.__name__ for kind in types], references, strict=True))
    paths: dict[str, Any] = {}
    for name, question in QUESTIONS.items():
        files = has_rows(question.answer)
        parameters = [*question.parameters, *(["format"] if files else [])]
        described = [_parameter(question, parameter) for parameter in parameters]
        content = _content(refs[question.answer.__name__])
        content |= {FORMATS[kind].partition(";")[0]: {} for kind in ("csv", "ndjson") if files}
        paths[f"/api/v1/{name}"] = {"get": _operation(name, question.summary, described, content, refs)}
    for path, name, summary, answer in (
        ("/api/v1/events/{id}", "event", "Where one event is, by its id or receipt", events.Trace),
        ("/api/v1/rejects/{id}", "reject", "One refused event, whole", rejects.Reject),
    ):
        place = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        paths[path] = {"get": _operation(name, summary, [place], _content(refs[answer.__name__]), refs, missing=True)}
    for name, summary, state in (
        ("pipeline", "Processes, rates by step, ledger, lag and sizes", pipeline.Pipeline),
        ("about", "What this server is, and what it has seen", about.About),
    ):
        paths[f"/api/v1/{name}"] = {"get": _operation(name, summary, [], _content(refs[state.__name__]), refs)}
    replayed = _operation(
        "replay", "Send refused events again, mended or not", [], _content(refs["Replayed"]), refs, missing=True
    )
    replayed["requestBody"] = {"required": True, "content": _content(refs["ReplayRequest"])}
    paths["/api/v1/rejects/replay"] = {"post": replayed}
    asked = _operation("sql", "One read-only statement", [], _content(refs["SqlAnswer"]), refs, missing=True)
    asked["requestBody"] = {"required": True, "content": _content(refs["SqlRequest"])}
    paths["/api/v1/sql"] = {"post": asked}
    filters = [_parameter(None, parameter) for parameter in live.PARAMETERS]
    paths["/api/v1/live"] = {
        "get": _operation("live", "Events as they come, server-sent", filters, {"text/event-stream": {}}, refs)
    }
    for each in OPERATIONS:
        paths.setdefault(f"/api/v1/{each.path}", {})[each.method] = _described(each, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "eventmill", "version": "1", "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
        "security": [{}, {"key": []}, {"session": []}],
    }


def _described(each: Operation, refs: dict[str, Any]) -> dict[str, Any]:
    place = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    content = {} if each.answer is None else _content(refs[each.answer.__name__])
    found = _operation(each.name, each.summary, [place] if "{id}" in each.path else [], content, refs)
    answers = found["responses"]
    answers[str(each.status)] = {**answers.pop("200"), **({} if content else {"description": "Done."})}
    if not content:
        answers[str(each.status)].pop("content")
    for status in each.refused:
        failed = {MEDIA_TYPE: {"schema": refs["Problem"]}}
        answers[str(status)] = {"description": HTTPStatus(status).phrase, "content": failed}
    if each.body is not None:
        found["requestBody"] = {"required": True, "content": _content(refs[each.body.__name__])}
    return found


def _parameter(question: Question | None, name: str) -> dict[str, Any]:
    if question is not None and name == "interval":
        text, schema = "Length of a bucket.", {"type": "string", "enum": list(question.intervals)}
    elif question is not None and name in question.described:
        text, choices = question.described[name]
        schema = {"type": "string", "enum": list(choices)} if choices else {"type": "string"}
    else:
        text, schema = PARAMETERS[name]
    required = question is not None and name in question.required
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
        "401": {"description": "A key or a sign-in is needed; or a page of another site asks.", "content": failed},
        "403": {"description": "Not for this caller; or `Host` is no name of this server.", "content": failed},
        "503": {"description": "Busy, or the store is away; see Retry-After.", "content": failed},
    }
    if missing:
        answers["404"] = {"description": "There is none.", "content": failed}
        answers["415"] = {"description": "Not JSON.", "content": failed}
    return {"operationId": name, "summary": summary, "parameters": parameters, "responses": answers}
