"""Apply a plan: once, only for the caller that made it, and only if no task has changed since.

A plan that needs a second person is applied by any person except its maker.
"""

from collections.abc import Sequence
from dataclasses import replace

from taskhand.domain.bulk_receipt import BulkReceipt, SkippedTasks, TaskResult
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound
from taskhand.domain.field_names import argument_name
from taskhand.domain.name_matching import Match
from taskhand.domain.outcome import VOID
from taskhand.domain.plan import Plan, check_not_expired, difference_between
from taskhand.domain.receipt import Receipt, join_notes
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, Claim, Intent, Opening
from taskhand.service.app_context import AppContext
from taskhand.service.bulk_write import bulk_write, is_resumable, skipped_of
from taskhand.service.create_task import execute_create, replay_create
from taskhand.service.delete_task import execute_delete
from taskhand.service.earlier_create import EarlierCreate, find_remade, index_of_claim
from taskhand.service.edit_resolver import ResolvedEdit
from taskhand.service.idempotency import DUPLICATE_SCOPE, check_same_payload, retry_after_claims, wait_until_ended
from taskhand.service.make_plan import to_plan
from taskhand.service.masked_text import refuse_masked
from taskhand.service.plan_authorization import check_may_apply, find_guard
from taskhand.service.replayed_creates import replay_creates
from taskhand.service.resume_change import has_unfinished_tasks, left_of, resume_change
from taskhand.service.shared_notes import moved_notes
from taskhand.service.snapshots import intended_properties, read_snapshots
from taskhand.service.stale_plan import difference_since, find_authors, stale_plan_error
from taskhand.service.task_write import write_edit
from taskhand.service.undo_conflict import conflict_error
from taskhand.service.undo_selection import written_fields
from taskhand.service.visible_changes import is_for_second_person, is_visible
from taskhand.service.write_call import AlreadyClaimed, Call

__all__ = ["apply_plan", "change_that_applied", "decline_plan", "execute_intents", "review_plan"]


async def apply_plan(call: Call, plan_id: str) -> Receipt | BulkReceipt:
    """Apply a plan, or resume its unfinished change; CallerError if it is another caller's, used or expired.

    NotAllowed, before any read, if a scope or a rule forbids it to this caller. The id of an unfinished bulk change
    resumes that change. A new plan writes nothing if one of its tasks has changed since; a resumed plan refuses such a
    task and writes the others.
    """
    plan = await _find_plan(call, plan_id)
    check_may_apply(call.app, plan)
    async with call.app.lock(_use_claim(plan).scope):
        begun = await _find_application(call, plan)

        async def attempt(earlier: Change | None) -> Receipt | BulkReceipt:
            if earlier is not None and plan.id not in {earlier.id, earlier.opening.plan_id}:  # the same request
                # One that ended without a write has released its claim.
                return await (_begin_plan(call, plan) if earlier.outcome in VOID else _replay(call, plan, earlier))
            to_resume = _begun_change(earlier) if earlier else begun
            return await (_begin_plan(call, plan) if to_resume is None else _resume(call, to_resume))

        return await retry_after_claims(call.app, attempt)


async def _begin_plan(call: Call, plan: Change) -> Receipt | BulkReceipt:
    """Apply a plan that was never begun; AlreadyClaimed if another process is applying it, or made the same request."""
    check_not_expired(plan.opening.at, call.app.clock(), call.app.policy.plan_for)
    claims, matched = (_use_claim(plan), *plan.opening.claims), plan.opening.matched
    opening = call.new_opening(matched=matched, plan_id=plan.id, undoes=plan.opening.undoes, claims=claims)
    opening = replace(opening, reason=opening.reason or plan.opening.reason)
    task_ids = [intent.task_id for intent in plan.intents if intent.task_id]
    async with call.app.lock_all([claim.scope for claim in plan.opening.claims]), call.app.lock_all(task_ids):
        _check_texts(plan)
        receipt = await execute_intents(call, await _check_unchanged(call, plan), opening, skipped_of(plan))
    return replace(receipt, note=join_notes(await _note_on_kept_fields(call.app, plan), receipt.note))


async def _note_on_kept_fields(app: AppContext, plan: Change) -> str | None:
    """The note on fields of the planned tasks that an undo leaves as they are; None if it leaves none."""
    undone = await app.journal.find(plan.opening.undoes) if plan.opening.undoes else None
    if undone is None:
        return None
    edits = {
        intent.task_id: intent.asked or intent.edit or Edit() for intent in plan.intents if intent.verb == "update"
    }
    restored = {(task_id, name) for task_id, edit in edits.items() for name, _ in edit.given_fields()}
    kept = {argument_name(name) for task_id, name in written_fields(undone) - restored if task_id in edits}
    return f"Left as it is, as the plan said: {', '.join(sorted(kept))}." if kept else None


