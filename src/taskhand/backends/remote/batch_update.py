"""Bulk updates in batches: send a batch, read back its doubtful items, and resend those that were not applied.

Each batch takes these steps independently, a few batches at a time; tasks outside batches are written one by one.

The last step is for all batches: tasks whose lists do not show a confirmed update yet are read again while the call has
time. After that one task of each batch is read by itself, which is always current: if it shows its edit, the rest of
the batch counts as confirmed; if not, a few items are sent again one by one.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Generic, TypeVar

import anyio

from taskhand.backends.remote.adapter import CrmAdapter
from taskhand.backends.remote.bulk_item import Applied, BatchAnswer, Item, Lost, State, open_items
from taskhand.backends.remote.bulk_update import ItemWriter
from taskhand.backends.remote.lost_update import (
    error_of_unread,
    error_of_unshown,
    may_send_again,
    read_twice,
    wait_to_read_again,
)
from taskhand.backends.remote.write_refusals import explain_refusal, is_doubtful
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.call.request_log import RequestLog, recorded_requests
from taskhand.domain.chunks import chunks
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OutcomeUnknown, RateLimited, TaskhandError, UpstreamFailed
from taskhand.http.rate_limiter import without_pauses

__all__ = ["BatchAdapter"]

_Row = TypeVar("_Row")

_PENDING_WAITS_S: Final = (1.0, 2.0, 4.0)
"""Seconds before each further read of tasks whose update the CRM has accepted but not applied yet."""
_UNLISTED_WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each read of lists that do not show a confirmed update yet."""
_MAX_SENT_AGAIN: Final = 20
"""The maximum number of confirmed updates, over all batches, that are sent again."""


class BatchAdapter(CrmAdapter[_Row]):
    """A CRM with one request that updates many tasks, and one that reads many."""

    max_updates: ClassVar[int]
    """The maximum number of tasks in one update."""
    min_batch: ClassVar[int] = 1
    """The minimum size of a batch; fewer tasks are written one by one."""
    probes: ClassVar[int] = 1
    """The number of tasks of a refused batch that are tried alone before all others with the same edit fail too."""
    batch_is_atomic: ClassVar[bool] = False
    """Whether a refused batch has changed none of its tasks."""

    @abstractmethod
    async def update_many(self, items: Sequence[Item[_Row]]) -> BatchAnswer[_Row]:
        """Send one request for a batch; an item that it confirms without its row is `CONFIRMED`."""

    @abstractmethod
    async def get_many(self, items: Sequence[Item[_Row]]) -> Mapping[str, _Row]:
        """The tasks of these items by id; those that do not exist are left out."""

    def batch_key(self, item: Item[_Row]) -> str | None:  # noqa: ARG002  any tasks can be in one batch
        """The same key for items that can be in one batch; None for an item that is written by itself."""
        return ""

    def confirmed_row(self, row: _Row, edit: Edit) -> _Row:  # noqa: ARG002  for CRMs whose lists lag
        """A stale row with the values of an edit that the CRM has confirmed."""
        return row

    def batches(self, items: Sequence[Item[_Row]]) -> tuple[list[Sequence[Item[_Row]]], list[Item[_Row]]]:
        """The items in batches, and those that are written one by one."""
        groups: dict[str | None, list[Item[_Row]]] = {}
        for item in items:
            groups.setdefault(self.batch_key(item), []).append(item)
        singles = groups.pop(None, [])
        parts = [part for group in groups.values() for part in chunks(group, self.max_updates)]
        singles += [item for part in parts if len(part) < self.min_batch for item in part]
        return [part for part in parts if len(part) >= self.min_batch], singles

    async def write_items(self, items: Sequence[Item[_Row]], writer: ItemWriter[_Row]) -> None:
        """Write the items in batches."""
        await _BatchUpdate(self, writer).run(items)


