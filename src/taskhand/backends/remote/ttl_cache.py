"""What was fetched a moment ago: fetched once for everybody who asks at the same time, kept for a short while."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

import anyio

from taskhand.backends.remote.waiting import hold_lock

__all__ = ["TtlCache"]

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[_Value]):
    """A value, when its fetching began and when it came."""

    value: _Value
    began: float
    came: float


class TtlCache(Generic[_Key, _Value]):
    """Values by key, each good for `keep_s` seconds of `clock` (monotonic)."""

    def __init__(self, keep_s: float, clock: Callable[[], float]) -> None:
        self._keep_s = keep_s
        self._clock = clock
        self._values: dict[_Key, _Kept[_Value]] = {}
        self._locks: dict[_Key, anyio.Lock] = {}

    async def get(
        self,
        key: _Key,
        fetch: Callable[[], Awaitable[_Value]],
        *,
        fresh: bool = False,
        since: float = -inf,
        most_s: float | None = None,
    ) -> _Value:
        """The value, fetched unless it was just now, or `most_s` seconds ago at most.

        `fresh` wants one whose fetching began after this call, `since` one whose fetching began then or later.
        """
        keep_s = self._keep_s if most_s is None else most_s
        asked = self._clock()
        async with hold_lock(self._locks.setdefault(key, anyio.Lock())):
            kept = self._values.get(key)
            if kept and (kept.began > asked if fresh else kept.began >= since and self._clock() - kept.came < keep_s):
                return kept.value
            began = self._clock()
            value = await fetch()
            self._drop_old()
            self._values[key] = _Kept(value, began, self._clock())
            return value

    def _drop_old(self) -> None:
        """Forget what nobody will be given any more."""
        limit = self._clock() - self._keep_s
        for key in [key for key, kept in self._values.items() if kept.came < limit]:
            del self._values[key]
            if not self._locks[key].locked():
                del self._locks[key]