async def _resume(call: Call, begun: Change) -> BulkReceipt:
    """Resume a change; CallerError if nothing of it is left, or it is too old."""
    if is_resumable(begun) and has_unfinished_tasks(begun):
        _check_texts(begun)
        if begun.ended_at is not None:
            check_not_expired(begun.ended_at, call.app.clock(), call.app.policy.plan_for)
        if (receipt := await resume_change(call, begun)) is not None:
            return receipt
    raise _plan_used_error(call, begun)


async def review_plan(call: Call, plan_id: str) -> Plan:
    """The plan before it is applied, with its `guard` if it needs a person's approval.

    Errors as for `apply_plan`. A dry run reports changed tasks, and does not check whether the caller may apply the
    plan. A resumed plan was approved when it was first applied.
    """
    plan = await _find_plan(call, plan_id)
    if not call.is_dry:
        check_may_apply(call.app, plan)
    await _check_own(call.app, plan)
    begun = await _find_application(call, plan)
    if begun is not None and not has_unfinished_tasks(begun):
        raise _plan_used_error(call, begun)
    if begun is not None:
        return to_plan(left_of(begun), call.app, plan_id=plan.id)
    check_not_expired(plan.opening.at, call.app.clock(), call.app.policy.plan_for)
    if call.is_dry:
        await _check_unchanged(call, plan)
        return to_plan(plan, call.app)
    return to_plan(plan, call.app, guard=find_guard(call.app, plan))


async def decline_plan(call: Call, plan_id: str) -> None:
    """Record that the person declined the plan, which makes it unusable."""
    plan = await _find_plan(call, plan_id)
    try:
        await call.begin(call.new_opening(plan_id=plan_id, claims=(_use_claim(plan),)), ())
    except AlreadyClaimed as claimed:
        raise _plan_used_error(call, claimed.change) from None
    await call.settle((), "declined")


async def change_that_applied(app: AppContext, plan: Change) -> Change | None:
    """The change that applied or declined a plan; None if no change did, or it wrote nothing."""
    return await app.journal.holder([_use_claim(plan)])


async def execute_intents(
    call: Call, intents: Sequence[Intent], opening: Opening, skipped: tuple[TaskResult, ...] = ()
) -> Receipt | BulkReceipt:
    """Write intents whose tasks the caller has locked; AlreadyClaimed if an earlier change holds a claim.

    `skipped` are the results of the tasks that were left out.
    """
    if len(intents) != 1 or skipped:
        return await bulk_write(call, intents, opening, SkippedTasks(others=skipped))
    intent = intents[0]
    if intent.verb == "create" or intent.before is None:
        return await execute_create(call, intent, opening)
    if intent.verb == "delete":
        return await execute_delete(call, intent.before, opening)
    edit = intent.asked or intent.edit or Edit()

    async def edit_for(_: Snapshot) -> ResolvedEdit:
        return edit, opening.matched

    def opening_for(matched: tuple[Match, ...]) -> Opening:
        return replace(opening, matched=matched)

    def changed_error(was: Task, now: Task) -> CallerError | None:
        if opening.plan_id is None:
            return conflict_error(was, now, edit)
        moved = difference_between(was, now, of=edit if opening.undoes else None)
        return stale_plan_error([moved], 1) if moved else None

    return await write_edit(call, intent.before, edit_for, opening_for=opening_for, changed_error=changed_error)


async def _find_plan(call: Call, plan_id: str) -> Change:
    """The plan, or the bulk change, with this id; CallerError if this caller cannot use it."""
    plan = await call.app.journal.find(plan_id)
    is_plan = plan is not None and (plan.outcome == "planned" or is_resumable(plan))
    is_for_caller = plan is not None and is_for_second_person(call.app, plan)
    if plan is None or not is_plan or not (is_for_caller or is_visible(call.app, plan)):
        raise NotFound(
            f"There is no plan {plan_id[:60]!r}.",
            code="plan_not_found",
            next_step="Take planId from the answer that showed the difference.",
        )
    if plan.opening.caller.key != call.caller.key and not is_for_caller:
        raise CallerError(
            "This plan was made by another caller.", code="plan_of_another", next_step="Make the plan again."
        )
    if (refusal := call.refused(plan.opening.tool)) is not None:
        raise refusal
    return plan


