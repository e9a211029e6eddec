"""Change many tasks in one call: each is looked at, what is right already is left alone, what is much is planned."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from taskhand.domain import rules
from taskhand.domain.bulk import BulkReceipt
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
from taskhand.service.bulk_targets import Targets, targets_of
from taskhand.service.bulk_write import Skipped, apply_to_many, replayed_bulk
from taskhand.service.call import Call, Held
from taskhand.service.idempotency import claim_of_key, fingerprint, is_same_key, wait_until_ended
from taskhand.service.planning import make_plan
from taskhand.service.resolver import Resolver, Wanted
from taskhand.service.task_write import unmet_edit

__all__ = ["Wish", "bulk_update"]

_MOST_DAYS = 3_660


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of each task, exactly one of: a documented body, people to add and remove, days to shift."""

    patch: TaskPatch | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    shift_days: int | None = None

    def check(self, call: Call) -> None:
        """Refuse none or several of the three, and what the contract forbids of each."""
        ways = [self.patch is not None, bool(self.add or self.remove), self.shift_days is not None]
        if sum(ways) != 1:
            raise CallerError(
                "Several kinds of change were given." if any(ways) else "No change was given.",
                code="nothing_to_change" if not any(ways) else "several_changes",
                next_step="Send one of: changes; addResponsibleIds and removeResponsibleIds; shiftDueDays.",
            )
        if self.patch is not None:
            rules.check_patch(self.patch, call.app.backend.capabilities)
        if self.shift_days is not None and not 0 < abs(self.shift_days) <= _MOST_DAYS:
            raise CallerError(
                f"shiftDueDays {self.shift_days} is not from 1 to {_MOST_DAYS}, or from -1 to -{_MOST_DAYS}.",
                code="invalid_shift",
                next_step="Send the number of days, negative for earlier.",
            )


async def bulk_update(
    call: Call, body: BaseModel, wish: Wish, ids: Sequence[str] | None, found_by: TaskFilter | None
) -> BulkReceipt | Plan:
    """Make the wish of all tasks with these ids, or that the filter finds: at once, or as a plan where it is much.

    `body` is what was sent, for the idempotency key. CallerError where nothing at all can be done.
    """
    wish.check(call)
    payload = fingerprint(call.tool, body)
    claims = claim_of_key(call, payload)
    async with call.app.turns([claim.scope for claim in claims]), call.app.turns(ids or ()):
        if not call.is_dry and (first := await _first(call, claims, payload)) is not None:
            return first
        targets = await targets_of(call.app, ids, found_by)
        steps = await _steps(call, wish, targets)
        guard = reason_to_confirm(call.app, steps.intents, by_filter=found_by is not None and bool(steps.intents))
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
            return await apply_to_many(call, steps.intents, opening, steps.skipped)
        except Held as held:
            return _replayed(call, await wait_until_ended(call.app, held.change), payload)


async def _first(call: Call, claims: tuple[Claim, ...], payload: str) -> BulkReceipt | None:
    """What came of an earlier call with this key, also where there is nothing left to do; None without one."""
    held = await call.app.journal.holder(claims) if claims else None
    found = await wait_until_ended(call.app, held) if held else None
    return None if found is None or found.outcome in VOID else _replayed(call, found, payload)


def _replayed(call: Call, first: Change, payload: str) -> BulkReceipt:
    is_same_key(call, first, payload)
    return replayed_bulk(first)


@dataclass(frozen=True, slots=True)
class _Steps:
    """What has to be done, what names were taken to mean, and what is left out."""

    intents: tuple[Intent, ...]
    matched: tuple[Match, ...]
    skipped: Skipped


async def _steps(call: Call, wish: Wish, targets: Targets) -> _Steps:
    resolver, app = Resolver(call.app), call.app
    intents: list[Intent] = []
    matched: dict[Match, None] = {}
    unchanged: list[str] = []
    refused = dict(targets.refused)
    for snapshot in targets.tasks:
        task = snapshot.task
        try:
            edit, names = await _wanted(resolver, wish, task, call)
        except CallerError as error:
            refused[task.id] = error
            continue
        matched |= dict.fromkeys(names)
        unmet = unmet_edit(app, edit, snapshot)
        if any(unmet.given()):
            intents.append(Intent("update", snapshot, unmet, edit))
        else:
            unchanged.append(task.id)
    _check_some(refused, left=len(intents) + len(unchanged))
    return _Steps(tuple(intents), tuple(matched), Skipped(tuple(unchanged), refused))


def _check_some(refused: dict[str, TaskhandError], *, left: int) -> None:
    """Where every task is refused for the same reason, the call is."""
    reasons = {error.code: error for error in refused.values()}
    if not left and len(reasons) == 1:
        raise next(iter(reasons.values()))


async def _wanted(resolver: Resolver, wish: Wish, task: Task, call: Call) -> Wanted:
    """What is asked of one task."""
    if wish.patch is not None:
        return await resolver.wanted(wish.patch, task)
    if wish.shift_days is not None:
        return _later(resolver, task, wish.shift_days, call.app.timezone), ()
    on_it = task.responsible_ids
    add, remove = await resolver.people(wish.add, on_it), await resolver.people(wish.remove, on_it)
    people = tuple(one for one in dict.fromkeys(on_it + add.ids) if one not in remove.ids)
    rules.check_responsibles(people, call.app.backend.capabilities)
    return Edit(responsible_ids=people), add.matched + remove.matched


def _later(resolver: Resolver, task: Task, days: int, zone: str | None) -> Edit:
    due = due_of(task)
    if due is None:
        raise CallerError(
            "The task has no due date to shift.", code="no_due_date", next_step="Give it one with update_task."
        )
    resolver.check_day(task)
    return Edit(due=resolver.shown(shifted(due, days, zone)))
