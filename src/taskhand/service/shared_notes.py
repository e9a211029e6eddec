"""Notes beside tasks of a CRM without descriptions: whether they still exist, and which tasks share one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import MISSING

from taskhand.domain.plan import Difference
from taskhand.domain.receipt import FieldChange
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.domain.truncation import truncate
from taskhand.journal.journal import MASK, Change, Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.unlisted_notes import find_own_notes

__all__ = ["describe_others", "describe_shared", "moved_notes", "tasks_sharing", "with_written_notes"]

_MAX_TITLE = 60


async def with_written_notes(
    app: AppContext, applied: Sequence[tuple[Intent, Result]], now: Mapping[str, Snapshot], since: datetime
) -> dict[str, Snapshot]:
    """The tasks as they are now, with the notes that these intents wrote or deleted at `since`, as they are now.

    A note that was written counts as it was left, unless it is gone; one that was deleted may have been written again.
    """
    snapshots = dict(now)
    written, deleted = _notes(applied)
    gone = await app.backend.missing_notes({str(task.note_id) for task in written.values()}) if written else ()
    for task_id, after in written.items():
        # A text that the journal masks cannot be compared: the note is deleted by its id.
        text = "" if MASK in str(after.note) else str(after.note)
        is_gone = after.note_id in gone
        snapshots |= _with_note(snapshots, task_id, None if is_gone else text, None if is_gone else str(after.note_id))
    for text in dict.fromkeys(deleted.values()):
        tasks = [now[task_id].task for task_id, note in deleted.items() if note == text and task_id in now]
        ids = await find_own_notes(app, tasks, text, since) if MASK not in text else {}
        for task in tasks:
            snapshots |= _with_note(snapshots, task.id, text if task.id in ids else None, ids.get(task.id))
    return snapshots


def tasks_sharing(change: Change, applied: Iterable[tuple[Intent, Result]]) -> dict[str, tuple[Task, ...]]:
    """The other tasks of the change that share a note with each of these tasks, by the id of the task."""
    ours, _ = _notes(applied)
    rest = {
        result.task_id: result.after
        for result in change.results.values()
        if result.after is not None and result.task_id not in ours
    }
    others = {
        task_id: tuple(
            other for other in rest.values() if isinstance(other.note, str) and other.note_id == task.note_id
        )
        for task_id, task in ours.items()
    }
    return {task_id: tasks for task_id, tasks in others.items() if tasks}


async def moved_notes(app: AppContext, plan: Change) -> list[Difference]:
    """The notes of a plan that were added or removed since it was made, as differences."""
    edits = [(intent.before.task, intent.edit.note) for intent in plan.intents if intent.before and intent.edit]
    moved = []
    ids = {str(task.note_id) for task, note in edits if note is None and isinstance(task.note_id, str)}
    gone = await app.backend.missing_notes(ids) if ids else ()
    moved += [_note_difference(task, task.note, None) for task, note in edits if note is None and task.note_id in gone]
    for text in dict.fromkeys(note for _, note in edits if isinstance(note, str) and MASK not in note):
        tasks = [task for task, note in edits if note == text]
        notes = await find_own_notes(app, tasks, text, plan.opening.at)
        moved += [_note_difference(task, None, text) for task in tasks if task.id in notes]
    return moved


def describe_others(tasks: Sequence[Task]) -> str:
    """The sentence about a note that stays because these other tasks share it."""
    first, *more = {task.id: f"{truncate(task.title or '', _MAX_TITLE)!r} ({task.id})" for task in tasks}.values()
    named = f"{first} and {len(more)} more" if more else first
    return f"The note on the lead stays: it belongs also to {named}, outside of this undo."


def describe_shared(intents: Sequence[Intent]) -> str | None:
    """How many notes these intents write or delete, if tasks share one; None if each has its own."""
    noted = [
        (intent.before.task.ai_customer_id, intent.edit.note)
        for intent in intents
        if intent.before and intent.edit and intent.edit.note is not MISSING and intent.before.task.ai_customer_id
    ]
    count = len(set(noted))
    if count == len(noted):
        return None
    return f"{len(noted)} tasks share {'1 note on their lead' if count == 1 else f'{count} notes, one on each lead'}."


def _notes(applied: Iterable[tuple[Intent, Result]]) -> tuple[dict[str, Task], dict[str, str]]:
    """By the id of the task: those with the note that was written for each, and the texts of deleted notes."""
    written: dict[str, Task] = {}
    deleted: dict[str, str] = {}
    for intent, result in applied:
        was, after = intent.task_before, result.after
        if was is None or after is None or intent.edit is None or intent.edit.note is MISSING:
            continue
        if isinstance(after.note, str) and isinstance(after.note_id, str):
            written[after.id] = after
        elif isinstance(was.note, str) and after.note is None:
            deleted[after.id] = was.note
    return written, deleted


def _note_difference(task: Task, was: object, now: object) -> Difference:
    return Difference(task.id, task.title or "", "update", (FieldChange("note", was, now),))


def _with_note(
    snapshots: Mapping[str, Snapshot], task_id: str, note: str | None, note_id: str | None
) -> dict[str, Snapshot]:
    return {task_id: snapshots[task_id].with_note(note, note_id)} if task_id in snapshots else {}
