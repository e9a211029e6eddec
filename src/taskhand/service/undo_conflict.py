"""The errors that refuse an undo because the task changed since; pure."""

from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.field_names import argument_name, request_body
from taskhand.domain.plan import Difference, difference_between
from taskhand.domain.task import Task
from taskhand.journal.journal import Result

__all__ = ["changed_create_error", "conflict_error", "gone_error"]


def conflict_error(after: Task, now: Task, edit: Edit) -> CallerError | None:
    """The error for a task if a field that an undo sets by `edit` changed since; None if none did."""
    moved = difference_between(after, now, of=edit)
    if moved is None:
        return None
    fields = {argument_name(change.edit_field): None for change in moved.changed}
    return CallerError(
        f"Task {moved.id} has changed since in {', '.join(fields)}; it was not undone.",
        code="changed_since",
        next_step="To restore the earlier values anyway, send them with update_task.",
        details={"difference": [moved], "wouldWrite": [{"id": moved.id} | request_body(edit)]},
    )


def gone_error(result: Result) -> CallerError:
    """The error for a task that no longer exists."""
    title = (result.after.title if result.after else None) or ""
    return CallerError(
        f"Task {result.task_id} is gone; its change was not undone.",
        code="changed_since",
        next_step="list_changes with its id as taskId shows a deletion that was made here; undo that to make it again.",
        details={"difference": [Difference(result.task_id, title, "delete")]},
    )


def changed_create_error(moved: Difference) -> CallerError:
    """The error for a new task that changed since it was made: its deletion would lose the changes."""
    fields = {argument_name(change.edit_field): None for change in moved.changed}
    return CallerError(
        f"Task {moved.id} has changed since it was made, in {', '.join(fields)}; it was not deleted.",
        code="changed_since",
        next_step="delete_task with its id deletes it anyway.",
        details={"difference": [moved]},
    )
