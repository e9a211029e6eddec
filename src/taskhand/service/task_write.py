"""The way that every write of one task goes: look, plan, write down, send, compare, write down."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio

from taskhand.backends.base import Misread, Written
from taskhand.domain.change import Receipt
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import CallerError, NotFound
from taskhand.domain.names import Match
from taskhand.domain.outcome import Outcome
from taskhand.domain.plan import Difference, Plan, drift
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.journal.journal import Intent, Opening, Result
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call
from taskhand.service.planning import make_plan
from taskhand.service.resolver import ResolvedEdit

__all__ = ["plan_or_write", "read_snapshot", "unmet_edit", "write_edit"]

_NOTHING = "Nothing was written: the task already is as asked."
_MOST_TRIES = 5


async def plan_or_write(
    call: Call, task_id: str, edit_for: Callable[[Task], Awaitable[ResolvedEdit]], *, fresh: bool = False
) -> Receipt | Plan:
    """Make the edit that `edit_for` the task says, in turn with other writes to it; `fresh` reads it anew first."""
    async with call.app.lock(task_id):
        before = await read_snapshot(call.app, task_id, fresh=fresh)
        if call.is_dry:
            edit, matched = await edit_for(before.task)
            return await make_plan(call, [_intent(call.app, before, before, edit)], matched)
        return await write_edit(call, before, edit_for)


async def write_edit(
    call: Call,
    before: Snapshot,
    edit_for: Callable[[Task], Awaitable[ResolvedEdit]],
    *,
    opening: Callable[[tuple[Match, ...]], Opening] | None = None,
    moved: Callable[[Difference], CallerError] | None = None,
) -> Receipt:
    """Make the edit of the task that was read as `before`; whoever calls has its turn.

    Where somebody else was faster, or the task turns out to have been read wrongly, the edit is made again from what
    is really there; or, if nothing is written yet, refused with what `moved` makes of the difference.
    """
    app, now = call.app, before
    said = opening or (lambda matched: call.opening(matched=matched))
    for _ in range(_MOST_TRIES):
        edit, matched = await edit_for(before.task)
        intent = _intent(app, before, now, edit)
        if not _has_any(intent.edit):
            seen_anew = await read_snapshot(app, before.task.id, fresh=True)
            before, now = (seen_anew if before == now else before), seen_anew
            intent = _intent(app, before, now, edit)
        if not _has_any(intent.edit) and before == now:
            change = await call.record("unchanged", said(matched), [intent], [_result(now.task, "unchanged")])
            return Receipt(now.task, matched=matched, note=_NOTHING, change_id=change.id)
        # Whoever gives up waiting: what was sent is waited for, and written down.
        with anyio.CancelScope(shield=True):
            try:
                written = await _sent(call, intent, now, said(matched))
            except Misread as misread:
                moves = drift(before.task, misread.before) if misread.before == misread.now else None
                if moved is not None and moves is not None:
                    raise moved(moves) from None
                before, now = _known(before, misread.before), _known(now, misread.now)
                continue
            return await _told(call, before.task, written or Written(now.task), edit, matched)
    raise CallerError(
        "The task kept changing while it was to be written.", code="conflict", next_step="Read it, then try again."
    )


async def read_snapshot(app: AppContext, task_id: str, *, fresh: bool = False) -> Snapshot:
    """One task as it is; NotFound."""
    found = await app.backend.snapshots([task_id], fresh=fresh)
    if task_id not in found:
        raise NotFound(
            f"There is no task {task_id}.", code="task_not_found", next_step="Call list_tasks to find the task's id."
        )
    return found[task_id]


async def _sent(call: Call, intent: Intent, now: Snapshot, opening: Opening) -> Written | None:
    """Carry out what the task does not show yet, written down before; None when it already shows all of it."""
    backend, unmet, edit = call.app.backend, intent.edit or Edit(), intent.asked or Edit()
    if not _has_any(unmet):
        return None
    await (call.revise([intent]) if call.is_open else call.begin(opening, [intent]))
    written = await backend.update_task(now.task, unmet)
    # What the task seemed to have already, and has no more: somebody else changed it in between.
    unsent = without(edit.unmet_by(written.task, written=True), *(name for name, _ in unmet.given()))
    if not _has_any(unsent):
        return written
    await call.revise([replace(intent, edit=edit)])
    return await backend.update_task(written.task, unsent)


async def _told(call: Call, before: Task, written: Written, edit: Edit, matched: tuple[Match, ...]) -> Receipt:
    receipt = Receipt.of(before, written.task, edit, matched, written.note)
    outcome: Outcome = "refused" if receipt.unapplied and not receipt.changed else "applied"
    await call.settle([_result(written.task, outcome, receipt.note)], outcome)
    return replace(receipt, change_id=call.change.id if call.change else None)


def _intent(app: AppContext, before: Snapshot, now: Snapshot, edit: Edit) -> Intent:
    return Intent("update", before, unmet_edit(app, edit, now), edit)


def _has_any(edit: Edit | None) -> bool:
    """Whether an edit sets a field."""
    return edit is not None and any(edit.given())


def _known(snapshot: Snapshot, task: Task) -> Snapshot:
    """The snapshot with the task as it really was: its due date is no longer in doubt."""
    return replace(snapshot, task=task, unknown=snapshot.unknown - {"due"})


def _result(task: Task, outcome: Outcome, note: str | None = None) -> Result:
    return Result(0, outcome, task.id, task, note=note)


def unmet_edit(app: AppContext, edit: Edit, now: Snapshot) -> Edit:
    """What a task does not show yet of an edit, or not for certain: that is what has to be sent."""
    return edit if now.assumed else edit.unmet_by(now.task, sure_of_due=app.backend.sure_of_due(now.task))
