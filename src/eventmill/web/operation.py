"""A route as its description has it: from these records `openapi.py` writes what the questions do not say."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, frozen=True)
class Operation:
    """`path` is below /api/v1/; `{id}` in it is a text. `answer` None: no content. `body` None: none is read.
    `refused` are the statuses beside those that every route has."""

    method: str
    path: str
    name: str
    summary: str
    answer: Any = None
    body: Any = None
    status: int = 200
    refused: tuple[int, ...] = ()
