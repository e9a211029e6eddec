"""Apply one change to many tasks: tasks that already match are skipped, and a change that needs approval is planned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from pydantic import MISSING, BaseModel

from taskhand.domain.bulk_receipt import BulkReceipt, SkippedTasks
from taskhand.domain.due import due_of
from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import Match
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import join_notes
from taskhand.domain.task import Task, TaskPatch
from taskhand.domain.task_query import TaskFilter
from taskhand.domain.task_rules import parse_due
from taskhand.journal.journal import Change, Claim, Intent
from taskhand.service.approval_rules import reason_to_confirm
from taskhand.service.bulk_change import BulkChange, canonical_bulk, check_bulk_change
from taskhand.service.bulk_targets import Targets, check_not_all_refused, resolve_targets
from taskhand.service.bulk_write import bulk_write, find_replay, nothing_to_plan
from taskhand.service.edit_resolver import EditFor, Resolver
from taskhand.service.find_by_property import TaskIds
from taskhand.service.idempotency import key_claim, payload_fingerprint, retry_after_claims
from taskhand.service.intents import update_intent
from taskhand.service.list_note import note_on_statuses
from taskhand.service.make_plan import make_plan
from taskhand.service.write_call import Call

__all__ = ["bulk_update"]

_MAX_NAMED: Final = 5
"""The maximum number of finished tasks that a plan's note names."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """The intents of a bulk change, the names that were resolved, and the tasks that are skipped."""

    intents: tuple[Intent, ...]
    matched: tuple[Match, ...]
    skipped: SkippedTasks


async def bulk_update(
    call: Call, body: BaseModel, change: BulkChange, chosen: TaskIds | None, task_filter: TaskFilter | None
) -> BulkReceipt | Plan:
    """Apply one change to the chosen tasks, or to those that the filter finds.

    `body` is the tool's arguments, for the idempotency key. CallerError if no task at all can be changed.
    """
    check_bulk_change(call.app, change)
    patch = change.patch or TaskPatch()
    due = parse_due(patch, call.app.reference)
    resolver = Resolver(call.app, call.caller.name)
    edit_for = partial(resolver.resolve, patch, due, shift_days=change.shift_days)
    ids, missing = (chosen.ids, chosen.missing) if chosen else (None, {})
    payload = ""
    if call.key is not None:
        meant = await canonical_bulk(call.app, change, due, None if ids is None else [*ids, *missing], task_filter)
        payload = payload_fingerprint(call.tool, body, meant)
    claims = key_claim(call, payload)
    check_not_all_refused(missing, others=len(ids or ()))

    async def attempt(_: Change | None) -> BulkReceipt | Plan:
        if not call.is_dry and (replay := await find_replay(call, claims, payload)) is not None:
            return replay
        names = await resolver.find_property_names(patch.properties)
        targets = await resolve_targets(call.app, ids, task_filter, names)
        targets = replace(targets, refused={**targets.refused, **missing})
        if patch.add_note is not MISSING:
            await resolver.notes.look_for(patch.add_note, targets.tasks)
        return await _carry_out(call, await _plan_steps(call, edit_for, targets), claims, task_filter)

    async with call.app.lock_all([claim.scope for claim in claims]), call.app.lock_all(ids or ()):
        return await retry_after_claims(call.app, attempt)


async def _carry_out(
    call: Call, steps: _Steps, claims: tuple[Claim, ...], task_filter: TaskFilter | None
) -> BulkReceipt | Plan:
    """Write the intents, or plan them; AlreadyClaimed if an earlier change holds one of the claims."""
    absent = await note_on_statuses(call.app, task_filter)
    if call.is_dry and not steps.intents:
        nothing = nothing_to_plan(steps.skipped, steps.matched)
        return replace(nothing, note=join_notes(nothing.note, absent))
    by_filter = task_filter is not None and bool(steps.intents)
    if call.is_dry or reason_to_confirm(call.app, steps.intents, by_filter=by_filter):
        tasks = [intent.before.task for intent in steps.intents if intent.before]
        return await make_plan(
            call,
            steps.intents,
            steps.matched,
            claims=claims,
            note=join_notes(_note_about_filter(tasks, task_filter), absent),
            skipped=steps.skipped,
            by_filter=by_filter,
        )
    opening = call.new_opening(matched=steps.matched, claims=claims)
    receipt = await bulk_write(call, steps.intents, opening, steps.skipped)
    return replace(receipt, note=join_notes(receipt.note, absent))


def _note_about_filter(tasks: Sequence[Task], task_filter: TaskFilter | None) -> str | None:
    """A note on the tasks that a filter found which a person may not expect: undated and finished ones."""
    if task_filter is None:
        return None
    has_window = task_filter.from_date is not MISSING or task_filter.to_date is not MISSING
    asks_for_dateless = task_filter.include_tasks_without_dates is True or task_filter.without_date is True
    dateless = sum(due_of(task) is None for task in tasks) if has_window and not asks_for_dateless else 0
    finished: list[str] = []
    if task_filter.status is MISSING and task_filter.date_field != "completed":
        finished = [task.id for task in tasks if task.is_finished]
    more = f" and {len(finished) - _MAX_NAMED} more" if len(finished) > _MAX_NAMED else ""
    notes = [
        f"{dateless} of the {len(tasks)} {'has' if dateless == 1 else 'have'} no due date "
        f"(includeTasksWithoutDates false leaves {'it' if dateless == 1 else 'them'} out)."
        if dateless
        else "",
        f"{len(finished)} of the {len(tasks)} {'is' if len(finished) == 1 else 'are'} finished: "
        f"{', '.join(finished[:_MAX_NAMED])}{more}."
        if finished
        else "",
    ]
    return join_notes(*notes)


async def _plan_steps(call: Call, edit_for: EditFor, targets: Targets) -> _Steps:
    """An intent for each task that does not match yet; the others are skipped."""
    intents: list[Intent] = []
    matched: dict[Match, None] = dict.fromkeys(targets.matched)
    unchanged: list[str] = []
    refused = dict(targets.refused)
    titles = {snapshot.task.id: snapshot.task.title or "" for snapshot in targets.tasks}
    for snapshot in targets.tasks:
        task = snapshot.task
        try:
            edit, names = await edit_for(snapshot)
            intent = await update_intent(call.app, snapshot, edit)
        except CallerError as error:
            refused[task.id] = error
            continue
        matched |= dict.fromkeys(names)
        if intent.is_met:
            unchanged.append(task.id)
        else:
            intents.append(intent)
    check_not_all_refused(refused, others=len(intents) + len(unchanged))
    return _Steps(tuple(intents), tuple(matched), SkippedTasks(tuple(unchanged), refused, titles=titles))
