"""Bulk deletion: one request for each task, some of them at the same time."""

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
    """Delete each task: one result for each, in their order. Nothing is sent once `progress` is stopped."""

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
