"""Many tasks at once, in Close's own way: one PUT of the same values to up to 100 ids, then a look at what came of it.

Close answers such a PUT with `{"ok": true}`, whatever it matched, and may have changed some tasks when it refuses
(https://developer.close.com/api/resources/tasks/bulk-update). So every task is read back, and what does not show its
values is sent again by itself, where the answer is the task.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import anyio

from taskhand.backend import Outcome, Written
from taskhand.backends.close.body import native_body
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.said import CLOSE, NOT_ALONE
from taskhand.backends.close.wire import CHUNK
from taskhand.backends.close.writing import Writer
from taskhand.backends.many import each_by_itself
from taskhand.edit import Edit
from taskhand.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError, UpstreamFailed
from taskhand.task import Task

__all__ = ["BulkUpdate", "Place", "chunks_of"]

_FEWEST: Final = 3
"""Up to two tasks take no more requests one by one, and each of those answers with the task."""
_TRIED: Final = 3
"""So many refusals in a row, task by task, speak for the rest of a refused chunk."""
_WAITS_S: Final = (1.0, 3.0)
"""A list may be behind: what a confirmed write does not show is looked at again after so many seconds."""
_LOOK: Final = "Look with list_tasks, then decide."
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """One edit of many, and where in the answer its outcome belongs."""

    number: int
    before: Task
    edit: Edit


Chunk = tuple[dict[str, Any], list[Place]]


def chunks_of(edits: Sequence[tuple[Task, Edit]]) -> tuple[list[Chunk], list[Place]]:
    """The edits that go together, up to 100 with the same values, and those that go by themselves; pure."""
    groups: dict[str, Chunk] = {}
    alone: list[Place] = []
    for number, (before, edit) in enumerate(edits):
        place = Place(number, before, edit)
        values = _values(place)
        if values is None:
            alone.append(place)
        else:
            groups.setdefault(json.dumps(values, sort_keys=True), (values, []))[1].append(place)
    chunks = [(values, part) for values, places in groups.values() for part in _parts(places)]
    alone += [place for _, places in chunks if len(places) < _FEWEST for place in places]
    return [chunk for chunk in chunks if len(chunk[1]) >= _FEWEST], alone


def _values(place: Place) -> dict[str, Any] | None:
    """What to send for many; None where the edit goes by itself, be it to be refused there."""
    try:
        return native_body(place.edit) if _PLAIN_ID.fullmatch(place.before.id) else None
    except CallerError:
        return None


def _ids(places: Sequence[Place]) -> list[str]:
    """Each task once."""
    return list(dict.fromkeys(place.before.id for place in places))


def _parts(places: list[Place]) -> Iterator[list[Place]]:
    for start in range(0, len(places), CHUNK):
        yield places[start : start + CHUNK]


class BulkUpdate:
    """One bulk update: `run` it once. `sleep` takes seconds."""

    def __init__(self, reader: Reader, writer: Writer, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._reader = reader
        self._writer = writer
        self._sleep = sleep
        self._outcomes: dict[int, Outcome] = {}

    async def run(self, edits: Sequence[tuple[Task, Edit]]) -> tuple[Outcome, ...]:
        """One outcome for each edit, in their order."""
        chunks, alone = chunks_of(edits)
        async with anyio.create_task_group() as group:
            for values, places in chunks:
                group.start_soon(self._chunk, values, places)
            group.start_soon(self._by_themselves, alone)
        return tuple(self._outcomes[number] for number in range(len(edits)))

    async def _chunk(self, values: dict[str, Any], places: list[Place]) -> None:
        try:
            await self._together(values, places)
        except TaskhandError as error:
            for place in places:
                self._outcomes.setdefault(place.number, Outcome(place.before.id, error=error))

    async def _together(self, values: dict[str, Any], places: list[Place]) -> None:
        """Send one chunk, and account for every task in it; TaskhandError holds for those without an outcome."""
        try:
            await self._write(values, places)
        except OutcomeUnknown as unknown:
            await self._in_doubt(values, places, unknown)
        except CallerError as refused:
            rest = await self._doubtful_rest(places, refused)
            await self._after_refusal(rest)
        except TaskhandError as failed:
            await self._after_failure(places, failed)
        else:
            rest = await self._confirmed_rest(places)
            await self._by_themselves(rest)

    async def _write(self, values: dict[str, Any], places: list[Place]) -> None:
        self._reader.recent.forget(_ids(places))
        await self._reader.wire.update_many(_ids(places), values, self._writer.day(places[0].edit))

    async def _in_doubt(self, values: dict[str, Any], places: list[Place], unknown: OutcomeUnknown) -> None:
        """Send what was not applied once more."""
        rest = await self._doubtful_rest(places, unknown)
        if not rest:
            return
        note = CLOSE.sent_again
        try:
            await self._write(values, rest)
        except OutcomeUnknown as again:
            unknown, note = again, CLOSE.applied
        rest = await self._doubtful_rest(rest, unknown, note)
        for place in rest:
            error = CLOSE.of_task(place.before.id)
            self._outcomes[place.number] = Outcome(place.before.id, error=error)

    async def _after_refusal(self, rest: list[Place]) -> None:
        """Find out which tasks a refusal was about; where the first few are refused too, it was about the values."""
        first, others = rest[:_TRIED], rest[_TRIED:]
        await self._by_themselves(first)
        errors = [self._outcomes[place.number].error for place in first]
        if not others or not all(isinstance(one, CallerError) and not isinstance(one, NotFound) for one in errors):
            await self._by_themselves(others)
            return
        for place in others:
            told = CallerError(NOT_ALONE, code="upstream_refused", next_step="Send other values.")
            self._outcomes[place.number] = Outcome(place.before.id, error=told)

    async def _after_failure(self, places: list[Place], failed: TaskhandError) -> None:
        """What fails midway may have changed some; the rest failed as Close said."""
        try:
            await self._rest(places, CLOSE.applied)
        except TaskhandError:
            if isinstance(failed, UpstreamFailed):
                raise CLOSE.unsettled(_LOOK) from failed
        raise failed

    async def _confirmed_rest(self, places: list[Place]) -> list[Place]:
        """What does not show a write that Close confirmed: looked for again, as lists can be behind."""
        try:
            rest = await self._rest(places, None)
            for wait_s in _WAITS_S:
                if not rest:
                    break
                await self._sleep(wait_s)
                rest = await self._rest(rest, None)
        except TaskhandError as unread:
            raise CLOSE.unsettled(_LOOK) from unread
        return rest

    async def _doubtful_rest(self, places: list[Place], doubt: TaskhandError, note: str = CLOSE.applied) -> list[Place]:
        """What was not applied by a write that was not confirmed; the doubt stays where that cannot be read."""
        try:
            return await self._rest(places, note)
        except TaskhandError:
            raise CLOSE.unsettled(_LOOK) from doubt

    async def _rest(self, places: list[Place], note: str | None) -> list[Place]:
        """Read back: an outcome for what shows its values, and those that do not."""
        rest = []
        now = await self._reader.many(_ids(places), self._writer.day(places[0].edit))
        for place in places:
            raw = now.get(place.before.id)
            if raw is None or any(place.edit.unmet_by(self._reader.task(raw), written=True).given()):
                rest.append(place)
            else:
                self._outcomes[place.number] = Outcome(place.before.id, Written(self._reader.written(raw), note))
        return rest

    async def _by_themselves(self, places: Sequence[Place]) -> None:
        outcomes = await each_by_itself(self._writer.update, [(place.before, place.edit) for place in places])
        for place, outcome in zip(places, outcomes, strict=True):
            self._outcomes[place.number] = outcome
