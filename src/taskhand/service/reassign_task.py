"""Change who is responsible for a task."""

from collections.abc import Sequence
from typing import Literal

from taskhand import people, rules
from taskhand.change import Receipt
from taskhand.edit import Edit
from taskhand.errors import CallerError
from taskhand.service.desk import Desk
from taskhand.service.write import applied

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
    found = people.named(given, await desk.backend.members(), await desk.backend.me())
    before = await desk.backend.get_task(task_id)
    wanted = _combined(before.responsible_ids, found.ids, mode)
    rules.check_responsibles(wanted, desk.backend.capabilities)
    return await applied(desk, before, Edit(responsible_ids=wanted), found.matched)


def _combined(now: tuple[str, ...], given: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
    match mode:
        case "replace":
            return given
        case "add":
            return tuple(dict.fromkeys(now + given))
        case "remove":
            return tuple(person for person in now if person not in given)
