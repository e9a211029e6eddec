"""Bulk updates in batches: send a batch, read back its doubtful items, and resend those that were not applied.

Each batch takes these steps independently, a few batches at a time; tasks outside batches are written one by one.
Updates that the CRM confirmed and its lists do not show yet are settled at the end: the lists are read again a few
times while the call has time, and only one batch as long as nothing changes. After that one task of each batch is read
by itself, which is always current: if it shows its edit, the rest of the batch counts as confirmed; if not, a few
items are sent again one by one.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, TypeVar

import anyio

from taskhand.backends.base import BulkProgress, ItemResult
from taskhand.backends.remote.adapter import CrmAdapter
from taskhand.backends.remote.bulk_item import BatchAnswer, Item, State
from taskhand.backends.remote.bulk_update import BulkUpdate
from taskhand.backends.remote.lost_update import error_of_unread, error_of_unshown, may_send_again, read_twice
from taskhand.backends.remote.retry_waits import sleep_if_time
from taskhand.backends.remote.write_refusals import explain_refusal, is_doubtful
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.call.request_log import RequestLog, recorded_requests
from taskhand.domain.chunks import chunks
from taskhand.domain.edit import Edit
from taskhand.domain.errors import (
    CallerError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamFailed,
)
from taskhand.domain.task import Task
from taskhand.http.rate_limiter import without_pauses

__all__ = ["BatchAdapter"]

_Row = TypeVar("_Row")

_UNLISTED_WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each read of lists that do not show a confirmed update yet."""
_MAX_SENT_AGAIN: Final = 20
"""The maximum number of confirmed updates, over all batches, that are sent again."""
_PENDING_WAITS_S: Final = (1.0, 2.0, 4.0)
"""Seconds before each further read of tasks whose update the CRM has accepted but not applied yet."""