class _BatchUpdate(Generic[_Row]):
    """The update of some items in batches: `run` it once."""

    def __init__(self, adapter: BatchAdapter[_Row], writer: ItemWriter[_Row]) -> None:
        self._adapter = adapter
        self._writer = writer
        self._messages = adapter.messages
        self._progress = writer.progress
        self._turns = anyio.Semaphore(adapter.batches_at_once)

    async def run(self, items: Sequence[Item[_Row]]) -> None:
        """Write and end the items."""
        batches, singles = self._adapter.batches(items)
        async with concurrent_tasks() as group:
            for batch in batches:
                group.start_soon(self._batch, batch)
            group.start_soon(self._writer.write, singles)
        await self._settle_unlisted(batches)

    async def _batch(self, items: Sequence[Item[_Row]]) -> None:
        """Send one batch, read it back, send again what was not applied, and end its doubtful items."""
        async with self._turns:
            await self._send(items)
            await self._read_back(open_items(items))
            await self._read_back_later([item for item in items if item.state is State.PENDING])
            again = [item for item in items if isinstance(item.state, Lost) and may_send_again(item, self._adapter)]
            for item in again:
                item.is_resent = True
            await self._send(again)
            await self._read_back(open_items(again))
            await self._conclude([item for item in items if item.is_in_doubt])

    async def _send(self, items: Sequence[Item[_Row]]) -> None:
        """Send these in one request, or one by one if they are few."""
        if len(items) < self._adapter.min_batch:
            await self._writer.write(items)
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
                await self._after_error(items, self._writer.heed(error, requests))
        else:
            self._enter(items, answer)
        self._writer.report(items)

    async def _after_error(self, items: Sequence[Item[_Row]], error: TaskhandError) -> None:
        """End items whose last request was not applied; reads decide about those that an earlier one may have changed.

        A single item may have been changed by a refused batch, and its own read back does not show whether lists lag.
        """
        if len(items) == 1 or items[0].state is State.OPEN:
            for item in items:
                self._writer.end(item, error)
            return
        for item in items:
            item.lose(error)
        await self._conclude(items)

    def _enter(self, items: Sequence[Item[_Row]], answer: BatchAnswer[_Row]) -> None:
        for item in items:
            match answer[item.index]:
                case TaskhandError() as error:
                    self._refuse([item], error)
                case Lost(fault=fault):
                    item.lose(fault)
                case Applied(row=row):
                    is_shown = self._adapter.shows(row, item.edit)
                    item.state = Applied(row, self._note(item)) if is_shown else State.CONFIRMED
                case state:
                    item.state = state

    def _refuse(self, items: Sequence[Item[_Row]], refused: TaskhandError) -> None:
        """End refused items; the read before a repetition shows whether the first request had an effect."""
        for item in items:
            error = explain_refusal(refused, self._messages.name, item.edit, item.id)
            item.lose(error)
            item.state = error_of_unshown(item, self._adapter) if item.is_resent else error

    def _note(self, item: Item[_Row]) -> str | None:
        """The note of a confirmed item."""
        return self._messages.sent_again if item.is_resent else None

    async def _read_back_later(self, items: Sequence[Item[_Row]]) -> None:
        """Read the tasks of pending items again after some waits; pending items are never sent again."""
        for wait_s in _PENDING_WAITS_S:
            left = open_items(items)
            if not left or not await self._adapter.timing.sleep_if_time(wait_s):
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
            left = open_items(items)
        if len(items) == 1:
            self._refuse(left, refused)
            return
        probes, others = left[: self._adapter.probes], left[self._adapter.probes :]
        for probe in probes:
            await self._send([probe])
        if probes and all(_is_refused_for_values(probe) for probe in probes):
            self._refuse([other for other in others if other.edit == probes[0].edit], probes[0].error or refused)
            others = open_items(others)
        if not self._adapter.batch_is_atomic:
            await self._writer.write(others)
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
                item.state = error_of_unread(item, error, self._messages)
        else:
            for item in items:
                self._compare(item, rows.get(item.id))
        self._writer.report(items)

    def _compare(self, item: Item[_Row], row: _Row | None) -> None:
        """Compare an item with the row that was read of its task; its absence from a lagging list proves nothing."""
        is_confirmed = item.state is State.CONFIRMED
        if row is None:
            if not self._adapter.many_reads_lag:
                item.state = error_of_unread(item, self._messages.no_task(item.id), self._messages)
        elif (is_confirmed and not self._adapter.many_reads_lag) or self._adapter.shows(row, item.edit):
            item.state = Applied(row, self._note(item) if is_confirmed else self._messages.applied)
        else:
            item.row = row

    async def _conclude(self, items: Sequence[Item[_Row]]) -> None:
        """End the items that are still lost or pending after a read, each with its error; a lost one is read again."""
        lost = [item for item in items if isinstance(item.state, Lost)]
        if lost and await wait_to_read_again(lost[0], self._adapter):
            await self._read_back(lost)
            items = open_items(items)
        is_current = bool(items) and await self._is_current(items[0])
        for item in items:
            item.state = error_of_unshown(item, self._adapter, is_current=is_current)

    async def _is_current(self, item: Item[_Row]) -> bool:
        """Whether `get_many` was current: this item's task, read by itself, does not show its edit either."""
        if not self._adapter.many_reads_lag:
            return True
        try:
            with without_pauses(when=isinstance(item.failure, RateLimited)):
                return not self._adapter.shows(await self._adapter.get(item.id), item.edit)
        except TaskhandError:
            return False

    async def _settle_unlisted(self, batches: Sequence[Sequence[Item[_Row]]]) -> None:
        """End the items that are still confirmed and not shown.

        The lists are read for one batch only as long as nothing changes.
        """
        unshown = [left for batch in batches if (left := open_items(batch))]
        for turn, wait_s in enumerate(_UNLISTED_WAITS_S):
            if not unshown or not await self._adapter.timing.sleep_if_time(wait_s):
                break
            first = unshown[turn % len(unshown)]
            await self._read_back(first)
            if turn == len(_UNLISTED_WAITS_S) - 1 or any(item.is_over for item in first):
                for batch in unshown:
                    if batch is not first:
                        await self._read_back(batch)
            unshown = [left for batch in unshown if (left := open_items(batch))]
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
            items[0].state = Applied(row)
            for item in items[1:]:
                if item.row is not None:
                    item.state = Applied(self._adapter.confirmed_row(item.row, item.edit), self._messages.accepted)
        again = [] if is_shown else items[:to_send]
        await self._writer.write(again)
        for item in open_items(items):
            item.state = self._messages.unknown_update(item.id)
        return len(again)


def _is_refused_for_values(item: Item[_Row]) -> bool:
    """Whether an item was refused for its values, not for its task or a passing cause."""
    return isinstance(item.error, CallerError) and not isinstance(item.error, NotFound)
