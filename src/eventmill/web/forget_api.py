"""`forget`: erases a person's events, and tells how far that is."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import HTTPException

from eventmill.forget import ForgetError, ForgetRequest, Forgetting, Forgotten
from eventmill.query.model import RequestError
from eventmill.web.bodies import json_answer, read_body
from eventmill.web.operation import Operation
from eventmill.web.services import Services
from eventmill.web.threads import Threads

PREFIX = "/api/v1"
_WAIT_S = 20.0


class Erasures(msgspec.Struct):
    """The last ones, newest first."""

    data: list[Forgotten]


OPERATIONS = (
    Operation("get", "forget", "list_forgotten", "The last erasures, and how far each is", Erasures),
    Operation("post", "forget", "forget", "Erase the events of a user, an id or a session", Forgotten, ForgetRequest,
              refused=(415,)),
)  # fmt: skip


def handlers(services: Services, threads: Threads) -> list[Any]:
    """The routes. An erasure that takes longer than a request waits for is answered as `running`."""

    @get(f"{PREFIX}/forget", name="list_forgotten")
    async def listed() -> Response[bytes]:
        return json_answer(Erasures(await threads.run(_forgetting(services).list)))

    @post(f"{PREFIX}/forget", name="forget", status_code=200)
    async def forget(request: Request[Any, Any, Any]) -> Response[bytes]:
        wanted = await read_body(request, ForgetRequest)
        forgetting = _forgetting(services)
        try:
            return json_answer(await threads.run(lambda: forgetting.submit(wanted, _WAIT_S)))
        except ForgetError as error:
            raise RequestError(str(error)) from error

    return [listed, forget]


def _forgetting(services: Services) -> Forgetting:
    if services.forgetting is None:
        raise HTTPException("this process cannot erase: ask the one that stores", status_code=503)
    return services.forgetting
