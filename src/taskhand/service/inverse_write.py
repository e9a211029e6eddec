"""The inverse of a write to one task: the write that undoes it, and the fields that changed since."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from taskhand.domain.edit import FIELDS, Edit, current_value, edit_of, without
from taskhand.domain.errors import CallerError
from taskhand.domain.field_names import argument_name
from taskhand.domain.plan import difference_between
from taskhand.domain.receipt import inverse_edit
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.unapplied_fields import Unapplied, unapplied_field
from taskhand.domain.unrestorable_values import unrestorable
from taskhand.journal.journal import MASK, Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.earlier_undo import with_remade_id
from taskhand.service.intents import create_intent, update_intent
from taskhand.service.masked_text import refuse_masked, with_keys_of
from taskhand.service.undo_conflict import changed_create_error, conflict_error, gone_error
from taskhand.service.undo_selection import changed_fields

__all__ = ["Inverse", "invert"]

_RESTORE_THERE = "list_changes has the earlier values: send them for {} with update_task."
_DELETE_IT = "delete_task with {} deletes it."


@dataclass(frozen=True, slots=True)
class Inverse:
    """The intent that undoes the write to a task.

    `kept` are fields that stay as they are, because they changed since; if these are all fields, `refusal` is the
    error. `note` is about values that cannot be restored. `not_restored` names the values that a recreated task lacks.
    """

    intent: Intent
    kept: tuple[Unapplied, ...] = ()
    note: str | None = None
    not_restored: tuple[str, ...] = ()
    refusal: CallerError | None = None


async def invert(
    app: AppContext, intent: Intent, result: Result, now: Snapshot | None, left_out: Collection[str]
) -> Inverse | None:
    """The inverse of an applied intent; `left_out` are fields of an edit that are not restored.

    None if nothing but such fields was written. CallerError if nothing can be restored.
    """
    before = None if intent.before is None else app.backend.reread(intent.before)
    if intent.verb == "delete" and before is not None:
        return await _recreate(app, before, now)
    if result.after is None:
        raise _before_unknown_error(result)
    after = with_keys_of(result.after, now.task) if now else result.after
    if now is None:
        advice = _DELETE_IT if intent.verb == "create" else _RESTORE_THERE
        raise await with_remade_id(app, gone_error(result), result.task_id or "", advice)
    if intent.verb == "create" or before is None:
        if (moved := difference_between(after, now.task)) is not None:
            raise changed_create_error(moved)
        return Inverse(Intent("delete", now))
    return await _restore(app, intent, before, after, now, left_out=left_out)


async def _restore(
    app: AppContext, intent: Intent, before: Snapshot, after: Task, now: Snapshot, *, left_out: Collection[str]
) -> Inverse | None:
    """The update that restores the fields that the intent set, with the CRM's own values if the journal has them.

    Fields that differ otherwise were changed by another client at the same moment; they stay.
    """
    before = replace(before, task=with_keys_of(before.task, now.task))
    changed = changed_fields(intent, before.task, after)
    if changed and changed <= set(left_out):
        return None
    unknown = (changed & before.unknown) - set(left_out)
    names = ", ".join(map(argument_name, sorted(unknown)))
    note = f"Not restored, because the earlier value is unknown: {names}." if unknown else None
    native = {name: value for name, value in before.native.items() if MASK not in str(value)}
    whole = replace(inverse_edit(before.task, after, unknown=before.unknown), native=native)
    whole = without(whole, *(_names(whole) - changed), *left_out)
    if whole.is_empty:
        raise _nothing_to_restore_error(note)
    if "note" not in _names(whole):  # a note that stays is no part of this write
        now = now.with_note()
    edit, kept = _part(whole, after, now.task)
    refuse_masked(edit, "The text before the change")
    undo = await update_intent(app, now, edit)
    refusal = conflict_error(after, now.task, without(whole, *_names(edit))) if undo.is_met else None
    return Inverse(undo, kept, note, refusal=refusal)


def _part(whole: Edit, after: Task, now: Task) -> tuple[Edit, tuple[Unapplied, ...]]:
    """The part of an edit whose fields are as the change left them or as they were before it, and the other fields."""
    unmet = _names(whole.unmet_by(now))
    kept = [
        (name, value)
        for name, value in whole.given_fields()
        if name in unmet and difference_between(after, now, of=edit_of([(name, value)])) is not None
    ]
    return without(whole, *(name for name, _ in kept)), tuple(
        unapplied_field(name, value, now, after) for name, value in kept
    )


def _names(edit: Edit) -> set[str]:
    return {name for name, _ in edit.given_fields()}


async def _recreate(app: AppContext, deleted: Snapshot, now: Snapshot | None) -> Inverse:
    """The create of a new task with the fields of the deleted one."""
    if now is not None:
        raise CallerError(
            f"Task {deleted.task.id} exists; its deletion was not undone.",
            code="changed_since",
            next_step="Read it with get_task.",
        )
    if deleted.cannot_recreate:
        raise CallerError(
            f"The task cannot be created again. {deleted.cannot_recreate}",
            code="cannot_recreate",
            next_step="Call create_task with a title that describes the work.",
        )
    task = deleted.task
    values = {name: current_value(task, name) for name in FIELDS}
    values["status"] = StatusChoice.of(task.status_config) if task.status_config else None
    known = {name: value for name, value in values.items() if name not in deleted.unknown and value is not None}
    edit = Edit(**known, native=_without_masked(deleted.native))  # type: ignore[arg-type]  # each as its field has it
    refuse_masked(edit, "The deleted task")
    return Inverse(await create_intent(app, edit), not_restored=unrestorable(deleted))


def _without_masked(value: Any) -> Any:
    """The CRM's own values without those in which the journal has masked a key."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: _without_masked(field_value)
        for name, field_value in value.items()
        if not (isinstance(field_value, str) and MASK in field_value)
    }


def _before_unknown_error(result: Result) -> CallerError:
    return CallerError(
        f"The journal does not have task {result.task_id} as it was after the change, so it cannot be undone.",
        code="before_unknown",
        next_step="Read it with get_task, and set the wanted values with update_task.",
    )


def _nothing_to_restore_error(note: str | None) -> CallerError:
    return CallerError(
        note or "The change left the task as it was: there is nothing to restore.",
        code="before_unknown" if note else "nothing_to_undo",
        next_step="Set the wanted value with update_task"
        f"{'; list_changes shows the earlier one as it was read, which may be wrong.' if note else '.'}",
    )
