"""Take a change back: the inverse of what it did, where nothing has changed since."""

from collections.abc import Sequence
from dataclasses import replace

from taskhand.domain.bulk import BulkReceipt
from taskhand.domain.change import EDIT_FIELDS, Receipt, changes, inverse_edit
from taskhand.domain.due import due_of
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import CallerError, NotFound, TaskhandError
from taskhand.domain.plan import Plan, drift
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice, Task
from taskhand.journal.journal import Change, Claim, Intent, Opening, Result
from taskhand.service.apply_plan import changed_since_error, execute_intents
from taskhand.service.approval import reason_to_confirm
from taskhand.service.bulk_write import SkippedTasks, bulk_write
from taskhand.service.call import AlreadyClaimed, Call
from taskhand.service.create_task import is_task_deleted, replay_create
from taskhand.service.idempotency import wait_until_ended
from taskhand.service.planning import make_plan

__all__ = ["undo_change"]


async def undo_change(call: Call, change_id: str) -> Receipt | BulkReceipt | Plan:
    """Put back what the change replaced; CallerError with the difference where the task has changed since.

    A deleted task is made again under a new id, once; a created one is deleted (which stops at a plan).
    """
    change = await _found(call, change_id)
    done = [(change.intents[place], result) for place, result in sorted(change.results.items()) if _was_done(result)]
    if not done:
        raise CallerError(
            f"{change_id} wrote nothing that could be undone: its outcome is {change.outcome}.",
            code="nothing_to_undo",
            next_step="Look at the change with list_changes.",
        )
    ids = [result.task_id for _, result in done if result.task_id]
    async with call.app.lock_all(ids):
        now = await call.app.backend.snapshots(ids, fresh=True)
        return await _undone(call, change, done, now)


async def _undone(
    call: Call, change: Change, done: Sequence[tuple[Intent, Result]], now: dict[str, Snapshot]
) -> Receipt | BulkReceipt | Plan:
    intents: list[Intent] = []
    refused: dict[str, TaskhandError] = {}
    notes: dict[str, None] = {}
    for intent, result in done:
        try:
            step, note = _inverse(intent, result, now.get(result.task_id or ""))
        except CallerError as error:
            refused[result.task_id or ""] = error
            continue
        intents.append(step)
        notes |= dict.fromkeys([note] if note else [])
    if not intents:
        raise next(iter(refused.values()))
    note = " ".join(notes) or None
    guard = reason_to_confirm(call.app, intents)
    claims, earlier = await _made_before(call, change, intents)
    if earlier is not None:
        return replay_create(earlier, by_key=False)
    if call.is_dry or guard:
        guard = None if call.is_dry else guard
        return await make_plan(call, intents, undoes=change.id, claims=claims, guard=guard, note=note, refused=refused)
    opening = call.opening(undoes=change.id, claims=claims)
    if len(done) > 1:
        return _with_note(await bulk_write(call, intents, opening, SkippedTasks(refused=refused)), note)
    return await _applied_once(call, intents, opening, note)


async def _made_before(
    call: Call, change: Change, intents: Sequence[Intent]
) -> tuple[tuple[Claim, ...], Change | None]:
    """What is claimed by making a deleted task again, and the earlier change that did so, unless that task went too."""
    if intents[0].verb != "create":
        return (), None
    claim = Claim(f"undo {change.id}", change.id)
    while (held := await call.app.journal.holder([claim])) is not None:
        earlier = await wait_until_ended(call.app, held)
        if not await is_task_deleted(call, earlier):
            return (claim,), earlier
        claim = Claim(f"undo {change.id} after {earlier.id}", change.id)
    return (claim,), None


async def _applied_once(
    call: Call, intents: Sequence[Intent], opening: Opening, note: str | None
) -> Receipt | BulkReceipt:
    """Carry it out; where another process was faster to make a deleted task again, that is answered."""
    try:
        return _with_note(await execute_intents(call, intents, opening), note)
    except AlreadyClaimed as held:
        return replay_create(await wait_until_ended(call.app, held.change), by_key=False)


def _with_note(receipt: Receipt | BulkReceipt, note: str | None) -> Receipt | BulkReceipt:
    return replace(receipt, note=" ".join(filter(None, (note, receipt.note))) or None)


async def _found(call: Call, change_id: str) -> Change:
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
    return change


def _was_done(result: Result) -> bool:
    return result.outcome == "applied"


def _inverse(intent: Intent, result: Result, now: Snapshot | None) -> tuple[Intent, str | None]:
    """The step back, and what is to be said of it."""
    if intent.verb == "delete" and intent.before is not None:
        return _made_again(intent.before, now)
    if result.after is None:
        raise _lost(result)
    moved = drift(result.after, now.task if now else None)
    if moved or now is None:
        raise changed_since_error(result.task_id, moved)
    if intent.verb == "create" or intent.before is None:
        return Intent("delete", now), None
    return _put_back(intent, intent.before, result.after, now)


def _put_back(intent: Intent, before: Snapshot, after: Task, now: Snapshot) -> tuple[Intent, str | None]:
    """The edit that restores the fields that were set, in the place's own values where it has said them.

    What else is different since was changed by somebody else at the same moment, and stays.
    """
    ours = {name for edit in (intent.edit, intent.asked) if edit is not None for name, _ in edit.given()}
    changed = {EDIT_FIELDS.get(one.field, one.field) for one in changes(before.task, after)}
    unsaid = changed & before.unknown & ours
    note = f"Not put back, as the value before was not known: {', '.join(sorted(unsaid))}." if unsaid else None
    back = without(inverse_edit(before.task, after, unknown=before.unknown), *(changed - ours))
    edit = replace(back, native=before.native)
    if not any(edit.given()):
        raise CallerError(
            note or "The change left the task as it was: there is nothing to put back.",
            code="before_unknown" if note else "nothing_to_undo",
            next_step="Set the value that should be so with update_task.",
        )
    return Intent("update", now, edit, edit), note


def _made_again(gone: Snapshot, now: Snapshot | None) -> tuple[Intent, str | None]:
    """A new task like the one that was deleted."""
    if now is not None:
        raise CallerError(
            f"Task {gone.task.id} is there: nothing was undone.", code="changed_since", next_step="Read it."
        )
    task = gone.task
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
    known = {name: value for name, value in values.items() if name not in gone.unknown and value is not None}
    edit = Edit(**known, native=gone.native)  # type: ignore[arg-type]  # each as its field has it
    lost = ["id", "created_at", "creator_id", *sorted(gone.unknown)]
    return Intent("create", edit=edit, asked=edit), f"Made again as a new task; not restored: {', '.join(lost)}."


def _lost(result: Result) -> CallerError:
    return CallerError(
        f"What became of task {result.task_id} is not known well enough to undo it.",
        code="before_unknown",
        next_step="Read it with get_task, and set what should be so with update_task.",
    )
