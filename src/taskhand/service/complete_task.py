"""Complete a task."""

from dataclasses import replace

from pydantic import MISSING

from taskhand.domain import status_lookup, task_rules
from taskhand.domain.edit import Edit
from taskhand.domain.finished_resolution import check_no_resolution
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice
from taskhand.service.edit_resolver import ResolvedEdit, Resolver
from taskhand.service.task_write import plan_or_write
from taskhand.service.write_call import Call

__all__ = ["complete_task"]


async def complete_task(
    call: Call,
    task_id: str,
    status_name: str | MISSING = MISSING,
    note: str | MISSING = MISSING,
    resolution: str | MISSING = MISSING,
) -> Receipt | Plan:
    """Move a task to the finished status, with a note and its resolution.

    A task that is already finished keeps its status, unless `status_name` is given.
    """
    backend = call.app.backend
    task_rules.check_id(task_id, backend.capabilities)
    if status_name is not MISSING:
        check_no_resolution(status_name, backend.capabilities)
    if note is not MISSING:
        task_rules.check_note(note)
    resolver = Resolver(call.app, call.caller.name)

    async def edit_for(snapshot: Snapshot) -> ResolvedEdit:
        before = snapshot.task
        if status_name is MISSING and before.is_finished:
            # The snapshot may be stale: only a fresh read shows whether the task is finished.
            before = await backend.get_task(task_id, fresh=True)
        # A task that is finished keeps its status: nothing is sent for it, and the answer says so.
        choice, matched = (
            (StatusChoice.of(before.status_config), ())
            if status_name is MISSING and before.is_finished and before.status_config is not None
            else status_lookup.finished_status(status_name, await backend.statuses())
        )
        noted = Edit() if note is MISSING else await resolver.notes.add(note, snapshot)
        edit = replace(noted, status=choice, resolution=resolution)
        return await resolver.settle_resolution(edit, snapshot.task), matched

    return await plan_or_write(call, task_id, edit_for, fresh=note is not MISSING)
