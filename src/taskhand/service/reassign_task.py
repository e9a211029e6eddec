"""Change who is responsible for a task."""

from collections.abc import Sequence
from typing import Literal

from taskhand.domain import rules
from taskhand.domain.change import Receipt
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.plan import Plan
from taskhand.domain.task import Task
from taskhand.service.call import Call
from taskhand.service.resolver import ResolvedEdit, Resolver
from taskhand.service.task_write import plan_or_write

__all__ = ["Mode", "reassign_task"]

Mode = Literal["replace", "add", "remove"]


async def reassign_task(call: Call, task_id: str, given: Sequence[str], mode: Mode = "replace") -> Receipt | Plan:
    """Replace the people on a task, or add to or remove from them; CallerError where somebody is not known."""
    capabilities = call.app.backend.capabilities
    rules.check_id(task_id, capabilities)
    if not given and mode != "replace":
        raise CallerError(
            f"responsibleIds is empty: there is nobody to {mode}.",
            code="nothing_to_change",
            next_step="Send at least one person.",
        )
    resolver = Resolver(call.app)

    async def wanted(before: Task) -> ResolvedEdit:
        found = await resolver.people(given, before.responsible_ids)
        together = _combined(before.responsible_ids, found.ids, mode)
        rules.check_responsibles(together, capabilities)
        return Edit(responsible_ids=together), found.matched

    return await plan_or_write(call, task_id, wanted, fresh=mode != "replace")


def _combined(now: tuple[str, ...], given: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
    match mode:
        case "replace":
            return given
        case "add":
            return tuple(dict.fromkeys(now + given))
        case "remove":
            return tuple(person for person in now if person not in given)
