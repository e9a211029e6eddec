"""From a documented body to an edit, and from an edit to a receipt: the way that every write goes."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from pydantic import MISSING

from taskhand import people, rules, statuses
from taskhand.backend import Misread, Written
from taskhand.change import Match, Receipt
from taskhand.due import Due, due_of
from taskhand.edit import Edit
from taskhand.errors import CallerError
from taskhand.service.desk import Desk
from taskhand.task import StatusChoice, Task, TaskDraft, TaskPatch

__all__ = ["Wanted", "carried_out", "resolved"]

Wanted = tuple[Edit, tuple[Match, ...]]
"""What is asked of a task, and what names were taken to mean."""

_NOTHING = "Nothing was written: the task already is as asked."
_MOST_TRIES = 5


async def carried_out(
    desk: Desk, task_id: str, wanted_of: Callable[[Task], Awaitable[Wanted]], *, fresh: bool = False
) -> Receipt:
    """Make the edit that `wanted_of` the task says, in turn with other writes to it; `fresh` reads it anew first.

    Where somebody else was faster, or the task turns out to have been read wrongly, the edit is made again from what
    is really there.
    """
    async with desk.turn(task_id):
        before = await desk.backend.get_task(task_id, fresh=fresh)
        now = before
        for _ in range(_MOST_TRIES):
            edit, matched = await wanted_of(before)
            if not any(_missing(desk, edit, now).given()):
                seen_anew = await desk.backend.get_task(task_id, fresh=True)
                before, now = (seen_anew if before == now else before), seen_anew
            try:
                written = await _applied(desk, now, edit)
            except Misread as misread:
                before, now = misread.before, misread.now
                continue
            if written is None and before == now:
                return Receipt(now, matched=matched, note=_NOTHING)
            after = written or Written(now)
            return Receipt.of(before, after.task, edit, matched, after.note)
    raise CallerError(
        "The task kept changing while it was to be written.", code="conflict", next_step="Read it, then try again."
    )


async def resolved(desk: Desk, body: TaskDraft | TaskPatch, before: Task | None) -> Wanted:
    """What `body` asks of the task `before` (None: a new one), names replaced by ids; and what was matched."""
    choice, status_matched = await _status(desk, body)
    responsible_ids, people_matched = await _people(desk, body, before)
    edit = Edit(
        title=body.title if body.title is MISSING else body.title.strip(),
        description=body.description if body.description is MISSING else body.description or None,
        due=_due(desk, body, before),
        responsible_ids=responsible_ids,
        ai_contact_id=body.ai_contact_id,
        ai_customer_id=body.ai_customer_id,
        priority=body.priority if body.priority is MISSING else int(body.priority),
        status=choice,
    )
    return edit, status_matched + people_matched


async def _applied(desk: Desk, before: Task, edit: Edit) -> Written | None:
    """Carry out what the task does not show yet; None when it already shows all of it."""
    missing = _missing(desk, edit, before)
    if not any(missing.given()):
        return None
    written = await desk.backend.update_task(before, missing)
    # What the task seemed to have already, and has no more: somebody else changed it in between.
    sent = {name for name, _ in missing.given()}
    rest = edit.unmet_by(written.task, written=True)
    unsent = replace(rest, **dict.fromkeys(sent, MISSING))
    return await desk.backend.update_task(written.task, unsent) if any(unsent.given()) else written


def _missing(desk: Desk, edit: Edit, task: Task) -> Edit:
    return edit.unmet_by(task, sure_of_due=desk.backend.sure_of_due(task))


async def _status(desk: Desk, body: TaskDraft | TaskPatch) -> tuple[StatusChoice | MISSING, tuple[Match, ...]]:
    if isinstance(body, TaskPatch) and body.new_status_name is not MISSING:
        return statuses.named(body.new_status_name, await desk.backend.statuses())
    if isinstance(body, TaskPatch) and body.new_status_position is not MISSING:
        return statuses.at_position(body.new_status_position, await desk.backend.statuses())
    return MISSING, ()


async def _people(
    desk: Desk, body: TaskDraft | TaskPatch, before: Task | None
) -> tuple[tuple[str, ...] | MISSING, tuple[Match, ...]]:
    if body.responsible_ids is MISSING or not body.responsible_ids:
        return body.responsible_ids, ()
    on_it = before.responsible_ids if before else ()
    found = people.named(body.responsible_ids, await desk.backend.members(), await desk.backend.me(), also=on_it)
    return found.ids, found.matched


def _due(desk: Desk, body: TaskDraft | TaskPatch, before: Task | None) -> Due | None | MISSING:
    request = rules.due_request(body)
    if not request.given:
        return MISSING
    if before and request.takes_day_of_a_time and not desk.backend.sure_of_due(before, of_day=True):
        raise CallerError(
            "The task's day cannot be told from its due time with certainty here.",
            code="due_unsure",
            next_step="Send dueDate as YYYY-MM-DD together with dueTime null.",
        )
    due = request.on(due_of(before) if before else None, desk.timezone)
    if due is None or desk.backend.capabilities.keeps_timezone:
        return due
    return Due.instant(due.at, desk.timezone) if due.at else Due(due.day)
