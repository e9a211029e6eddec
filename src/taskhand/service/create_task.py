"""Create a task, once: what was asked twice is answered twice."""

from dataclasses import replace

import anyio

from taskhand.backends.base import Written
from taskhand.domain import rules
from taskhand.domain.change import Receipt
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import TaskhandError
from taskhand.domain.outcome import VOID
from taskhand.domain.plan import Plan
from taskhand.domain.task import TaskDraft
from taskhand.journal.journal import Change, ChangeQuery, Claim, Intent, Opening, Result
from taskhand.service.call import AlreadyClaimed, Call
from taskhand.service.idempotency import (
    fingerprint,
    is_key_replay,
    key_claim,
    likeness_claim,
    outcome_unknown_error,
    wait_until_ended,
)
from taskhand.service.planning import make_plan
from taskhand.service.resolver import Resolver

__all__ = ["create_task", "execute_create", "is_task_deleted", "replay_create"]


async def create_task(call: Call, draft: TaskDraft) -> Receipt | Plan:
    """A new task in the initial status; CallerError where the body breaks a rule, and then nothing is written.

    A call with the key of an earlier one, or without a key and like one of a moment ago, is answered with that one's
    task, marked `replayed`.
    """
    due = rules.check_draft(draft, call.app.backend.capabilities)
    edit, matched = await Resolver(call.app).wanted(draft, due, None)
    intent = Intent("create", edit=edit, asked=edit)
    payload = fingerprint(call.tool, draft)
    claims = key_claim(call, payload) or likeness_claim(call, payload)
    if call.is_dry:
        return await make_plan(call, [intent], matched, claims=claims)
    opening = call.opening(matched=matched, claims=claims)
    async with call.app.lock_all(claim.scope for claim in claims):
        while True:
            try:
                return await execute_create(call, intent, opening)
            except AlreadyClaimed as held:
                found = await wait_until_ended(call.app, held.change)
            if found.outcome in VOID:
                continue  # it was waited for, and nothing came of it
            if is_key_replay(call, found, payload) or not await is_task_deleted(call, found):
                return replay_create(found, by_key=call.key is not None)
            opening = replace(opening, claims=_after(found, opening.claims))


def _after(gone: Change, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The same claims, for what is made again after the task of an earlier change was deleted."""
    return tuple(replace(claim, scope=f"{claim.scope} after {gone.id}") for claim in claims)


async def execute_create(call: Call, intent: Intent, opening: Opening) -> Receipt:
    """Make the task of an intent; Held where an earlier change has one of the opening's claims.

    A status other than the initial one is set afterwards: no place is asked to create a task in it.
    """
    edit = intent.edit or Edit()
    with anyio.CancelScope(shield=True):
        await call.begin(opening, [intent])
        written = await call.app.backend.create_task(without(edit, "status"))
        written = await _in_its_status(call, written, edit)
        receipt = Receipt.of(None, written.task, edit, opening.matched, written.note)
        await call.settle([Result(0, "applied", written.task.id, written.task, note=receipt.note)], "applied")
    return replace(receipt, change_id=call.change.id if call.change else None)


async def _in_its_status(call: Call, written: Written, edit: Edit) -> Written:
    """The new task in the status that was asked for; where that fails the task is there all the same."""
    rest = Edit(status=edit.status, native=edit.native).unmet_by(written.task)
    if not any(rest.given()):
        return written
    try:
        return await call.app.backend.update_task(written.task, rest)
    except TaskhandError as error:
        return Written(written.task, f"The task was made; its status could not be set: {error.message}")


async def is_task_deleted(call: Call, first: Change) -> bool:
    """Whether the task of an earlier create was deleted since, as far as the journal knows."""
    task_id = first.results[0].task_id if 0 in first.results else None
    page = await call.app.journal.page(ChangeQuery(task_id=task_id, limit=50)) if task_id else None
    return page is not None and any(
        intent.verb == "delete" and change.outcome == "applied" for change in page.changes for intent in change.intents
    )


def replay_create(first: Change, *, by_key: bool) -> Receipt:
    """The first answer once more."""
    result = first.results.get(0)
    if result is None or result.after is None:
        raise outcome_unknown_error(first)
    edit = first.intents[0].edit or Edit()
    receipt = Receipt.of(None, result.after, edit, first.opening.matched)
    note = _UNDONE if first.opening.undoes else _OF_KEY if by_key else _SAME
    return replace(receipt, note=note, change_id=first.id, replayed=True)


_OF_KEY = "This is the task that the first call with this idempotencyKey made."
_UNDONE = "The deletion was undone before; this is the task that was made again then, and no other was made."
_SAME = (
    "The same task was created a moment ago by the same caller; this is that one, and no other was made. "
    "To make a second one on purpose, send a new idempotencyKey."
)
