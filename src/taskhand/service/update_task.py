"""Change some fields of a task."""

from functools import partial

from pydantic import MISSING

from taskhand.domain import task_rules
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.task import TaskPatch
from taskhand.service.edit_resolver import Resolver
from taskhand.service.task_write import plan_or_write
from taskhand.service.write_call import Call

__all__ = ["update_task"]


async def update_task(call: Call, task_id: str, patch: TaskPatch) -> Receipt | Plan:
    """Set the fields that the patch gives and leave the others; CallerError if it breaks a rule."""
    task_rules.check_id(task_id, call.app.backend.capabilities)
    task_rules.check_patch(patch, call.app.backend.capabilities)
    due = task_rules.parse_due(patch, call.app.reference)
    resolver = Resolver(call.app, call.caller.name)
    names = await resolver.find_property_names(patch.properties)
    edit_for = partial(resolver.resolve, patch, due)
    is_addition = task_rules.changes_people(patch) or patch.add_note is not MISSING
    return await plan_or_write(call, task_id, edit_for, fresh=is_addition, properties=names)
