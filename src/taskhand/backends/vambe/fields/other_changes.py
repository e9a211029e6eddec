"""Changes that others made to a task shortly before a write, which the response to the write shows; pure."""

from typing import Final

from taskhand.domain.edit import Edit, is_readable
from taskhand.domain.receipt import changes
from taskhand.domain.task import Task

__all__ = ["with_other_changes"]

_TASK_FIELDS: Final = {
    "due": ("due_at", "due_timezone", "is_all_day"),
    "responsible_ids": ("task_responsibles",),
    "status": ("status_config", "task_status_config_id"),
}
"""The fields of a task behind an edit's field of another name."""


def with_other_changes(before: Task, after: Task, edit: Edit) -> Task | None:
    """The task before an edit, updated with changes in the response that the edit did not make; None without any.

    Others made these changes: a task is not read again before each write, so `before` may be some seconds old.
    """
    edited = {name for name, _ in edit.given_fields()}
    names = {change.edit_field for change in changes(before, after)} - edited
    if before.task_status_config_id == after.task_status_config_id:
        names.discard("status")  # its name was learned
    names = {name for name in names if is_readable(before, name) and is_readable(after, name)}
    fields = [field for name in sorted(names) for field in _TASK_FIELDS.get(name, (name,))]
    return before.model_copy(update={field: getattr(after, field) for field in fields}) if fields else None
