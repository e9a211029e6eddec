"""A bulk update: send, read what is in doubt, send once more what is surely not there, and say what came of each task.

Every batch takes these steps by itself, a few batches at a time; tasks that no batch takes are written one by one.
What the CRM confirmed and its lists do not show yet is settled at the end (`lagging_lists`).
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import anyio

from taskhand.backends.base import BulkProgress, ItemResult, Misread, Written
from taskhand.backends.remote.bulk_item import BatchAnswer, Finish, Item, State
from taskhand.backends.remote.lagging_lists import settle_confirmed
from taskhand.backends.remote.refusals import explain_refusal, is_doubtful
from taskhand.backends.remote.waiting import sleep_if_time
from taskhand.domain.concurrency import concurrent_tasks, for_each
from taskhand.domain.edit import Edit, is_untouched
from taskhand.domain.errors import (
    CallerError,
    NoAnswer,
    NotAttempted,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamFailed,
)
from taskhand.domain.request_log import RequestLog, recorded_requests
from taskhand.domain.task import Task
from taskhand.http.rate_limiter import without_pauses

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["BulkUpdate"]

_Row = TypeVar("_Row")

_PENDING_WAITS_S: Final = (1.0, 2.0, 4.0)
"""Seconds before each further look at tasks that a CRM has accepted a change of and not carried it out yet."""


class BulkUpdate(Generic[_Row]):
    """One bulk update: `run` it once."""

    def __init__(self, adapter: "CrmAdapter[_Row]", progress: BulkProgress) -> None:
        self._adapter = adapter
        self._messages = adapter.messages
        self._progress = progress
        self._turns = anyio.Semaphore(adapter.batches_at_once)
        self._finish: Finish[_Row] | None = None

    async def run(self, edits: Sequence[tuple[Task, Edit]]) -> tuple[ItemResult, ...]:
        """One result for each edit, in their order. Edits of one task are made one after the other."""
        last: dict[str, Task] = {}
        for indexes in _rounds([before.id for before, _ in edits]):
            items = [Item[_Row](one, last.get(edits[one][0].id, edits[one][0]), edits[one][1]) for one in indexes]
            await self._round(items)
            last |= {item.id: item.written.task for item in items if item.written is not None}
        return tuple(self._progress.results[index] for index in range(len(edits)))

    async def _round(self, items: Sequence[Item[_Row]]) -> None:
        """Write items that are different tasks."""
        try:
            await self._adapter.prepare()
            self._finish = await self._adapter.prepare_many(items, self._progress)
        except TaskhandError as error:
            for item in items:
                item.fail(self._progress.stopped or error)
                self._progress.heed(error)
        self._report(items)
        batches, singles = self._adapter.batches([item for item in items if not item.is_over])
        async with concurrent_tasks() as group:
            for batch in batches:
                group.start_soon(self._batch, batch)
            group.start_soon(self._singles, singles)
        unshown = [[item for item in batch if item.state is State.CONFIRMED] for batch in batches]
        await settle_confirmed(self._adapter, [batch for batch in unshown if batch], self._look, self._singles)
        self._report(items)
        finish, self._finish = self._finish, None
        if finish is not None and finish.items:
            await finish.run()
            self._report(finish.items)

    async def _batch(self, items: Sequence[Item[_Row]]) -> None:
        """Take one batch through all steps."""
        async with self._turns:
            await self._send(items)
            await self._look([item for item in items if not item.is_over])
            await self._look_later([item for item in items if item.state is State.PENDING])
            again = [item for item in items if item.state is State.LOST and item.failure is None]
            if again and self._progress.stopped is None:
                for item in again:
                    item.is_resent = True
                await self._send(again)
                await self._look([item for item in again if not item.is_over])
            await self._conclude([item for item in items if item.is_in_doubt])

    async def _send(self, items: Sequence[Item[_Row]]) -> None:
        """Send these in one request, or one by one where they are few."""
        if len(items) < self._adapter.min_batch:
            await self._singles(items)
            return
        requests = RequestLog()
        try:
            if self._progress.stopped is not None:
                raise self._progress.stopped
            self._adapter.recent.forget([item.id for item in items])
            with recorded_requests() as requests:
                answer = await self._adapter.update_many(items)
        except (OutcomeUnknown, UpstreamFailed) as fault:
            self._enter(items, BatchAnswer(lost=dict.fromkeys((item.index for item in items), fault)))
        except CallerError as refused:
            await self._split(items, refused, requests)
        except TaskhandError as error:
            self._after_refusal(items, error, requests)
        else:
            self._enter(items, answer)
        self._report(items)

    def _after_refusal(self, items: Sequence[Item[_Row]], error: TaskhandError, requests: RequestLog) -> None:
        """Have items looked at before they are refused, where the CRM may have written them all the same.

        Not those of which nothing has left, and not those that an earlier request may have changed.
        """
        has_left = is_doubtful(requests) or (isinstance(error, RateLimited) and requests.has_write_left)
        to_look_at = [item for item in items if has_left and item.state is State.OPEN]
        self._fail_each([item for item in items if item not in to_look_at], error, requests)
        for item in to_look_at:
            item.state, item.failure = State.LOST, error

    def _enter(self, items: Sequence[Item[_Row]], answer: BatchAnswer[_Row]) -> None:
        """Enter what an answer says of each item."""
        for item in items:
            row = answer.rows.get(item.index)
            if (error := answer.refused.get(item.index)) is not None:
                item.fail(explain_refusal(error, self._messages.name, item.edit, item.id))
            elif item.index in answer.pending:
                item.state = State.PENDING
            elif item.index in answer.lost:
                fault = answer.lost[item.index]
                item.state, item.failure = State.LOST, None if isinstance(fault, OutcomeUnknown) else fault
                item.may_be_late = item.may_be_late or isinstance(fault, NoAnswer)
            elif row is not None and self._adapter.shows(row, item.edit):
                item.apply(row, self._messages.sent_again if item.is_resent else None)
            else:
                item.state = State.CONFIRMED

    async def _look_later(self, items: Sequence[Item[_Row]]) -> None:
        """Read the tasks of pending items again after a while: they are carried out or not, and never sent again."""
        for wait_s in _PENDING_WAITS_S:
            left = [item for item in items if not item.is_over]
            if not left or not await sleep_if_time(self._adapter.timing.sleep, wait_s):
                return
            await self._look(left)

    async def _split(self, items: Sequence[Item[_Row]], refused: CallerError, requests: RequestLog) -> None:
        """Find out which items the refusal of a batch was about.

        The first ones are tried alone. Where each of them is refused too, so are all others with the same edit.
        """
        left = await self._left_after_refusal(items, requests)
        if len(items) == 1:
            _fail(left, explain_refusal(refused, self._messages.name, items[0].edit, items[0].id))
            return
        probes, others = left[: self._adapter.probes], left[self._adapter.probes :]
        for probe in probes:
            await self._send([probe])
        if probes and all(_is_of_values(probe) for probe in probes):
            _fail([item for item in others if item.edit == probes[0].edit], probes[0].error or refused)
            others = [item for item in others if not item.is_over]
        if not self._adapter.batch_is_atomic:
            await self._singles(others)
            return
        middle = (len(others) + 1) // 2
        for half in (others[:middle], others[middle:]):
            if half:
                await self._send(half)

    async def _left_after_refusal(self, items: Sequence[Item[_Row]], requests: RequestLog) -> list[Item[_Row]]:
        """The items of a refused batch that a look does not show written, where the refusal alone proves nothing."""
        is_atomic = self._adapter.batch_is_atomic
        if is_atomic and not is_doubtful(requests):
            return list(items)
        for item in items:
            item.state = State.LOST
        await self._look(items)
        left = [item for item in items if not item.is_over]
        if is_atomic and not self._adapter.lists_lag:
            for item in left:
                item.state = State.OPEN
        return left

    async def _look(self, items: Sequence[Item[_Row]]) -> None:
        """Read the tasks of items that were confirmed or lost; those that show their edit are applied."""
        if not items:
            return
        was_throttled = any(isinstance(item.failure, RateLimited) for item in items)
        try:
            with without_pauses() if was_throttled else nullcontext():
                rows = await self._adapter.get_many(items)
        except TaskhandError as error:
            self._progress.heed(error)
            for item in items:
                throttled = item.failure if isinstance(item.failure, RateLimited) else None
                item.fail(throttled or self._messages.unknown_update(item.id))
            rows = {}
        for item in items:
            row = rows.get(item.id)
            if item.is_over:
                continue
            if row is not None:
                self._read(item, row)
            elif not self._adapter.lists_lag:
                item.fail(self._messages.no_task(item.id))
        self._report(items)

    def _read(self, item: Item[_Row], row: _Row) -> None:
        item.row = row
        if item.is_in_doubt and self._adapter.shows(row, item.edit):
            item.apply(row, self._messages.applied)
        elif item.state is State.CONFIRMED and (not self._adapter.lists_lag or self._adapter.shows(row, item.edit)):
            item.apply(row, self._messages.sent_again if item.is_resent else None)

    async def _conclude(self, items: Sequence[Item[_Row]]) -> None:
        """Say what came of items that were lost and that reading does not show."""
        is_current = bool(items) and await self._is_current(items[0])
        for item in items:
            if item.may_be_late or item.state is State.PENDING:
                item.fail(self._messages.unknown_update(item.id))
            elif isinstance(item.failure, RateLimited):
                item.fail(item.failure)
            elif (failure := item.failure) is not None and is_current and self._is_disproved(item):
                item.fail(self._messages.failed(failure) if isinstance(failure, UpstreamFailed) else failure)
            elif is_current and self._is_untouched(item):
                item.fail(self._messages.not_applied())
            else:
                item.fail(self._messages.unknown_update(item.id))

    async def _is_current(self, item: Item[_Row]) -> bool:
        """Whether reading many tasks is not behind: this one, read by itself, does not show its edit either."""
        if not self._adapter.lists_lag:
            return True
        try:
            return not self._adapter.shows(await self._adapter.get(item.id), item.edit)
        except TaskhandError:
            return False

    def _is_disproved(self, item: Item[_Row]) -> bool:
        """Whether the task was read and certainly lacks a part of the edit."""
        return item.row is not None and self._adapter.disproves(item.row, item.edit)

    def _is_untouched(self, item: Item[_Row]) -> bool:
        """Whether the task was read and is as it was."""
        return item.row is not None and is_untouched(self._adapter.to_task(item.row), item.before, item.edit)

    async def _singles(self, items: Sequence[Item[_Row]]) -> None:
        """Write each of these by itself, side by side; the rate budget says how fast."""
        await for_each(items, self._single, at_once=self._adapter.singles_at_once)

    async def _single(self, item: Item[_Row]) -> None:
        """Write one item; nothing of it is sent once all is stopped."""
        with recorded_requests() as requests:
            try:
                if self._progress.stopped is not None:
                    raise self._progress.stopped
                item.written = await self._adapter.update_item(item, self._progress)
                item.state = State.APPLIED
            except Misread as misread:
                self._after_misread(item, misread)
            except TaskhandError as error:
                self._fail_each([item], error, requests)
        self._report([item])

    def _after_misread(self, item: Item[_Row], misread: Misread) -> None:
        """Count an edit that was made from a misread task if it shows; whoever asked makes it again where not."""
        if not any(item.edit.unmet_by(misread.now, written=True).given()):
            item.state, item.written = State.APPLIED, Written(misread.now)
            return
        item.fail(
            CallerError(
                "The task changed while it was to be written.",
                code="conflict",
                retryable=True,
                next_step="Send retryIds again as taskIds.",
            )
        )

    def _fail_each(self, items: Sequence[Item[_Row]], error: TaskhandError, requests: RequestLog) -> None:
        """End items with an error; `requests` are those that have left since.

        An item that waited for its turn until all was stopped was not sent. One that may have been applied by an
        earlier request is not refused by what stops a later one.
        """
        if isinstance(error, RateLimited) and not requests.has_write_left:
            error = self._progress.stopped or error
        error = self._progress.heed(error)
        is_unsent = isinstance(error, NotAttempted)
        is_answer = isinstance(error, CallerError | OutcomeUnknown)
        for item in items:
            in_doubt = item.is_resent or item.state is State.CONFIRMED or (item.state is State.LOST and is_unsent)
            item.fail(self._messages.unknown_update(item.id) if in_doubt and not is_answer else error)

    def _report(self, items: Sequence[Item[_Row]]) -> None:
        """Report the items that are over and finished, each once."""
        unfinished = {item.index for item in self._finish.items} if self._finish else ()
        for item in items:
            if not item.is_over or item.index in unfinished or item.index in self._progress.results:
                continue
            if item.state is State.APPLIED and item.written is None and item.row is not None:
                item.written = self._adapter.to_written(item.row, item.edit, item.before, item.note)
            self._progress.report(item.index, ItemResult(item.id, item.written, item.error))


def _rounds(ids: Sequence[str]) -> list[list[int]]:
    """Indexes in rounds in which each task occurs once: a second edit of a task belongs to the next round."""
    rounds: list[list[int]] = []
    times = Counter[str]()
    for index, task_id in enumerate(ids):
        if times[task_id] == len(rounds):
            rounds.append([])
        rounds[times[task_id]].append(index)
        times[task_id] += 1
    return rounds


def _fail(items: Sequence[Item[_Row]], error: TaskhandError) -> None:
    for item in items:
        item.fail(error)


def _is_of_values(item: Item[_Row]) -> bool:
    """Whether an item was refused for what it says, rather than for its own task or for something passing."""
    return isinstance(item.error, CallerError) and not isinstance(item.error, NotFound)