class BatchAdapter(CrmAdapter[_Row]):
    """A CRM with one request that updates many tasks, and one that reads many."""

    min_batch: ClassVar[int] = 1
    """The minimum size of a batch; fewer tasks are written one by one."""
    probes: ClassVar[int] = 1
    """The number of tasks of a refused batch that are tried alone before all others with the same edit fail too."""
    lists_lag: ClassVar[bool] = False
    """Whether `get_many` may return rows from before a write; reading one task is always current."""
    batch_is_atomic: ClassVar[bool] = False
    """Whether a refused batch has changed none of its tasks."""

    @abstractmethod
    def batches(self, items: Sequence[Item[_Row]]) -> tuple[list[list[Item[_Row]]], list[Item[_Row]]]:
        """The items in batches, and the items that are written one by one."""

    @abstractmethod
    async def update_many(self, items: Sequence[Item[_Row]]) -> BatchAnswer[_Row]:
        """Send one request for a batch; an item that the response does not mention counts as confirmed."""

    @abstractmethod
    async def get_many(self, items: Sequence[Item[_Row]]) -> Mapping[str, _Row]:
        """The tasks of these items by id; those that do not exist are left out."""

    def confirmed_row(self, row: _Row, edit: Edit) -> _Row:  # noqa: ARG002  for CRMs whose lists lag
        """A stale row with the values of an edit that the CRM has confirmed."""
        return row

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Update many tasks in batches."""
        return await _BatchUpdate(self, progress or BulkProgress()).run(edits)


class _BatchUpdate(BulkUpdate[_Row]):
    """One bulk update in batches: `run` it once."""

    _adapter: BatchAdapter[_Row]

    def __init__(self, adapter: BatchAdapter[_Row], progress: BulkProgress) -> None:
        super().__init__(adapter, progress)
        self._turns = anyio.Semaphore(adapter.batches_at_once)

    async def _write(self, items: Sequence[Item[_Row]]) -> None:
        batches, singles = self._adapter.batches(items)
        async with concurrent_tasks() as group:
            for batch in batches:
                group.start_soon(self._batch, batch)
            group.start_soon(self._singles, singles)
        unshown = [[item for item in batch if item.state is State.CONFIRMED] for batch in batches]
        await self._settle_unlisted([batch for batch in unshown if batch])

    async def _batch(self, items: Sequence[Item[_Row]]) -> None:
        """Send one batch, read it back, resend what was not applied, and end its doubtful items."""
        async with self._turns:
            await self._send(items)
            await self._read_back([item for item in items if not item.is_over])
            await self._read_back_later([item for item in items if item.state is State.PENDING])
            again = [item for item in items if item.state is State.LOST and may_send_again(item, self._adapter)]
            if again:
                for item in again:
                    item.is_resent = True
                await self._send(again)
                await self._read_back([item for item in again if not item.is_over])
            await self._conclude([item for item in items if item.is_in_doubt])

    async def _send(self, items: Sequence[Item[_Row]]) -> None:
        """Send these in one request, or one by one if they are few."""
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
            for item in items:
                item.lose(fault)
        except CallerError as refused:
            await self._split(items, refused, requests)
        except TaskhandError as error:
            if is_doubtful(requests, error):
                self._progress.heed(error)
                for item in items:
                    item.lose(error)
            else:
                await self._fail_each(items, error, requests)
        else:
            self._enter(items, answer)
        self._report(items)

    async def _fail_each(self, items: Sequence[Item[_Row]], error: TaskhandError, requests: RequestLog) -> None:
        """End items with an error of their last request; reads decide about those that an earlier one may have changed.

        The outcome of items that the CRM has confirmed is unknown. If lists may lag, the outcome of a single item is
        unknown too: a refused batch may have changed this item, and not the item that shows whether the lists lag.
        """
        is_certain = isinstance(error, CallerError | OutcomeUnknown)
        was_confirmed = any(item.state is State.CONFIRMED for item in items)
        reason = self._heed(error, requests)
        for item in items:
            if is_certain or not (was_confirmed or item.is_resent or item.state is State.LOST):
                item.fail(reason)
            elif was_confirmed or (self._adapter.lists_lag and len(items) == 1):
                item.fail(self._messages.unknown_update(item.id))
            else:
                item.lose(reason)
        await self._conclude([item for item in items if not item.is_over])

    def _enter(self, items: Sequence[Item[_Row]], answer: BatchAnswer[_Row]) -> None:
        for item in items:
            row = answer.rows.get(item.index)
            if (error := answer.refused.get(item.index)) is not None:
                item.fail(explain_refusal(error, self._messages.name, item.edit, item.id))
            elif item.index in answer.pending:
                item.state = State.PENDING
            elif item.index in answer.lost:
                item.lose(answer.lost[item.index])
            elif row is not None and self._adapter.shows(row, item.edit):
                item.apply(row, self._messages.sent_again if item.is_resent else None)
            else:
                item.state = State.CONFIRMED

    async def _read_back_later(self, items: Sequence[Item[_Row]]) -> None:
        """Read the tasks of pending items again after some waits; pending items are never sent again."""
        for wait_s in _PENDING_WAITS_S:
            left = [item for item in items if not item.is_over]
            if not left or not await sleep_if_time(self._adapter.timing.sleep, wait_s):
                return
            await self._read_back(left)

    async def _split(self, items: Sequence[Item[_Row]], refused: CallerError, requests: RequestLog) -> None:
        """Find the items that a batch was refused for.

        The first items are tried alone. If all of them are refused, all others with the same edit fail too.
        """
        left = items
        if not self._adapter.batch_is_atomic or is_doubtful(requests, refused):  # some may have been written
            for item in items:
                item.lose(None)
            await self._read_back(items)
            left = [item for item in items if not item.is_over]
        if len(items) == 1:
            for item in left:
                item.fail(explain_refusal(refused, self._messages.name, item.edit, item.id))
            return
        probes, others = left[: self._adapter.probes], left[self._adapter.probes :]
        for probe in probes:
            await self._send([probe])
        if probes and all(_is_refused_for_values(probe) for probe in probes):
            for item in [other for other in others if other.edit == probes[0].edit]:
                item.fail(probes[0].error or refused)
            others = [item for item in others if not item.is_over]
        if not self._adapter.batch_is_atomic:
            await self._singles(others)
            return
        for half in chunks(others, (len(others) + 1) // 2 or 1):
            await self._send(half)

    async def _read_back(self, items: Sequence[Item[_Row]]) -> None:
        """Read the tasks of confirmed, lost or pending items; an item whose task shows its edit is applied."""
        if not items:
            return
        try:
            with without_pauses(when=any(isinstance(item.failure, RateLimited) for item in items)):
                rows = await read_twice(lambda: self._adapter.get_many(items))
        except TaskhandError as error:
            self._progress.heed(error)
            for item in items:
                item.fail(error_of_unread(item, error, self._messages))
            rows = {}
        for item in items:
            row = rows.get(item.id)
            if item.is_over:
                continue
            if row is None:
                if not self._adapter.lists_lag:
                    item.fail(error_of_unread(item, self._messages.no_task(item.id), self._messages))
                continue
            item.row = row
            is_confirmed = item.state is State.CONFIRMED
            if (is_confirmed and not self._adapter.lists_lag) or self._adapter.shows(row, item.edit):
                note = self._messages.sent_again if item.is_resent else None
                item.apply(row, note if is_confirmed else self._messages.applied)
        self._report(items)

    async def _settle_unlisted(self, unshown: list[list[Item[_Row]]]) -> None:
        """End the confirmed items of these batches."""
        for turn, wait_s in enumerate(_UNLISTED_WAITS_S):
            if not unshown or not await sleep_if_time(self._adapter.timing.sleep, wait_s):
                break
            first = unshown[turn % len(unshown)]
            await self._read_back(first)
            has_moved = any(item.is_over for item in first)
            for batch in unshown if has_moved or turn == len(_UNLISTED_WAITS_S) - 1 else ():
                if batch is not first:
                    await self._read_back(batch)
            unshown = [left for batch in unshown if (left := [item for item in batch if not item.is_over])]
        to_send = _MAX_SENT_AGAIN
        for batch in unshown:
            to_send -= await self._settle_by_first(batch, to_send)

    async def _settle_by_first(self, items: Sequence[Item[_Row]], to_send: int) -> int:
        """End the items of one batch according to its first task; returns the number of items sent again."""
        try:
            row = await self._adapter.get(items[0].id)
            is_shown = self._adapter.shows(row, items[0].edit)
        except CallerError:
            is_shown = False
        except TaskhandError:
            to_send, is_shown = 0, False
        if is_shown:
            items[0].apply(row)
            for item in items[1:]:
                if item.row is not None:
                    item.apply(self._adapter.confirmed_row(item.row, item.edit), self._messages.accepted)
        again = [] if is_shown else items[:to_send]
        await self._singles(again)
        for item in items:
            if item.state is State.CONFIRMED:
                item.fail(self._messages.unknown_update(item.id))
        return len(again)

    async def _conclude(self, items: Sequence[Item[_Row]]) -> None:
        """End the items that are still lost or pending after a read, each with its error."""
        is_current = bool(items) and await self._is_current(items[0])
        for item in items:
            item.fail(error_of_unshown(item, self._adapter, is_current=is_current))

    async def _is_current(self, item: Item[_Row]) -> bool:
        """Whether `get_many` was current: this item's task, read by itself, does not show its edit either."""
        if not self._adapter.lists_lag:
            return True
        try:
            with without_pauses(when=isinstance(item.failure, RateLimited)):
                return not self._adapter.shows(await self._adapter.get(item.id), item.edit)
        except TaskhandError:
            return False


def _is_refused_for_values(item: Item[_Row]) -> bool:
    """Whether an item was refused for its values, not for its task or a passing cause."""
    return isinstance(item.error, CallerError) and not isinstance(item.error, NotFound)
