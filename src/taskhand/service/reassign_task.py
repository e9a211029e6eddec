"""Change who is responsible for a task."""

from collections.abc import Sequence
from typing import Literal

from taskhand import people, rules
from taskhand.change import Receipt
from taskhand.edit import Edit
from taskhand.errors import CallerError
from taskhand.service.desk import Desk
from taskhand.service.write import Wanted, carried_out
from taskhand.task import Task

__all__ = ["Mode", "reassign_task"]

Mode = Literal["replace", "add", "remove"]


async def reassign_task(desk: Desk, task_id: str, given: Sequence[str], mode: Mode = "replace") -> Receipt:
    """Replace the people on a task, or add to or remove from them; CallerError where somebody is not known."""
    rules.check_id(task_id, desk.backend.capabilities)
    if not given and mode != "replace":
        raise CallerError(
            f"responsibleIds is empty: there is nobody to {mode}.",
            code="nothing_to_change",
            next_step="Send at least one person.",
        )
    members, me = await desk.backend.members(), await desk.backend.me()

    async def wanted(before: Task) -> Wanted:
        found = people.named(given, members, me, also=before.responsible_ids)
        together = _combined(before.responsible_ids, found.ids, mode)
        rules.check_responsibles(together, desk.backend.capabilities)
        return Edit(responsible_ids=together), found.matched

    return await carried_out(desk, task_id, wanted, fresh=mode != "replace")


def _combined(now: tuple[str, ...], given: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
    match mode:
        case "replace":
            return given
        case "add":
            return tuple(dict.fromkeys(now + given))
        case "remove":
            return tuple(person for person in now if person not in given)
