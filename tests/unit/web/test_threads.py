"""Few queries at once, a bounded number waiting, the rest told to come back."""

import asyncio
import threading

import pytest

from eventmill.web import problems
from eventmill.web.threads import Threads


def test_more_than_may_wait_are_refused() -> None:
    gate = threading.Event()

    async def ask() -> None:
        threads = Threads(parallel=2, waiting=3)
        asked = [asyncio.create_task(threads.run(gate.wait)) for _ in range(5)]
        await asyncio.sleep(0.05)
        with pytest.raises(problems.Busy, match="5 queries"):
            await threads.run(gate.wait)
        gate.set()
        assert await asyncio.gather(*asked) == [True] * 5
        assert await threads.run(lambda: 7) == 7
        threads.close()

    asyncio.run(ask())


def test_busy_is_a_503_with_a_time() -> None:
    answer = problems.response(problems.of(problems.Busy("full")))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_what_is_unknown_keeps_its_text_to_itself() -> None:
    assert problems.of(ValueError("secret")).detail == "the server's log says more"
