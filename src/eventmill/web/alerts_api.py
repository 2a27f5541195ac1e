"""`alerts`: listed with how they stand, added, removed, tried; and what became of the last notices."""

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from eventmill.alerts.deliver import Delivery, Outcome
from eventmill.alerts.loop import Watch, spec_of, spec_text
from eventmill.alerts.model import Spec, words
from eventmill.query.model import RequestError
from eventmill.registry import alerts
from eventmill.registry.base import Alert
from eventmill.registry.database import Database
from eventmill.web.bodies import json_answer, read_body
from eventmill.web.operation import Operation
from eventmill.web.services import Services
from eventmill.web.threads import Threads

PREFIX = "/api/v1"


class NewAlert(Spec, forbid_unknown_fields=True, kw_only=True):
    """What is watched, its name, and the webhook that is told."""

    name: str
    url: str


class ListedAlert(Spec, omit_defaults=False, kw_only=True):
    """An alert, its condition in words, and how it stands: ok, firing, or unknown until it was measured."""

    id: int
    name: str
    url: str
    created: str
    condition: str = ""
    state: str = "unknown"
    value: float | None = None
    before: float | None = None
    since: str | None = None
    checked: str | None = None
    error: str = ""


class Alerts(msgspec.Struct):
    data: list[ListedAlert]


class Deliveries(msgspec.Struct):
    """The last notices, newest first."""

    data: list[Delivery]


OPERATIONS = (
    Operation("get", "alerts", "list_alerts", "All alerts, and how they stand", Alerts),
    Operation("post", "alerts", "add_alert", "Add an alert", ListedAlert, NewAlert, 201, (409, 415)),
    Operation("delete", "alerts/{id}", "remove_alert", "Remove an alert by name or id", status=204,
              refused=(404, 415)),
    Operation("post", "alerts/{id}/test", "test_alert", "Send a test notice, once", Outcome, refused=(404, 415)),
    Operation("get", "alerts/deliveries", "list_deliveries", "What became of the last notices", Deliveries),
)  # fmt: skip


def handlers(services: Services, threads: Threads) -> list[Any]:
    """The routes."""

    @get(f"{PREFIX}/alerts", name="list_alerts")
    async def listed() -> Response[bytes]:
        watch, database = _watch(services)
        found = await threads.run(lambda: [_shown(watch, alert) for alert in alerts.list_alerts(database)])
        return json_answer(Alerts(found))

    @post(f"{PREFIX}/alerts", name="add_alert", status_code=201)
    async def add(request: Request[Any, Any, Any]) -> Response[bytes]:
        new = await read_body(request, NewAlert)
        watch, database = _watch(services)

        def added() -> ListedAlert:
            spec = spec_text(Spec(**{name: getattr(new, name) for name in Spec.__struct_fields__}))
            return _shown(watch, alerts.add_alert(database, new.name, spec, watch.check_url(new.url)))

        return json_answer(await threads.run(added), 201)

    @delete(f"{PREFIX}/alerts/{{needle:str}}", name="remove_alert", status_code=204)
    async def remove(needle: FromPath[str]) -> None:
        _, database = _watch(services)
        if not await threads.run(lambda: alerts.remove_alert(database, needle)):
            raise HTTPException(f"there is no alert {needle!r}", status_code=404)

    @post(f"{PREFIX}/alerts/{{needle:str}}/test", name="test_alert", status_code=200)
    async def test(needle: FromPath[str]) -> Response[bytes]:
        watch, database = _watch(services)
        alert = await threads.run(lambda: alerts.find_alert(database, needle))
        if alert is None:
            raise HTTPException(f"there is no alert {needle!r}", status_code=404)
        return json_answer(await threads.run(lambda: watch.test(alert)))

    @get(f"{PREFIX}/alerts/deliveries", name="list_deliveries")
    async def deliveries() -> Response[bytes]:
        watch, _ = _watch(services)
        return json_answer(Deliveries(watch.deliveries()))

    return [listed, add, remove, test, deliveries]


def _shown(watch: Watch, alert: Alert) -> ListedAlert:
    standing = msgspec.structs.asdict(watch.standing(alert))
    kept: dict[str, Any] = {"id": alert.id, "name": alert.name, "url": alert.url, "created": alert.created}
    try:
        spec = spec_of(alert)
    except RequestError as error:
        return ListedAlert(kind="unknown", **kept, **{**standing, "error": str(error)})
    return ListedAlert(**msgspec.structs.asdict(spec), **kept, **standing, condition=words(spec))


def _watch(services: Services) -> tuple[Watch, Database]:
    if services.alerts is None or services.registry is None:
        raise HTTPException("this process watches nothing: ask the one that stores", status_code=503)
    return services.alerts, services.registry
