"""Deletions of many tasks, each with a request of its own, side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taskhand.backends.base import BulkProgress, ItemResult
from taskhand.domain.errors import NotAttempted, TaskhandError
from taskhand.domain.side_by_side import side_by_side

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["delete_each"]


async def delete_each(adapter: "CrmAdapter[Any]", ids: Sequence[str], progress: BulkProgress) -> tuple[ItemResult, ...]:
    """One result for each id, in their order; the rate budget says how fast, and nothing is sent once stopped."""
    results: dict[int, ItemResult] = {}
    queue = iter(enumerate(ids))

    async def work() -> None:
        for index, task_id in queue:
            results[index] = await _delete(adapter, task_id, progress)
            progress.report(index, results[index])

    async with side_by_side() as workers:
        for _ in range(min(adapter.singles_at_once, len(ids))):
            workers.start_soon(work)
    return tuple(results[index] for index in range(len(ids)))


async def _delete(adapter: "CrmAdapter[Any]", task_id: str, progress: BulkProgress) -> ItemResult:
    if progress.stopped is not None:
        return ItemResult(task_id, error=progress.stopped)
    try:
        return ItemResult(task_id, note=await adapter.delete_item(task_id))
    except TaskhandError as error:
        progress.heed(error)
        return ItemResult(task_id, error=_told(error, progress))


def _told(error: TaskhandError, progress: BulkProgress) -> TaskhandError:
    """The error of a deletion: one that there was no time for has the same reason as those that wait."""
    return progress.stopped or error if isinstance(error, NotAttempted) else error
