"""Many tasks at once, in Close's own way: one PUT of the same values to up to 100 ids, then a look at what came of it.

Close answers such a PUT with `{"ok": true}`, whatever it matched, and may have changed some tasks when it refuses
(https://developer.close.com/api/resources/tasks/bulk-update). So every task is read back, and what does not show its
values is sent again by itself, where the answer is the task. Before anything is sent it is asked whether that may be.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import anyio

from taskhand.backends.base import BulkProgress, ItemResult, Written
from taskhand.backends.close.chunks import Place, chunks_of, ids_of, rounds_of
from taskhand.backends.close.confirmed import Confirmed, Unseen
from taskhand.backends.close.outcomes import Outcomes
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.said import CLOSE, LOOK, NOT_ALONE
from taskhand.backends.close.singly import Judge, as_it_is, by_themselves, though_confirmed, unless_stopped
from taskhand.backends.close.writing import Writer
from taskhand.domain.deadline import call_deadline
from taskhand.domain.edit import Edit
from taskhand.domain.errors import (
    CallerError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamFailed,
)
from taskhand.domain.request_log import recorded_requests
from taskhand.domain.task import Task

__all__ = ["BulkUpdate"]

_TRIED: Final = 3
"""So many refusals in a row, task by task, speak for the rest of a refused chunk."""
_AT_ONCE: Final = 3
"""Chunks under way: the others can still be stopped."""


class BulkUpdate:
    """One bulk update: `run` it once. `sleep` takes seconds."""

    def __init__(
        self, reader: Reader, writer: Writer, sleep: Callable[[float], Awaitable[object]], watch: BulkProgress
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._outcomes = Outcomes(watch)
        self._turns = anyio.Semaphore(_AT_ONCE)
        self._rows: dict[int, dict[str, Any]] = {}
        self._confirmed = Confirmed(
            reader,
            look=self._confirmed_rest,
            send=self._again_by_themselves,
            sleep=sleep,
            outcomes=self._outcomes,
            rows=self._rows,
        )

    async def run(self, edits: Sequence[tuple[Task, Edit]]) -> tuple[ItemResult, ...]:
        """One outcome for each edit, in their order; of one task the edits are made one after the other."""
        last: dict[str, Task] = {}
        for places in rounds_of(edits):
            await self._round([replace(one, before=last.get(one.before.id, one.before)) for one in places])
            for place in places:
                if task := self._outcomes.task(place):
                    last[place.before.id] = task
        return self._outcomes.in_order(len(edits))

    async def _round(self, places: Sequence[Place]) -> None:
        chunks, alone = chunks_of(places)
        async with anyio.create_task_group() as group:
            for values, part in chunks:
                group.start_soon(self._chunk, values, part)
            group.start_soon(self._by_themselves, alone)
        await self._confirmed.settle()

    async def _chunk(self, values: dict[str, Any], places: list[Place]) -> None:
        async with self._turns:
            with call_deadline(), recorded_requests() as sent:
                try:
                    await self._together(values, places)
                except TaskhandError as error:
                    self._outcomes.failed_all(places, self._outcomes.cause(error, sent))

    async def _together(self, values: dict[str, Any], places: list[Place]) -> None:
        """Send one chunk, and account for every task in it; TaskhandError holds for those without an outcome."""
        if self._outcomes.stopped:
            raise self._outcomes.stopped
        try:
            await self._write(values, places)
        except OutcomeUnknown as unknown:
            await self._in_doubt(values, places, unknown)
        except CallerError as refused:
            await self._after_refusal(await self._doubtful_rest(places, refused))
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

    async def _in_doubt(self, values: dict[str, Any], places: list[Place], unknown: TaskhandError) -> None:
        """Send what was not applied once more."""
        rest = await self._doubtful_rest(places, unknown)
        if rest and not self._outcomes.stopped:
            note = CLOSE.sent_again
            try:
                await self._write(values, rest)
            except TaskhandError as again:
                self._outcomes.heed(again)
                unknown, note = again, CLOSE.applied
            rest = await self._doubtful_rest(rest, unknown, note)
        self._in_the_dark(rest)

    async def _after_refusal(self, rest: list[Place]) -> None:
        """Find out which tasks a refusal was about; where the first few are refused too, it was about the values."""
        first, others = rest[:_TRIED], rest[_TRIED:]
        await self._by_themselves(first, unless_stopped)
        errors = [self._outcomes.error(place) for place in first]
        if not others or not all(isinstance(one, CallerError) and not isinstance(one, NotFound) for one in errors):
            await self._by_themselves(others, unless_stopped)
            return
        for place in others:
            told = CallerError(NOT_ALONE, code="upstream_refused", next_step="Send other values.")
            self._outcomes.failed(place, told)

    async def _after_failure(self, places: list[Place], failed: TaskhandError) -> None:
        """What fails midway may have changed some; the rest failed as Close said, unless the list is seen behind."""
        if isinstance(failed, RateLimited):
            raise failed
        try:
            rest = await self._rest(places, CLOSE.applied)
            is_behind = isinstance(failed, UpstreamFailed) and bool(rest) and await self._is_so(rest[0])
        except TaskhandError:
            is_behind = isinstance(failed, UpstreamFailed)
        if is_behind:
            raise CLOSE.unsettled(LOOK) from failed
        raise failed

    async def _is_so(self, place: Place) -> bool:
        """Whether a task by itself, which is not behind as lists are, shows its values."""
        return not self._reader.unshown(await self._reader.one(place.before.id, ours=True), place.edit)

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
        try:
            now = await self._reader.many(ids_of(places), self._reader.day(places[0].edit), ours=True)
        except TaskhandError as unread:
            self._outcomes.heed(unread)
            raise
        rest = []
        for place in places:
            raw = now.get(place.before.id)
            if raw is not None:
                self._rows[place.number] = raw
            if raw is None or self._reader.unshown(raw, place.edit):
                rest.append(place)
            else:
                self._outcomes.written(place, Written(self._reader.written(raw), note))
        return rest

    async def _again_by_themselves(self, places: Sequence[Place]) -> None:
        await self._by_themselves(places, though_confirmed)

    async def _by_themselves(self, places: Sequence[Place], judge: Judge = as_it_is) -> None:
        await by_themselves(self._writer.update, places, self._outcomes, judge)

    def _in_the_dark(self, places: Sequence[Place]) -> None:
        for place in places:
            self._outcomes.failed(place, CLOSE.of_task(place.before.id))