async def _check_own(app: AppContext, plan: Change) -> None:
    """NotAllowed if a rule limits the caller to own tasks, and another person's plan contains other tasks."""
    if not (app.principal.rules.own_tasks_only and is_for_second_person(app, plan)):
        return
    await read_snapshots(app, [intent.task_id for intent in plan.intents if intent.task_id is not None])
    for intent in plan.intents:
        if intent.verb == "create":
            await app.backend.check_edit(None, intent.edit or Edit())


async def _find_application(call: Call, plan: Change) -> Change | None:
    """The ended change that applied the plan; None if the plan has to be applied, or applied again."""
    if plan.outcome != "planned":
        return await wait_until_ended(call.app, plan)
    user = await call.app.journal.holder([_use_claim(plan)], even_void=True)
    return _begun_change(await wait_until_ended(call.app, user)) if user else None


def _begun_change(change: Change) -> Change | None:
    """The change, if it has begun the plan: it wrote something, or is a bulk change that ran out of time."""
    ran_out_of_time = is_resumable(change) and has_unfinished_tasks(change)
    return change if ran_out_of_time or change.outcome not in VOID else None


def _check_texts(plan: Change) -> None:
    for intent in plan.intents:
        refuse_masked(intent.asked or intent.edit, "The text of this plan")


async def _check_unchanged(call: Call, plan: Change) -> list[Intent]:
    """The intents of a plan with fresh snapshots; CallerError with the differences if a task has changed."""
    intents = plan.intents
    ids = [intent.task_id for intent in intents if intent.task_id is not None]
    deletes = [intent.task_id or "" for intent in intents if intent.verb == "delete"]
    now = await read_snapshots(call.app, ids, deletes, properties=intended_properties(intents))
    capabilities = call.app.backend.capabilities
    differences = (difference_since(plan, intent, now.get(intent.task_id or ""), capabilities) for intent in intents)
    moved = [difference for difference in differences if difference is not None] or await moved_notes(call.app, plan)
    if moved:
        raise stale_plan_error(moved, len(intents), await find_authors(call.app, plan, moved))
    return [
        replace(intent, before=now[intent.task_id].with_note_of(intent.before.task))
        if intent.task_id and intent.before
        else intent
        for intent in intents
    ]


def _use_claim(plan: Change) -> Claim:
    """The claim by which a plan is used only once."""
    return Claim(f"plan {plan.id}", plan.id)


async def _replay(call: Call, plan: Change, first: Change) -> Receipt | BulkReceipt:
    """The receipt of the earlier change `first`, which has the plan's idempotency key.

    CallerError if its task was deleted since.
    """
    is_by_key = not plan.opening.claims[0].scope.startswith(DUPLICATE_SCOPE) and not plan.opening.undoes
    if len(plan.intents) > 1 and not is_by_key:
        raise CallerError(
            "Some tasks of this plan have been made since; nothing was written.",
            code="plan_stale",
            next_step="Make the plan again: it leaves out those that still exist.",
        )
    for claim in plan.opening.claims:
        check_same_payload(first, claim.payload)
    if plan.intents and plan.intents[0].verb == "create" and (len(first.intents) == 1 or not is_by_key):
        earlier = EarlierCreate(first, index_of_claim(first, plan.opening.claims[0]))
        if isinstance(await find_remade(call.app, earlier.task_id), Claim):
            raise CallerError(
                "The task of this plan was made and deleted since.", code="plan_used", next_step="Make the plan again."
            )
        receipt = await replay_create(call, earlier, by_key=is_by_key)
        return receipt if is_visible(call.app, first) else replace(receipt, change_id=None)
    return await replay_creates(call, first)


def _plan_used_error(call: Call, user: Change) -> CallerError:
    """The error for a plan that the change `user` applied or declined."""
    how = {"declined": "declined", "unknown": "sent already, and its outcome is unknown"}
    look = "Search for the titles with list_tasks; create only the missing tasks, with a new idempotencyKey."
    is_unsure = user.outcome == "unknown" and any(intent.verb == "create" for intent in user.intents)
    return CallerError(
        f"The plan was {how.get(user.outcome, 'carried out already')}.",
        code="plan_used",
        next_step=look if is_unsure else "Make another plan if more is to be done; list_changes shows what was done.",
        details={"changeId": user.id} if is_visible(call.app, user) else {},
    )
