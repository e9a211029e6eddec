"""Undo a change: restore what it replaced, provided that the task has not changed since."""

from collections.abc import Sequence
from dataclasses import replace

from taskhand.domain.bulk import BulkReceipt
from taskhand.domain.due import due_of
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import CallerError, NotFound, TaskhandError
from taskhand.domain.plan import Plan, drift
from taskhand.domain.receipt import EDIT_FIELDS, Receipt, changes, inverse_edit
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice, Task
from taskhand.journal.journal import MASK, Change, Claim, Intent, Result
from taskhand.service.apply_plan import changed_since_error, execute_intents
from taskhand.service.approval import reason_to_confirm
from taskhand.service.bulk_write import SkippedTasks, bulk_write
from taskhand.service.call import AlreadyClaimed, Call
from taskhand.service.create_task import replay_create
from taskhand.service.earlier_create import EarlierCreate, is_task_deleted
from taskhand.service.idempotency import wait_until_ended
from taskhand.service.make_plan import make_plan
from taskhand.service.masked_text import check_writable, with_keys_of

__all__ = ["undo_change"]

_Step = tuple[Intent, str | None]
"""The intent that undoes one task, and a note about what is not restored."""


async def undo_change(call: Call, change_id: str) -> Receipt | BulkReceipt | Plan:
    """Restore what the change replaced; CallerError with the difference where the task has changed since.

    A deleted task is made again once, under a new id. A created task is deleted, which needs approval.
    """
    change = await _find_change(call, change_id)
    applied = [
        (change.intents[index], result)
        for index, result in sorted(change.results.items())
        if result.outcome == "applied"
    ]
    if not applied:
        raise CallerError(
            f"{change_id} wrote nothing that could be undone: its outcome is {change.outcome}.",
            code="nothing_to_undo",
            next_step="Send the changeId of an applied change; list_changes with outcome applied has them.",
        )
    ids = [result.task_id for _, result in applied if result.task_id]
    async with call.app.lock_all(ids):
        now = await call.app.backend.snapshots(ids, fresh=True)
        return await _undo(call, change, applied, now)


async def _undo(
    call: Call, change: Change, applied: Sequence[tuple[Intent, Result]], now: dict[str, Snapshot]
) -> Receipt | BulkReceipt | Plan:
    """Undo the applied intents, whose tasks are locked and read as `now`, or plan it."""
    intents: list[Intent] = []
    refused: dict[str, TaskhandError] = {}
    notes: dict[str, None] = {}
    for intent, result in applied:
        try:
            inverse, note = _invert(intent, result, now.get(result.task_id or ""))
        except CallerError as error:
            refused[result.task_id or ""] = error
            continue
        intents.append(inverse)
        notes |= dict.fromkeys([note] if note else [])
    if not intents:
        raise next(iter(refused.values()))
    note = " ".join(notes) or None
    guard = reason_to_confirm(call.app, intents)
    claims, earlier = await _claim_recreation(call, change, intents)
    if earlier is not None:
        return replay_create(EarlierCreate(earlier, 0))
    if call.is_dry or guard:
        guard = None if call.is_dry else guard
        return await make_plan(call, intents, undoes=change.id, claims=claims, guard=guard, note=note, refused=refused)
    opening = call.new_opening(undoes=change.id, claims=claims)
    if len(applied) > 1:
        return _prepend_note(await bulk_write(call, intents, opening, SkippedTasks(refused=refused)), note)
    try:
        return _prepend_note(await execute_intents(call, intents, opening), note)
    except AlreadyClaimed as claimed:  # another process made the deleted task again a moment before
        return replay_create(EarlierCreate(await wait_until_ended(call.app, claimed.change), 0))


async def _claim_recreation(
    call: Call, change: Change, intents: Sequence[Intent]
) -> tuple[tuple[Claim, ...], Change | None]:
    """The claim for making a deleted task again, and the earlier change that made it, if that task still exists."""
    if intents[0].verb != "create":
        return (), None
    claim = Claim(f"undo {change.id}", change.id)
    while (holder := await call.app.journal.holder([claim])) is not None:
        earlier = await wait_until_ended(call.app, holder)
        if not await is_task_deleted(call, earlier):
            return (claim,), earlier
        claim = Claim(f"undo {change.id} after {earlier.id}", change.id)
    return (claim,), None


