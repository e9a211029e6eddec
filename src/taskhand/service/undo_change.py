"""Undo a change, field by field: restore what it replaced, except in fields that have changed since."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from taskhand.domain.bulk_receipt import BulkReceipt, TaskResult
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.field_names import argument_name, edit_field
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt, join_notes
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.unapplied_fields import Unapplied
from taskhand.journal.journal import Change, Intent, Result, title_of
from taskhand.service.app_context import AppContext
from taskhand.service.apply_plan import change_that_applied, execute_intents
from taskhand.service.approval_rules import reason_to_confirm, undoes_own_creation
from taskhand.service.bulk_write import bulk_write
from taskhand.service.create_task import replay_create
from taskhand.service.earlier_create import EarlierCreate, MadeTasks, find_earlier_create, left_error, read_made
from taskhand.service.earlier_undo import note_on_earlier_undo
from taskhand.service.idempotency import outcome_unknown_error, recreation_claim, retry_after_claims, wait_until_ended
from taskhand.service.inverse_write import invert
from taskhand.service.list_changes import find_change
from taskhand.service.make_plan import make_plan
from taskhand.service.replayed_creates import to_result_now
from taskhand.service.shared_notes import describe_others, tasks_sharing, with_written_notes
from taskhand.service.snapshots import intended_properties, read_snapshots
from taskhand.service.undo_effect import TaskUndo, Undo
from taskhand.service.undo_selection import Selection, applied_ids, select, written_fields
from taskhand.service.visible_changes import describe_owner, is_visible
from taskhand.service.write_call import Call

__all__ = ["undo_change"]

_MAX_SHOWN = 20
_NOTHING_LEFT = "Nothing is left to undo: every changed value is already as before. There is no plan."


async def undo_change(
    call: Call, change_id: str, task_ids: Sequence[str] | None = None, leave: Sequence[str] = ()
) -> Receipt | BulkReceipt | Plan:
    """Restore what the change replaced; fields that have changed since stay as they are, and are reported.

    `task_ids` are the tasks to undo (None: all); `leave` are ids of tasks, or fields, to leave as they are. CallerError
    `changed_since` if nothing can be restored; NotAllowed if a scope or a rule forbids it. A deleted task is made
    again once, under a new id. A created task is deleted: at once if this client has just created it, else after
    approval.
    """
    change = await _find_change(call, change_id)
    chosen = select(change, task_ids, leave)
    call.app.principal.rules.check_number(len(chosen.applied))
    if not call.is_dry and any(intent.verb == "create" for intent, _ in chosen.applied):
        call.app.principal.check_may_lose("Deleting what the change created")
    ids = [result.task_id for _, result in chosen.applied if result.task_id]
    async with call.app.lock_all(ids):
        made = [result.task_id or "" for intent, result in chosen.applied if intent.verb == "create"]
        names = intended_properties([intent for intent, _ in chosen.applied])
        now = await read_snapshots(call.app, ids, made, properties=names)
        now = await with_written_notes(call.app, chosen.applied, now, change.opening.at)

        async def attempt(_: Change | None) -> Receipt | BulkReceipt | Plan:
            return await _carry_out(call, change, await _prepare(call, change, chosen, now))

        return await retry_after_claims(call.app, attempt)


async def _prepare(call: Call, change: Change, chosen: Selection, now: Mapping[str, Snapshot]) -> Undo:
    """Invert each of the chosen intents, whose tasks are locked and read as `now`."""
    shared = {} if "note" in chosen.left_out else tasks_sharing(change, chosen.applied)
    tasks = [
        await _prepare_task(
            call,
            change,
            (intent, result),
            now.get(result.task_id or ""),
            chosen.left_out | {"note"} if result.task_id in shared else chosen.left_out,
        )
        for intent, result in chosen.applied
    ]
    if len(tasks) + len(chosen.unwritten) > 1:
        tasks = await _with_remade_results(call, tasks)
    undo = Undo(
        tuple(tasks),
        tuple(chosen.unwritten),
        tuple(filter(None, [describe_owner(call.app, change)])),
        describe_others([task for others in shared.values() for task in others]) if shared else None,
    )
    if change.opening.undoes is None or undo.is_met:
        return undo
    is_part = bool(chosen.left_out or undo.refused or undo.unrestored) or len(chosen.applied) < len(applied_ids(change))
    return replace(undo, general=(*undo.general, await _describe_redo(call.app, change, is_part=is_part)))


async def _describe_redo(app: AppContext, change: Change, *, is_part: bool) -> str:
    """The sentence on the undo of an undo; `is_part` is whether a part of that undo stays."""
    redone = change.opening.undoes or ""
    first = await app.journal.find(redone)
    if first is not None and not is_part:
        has_all_tasks = len(applied_ids(first)) <= len(applied_ids(change))  # a task that was made again has another id
        is_part = not (has_all_tasks and written_fields(first) <= written_fields(change))
    return f"This redoes {'a part of ' if is_part else ''}{redone}, which {change.id} had undone."


async def _prepare_task(
    call: Call, change: Change, written: tuple[Intent, Result], now: Snapshot | None, left_out: frozenset[str]
) -> TaskUndo:
    """Invert the intent of one task, which is as `now`; a deleted task is claimed, to be made again once."""
    intent, result = written
    task = TaskUndo(result.task_id or "", _title_of_task(intent, result, now))
    try:
        inverse = await invert(call.app, intent, result, now, left_out)
        if inverse is None or inverse.intent.verb != "create":
            return replace(task, inverse=inverse, refusal=None if inverse is None else inverse.refusal)
        claim = await find_earlier_create(call.app, recreation_claim(change, task.task_id))
    except CallerError as error:
        return replace(task, refusal=error)
    if isinstance(claim, EarlierCreate):
        return replace(task, remade=claim)
    return replace(task, inverse=inverse, claim=claim)


async def _carry_out(call: Call, change: Change, undo: Undo) -> Receipt | BulkReceipt | Plan:
    """Send the writes of an undo, or plan them; AlreadyClaimed if another call makes a deleted task again."""
    if undo.remade and not undo.is_of_many:
        (remade,) = undo.remade
        receipt = await replay_create(call, remade)
        return receipt if is_visible(call.app, remade.change) else replace(receipt, change_id=None)
    can_be_undone = bool(undo.remade) or any(task.possible for task in undo.tasks)
    earlier: str | None = None
    if undo.tasks and (undo.is_met or not can_be_undone):
        earlier = await note_on_earlier_undo(call.app, change, [task.task_id for task in undo.tasks])
        undo = replace(undo, general=tuple(filter(None, (*undo.general, earlier))))
    if not can_be_undone:
        error = _nothing_undone_error(undo)
        raise error.but(message=" ".join(filter(None, (error.message, earlier))))
    intents, claims = undo.intents, undo.claims
    if call.is_dry and undo.is_met:
        return _nothing_left(undo)
    if call.is_dry or (not undoes_own_creation(call, change, intents) and reason_to_confirm(call.app, intents)):
        kept = [
            (task_id if undo.is_of_many else None, unapplied)
            for task_id, rows in undo.unrestored.items()
            for unapplied in rows
        ]
        note = join_notes(undo.note, _kept_note(undo))
        plan = await make_plan(call, intents, undoes=change.id, claims=claims, note=note, skipped=undo.skipped)
        return replace(plan, unapplied=tuple(replace(unapplied, task_id=task_id) for task_id, unapplied in kept))
    opening = call.new_opening(undoes=change.id, claims=claims)
    if undo.is_of_many:
        return _receipt_of_many(await bulk_write(call, intents, opening, undo.skipped), undo)
    return _receipt_of_one(await execute_intents(call, intents, opening), undo)


def _nothing_left(undo: Undo) -> Receipt | BulkReceipt:
    """The answer to a dry run of an undo that would write nothing: there is no plan."""
    note = join_notes(undo.note, _NOTHING_LEFT)
    for inverse in undo.inverses:
        if inverse.intent.before is not None:
            task = inverse.intent.before.task
            return replace(Receipt.of(task, task, inverse.intent.asked or Edit(), ()), note=note)
    return BulkReceipt(undo.skipped.results(), note=note)


def _receipt_of_one(receipt: Receipt | BulkReceipt, undo: Undo) -> Receipt | BulkReceipt:
    """The receipt of one task, with the fields that stay as they are."""
    note = join_notes(undo.note, _kept_note(undo), receipt.note)
    if isinstance(receipt, BulkReceipt):
        return replace(receipt, note=note)
    kept = tuple(unapplied for rows in undo.unrestored.values() for unapplied in rows)
    return replace(receipt, note=note, unapplied=(*receipt.unapplied, *kept))


def _receipt_of_many(receipt: BulkReceipt, undo: Undo) -> BulkReceipt:
    """The receipt of many tasks, with the fields of each that stay as they are."""
    kept = undo.unrestored
    results = tuple(_add_unrestored(result, kept.get(result.id, ())) for result in receipt.results)
    note = join_notes(undo.note, receipt.note)
    return replace(receipt, results=results, note=note)


def _add_unrestored(result: TaskResult, kept_fields: tuple[Unapplied, ...]) -> TaskResult:
    if not kept_fields or result.outcome == "refused":
        return replace(result, unapplied=(*result.unapplied, *kept_fields))
    message = " ".join(filter(None, (result.message, f"{_fields(kept_fields)} changed since and stays as it is.")))
    return replace(result, code="changed_since", message=message, unapplied=(*result.unapplied, *kept_fields))


def _title_of_task(intent: Intent, result: Result, now: Snapshot | None) -> str:
    """The title of a task; its last known title if the task is gone."""
    return title_of(intent, now.task if now else result.after) or ""


async def _with_remade_results(call: Call, tasks: Sequence[TaskUndo]) -> list[TaskUndo]:
    """The tasks with the results of those that were created again, which are read together."""
    now = await read_made(call.app, [task.remade for task in tasks if task.remade is not None])
    return [replace(task, remade_result=_remade_result(call, task, now)) for task in tasks]


def _remade_result(call: Call, task: TaskUndo, now: MadeTasks) -> TaskResult | None:
    """The result of a deleted task that was created again, or is being created; `now` is what `read_made` returned."""
    earlier = task.remade
    if earlier is None:
        return None
    result = earlier.change.results.get(earlier.index)
    if earlier.is_left:
        return TaskResult.of_error(task.task_id, "refused", left_error(earlier), task.title)
    if result is None or result.after is None:
        return TaskResult.of_error(task.task_id, "unknown", outcome_unknown_error(earlier.change), task.title)
    again = f"It was made again before, as {result.task_id}."
    return to_result_now(call, TaskResult(task.task_id, "unchanged", message=again, title=task.title), earlier, now)


def _kept_note(undo: Undo) -> str | None:
    """The fields that stay as they are, if something else is undone."""
    kept = [unapplied for inverse in undo.inverses for unapplied in inverse.kept]
    if not kept:
        return None
    in_clear = ", or name it in clear where that is null" if any(unapplied.asked is None for unapplied in kept) else ""
    return (
        f"Left as it is, because it changed since: {_fields(kept)}; see unapplied. "
        f"To restore it anyway, send update_task with the value in asked{in_clear}."
    )


def _fields(kept_fields: Sequence[Unapplied]) -> str:
    return ", ".join(
        dict.fromkeys(argument_name(edit_field(unapplied.field) or unapplied.field) for unapplied in kept_fields)
    )


def _nothing_undone_error(undo: Undo) -> TaskhandError:
    """The error for an undo that would write nothing: that of the one task, or one for all of them."""
    if not undo.refused and undo.held:
        return CallerError(
            f"{undo.held} Nothing was undone.",
            code="nothing_to_undo",
            next_step="Send undo_change without taskIds: the note is removed when all its tasks are undone together.",
        )
    if not undo.refused:
        return CallerError(
            "Nothing is left to undo: except names every field that was changed.",
            code="nothing_to_undo",
            next_step="Name fewer fields in except.",
        )
    first, *others = undo.refused.values()
    if not others:
        return first
    names = ("difference", "wouldWrite")
    details = {
        name: [row for error in undo.refused.values() for row in _rows(error, name)][:_MAX_SHOWN] for name in names
    }
    same = {error.code for error in undo.refused.values()} == {first.code}
    return CallerError(
        f"None of the {len(undo.refused)} tasks can be undone. The first: {first.message}",
        code=first.code if same else None,
        next_step=first.next_step,
        details={name: rows for name, rows in details.items() if rows},
    )


def _rows(error: TaskhandError, name: str) -> list[object]:
    rows = error.details.get(name, [])
    return rows if isinstance(rows, list) else []


async def _find_change(call: Call, change_id: str) -> Change:
    """The change, once it has ended; CallerError for an unknown id and for a plan."""
    change = await find_change(call.app, change_id)
    if change.outcome == "planned":
        user = await change_that_applied(call.app, change)
        raise CallerError(
            f"{change_id} is a planId, and a plan writes nothing itself.",
            code="nothing_to_undo",
            next_step=f"Send changeId {user.id}, which carried the plan out."
            if user and user.outcome != "declined" and is_visible(call.app, user)
            else "There is nothing to undo; apply_plan carries a plan out.",
        )
    return change if change.ending else await wait_until_ended(call.app, change)
