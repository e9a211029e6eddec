"""Caches of fetched values with a lifetime; concurrent callers share one fetch."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

import anyio

from taskhand.call.deadline import hold_lock

__all__ = ["CachedValue", "TtlCache"]

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[_Value]):
    """A value, and when its fetch began and ended."""

    value: _Value
    began: float
    ended: float


class TtlCache(Generic[_Key, _Value]):
    """Values by key, each valid for `keep_s` seconds of `monotonic`."""

    def __init__(self, keep_s: float, monotonic: Callable[[], float]) -> None:
        self._keep_s = keep_s
        self._monotonic = monotonic
        self._values: dict[_Key, _Entry[_Value]] = {}
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
        """The cached value, or a newly fetched one if the cached one is older than `most_s` (default `keep_s`) seconds.

        `fresh` requires a fetch that began after this call, `since` a fetch that began then or later.
        """
        keep_s = self._keep_s if most_s is None else most_s
        asked = self._monotonic()

        def find() -> _Entry[_Value] | None:
            entry = self._values.get(key)
            if entry is None or (entry.began <= asked if fresh else entry.began < since):
                return None
            return entry if fresh or self._monotonic() - entry.ended < keep_s else None

        if (entry := find()) is not None:
            return entry.value
        async with hold_lock(self._locks.setdefault(key, anyio.Lock())):
            if (entry := find()) is not None:
                return entry.value
            began = self._monotonic()
            value = await fetch()
            self._drop_old()
            self._values[key] = _Entry(value, began, self._monotonic())
            return value

    def _drop_old(self) -> None:
        limit = self._monotonic() - self._keep_s
        for key in [key for key, entry in self._values.items() if entry.ended < limit]:
            del self._values[key]
            if not self._locks[key].locked():
                del self._locks[key]


class CachedValue(Generic[_Value]):
    """One value, which `fetch` returns; it is valid for `keep_s` seconds of `monotonic`."""

    def __init__(self, fetch: Callable[[], Awaitable[_Value]], keep_s: float, monotonic: Callable[[], float]) -> None:
        self._fetch = fetch
        self._cache = TtlCache[None, _Value](keep_s, monotonic)

    async def get(self, *, most_s: float | None = None) -> _Value:
        """The cached value, or a newly fetched one if it is older than `most_s` (default `keep_s`) seconds."""
        return await self._cache.get(None, self._fetch, most_s=most_s)
