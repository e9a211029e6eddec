"""A bulk update: items that are written one by one, and results that are reported as soon as they are known."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from taskhand.backends.base import BulkProgress, ItemResult, Misread, Written
from taskhand.backends.remote.bulk_item import Applied, Item, State
from taskhand.backends.remote.lost_update import error_of_unshown
from taskhand.call.parallel_work import for_each
from taskhand.call.request_log import RequestLog, recorded_requests
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, OperatorError, OutcomeUnknown, RateLimited, TaskhandError
from taskhand.domain.task import Task

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["ItemWriter", "update_all"]

_Row = TypeVar("_Row")


async def update_all(
    adapter: "CrmAdapter[_Row]", edits: Sequence[tuple[Task, Edit]], progress: BulkProgress
) -> tuple[ItemResult, ...]:
    """Make all edits: one result for each, in their order. Edits of the same task are made one after the other."""
    last: dict[str, Task] = {}
    for indexes in _rounds([before.id for before, _ in edits]):
        items = [Item[_Row](index, last.get(edits[index][0].id, edits[index][0]), edits[index][1]) for index in indexes]
        await _write_round(adapter, items, progress)
        results = (progress.results[index] for index in indexes)
        last |= {result.task_id: result.written.task for result in results if result.written is not None}
    return tuple(progress.results[index] for index in range(len(edits)))


async def _write_round(adapter: "CrmAdapter[_Row]", items: Sequence[Item[_Row]], progress: BulkProgress) -> None:
    """Write and report items, each of a different task."""
    writer = ItemWriter(adapter, progress)
    try:
        await adapter.prepare()
        await adapter.write_items(items, writer)
    except TaskhandError as error:
        for item in items:
            item.state = progress.stopped or error
            progress.heed(error)
    writer.report(items)


class ItemWriter(Generic[_Row]):
    """Writes items one by one, and reports what is known of them, except those at the indexes of `unfinished`."""

    def __init__(
        self, adapter: "CrmAdapter[_Row]", progress: BulkProgress, unfinished: frozenset[int] = frozenset()
    ) -> None:
        self.progress = progress
        self._adapter = adapter
        self._unfinished = unfinished

    async def write(self, items: Sequence[Item[_Row]]) -> None:
        """Write and end each item with its own request, some at the same time; the rate budget sets the speed."""
        await for_each(items, self._write, at_once=self._adapter.singles_at_once)

    async def _write(self, item: Item[_Row]) -> None:
        """Write one item; nothing is sent once the bulk is stopped."""
        with recorded_requests() as requests:
            try:
                if self.progress.stopped is not None:
                    raise self.progress.stopped
                item.state = await self._adapter.update_item(item, self.progress)
            except Misread as misread:
                item.state = _outcome_of(item.edit, misread)
            except TaskhandError as error:
                is_read = item.is_in_doubt and requests.has_write_left and not isinstance(error, OperatorError)
                self.end(item, self.heed(error, requests), is_read=is_read)
        self.report([item])

    def heed(self, error: TaskhandError, requests: RequestLog) -> TaskhandError:
        """The error to report, which may stop the bulk; items that waited until a stop get the error of the stop.

        `requests` are the requests that were sent before the error.
        """
        is_unsent = isinstance(error, RateLimited) and not requests.has_write_left
        return self.progress.heed((self.progress.stopped if is_unsent else None) or error)

    def end(self, item: Item[_Row], error: TaskhandError, *, is_read: bool = False) -> None:
        """End an item with the error of its last request, although an earlier one may have changed its task.

        If lists may lag, the outcome is unknown: the last read may be from before that request, unless the task
        `is_read` by itself since.
        """
        if item.state is State.OPEN or is_read or isinstance(error, CallerError | OutcomeUnknown):
            item.state = error
        elif self._adapter.many_reads_lag:
            item.state = self._adapter.messages.unknown_update(item.id)
        else:
            item.lose(error)
            item.state = error_of_unshown(item, self._adapter)

    def report(self, items: Sequence[Item[_Row]]) -> None:
        """Report the items that are over, once each."""
        for item in items:
            if not item.is_over or item.index in self._unfinished or item.index in self.progress.results:
                continue
            outcome = item.state
            if isinstance(outcome, Applied):
                outcome = self._adapter.to_written(outcome.row, item.edit, outcome.note)
            written = outcome if isinstance(outcome, Written) else None
            self.progress.report(item.index, ItemResult(item.id, written, item.error))


def _outcome_of(edit: Edit, misread: Misread) -> Written | CallerError:
    """The outcome of an edit of a misread task: applied if the task shows it, else a conflict to send again."""
    if edit.is_met_by(misread.now, written=True):
        return Written(misread.now)
    return CallerError(
        "The task changed while it was to be written.",
        code="conflict",
        retryable=True,
        next_step="Send retryIds again as taskIds.",
    )


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
