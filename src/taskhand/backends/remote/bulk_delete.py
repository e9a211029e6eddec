"""Deletions of many tasks, each with a request of its own, side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taskhand.backends.base import BulkProgress, ItemResult
from taskhand.domain.concurrency import for_each
from taskhand.domain.errors import TaskhandError
from taskhand.domain.task import Task

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["delete_each"]


async def delete_each(
    adapter: "CrmAdapter[Any]", tasks: Sequence[Task], progress: BulkProgress
) -> tuple[ItemResult, ...]:
    """One result for each task, in their order; the rate budget says how fast, and nothing is sent once stopped."""

    async def delete(item: tuple[int, Task]) -> None:
        index, task = item
        try:
            if progress.stopped is not None:
                raise progress.stopped
            result = ItemResult(task.id, note=await adapter.delete_task(task))
        except TaskhandError as error:
            result = ItemResult(task.id, error=progress.heed(error))
        progress.report(index, result)

    await for_each([*enumerate(tasks)], delete, at_once=adapter.singles_at_once)
    return tuple(progress.results[index] for index in range(len(tasks)))
