"""The steps that need nothing but the batch, in their order; those that ask or change the store follow in `loop`."""

import os
import signal
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from eventmill.topics import Topic
from eventmill.work.batch import Batch
from eventmill.work.enrich import Enrich
from eventmill.work.geo import Countries
from eventmill.work.identity import Identify
from eventmill.work.validate import Validate

POISON = "EVENTMILL_POISON"
"""For crash tests: a batch with this text in it kills the process (`kill:TEXT`) or raises (`raise:TEXT`)."""

Step = Callable[[Batch], Batch]


class PoisonTest:
    """Does to the process what a fault in a step would do."""

    name = "poison-test"

    def __init__(self, spec: str) -> None:
        self._how, _, text = spec.partition(":")
        self._text = text.encode()

    def __call__(self, batch: Batch) -> Batch:
        live = (line for line in batch.body.split(b"\n") if b'"_x":' not in line)
        if any(self._text in line for line in live):
            if self._how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError(f"poison: {self._text!r}")
        return batch


def pure_steps(
    topics: Mapping[str, Topic], zone: ZoneInfo, countries: Countries | None = None
) -> tuple[Validate, list[Step]]:
    """The validating step, whose topics may change, and all pure steps in order."""
    validate = Validate(topics, zone)
    steps: list[Step] = [validate, Identify(), Enrich(countries)]
    if spec := os.environ.get(POISON):
        steps.insert(0, PoisonTest(spec))
    return validate, steps
