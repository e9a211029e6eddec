"""Many tasks at once, in Close's own way: one PUT of the same values to up to 100 ids, then a look at what came of it.

Close answers such a PUT with `{"ok": true}`, whatever it matched, and may have changed some tasks when it refuses
(https://developer.close.com/api/resources/tasks/bulk-update). So every task is read back, and what does not show its
values is sent again by itself, where the answer is the task.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import anyio

from taskhand.backend import Outcome, Written
from taskhand.backends.close.chunks import Place, chunks_of, ids_of, rounds_of
from taskhand.backends.close.confirmed import Confirmed, Unseen
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.said import CLOSE, LOOK, NOT_ALONE
from taskhand.backends.close.writing import Writer
from taskhand.backends.many import each_by_itself
from taskhand.edit import Edit
from taskhand.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError, UpstreamFailed
from taskhand.task import Task

__all__ = ["BulkUpdate"]

_TRIED: Final = 3
"""So many refusals in a row, task by task, speak for the rest of a refused chunk."""


class BulkUpdate:
    """One bulk update: `run` it once. `sleep` takes seconds."""

    def __init__(self, reader: Reader, writer: Writer, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._reader = reader
        self._writer = writer
        self._sleep = sleep
        self._outcomes: dict[int, Outcome] = {}
        self._rows: dict[int, dict[str, Any]] = {}
        self._confirmed = Confirmed(
            reader,
            look=self._confirmed_rest,
            send=self._by_themselves,
            sleep=sleep,
            outcomes=self._outcomes,
            rows=self._rows,
        )

    async def run(self, edits: Sequence[tuple[Task, Edit]]) -> tuple[Outcome, ...]:
        """One outcome for each edit, in their order; of one task the edits are made one after the other."""
        last: dict[str, Task] = {}
        for places in rounds_of(edits):
            await self._round([replace(one, before=last.get(one.before.id, one.before)) for one in places])
            for place in places:
                if written := self._outcomes[place.number].written:
                    last[place.before.id] = written.task
        return tuple(self._outcomes[number] for number in range(len(edits)))

    async def _round(self, places: Sequence[Place]) -> None:
        chunks, alone = chunks_of(places)
        async with anyio.create_task_group() as group:
            for values, part in chunks:
                group.start_soon(self._chunk, values, part)
            group.start_soon(self._by_themselves, alone)
        await self._confirmed.settle()

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
            try:
                rest = await self._confirmed_rest(places)
            except TaskhandError as unread:
                raise CLOSE.unsettled(LOOK) from unread
            if rest:
                self._confirmed.unseen.append(Unseen(values, rest))

    async def _write(self, values: dict[str, Any], places: list[Place]) -> None:
        self._reader.recent.forget(ids_of(places))
        await self._reader.wire.update_many(ids_of(places), values, self._reader.day(places[0].edit))

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
                raise CLOSE.unsettled(LOOK) from failed
        raise failed

    async def _confirmed_rest(self, places: list[Place]) -> list[Place]:
        """What does not show a write that Close confirmed."""
        return await self._rest(places, None)

    async def _doubtful_rest(self, places: list[Place], doubt: TaskhandError, note: str = CLOSE.applied) -> list[Place]:
        """What was not applied by a write that was not confirmed; the doubt stays where that cannot be read."""
        try:
            return await self._rest(places, note)
        except TaskhandError:
            raise CLOSE.unsettled(LOOK) from doubt

    async def _rest(self, places: list[Place], note: str | None) -> list[Place]:
        """Read back: an outcome for what shows its values, and those that do not."""
        rest = []
        now = await self._reader.many(ids_of(places), self._reader.day(places[0].edit), ours=True)
        for place in places:
            raw = now.get(place.before.id)
            if raw is not None:
                self._rows[place.number] = raw
            if raw is None or self._reader.unshown(raw, place.edit):
                rest.append(place)
            else:
                self._outcomes[place.number] = Outcome(place.before.id, Written(self._reader.written(raw), note))
        return rest

    async def _by_themselves(self, places: Sequence[Place]) -> None:
        outcomes = await each_by_itself(self._writer.update, [(place.before, place.edit) for place in places])
        for place, outcome in zip(places, outcomes, strict=True):
            self._outcomes[place.number] = outcome
