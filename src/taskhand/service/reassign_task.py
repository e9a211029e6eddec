"""Change who is responsible for a task."""

from collections.abc import Sequence

from taskhand.domain import task_rules
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.field_limits import check_responsibles
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import ReassignMode
from taskhand.service.edit_resolver import ResolvedEdit, Resolver
from taskhand.service.task_write import plan_or_write
from taskhand.service.write_call import Call

__all__ = ["reassign_task"]


async def reassign_task(
    call: Call, task_id: str, texts: Sequence[str], chosen: ReassignMode | None = None
) -> Receipt | Plan:
    """Replace the responsibles of a task (the default), add to them or remove from them.

    CallerError if a person is unknown, and for an empty list unless `replace` was chosen: it may be a filler.
    """
    capabilities = call.app.backend.capabilities
    task_rules.check_id(task_id, capabilities)
    mode: ReassignMode = chosen or "replace"
    if not texts and mode != "replace":
        raise CallerError(
            f"responsibleIds is empty: there is nobody to {mode}.",
            code="nothing_to_change",
            next_step="Send at least one person.",
        )
    if not texts and chosen is None and not capabilities.least_responsibles:
        raise CallerError(
            "responsibleIds is empty.",
            code="responsible_required",
            next_step="Send at least one person; "
            'to leave the task to nobody, send update_task with clear ["responsibleIds"].',
        )
    resolver = Resolver(call.app)

    async def edit_for(snapshot: Snapshot) -> ResolvedEdit:
        before = snapshot.task
        if mode == "replace":
            people = await resolver.resolve_people(texts, before.responsible_ids)
            check_responsibles(people.ids, capabilities)
        else:
            add, remove = (texts, ()) if mode == "add" else ((), texts)
            people = await resolver.change_people(before, add, remove, "responsibleIds")
        return Edit(responsible_ids=people.ids), people.matched

    return await plan_or_write(call, task_id, edit_for, fresh=mode != "replace")
