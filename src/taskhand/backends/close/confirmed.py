"""What Close confirmed for many tasks at once and does not show yet: lists can be behind by up to a minute.

The lists are looked at again a few times, one request for up to 100 tasks; while one chunk shows nothing new, the
others are not asked for. What is still not seen is told by single tasks, which are not behind: where the first of a
chunk shows the write, the rest counts as Close confirmed it; where not, a few are sent again by themselves.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from taskhand.backends.base import Written
from taskhand.backends.close.chunks import Place, accepted_row
from taskhand.backends.close.outcomes import Outcomes
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.said import CLOSE, LOOK
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.deadline import call_deadline
from taskhand.domain.errors import CallerError, TaskhandError

__all__ = ["Confirmed", "Unseen"]

_WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
_MOST_SINGLES: Final = 20
"""Tasks of all chunks together that are sent again by themselves."""


@dataclass(slots=True)
class Unseen:
    """The tasks of a chunk that do not show `values`, and how the lists show them."""

    values: dict[str, Any]
    places: list[Place]


class Confirmed:
    """Settles what is `unseen`, once. `look` gives an outcome to what shows its values, and answers the rest."""

    def __init__(
        self,
        reader: Reader,
        *,
        look: Callable[[list[Place]], Awaitable[list[Place]]],
        send: Callable[[Sequence[Place]], Awaitable[object]],
        sleep: Callable[[float], Awaitable[object]],
        outcomes: Outcomes,
        rows: dict[int, JsonObject],
    ) -> None:
        """`send` sends tasks by themselves; `rows` are the tasks as lists showed them last, by place."""
        self.unseen: list[Unseen] = []
        self._reader = reader
        self._look = look
        self._send = send
        self._sleep = sleep
        self._outcomes = outcomes
        self._rows = rows

    async def settle(self) -> None:
        """Give every task an outcome."""
        for turn, wait_s in enumerate(_WAITS_S):
            if self.unseen:
                await self._sleep(wait_s)
                with call_deadline():
                    await self._look_again(turn)
        left = _MOST_SINGLES
        for chunk in self.unseen:
            with call_deadline():
                left -= await self._decided(chunk, left)
        self.unseen = []

    async def _look_again(self, turn: int) -> None:
        """One chunk, another one each time; the others too where that one has moved, or this is the last look."""
        first = self.unseen[turn % len(self.unseen)]
        before = len(first.places)
        await self._looked(first)
        if len(first.places) < before or turn == len(_WAITS_S) - 1:
            for chunk in self.unseen:
                if chunk is not first:
                    await self._looked(chunk)
        self.unseen = [chunk for chunk in self.unseen if chunk.places]

    async def _looked(self, chunk: Unseen) -> None:
        try:
            chunk.places = await self._look(chunk.places)
        except TaskhandError:
            self._unknown(chunk.places)
            chunk.places = []

    async def _decided(self, chunk: Unseen, left: int) -> int:
        """Settle a chunk by its first task; how many tasks were sent again."""
        first = chunk.places[0]
        try:
            raw = await self._reader.one(first.before.id, ours=True)
        except CallerError:
            return await self._sent(chunk.places, left)
        except TaskhandError as unread:
            self._outcomes.heed(unread)
            self._unknown(chunk.places)
            return 0
        if self._reader.unshown(raw, first.edit):
            return await self._sent(chunk.places, left)
        self._outcomes.written(first, Written(self._reader.written(raw)))
        for place in chunk.places[1:]:
            self._accepted(place, chunk.values)
        return 0

    async def _sent(self, places: list[Place], left: int) -> int:
        """Send as many as may be by themselves; of the rest nobody can tell."""
        again, rest = places[:left], places[left:]
        await self._send(again)
        self._unknown(rest)
        return len(again)

    def _accepted(self, place: Place, values: dict[str, Any]) -> None:
        raw = self._rows.get(place.number)
        if raw is None:
            self._unknown([place])
            return
        task = self._reader.written(accepted_row(raw, values))
        self._outcomes.written(place, Written(task, CLOSE.accepted))

    def _unknown(self, places: Sequence[Place]) -> None:
        for place in places:
            self._outcomes.failed(place, CLOSE.unsettled(LOOK))
