"""What was worked out a moment ago, as long as nothing was stored since: a page asks much at once, partly the same."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 64


class Memo:
    """Safe from several threads: who asks for what another one is working out waits for it. What is given must not be
    changed by anybody."""

    def __init__(self, revision: Callable[[], int | None], most: int = _MOST) -> None:
        """`revision`: another number where what is known holds no more; None where nothing may be kept."""
        self._now, self._most = revision, most
        self._lock = threading.Lock()
        self._revision: int | None = None
        self._known: OrderedDict[Hashable, Future[Any]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, or gave at the same revision. Raises what it raises."""
        revision = self._now()
        if revision is None:
            return make()
        with self._lock:
            if revision != self._revision:
                self._known.clear()
                self._revision = revision
            found = self._known.get(key)
            if found is None:
                mine = self._known[key] = Future[T]()
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
        if found is not None:
            known: T = found.result()
            return known
        try:
            mine.set_result(make())
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
            with self._lock:
                if self._known.get(key) is mine:
                    del self._known[key]
            mine.set_exception(error)
        return mine.result()
