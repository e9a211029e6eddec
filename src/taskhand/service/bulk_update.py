"""Change many tasks in one call: each is looked at, what is right already is left alone, what is much is planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import BaseModel

from taskhand.domain import rules
from taskhand.domain.bulk import BulkReceipt
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.due import due_of, shifted
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.names import Match
from taskhand.domain.outcome import VOID
from taskhand.domain.plan import Plan
from taskhand.domain.query import TaskFilter
from taskhand.domain.task import Task, TaskPatch
from taskhand.journal.journal import Change, Claim, Intent
from taskhand.service.approval import reason_to_confirm
from taskhand.service.bulk_targets import Targets, resolve_targets
from taskhand.service.bulk_write import SkippedTasks, bulk_write, replay_bulk
from taskhand.service.call import AlreadyClaimed, Call
from taskhand.service.idempotency import fingerprint, is_key_replay, key_claim, wait_until_ended
from taskhand.service.planning import make_plan
from taskhand.service.resolver import EditFor, ResolvedEdit, Resolver
from taskhand.service.task_write import unmet_edit

__all__ = ["BulkChange", "bulk_update"]

_MOST_DAYS = 3_660


@dataclass(frozen=True, slots=True)
class BulkChange:
    """The change to make to each task, given in exactly one way: a body, people to add or remove, or days to shift."""

    patch: TaskPatch | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    shift_days: int | None = None


async def bulk_update(
    call: Call, body: BaseModel, change: BulkChange, ids: Sequence[str] | None, given: TaskFilter | None
) -> BulkReceipt | Plan:
    """Apply one change to the tasks with these ids, or to those that the filter finds.

    A change that needs approval is planned instead.

    `body` is the tool's arguments, for the idempotency key. CallerError where no task at all can be changed.
    """
    edit_for = _check(call, change)
    payload = fingerprint(call.tool, body)
    claims = key_claim(call, payload)
    async with call.app.lock_all([claim.scope for claim in claims]), call.app.lock_all(ids or ()):
        if not call.is_dry and (first := await _first(call, claims, payload)) is not None:
            return first
        steps = await _steps(call, edit_for, await resolve_targets(call.app, ids, given))
        guard = reason_to_confirm(call.app, steps.intents, by_filter=given is not None and bool(steps.intents))
        if call.is_dry or guard:
            skipped = steps.skipped
            return await make_plan(
                call,
                steps.intents,
                steps.matched,
                claims=claims,
                guard=None if call.is_dry else guard,
                unchanged=skipped.unchanged,
                refused=skipped.refused,
            )
        try:
            opening = call.opening(matched=steps.matched, claims=claims)
            return await bulk_write(call, steps.intents, opening, steps.skipped)
        except AlreadyClaimed as held:
            return _replayed(call, await wait_until_ended(call.app, held.change), payload)


def _check(call: Call, change: BulkChange) -> EditFor:
    """The edit that the change makes to a task; CallerError unless the change is given in exactly one valid way."""
    ways = [change.patch is not None, bool(change.add or change.remove), change.shift_days is not None]
    if sum(ways) != 1:
        raise CallerError(
            "Several kinds of change were given." if any(ways) else "No change was given.",
            code="nothing_to_change" if not any(ways) else "several_changes",
            next_step="Send one of: changes; addResponsibleIds and removeResponsibleIds; shiftDueDays.",
        )
    resolver, capabilities = Resolver(call.app), call.app.backend.capabilities
    if change.patch is not None:
        due = rules.check_patch(change.patch, capabilities)
        return partial(resolver.wanted, change.patch, due)
    if change.shift_days is not None:
        return partial(_shift, resolver, _check_days(change.shift_days), call.app.timezone)
    return partial(_edit_people, resolver, change, capabilities)


def _check_days(days: int) -> int:
    if not 0 < abs(days) <= _MOST_DAYS:
        raise CallerError(
            f"shiftDueDays {days} is not from 1 to {_MOST_DAYS}, or from -1 to -{_MOST_DAYS}.",
            code="invalid_shift",
            next_step="Send the number of days, negative for earlier.",
        )
    return days


async def _shift(resolver: Resolver, days: int, zone: str | None, task: Task) -> ResolvedEdit:
    due = due_of(task)
    if due is None:
        raise CallerError(
            "The task has no due date to shift.", code="no_due_date", next_step="Give it one with update_task."
        )
    resolver.check_day(task)
    return Edit(due=resolver.shown(shifted(due, days, zone))), ()


async def _edit_people(resolver: Resolver, change: BulkChange, capabilities: Capabilities, task: Task) -> ResolvedEdit:
    current = task.responsible_ids
    add, remove = await resolver.people(change.add, current), await resolver.people(change.remove, current)
    people = tuple(one for one in dict.fromkeys(current + add.ids) if one not in remove.ids)
    rules.check_responsibles(people, capabilities)
    return Edit(responsible_ids=people), add.matched + remove.matched


async def _first(call: Call, claims: tuple[Claim, ...], payload: str) -> BulkReceipt | None:
    """What came of an earlier call with this key, also where there is nothing left to do; None without one."""
    held = await call.app.journal.holder(claims) if claims else None
    found = await wait_until_ended(call.app, held) if held else None
    return None if found is None or found.outcome in VOID else _replayed(call, found, payload)


def _replayed(call: Call, first: Change, payload: str) -> BulkReceipt:
    is_key_replay(call, first, payload)
    return replay_bulk(first)


@dataclass(frozen=True, slots=True)
class _Steps:
    """What has to be done, what names were taken to mean, and what is left out."""

    intents: tuple[Intent, ...]
    matched: tuple[Match, ...]
    skipped: SkippedTasks


async def _steps(call: Call, edit_for: EditFor, targets: Targets) -> _Steps:
    intents: list[Intent] = []
    matched: dict[Match, None] = {}
    unchanged: list[str] = []
    refused = dict(targets.refused)
    for snapshot in targets.tasks:
        task = snapshot.task
        try:
            edit, names = await edit_for(task)
        except CallerError as error:
            refused[task.id] = error
            continue
        matched |= dict.fromkeys(names)
        unmet = unmet_edit(call.app, edit, snapshot)
        if any(unmet.given()):
            intents.append(Intent("update", snapshot, unmet, edit))
        else:
            unchanged.append(task.id)
    _check_some(refused, left=len(intents) + len(unchanged))
    return _Steps(tuple(intents), tuple(matched), SkippedTasks(tuple(unchanged), refused))


def _check_some(refused: dict[str, TaskhandError], *, left: int) -> None:
    """Where every task is refused for the same reason, the call is."""
    reasons = {error.code: error for error in refused.values()}
    if not left and len(reasons) == 1:
        raise next(iter(reasons.values()))
