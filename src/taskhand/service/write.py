"""From a documented body to an edit, and from an edit to a receipt: the way that every write goes."""

from pydantic import MISSING

from taskhand import people, rules, statuses
from taskhand.change import Match, Receipt
from taskhand.due import Due, due_of
from taskhand.edit import Edit
from taskhand.errors import CallerError
from taskhand.service.desk import Desk
from taskhand.task import StatusChoice, Task, TaskDraft, TaskPatch

__all__ = ["applied", "resolved"]


async def resolved(desk: Desk, body: TaskDraft | TaskPatch, before: Task | None) -> tuple[Edit, tuple[Match, ...]]:
    """What `body` asks of the task `before` (None: a new one), names replaced by ids; and what was matched."""
    choice, status_matched = await _status(desk, body)
    responsible_ids, people_matched = await _people(desk, body)
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


async def applied(desk: Desk, before: Task, edit: Edit, matched: tuple[Match, ...]) -> Receipt:
    """Carry out an edit, unless the task already shows it; the receipt compares what was asked with what is so."""
    if not any(edit.unmet_by(before, sure_of_due=desk.backend.sure_of_due(before)).given()):
        before = await desk.backend.get_task(before.id, fresh=True)
    missing = edit.unmet_by(before, sure_of_due=desk.backend.sure_of_due(before))
    if not any(missing.given()):
        return Receipt(before, matched=matched, note="Nothing was written: the task already is as asked.")
    written = await desk.backend.update_task(before, missing)
    return Receipt.of(before, written.task, edit, matched, written.note)


async def _status(desk: Desk, body: TaskDraft | TaskPatch) -> tuple[StatusChoice | MISSING, tuple[Match, ...]]:
    if isinstance(body, TaskPatch) and body.new_status_name is not MISSING:
        return statuses.named(body.new_status_name, await desk.backend.statuses())
    if isinstance(body, TaskPatch) and body.new_status_position is not MISSING:
        return statuses.at_position(body.new_status_position, await desk.backend.statuses())
    return MISSING, ()


async def _people(desk: Desk, body: TaskDraft | TaskPatch) -> tuple[tuple[str, ...] | MISSING, tuple[Match, ...]]:
    if body.responsible_ids is MISSING or not body.responsible_ids:
        return body.responsible_ids, ()
    found = people.named(body.responsible_ids, await desk.backend.members(), await desk.backend.me())
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
