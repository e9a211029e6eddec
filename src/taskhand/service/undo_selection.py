"""Select the tasks and fields of a change to undo: all, only some tasks, or all but some tasks and fields."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.field_names import argument_name, edit_field
from taskhand.domain.receipt import changes
from taskhand.domain.task import Task
from taskhand.domain.truncation import truncate
from taskhand.journal.journal import Change, Intent, Result

__all__ = ["Selection", "applied_ids", "changed_fields", "select", "written_fields"]

_MAX_CANDIDATES, _MAX_TITLE = 20, 60


@dataclass(frozen=True, slots=True)
class Selection:
    """The applied intents to undo with their results, and the fields of an edit that stay as they are.

    `unwritten` are ids that were asked for, and of tasks to which the change wrote nothing.
    """

    applied: tuple[tuple[Intent, Result], ...]
    left_out: frozenset[str] = frozenset()
    unwritten: tuple[str, ...] = ()


def select(change: Change, task_ids: Sequence[str] | None, leave: Sequence[str]) -> Selection:
    """The part of a change that these arguments choose; CallerError for an entry that names nothing of the change.

    `task_ids` are the tasks to undo, None for all; `leave` are ids of tasks and names of fields to leave as they are.
    """
    id_at = {index: change.task_id(index) or "" for index in change.indexes}
    ids = {task_id.casefold(): task_id for task_id in id_at.values()}
    fields = {name: edit_field(name) for name in leave if name.casefold() not in ids}
    unknown = [task_id for task_id in task_ids or () if task_id.casefold() not in ids]
    if unknown or not all(fields.values()):
        unknown += [name for name, field in fields.items() if field is None]
        raise _unknown_entry_error(change, unknown[0], takes_fields=unknown[0] in fields)
    chosen = {task_id.casefold() for task_id in task_ids} if task_ids else set(ids)
    chosen -= {name.casefold() for name in leave}
    applied = tuple(
        (change.intents[index], result)
        for index, result in sorted(change.results.items())
        if result.outcome == "applied" and id_at[index].casefold() in chosen
    )
    if not applied:
        raise _nothing_written_error(change, is_all=task_ids is None and not leave)
    written = {(result.task_id or "").casefold() for _, result in applied}
    unwritten = tuple(ids[task_id] for task_id in sorted(chosen - written)) if task_ids else ()
    left_out = frozenset(filter(None, fields.values()))
    # addNote changes the description; on a CRM without descriptions it writes a note beside the task.
    return Selection(applied, left_out | ({"note"} if "description" in left_out else set()), unwritten)


def changed_fields(intent: Intent, before: Task, after: Task) -> set[str]:
    """The fields of an edit that an intent set and that differ now; others were changed by another client meanwhile."""
    ours = {name for edit in (intent.edit, intent.asked) if edit is not None for name, _ in edit.given_fields()}
    return {change.edit_field for change in changes(before, after)} & ours


def written_fields(change: Change) -> frozenset[tuple[str, str]]:
    """The fields that a change has written, each with the id of its task; new and deleted tasks have none."""
    return frozenset(
        (intent.before.task.id, name)
        for index, intent in enumerate(change.intents)
        if intent.before is not None and (result := change.results.get(index)) and result.after is not None
        for name in changed_fields(intent, intent.before.task, result.after)
    )


def applied_ids(change: Change) -> frozenset[str | None]:
    """The ids of the tasks that a change has written."""
    return frozenset(result.task_id for result in change.results.values() if result.outcome == "applied")


def _unknown_entry_error(change: Change, entry: str, *, takes_fields: bool) -> CallerError:
    fields = _fields_of(change.intents) if takes_fields else ()
    named = [Candidate(argument_name(field)) for field in fields]
    tasks = [(task_id, change.title(index)) for index in change.indexes if (task_id := change.task_id(index))]
    named += [
        Candidate(task_id, truncate(title, _MAX_TITLE) if title else None)
        for task_id, title in tasks[: _MAX_CANDIDATES - len(named)]
    ]
    what = "a task or a field" if takes_fields else "a task"
    return CallerError(
        f"{truncate(entry, _MAX_TITLE)!r} is not {what} of {change.id}; nothing was undone.",
        next_step=f"Send some of the candidates; list_changes with changeId {change.id} has all its tasks.",
        candidates=named,
    )


def _fields_of(intents: Collection[Intent]) -> Sequence[str]:
    """The fields of an edit that a change set, each once."""
    edits = [intent.edit or Edit() for intent in intents if intent.verb == "update"]
    return tuple(dict.fromkeys(name for edit in edits for name, _ in edit.given_fields()))


def _nothing_written_error(change: Change, *, is_all: bool) -> CallerError:
    if is_all:
        return CallerError(
            f"{change.id} wrote nothing that could be undone: its outcome is {change.outcome}.",
            code="nothing_to_undo",
            next_step="Send the changeId of an applied change; list_changes with outcome applied has them.",
        )
    return CallerError(
        f"{change.id} wrote nothing to the tasks that are left; nothing was undone.",
        code="nothing_to_undo",
        next_step=f"list_changes with changeId {change.id} has each of its tasks and what was done to it.",
    )
