"""Times of last use, written in the background: no call waits for a write, and none fails because of one."""

import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

import anyio

from taskhand.domain.errors import OperatorError

__all__ = ["LastUses"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T", bound=Hashable)

_NOTED_EVERY: Final = timedelta(minutes=1)
"""The shortest time between two writes for one thing."""


class LastUses(Generic[_T]):
    """The uses not yet written; `things` names what is used in log messages."""

    def __init__(self, write: Callable[[Mapping[_T, datetime]], Awaitable[None]], things: str) -> None:
        self._write = write
        self._things = things
        self._noted: dict[_T, datetime] = {}
        self._uses: dict[_T, datetime] = {}
        self._used = anyio.Event()

    def note(self, thing: _T, now: datetime, stored_at: datetime | None, since: datetime | None = None) -> None:
        """Record a use; `stored_at` is the last one that is stored.

        `since` is when the thing replaced another of that name, whose uses do not count.
        """
        noted = self._noted.get(thing)
        if noted is not None and since is not None and noted < since:
            noted = None
        if not any(at is not None and timedelta() <= now - at < _NOTED_EVERY for at in (stored_at, noted)):
            self._noted[thing] = self._uses[thing] = now
            self._used.set()

    async def record(self) -> None:
        """Write the uses in the background, until cancelled."""
        while True:
            await self._used.wait()
            await self.write()

    async def write(self) -> None:
        """Write the uses since the last write. One that cannot be written is dropped."""
        self._used = anyio.Event()
        uses, self._uses = self._uses, {}
        try:
            if uses:
                await self._write(uses)
        except OperatorError as error:
            _log.info("the last use of %d %s was not written down: %s", len(uses), self._things, error.message)
