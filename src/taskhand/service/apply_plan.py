"""Carry out a plan, if everything is still as it was seen; once, and for the caller that made it."""

from collections.abc import Sequence
from dataclasses import replace

from taskhand.domain.bulk import BulkReceipt
from taskhand.domain.change import Receipt
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound
from taskhand.domain.names import Match
from taskhand.domain.plan import Difference, Plan, drift
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, Claim, Intent, Opening
from taskhand.service.approval import reason_to_confirm
from taskhand.service.bulk_write import bulk_write, replay_bulk
from taskhand.service.call import AlreadyClaimed, Call
from taskhand.service.create_task import execute_create, is_task_deleted, replay_create
from taskhand.service.delete_task import execute_delete
from taskhand.service.idempotency import check_same_payload, wait_until_ended
from taskhand.service.planning import to_plan
from taskhand.service.resolver import ResolvedEdit
from taskhand.service.task_write import write_edit

__all__ = ["apply_plan", "changed_since_error", "decline_plan", "execute_intents", "review_plan"]

_SHOWN = 20


async def apply_plan(call: Call, plan_id: str) -> Receipt | BulkReceipt:
    """Do what the plan shows; CallerError where it is not this caller's, used, expired, or a value has moved since."""
    plan = await _found(call, plan_id)
    claims = (_use_of(plan), *plan.opening.claims)
    undoes, matched = plan.opening.undoes, plan.opening.matched
    opening = call.opening(matched=matched, plan_id=plan_id, undoes=undoes, claims=claims)
    opening = replace(opening, reason=opening.reason or plan.opening.reason)
    scopes = [claim.scope for claim in claims]
    async with call.app.lock_all(scopes), call.app.lock_all(filter(None, (one.task_id for one in plan.intents))):
        intents = await _as_seen(call, plan.intents)
        try:
            return await execute_intents(call, intents, opening)
        except AlreadyClaimed as held:
            return await _before(call, plan, await wait_until_ended(call.app, held.change))


async def review_plan(call: Call, plan_id: str) -> Plan:
    """The plan once more, with its `guard` where a person has to be asked before it is carried out.

    CallerError as above; in a dry run also where a value has moved.
    """
    change = await _found(call, plan_id)
    if call.is_dry:
        await _as_seen(call, change.intents)
        return to_plan(change, call.app)
    guard = reason_to_confirm(call.app, change.intents, by_filter="filter" in change.opening.arguments)
    return to_plan(change, call.app, guard=guard)


async def decline_plan(call: Call, plan_id: str) -> None:
    """The person said no: the plan is used up, and nothing was done."""
    plan = await _found(call, plan_id)
    try:
        await call.begin(call.opening(plan_id=plan_id, claims=(_use_of(plan),)), ())
    except AlreadyClaimed as held:
        raise _used(held.change) from None
    await call.settle((), "declined")


async def execute_intents(call: Call, intents: Sequence[Intent], opening: Opening) -> Receipt | BulkReceipt:
    """Carry out these intents; whoever calls has the turns of their tasks. Held as for the opening's claims."""
    if len(intents) != 1:
        return await bulk_write(call, intents, opening)
    intent = intents[0]
    if intent.verb == "create" or intent.before is None:
        return await execute_create(call, intent, opening)
    if intent.verb == "delete":
        return await execute_delete(call, intent.before, opening)
    edit = intent.asked or intent.edit or Edit()

    async def wanted(_: Task) -> ResolvedEdit:
        return edit, opening.matched

    def said(matched: tuple[Match, ...]) -> Opening:
        return replace(opening, matched=matched)

    def moved(moves: Difference) -> CallerError:
        return changed_since_error(moves.id, moves) if opening.plan_id is None else _stale([moves], 1)

    return await write_edit(call, intent.before, wanted, opening=said, moved=moved)


def changed_since_error(task_id: str | None, moves: Difference | None) -> CallerError:
    """The error for what cannot be undone any more: the task has moved as said, or is gone."""
    told = "is gone" if moves is not None and moves.does == "delete" else "has changed since"
    return CallerError(
        f"Task {task_id} {told}; nothing was undone.",
        code="changed_since",
        next_step="Look at the difference; set with update_task what should be so.",
        details={"difference": [moves] if moves else []},
    )


async def _found(call: Call, plan_id: str) -> Change:
    plan = await call.app.journal.find(plan_id)
    if plan is None or plan.outcome != "planned":
        raise NotFound(
            f"There is no plan {plan_id[:60]!r}.",
            code="plan_not_found",
            next_step="Take planId from the answer to a write with dryRun true.",
        )
    if (refused := call.refused(plan.opening.tool)) is not None:
        raise refused
    if plan.opening.caller.key != call.caller.key:
        raise CallerError(
            "This plan was made by another caller.", code="plan_of_another", next_step="Make the plan again."
        )
    if (used := await call.app.journal.holder([_use_of(plan)])) is not None:
        raise _used(used)
    if call.app.clock() > plan.opening.at + call.app.policy.plan_for:
        raise CallerError("The plan has expired.", code="plan_expired", next_step="Make the plan again.")
    return plan


async def _as_seen(call: Call, intents: Sequence[Intent]) -> list[Intent]:
    """The same intents on the tasks as they are now; CallerError with the difference where one is not as it was."""
    ids = [one.task_id for one in intents if one.task_id is not None]
    now = await call.app.backend.snapshots(ids, fresh=True) if ids else {}
    moved = [moves for one in intents if (moves := _moved(one, now.get(one.task_id or ""))) is not None]
    if moved:
        raise _stale(moved, len(intents))
    return [replace(one, before=now[one.task_id]) if one.task_id else one for one in intents]


def _stale(moved: Sequence[Difference], of: int) -> CallerError:
    return CallerError(
        f"{len(moved)} of {of} tasks changed since the plan was made; nothing was written.",
        code="plan_stale",
        next_step="Look at the difference, then make the plan again.",
        details={"difference": list(moved[:_SHOWN]), "moved": len(moved)},
    )


def _moved(intent: Intent, now: Snapshot | None) -> Difference | None:
    return drift(intent.before.task, now.task if now else None) if intent.before else None


def _use_of(plan: Change) -> Claim:
    return Claim(f"plan {plan.id}", plan.id)


async def _before(call: Call, plan: Change, first: Change) -> Receipt | BulkReceipt:
    """What is answered where the plan was used already, or its key was: the second is a repetition."""
    if first.opening.plan_id == plan.id:
        raise _used(first)
    for claim in plan.opening.claims:
        check_same_payload(first, claim.payload)
    if plan.intents and plan.intents[0].verb == "create":
        if await is_task_deleted(call, first):
            raise CallerError(
                "The task was made since, and deleted again.", code="plan_used", next_step="Make the plan again."
            )
        return replay_create(first, by_key=first.opening.claims[0].scope.startswith("key"))
    return replay_bulk(first)


def _used(first: Change) -> CallerError:
    told = {"declined": "declined by the person", "unknown": "sent already, and what came of it is not known"}
    return CallerError(
        f"The plan was {told.get(first.outcome, 'carried out already')}.",
        code="plan_used",
        next_step="Make another plan if more is to be done; list_changes has what was done.",
        details={"changeId": first.id},
    )
