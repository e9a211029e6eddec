"""The answer to a repeated create of many: the outcome of the first call, with its tasks as they are now."""

from dataclasses import replace

from taskhand.domain.bulk_receipt import BulkReceipt, TaskResult
from taskhand.domain.errors import CallerError
from taskhand.journal.journal import Change
from taskhand.service.bulk_write import replay_bulk
from taskhand.service.earlier_create import EarlierCreate, MadeTasks, read_made, state_of_made
from taskhand.service.write_call import Call

__all__ = ["replay_creates", "to_result_now"]


async def replay_creates(call: Call, first: Change) -> BulkReceipt:
    """The receipt of an earlier change; a new task that is certainly gone is refused, and any other is as it is now.

    All tasks are read together.
    """
    receipt, indexes = replay_bulk(first), sorted(first.results)
    earlier = {
        index: EarlierCreate(first, index)
        for index, intent in enumerate(first.intents)
        if intent.verb == "create" and index in first.results and first.results[index].after is not None
    }
    now = await read_made(call.app, [*earlier.values()])
    results = zip(indexes, receipt.results, strict=True)
    now_results = [
        to_result_now(call, result, earlier[index], now) if index in earlier else result for index, result in results
    ]
    return replace(receipt, results=tuple(now_results))


def to_result_now(call: Call, result: TaskResult, earlier: EarlierCreate, now: MadeTasks) -> TaskResult:
    """The `result` of a task that an earlier change made, as the task is now; `now` is what `read_made` returned."""
    if earlier.made is None:
        return result
    try:
        task, state = state_of_made(call, earlier, earlier.made, now)
    except CallerError as gone:
        return TaskResult.of_error(result.id, "refused", gone, result.title)
    message = " ".join(filter(None, (result.message, state)))
    task_id = task.id if result.id == earlier.made.id else result.id
    return replace(result, id=task_id, message=message or None, title=task.title)
