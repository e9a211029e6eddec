"""A bulk update with one request for each task; each result is reported as soon as it is known."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from taskhand.backends.base import BulkProgress, ItemResult, Misread, Written
from taskhand.backends.remote.bulk_item import Finish, Item, State
from taskhand.call.parallel_work import for_each
from taskhand.call.request_log import RequestLog, recorded_requests
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, RateLimited, TaskhandError
from taskhand.domain.task import Task

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["BulkUpdate"]

_Row = TypeVar("_Row")


class BulkUpdate(Generic[_Row]):
    """One bulk update: `run` it once."""

    def __init__(self, adapter: "CrmAdapter[_Row]", progress: BulkProgress) -> None:
        self._adapter = adapter
        self._messages = adapter.messages
        self._progress = progress
        self._finish: Finish[_Row] | None = None

    async def run(self, edits: Sequence[tuple[Task, Edit]]) -> tuple[ItemResult, ...]:
        """Make all edits: one result for each, in their order. Edits of the same task are made one after the other."""
        last: dict[str, Task] = {}
        for indexes in _rounds([before.id for before, _ in edits]):
            items = [
                Item[_Row](index, last.get(edits[index][0].id, edits[index][0]), edits[index][1]) for index in indexes
            ]
            await self._round(items)
            last |= {item.id: item.written.task for item in items if item.written is not None}
        return tuple(self._progress.results[index] for index in range(len(edits)))

    async def _round(self, items: Sequence[Item[_Row]]) -> None:
        """Write items, each of a different task."""
        try:
            await self._adapter.prepare()
            self._finish = await self._adapter.prepare_many(items, self._progress)
        except TaskhandError as error:
            for item in items:
                item.fail(self._progress.stopped or error)
                self._progress.heed(error)
        self._report(items)
        await self._write([item for item in items if not item.is_over])
        self._report(items)
        finish, self._finish = self._finish, None
        if finish is not None and finish.items:
            await finish.run()
            self._report(finish.items)

    async def _write(self, items: Sequence[Item[_Row]]) -> None:
        """Send the items, and end every one of them."""
        await self._singles(items)

    async def _singles(self, items: Sequence[Item[_Row]]) -> None:
        """Write each item with its own request, some at the same time; the rate budget sets the speed."""
        await for_each(items, self._single, at_once=self._adapter.singles_at_once)

    async def _single(self, item: Item[_Row]) -> None:
        """Write one item; nothing is sent once the bulk is stopped."""
        with recorded_requests() as requests:
            try:
                if self._progress.stopped is not None:
                    raise self._progress.stopped
                item.written = await self._adapter.update_item(item, self._progress)
                item.state = State.APPLIED
            except Misread as misread:
                self._after_misread(item, misread)
            except TaskhandError as error:
                await self._fail_each([item], error, requests)
        self._report([item])

    def _after_misread(self, item: Item[_Row], misread: Misread) -> None:
        """Accept an edit of a misread task if the task shows it; else fail the item as a conflict to send again."""
        if item.edit.is_met_by(misread.now, written=True):
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

    async def _fail_each(self, items: Sequence[Item[_Row]], error: TaskhandError, requests: RequestLog) -> None:
        """End items with an error; `requests` are the requests that were sent for them."""
        reason = self._heed(error, requests)
        for item in items:
            item.fail(reason)

    def _heed(self, error: TaskhandError, requests: RequestLog) -> TaskhandError:
        """The error to report, which may stop the bulk; items that waited until a stop get the error of the stop."""
        is_unsent = isinstance(error, RateLimited) and not requests.has_write_left
        return self._progress.heed((self._progress.stopped if is_unsent else None) or error)

    def _report(self, items: Sequence[Item[_Row]]) -> None:
        unfinished = {item.index for item in self._finish.items} if self._finish else ()
        for item in items:
            if not item.is_over or item.index in unfinished or item.index in self._progress.results:
                continue
            if item.state is State.APPLIED and item.written is None and item.row is not None:
                item.written = self._adapter.to_written(item.row, item.edit, item.before, item.note)
            self._progress.report(item.index, ItemResult(item.id, item.written, item.error))


def _rounds(ids: Sequence[str]) -> list[list[int]]:
    """The indexes in rounds; each task occurs once in a round, and a second edit of it goes to the next round."""
    rounds: list[list[int]] = []
    times = Counter[str]()
    for index, task_id in enumerate(ids):
        if times[task_id] == len(rounds):
            rounds.append([])
        rounds[times[task_id]].append(index)
        times[task_id] += 1
    return rounds
