"""Fields that a write should have set, and that have another value after it; pure."""

from dataclasses import dataclass

from pydantic import MISSING

from taskhand.domain.edit import DIFFERENCE_FIELDS, value_of
from taskhand.domain.task import StatusChoice, Task

__all__ = ["Unapplied", "unapplied_field"]

_ASKED_AS = {
    "due": "dueDate",
    "responsible_ids": "responsibleIds",
    "ai_contact_id": "aiContactId",
    "ai_customer_id": "aiCustomerId",
    "task_type": "taskType",
    "deal_id": "dealId",
    "note": "addNote",
}
"""Fields of an edit whose documented name in a request is another."""


@dataclass(frozen=True, slots=True)
class Unapplied:
    """A field, by its name in a request, that a write should have set to `asked`, and that is `got` afterwards.

    `was` is the value that an undo expected there, MISSING for other writes. `task_id` is set if it is one of many.
    """

    field: str
    asked: object
    got: object
    was: object = MISSING
    task_id: str | None = None


def unapplied_field(name: str, asked: object, now: Task, was: Task | None = None) -> Unapplied:
    """The row for the field `name` of an edit; `was` is the task as an undo expected it."""
    shown = DIFFERENCE_FIELDS.get(name, name)
    if isinstance(asked, StatusChoice):
        asked = asked.name if asked.name is not None else asked.position
    if name == "priority" and asked is None:  # an undo of a task that had none
        asked = 0
    expected = MISSING if was is None else value_of(was, shown)
    return Unapplied(_ASKED_AS.get(name, name), asked, value_of(now, shown), expected)
