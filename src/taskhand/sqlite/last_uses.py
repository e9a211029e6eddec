"""When things were last used, written down beside the calls: no call waits for it, and none fails for it."""

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
"""How often the use of one thing is written down at most."""


class LastUses(Generic[_T]):
    """The uses that are still to be written; `things` names what is used in a line of the log."""

    def __init__(self, write: Callable[[Mapping[_T, datetime]], Awaitable[None]], things: str) -> None:
        self._write = write
        self._things = things
        self._noted: dict[_T, datetime] = {}
        self._uses: dict[_T, datetime] = {}
        self._used = anyio.Event()

    def note(self, thing: _T, now: datetime, known: datetime | None, since: datetime | None = None) -> None:
        """Note a use; `known` is the last one that is written down.

        `since` is when the thing took the place of another of that name, whose uses do not count.
        """
        noted = self._noted.get(thing)
        if noted is not None and since is not None and noted < since:
            noted = None
        if not any(at is not None and timedelta() <= now - at < _NOTED_EVERY for at in (known, noted)):
            self._noted[thing] = self._uses[thing] = now
            self._used.set()

    async def record(self) -> None:
        """Write down the uses beside the calls, until cancelled."""
        while True:
            await self._used.wait()
            await self.write()

    async def write(self) -> None:
        """Write down the uses since the last time. One that cannot be written is forgotten."""
        self._used = anyio.Event()
        uses, self._uses = self._uses, {}
        try:
            if uses:
                await self._write(uses)
        except OperatorError as error:
            _log.info("the last use of %d %s was not written down: %s", len(uses), self._things, error.message)