def _prepend_note(receipt: Receipt | BulkReceipt, note: str | None) -> Receipt | BulkReceipt:
    return replace(receipt, note=" ".join(filter(None, (note, receipt.note))) or None)


async def _find_change(call: Call, change_id: str) -> Change:
    """The change, once it has ended; CallerError for an unknown id and for a plan."""
    change = await call.app.journal.find(change_id)
    if change is None:
        raise NotFound(
            f"There is no change {change_id[:60]!r}.",
            code="change_not_found",
            next_step="Take changeId from a write's answer or from list_changes.",
        )
    if change.outcome == "planned":
        raise CallerError(
            f"{change_id} is a plan: nothing was written.",
            code="nothing_to_undo",
            next_step="There is nothing to undo; apply_plan carries a plan out.",
        )
    return change if change.ending else await wait_until_ended(call.app, change)


def _invert(intent: Intent, result: Result, now: Snapshot | None) -> _Step:
    """The intent that undoes an applied one; CallerError where the task has changed since."""
    if intent.verb == "delete" and intent.before is not None:
        return _recreate(intent.before, now)
    if result.after is None:
        raise _before_unknown_error(result)
    after = with_keys_of(result.after, now.task) if now else result.after
    moved = drift(after, now.task if now else None)
    if moved or now is None:
        raise changed_since_error(result.task_id, moved)
    if intent.verb == "create" or intent.before is None:
        return Intent("delete", now), None
    before = replace(intent.before, task=with_keys_of(intent.before.task, now.task))
    return _restore(intent, before, after, now)


def _restore(intent: Intent, before: Snapshot, after: Task, now: Snapshot) -> _Step:
    """The update that restores the fields that the intent set, with the CRM's own values where the journal has them.

    Fields that differ otherwise were changed by another client at the same moment; they stay.
    """
    ours = {name for edit in (intent.edit, intent.asked) if edit is not None for name, _ in edit.given()}
    changed = {EDIT_FIELDS.get(one.field, one.field) for one in changes(before.task, after)}
    unknown = changed & before.unknown & ours
    note = f"Not put back, as the value before was not known: {', '.join(sorted(unknown))}." if unknown else None
    inverse = without(inverse_edit(before.task, after, unknown=before.unknown), *(changed - ours))
    edit = replace(inverse, native={name: value for name, value in before.native.items() if MASK not in str(value)})
    check_writable(edit, "The text before the change")
    if not any(edit.given()):
        raise CallerError(
            note or "The change left the task as it was: there is nothing to put back.",
            code="before_unknown" if note else "nothing_to_undo",
            next_step="Set the value that should be so with update_task.",
        )
    return Intent("update", now, edit, edit), note


def _recreate(deleted: Snapshot, now: Snapshot | None) -> _Step:
    """The create of a new task with the fields of the deleted one."""
    if now is not None:
        raise CallerError(
            f"Task {deleted.task.id} exists; nothing was undone.",
            code="changed_since",
            next_step="Read it with get_task.",
        )
    task = deleted.task
    values = {
        "title": task.title,
        "description": task.description,
        "due": due_of(task),
        "responsible_ids": task.responsible_ids,
        "ai_contact_id": task.ai_contact_id,
        "ai_customer_id": task.ai_customer_id,
        "priority": task.priority,
        "status": StatusChoice.of(task.status_config) if task.status_config else None,
    }
    known = {name: value for name, value in values.items() if name not in deleted.unknown and value is not None}
    edit = Edit(**known, native=deleted.native)  # type: ignore[arg-type]  # each as its field has it
    check_writable(edit, "The deleted task")
    lost = ["id", "created_at", "creator_id", *sorted(deleted.unknown)]
    return Intent("create", edit=edit, asked=edit), f"Made again as a new task; not restored: {', '.join(lost)}."


def _before_unknown_error(result: Result) -> CallerError:
    return CallerError(
        f"The journal does not have task {result.task_id} as it was after the change, so it cannot be undone.",
        code="before_unknown",
        next_step="Read it with get_task, and set what should be so with update_task.",
    )
