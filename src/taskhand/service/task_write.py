"""Write one task: read it, plan or record the intent, send, compare the result, record the outcome."""

from collections.abc import Callable, Collection
from dataclasses import replace

import anyio

from taskhand.backends.base import Misread, Written
from taskhand.domain.edit import Edit, edit_of, properties_in
from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import Match
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.journal.journal import Intent, Opening, Result
from taskhand.service.app_context import AppContext
from taskhand.service.edit_resolver import EditFor
from taskhand.service.intents import update_intent
from taskhand.service.make_plan import make_plan
from taskhand.service.snapshots import read_snapshot
from taskhand.service.write_call import Call

__all__ = ["plan_or_write", "write_edit"]

_NOTHING_WRITTEN = "Nothing was written: the task already matches the request."
_NOTHING_TO_PLAN = "Nothing would change: the task already matches the request. There is no plan."
_MAX_TRIES = 5


async def plan_or_write(
    call: Call, task_id: str, edit_for: EditFor, *, fresh: bool = False, properties: Collection[str] = ()
) -> Receipt | Plan:
    """Edit the task while holding its lock, or plan the edit in a dry run; `fresh` bypasses the cache.

    `properties` are the names of those that the edit sets.
    """
    async with call.app.lock(task_id):
        before = await read_snapshot(call.app, task_id, fresh=fresh, properties=properties)
        if call.is_dry:
            return await _plan_edit(call, before, edit_for)
        return await write_edit(call, before, edit_for)


async def _plan_edit(call: Call, before: Snapshot, edit_for: EditFor) -> Receipt | Plan:
    """The plan of an edit; a receipt without a plan if the task, read again, already is as asked."""
    edit, matched = await edit_for(before)
    intent = await update_intent(call.app, before, edit)
    if intent.is_met:
        before = await _read_again(call.app, before, edit)
        edit, matched = await edit_for(before)
        intent = await update_intent(call.app, before, edit)
    if intent.is_met:
        return replace(Receipt.of(before.task, before.task, edit, matched), note=_NOTHING_TO_PLAN)
    return await make_plan(call, [intent], matched)


async def write_edit(
    call: Call,
    before: Snapshot,
    edit_for: EditFor,
    *,
    opening_for: Callable[[tuple[Match, ...]], Opening] | None = None,
    changed_error: Callable[[Task, Task], CallerError | None] | None = None,
) -> Receipt:
    """Edit the task that was read as `before`, and whose lock the caller holds.

    If another client changed the task meanwhile, or it was read wrongly, the edit is made again from the current task.
    `changed_error` may return an error for the task as read and the current one; it is raised in place of
    another try if nothing has been written.
    """
    app, now = call.app, before
    new_opening = opening_for or (lambda matched: call.new_opening(matched=matched))
    for _ in range(_MAX_TRIES):
        edit, matched = await edit_for(before)
        intent = await update_intent(app, before, edit, now)
        if intent.is_met:
            reread = await _read_again(app, now, edit)
            before, now = (reread if before == now else before), reread
            intent = await update_intent(app, before, edit, now)
            if intent.is_met and before == now:
                result = Result(0, "unchanged", now.task.id, now.task)
                change = await call.record("unchanged", new_opening(matched), [intent], [result])
                receipt = Receipt.of(now.task, now.task, edit, matched)
                return replace(receipt, note=_NOTHING_WRITTEN, change_id=change.id)
        # A cancelled caller does not interrupt the request: its result is awaited and recorded.
        with anyio.CancelScope(shield=True):
            try:
                written = await _send(call, intent, now, new_opening(matched))
            except Misread as misread:
                if changed_error is not None and misread.before == misread.now:
                    error = changed_error(before.task, misread.before)
                    if error is not None:
                        raise error from None
                before, now = _correct(before, misread.before), _correct(now, misread.now)
                continue
            return await _settle(call, before.task, written or Written(now.task), edit, matched)
    raise CallerError(
        "The task kept changing while it was being written.", code="conflict", next_step="Read it, then try again."
    )


async def _read_again(app: AppContext, now: Snapshot, edit: Edit) -> Snapshot:
    """The task past the caches, with what the edit sets."""
    reread = await read_snapshot(app, now.task.id, fresh=True, properties=properties_in(edit))
    return reread.with_note_of(now.task)


async def _send(call: Call, intent: Intent, now: Snapshot, opening: Opening) -> Written | None:
    """Record the intent, then send the part of it that the task does not show; None if it shows all of it."""
    backend, unmet, edit = call.app.backend, intent.edit or Edit(), intent.asked or Edit()
    if unmet.is_empty:
        if call.is_open:  # an earlier try was sent, and its answer showed that the task had been read wrongly
            await call.revise([replace(intent, edit=edit)])
        return None
    await (call.revise([intent]) if call.is_open else call.begin(opening, [intent]))
    written = await backend.update_task(now.task, unmet)
    # Fields that were left out because the task showed them already: another client changed them meanwhile.
    sent = {name for name, _ in unmet.given_fields()}
    unsent = [(name, value) for name, value in edit.unmet_fields(written.task) if name not in sent]
    if not unsent:
        return written
    await call.revise([replace(intent, edit=edit)])
    return await backend.update_task(written.task, edit_of(unsent, edit.native))


async def _settle(call: Call, before: Task, written: Written, edit: Edit, matched: tuple[Match, ...]) -> Receipt:
    """Compare the written task with the edit, record the outcome and return the receipt."""
    task, change_id = written.task, call.change.id if call.change else None
    receipt = Receipt.of(before, task, edit, matched, written.note, change_id=change_id)
    result = Result(0, "refused" if receipt.is_refused else "applied", task.id, task, note=receipt.note)
    await call.settle([result], result.outcome)
    return receipt


def _correct(snapshot: Snapshot, task: Task) -> Snapshot:
    """The snapshot with the task as it really was; its due date is certain now."""
    return replace(snapshot, task=task, unknown=snapshot.unknown - {"due"})
