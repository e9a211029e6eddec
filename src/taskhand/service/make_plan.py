"""Plans: the journal records what a write would do and the task values it read; nothing is sent."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import MISSING

from taskhand.domain.bulk_receipt import SkippedTasks
from taskhand.domain.name_matching import Match
from taskhand.domain.plan import Plan, difference
from taskhand.domain.receipt import join_notes
from taskhand.domain.task import StatusChoice
from taskhand.domain.unrestorable_values import describe_loss
from taskhand.journal.journal import Change, Claim, Intent
from taskhand.service.app_context import AppContext
from taskhand.service.approval_rules import reason_to_confirm
from taskhand.service.bulk_write import skipped_of, to_skipped_results
from taskhand.service.plan_authorization import reason_not_to_apply
from taskhand.service.shared_notes import describe_shared
from taskhand.service.write_call import Call

__all__ = ["make_plan", "to_plan"]


async def make_plan(
    call: Call,
    intents: Sequence[Intent],
    matched: tuple[Match, ...] = (),
    *,
    undoes: str | None = None,
    claims: tuple[Claim, ...] = (),
    note: str | None = None,
    skipped: SkippedTasks | None = None,
    by_filter: bool = False,
) -> Plan:
    """Record a plan of these intents in the journal. `claims` are made only when the plan is carried out.

    `by_filter` is as of an Opening.
    """
    needs_approval = reason_to_confirm(call.app, intents, by_filter=by_filter)
    second_person = needs_approval is not None and call.app.principal.rules.second_person
    opening = call.new_opening(matched=matched, undoes=undoes, claims=claims)
    opening = replace(opening, second_person=second_person, by_filter=by_filter)
    results = to_skipped_results(skipped or SkippedTasks(), len(intents))
    note = join_notes(note, await _note_on_unlisted_status(call.app, intents))
    change = await call.record("planned", opening, intents, results)
    plan = to_plan(change, call.app, guard=None if call.is_dry else needs_approval, note=note)
    reason = reason_not_to_apply(call.app, change.id, needs_approval)
    if reason is None:
        return plan
    whole_note = " ".join(filter(None, (reason.message, reason.next_step, plan.note)))
    return replace(plan, note=whole_note, is_for_others=True)


def to_plan(
    change: Change,
    app: AppContext,
    *,
    plan_id: str | None = None,
    guard: str | None = None,
    note: str | None = None,
) -> Plan:
    """The plan that this change records; `plan_id` is that of the plan whose remaining tasks it contains."""
    deleted = [intent.before for intent in change.intents if intent.verb == "delete" and intent.before]
    return Plan(
        id=plan_id or change.id,
        tool=change.opening.tool,
        differences=tuple(difference(intent.verb, intent.task_before, intent.edit) for intent in change.intents),
        expires_at=((plan_id and change.ended_at) or change.opening.at) + app.policy.plan_for,
        guard=guard,
        matched=change.opening.matched,
        skipped=skipped_of(change),
        note=" ".join(
            filter(None, (note, describe_shared(change.intents), describe_loss(deleted), _effects(change.intents, app)))
        )
        or None,
    )


async def _note_on_unlisted_status(app: AppContext, intents: Sequence[Intent]) -> str | None:
    """The note on a status that is not in a list which may lack some: the CRM may refuse it."""
    edits = [intent.edit for intent in intents if intent.edit is not None]
    asked = {edit.status for edit in edits if isinstance(edit.status, StatusChoice) and edit.status.id is None}
    if not asked:
        return None
    status_list = await app.backend.statuses()
    if status_list.complete or all(any(map(choice.met_by, status_list.statuses)) for choice in asked):
        return None
    return "The new status is none of those seen so far (list_statuses), so the CRM may refuse it."


def _effects(intents: Sequence[Intent], app: AppContext) -> str | None:
    """The actions that the CRM may start by itself after these intents are written."""
    sets_status = any(intent.edit is not None and intent.edit.status is not MISSING for intent in intents)
    return app.backend.capabilities.status_effects if sets_status else None
