"""Delete a task, or several."""

from dataclasses import replace

import anyio

from taskhand.domain import task_rules
from taskhand.domain.bulk_receipt import SkippedTasks
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Intent, Opening, Result
from taskhand.service.bulk_targets import check_not_all_refused, read_by_id
from taskhand.service.find_by_property import TaskIds
from taskhand.service.make_plan import make_plan
from taskhand.service.snapshots import read_snapshot
from taskhand.service.write_call import Call

__all__ = ["delete_task", "delete_tasks", "execute_delete"]


async def delete_task(call: Call, task_id: str) -> Plan:
    """Plan the deletion of a task: a deletion always needs approval."""
    task_rules.check_id(task_id, call.app.backend.capabilities)
    intent = Intent("delete", await read_snapshot(call.app, task_id, to_delete=True))
    return await make_plan(call, [intent])


async def delete_tasks(call: Call, chosen: TaskIds) -> Plan:
    """Plan the deletion of several tasks as one; CallerError if none of them can be deleted for one reason."""
    check_not_all_refused(chosen.missing, others=len(chosen.ids))
    targets = await read_by_id(call.app, chosen.ids, "ids", to_delete=True)
    refused = {**targets.refused, **chosen.missing}
    check_not_all_refused(refused, others=len(targets.tasks))
    intents = [Intent("delete", snapshot) for snapshot in targets.tasks]
    return await make_plan(call, intents, skipped=SkippedTasks(refused=refused))


async def execute_delete(call: Call, before: Snapshot, opening: Opening) -> Receipt:
    """Delete the task, whose lock the caller holds; AlreadyClaimed if an earlier change has one of the claims."""
    with anyio.CancelScope(shield=True):
        await call.begin(opening, [Intent("delete", before)])
        note = await call.app.backend.delete_task(before.task)
        await call.settle([Result(0, "applied", before.task.id, note=note)], "applied")
    again = "" if before.cannot_recreate else "; undo_change makes it again under a new id"
    note = note or f"The task is deleted{again}."
    return replace(Receipt(None, note=note, before=before.task), change_id=call.change.id if call.change else None)
