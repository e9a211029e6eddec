"""Create a task exactly once: a repeated call returns the task of the first."""

from dataclasses import replace

import anyio

from taskhand.backends.base import Written
from taskhand.call.deadline import end_of_call
from taskhand.domain import task_rules
from taskhand.domain.canonical_request import canonical_new
from taskhand.domain.edit import Edit, after_creation, only_on_creation
from taskhand.domain.errors import TaskhandError
from taskhand.domain.outcome import VOID
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.task import TaskDraft
from taskhand.journal.journal import Change, Intent, Opening, Result
from taskhand.service.earlier_create import EarlierCreate, find_earlier_create, left_error, read_made, state_of_made
from taskhand.service.edit_resolver import Resolver
from taskhand.service.idempotency import (
    check_same_payload,
    duplicate_claim,
    key_claim,
    outcome_unknown_error,
    payload_fingerprint,
    retry_after_claims,
)
from taskhand.service.intents import create_intent
from taskhand.service.make_plan import make_plan
from taskhand.service.write_call import Call

__all__ = ["DUPLICATE", "create_task", "execute_create", "replay_create"]

_KEY_REPLAYED = "This is the task that the first call with this idempotencyKey made."
_UNDO_REPLAYED = "The deletion was undone before; this is the task that was created again then; no other was created."
DUPLICATE = (
    "The same task was created a moment ago by the same caller; this is that task; no other was created. "
    "To make a second one on purpose, send a new idempotencyKey."
)


async def create_task(call: Call, draft: TaskDraft) -> Receipt | Plan:
    """Create a task in the initial status; CallerError if the body breaks a rule.

    The call returns the task of an earlier one, marked `replayed`, if both have the same idempotency key, or if it has
    no key and the same caller asked for an equivalent task a moment ago.
    """
    task_rules.check_body(draft, call.app.backend.capabilities)
    due = task_rules.parse_due(draft, call.app.reference)
    edit, matched = await Resolver(call.app).resolve(draft, due, None)
    intent = await create_intent(call.app, edit)
    payload = payload_fingerprint(call.tool, draft, canonical_new(edit, call.app.backend.capabilities))
    claims = key_claim(call, payload) or duplicate_claim(call, edit)
    if call.is_dry:
        return await make_plan(call, [intent], matched, claims=claims)

    async def attempt(first: Change | None) -> Receipt:
        open_claims = claims
        if call.key is None and claims:
            earlier = await find_earlier_create(call.app, claims[0])
            if isinstance(earlier, EarlierCreate):
                return await replay_create(call, earlier)
            open_claims = (earlier,)
        # An earlier call that ended without a write has released its claim.
        elif first is not None and first.outcome not in VOID:
            check_same_payload(first, payload)
            return await replay_create(call, EarlierCreate(first, 0), by_key=True)
        return await execute_create(call, intent, call.new_opening(matched=matched, claims=open_claims))

    async with call.app.lock_all(claim.scope for claim in claims):
        return await retry_after_claims(call.app, attempt)


async def execute_create(call: Call, intent: Intent, opening: Opening) -> Receipt:
    """Create the task of an intent; AlreadyClaimed if an earlier change has one of the opening's claims.

    A status other than the initial one is set by a second request: no CRM is asked to create a task in it.
    """
    edit = intent.edit or Edit()
    with anyio.CancelScope(shield=True):
        await call.begin(opening, [intent])
        written = await call.app.backend.create_task(only_on_creation(edit))
        written = await _set_status(call, written, edit)
        receipt = Receipt.of(None, written.task, edit, opening.matched, written.note)
        await call.settle([Result(0, "applied", written.task.id, written.task, note=receipt.note)], "applied")
    return replace(receipt, change_id=call.change.id if call.change else None)


async def replay_create(call: Call, earlier: EarlierCreate, *, by_key: bool = False) -> Receipt:
    """The receipt of an earlier create, with its task as it is now, or as it was then if it cannot be read.

    A task that was deleted and made again is shown as the new one. OutcomeUnknown if the journal does not know the
    task; CallerError if it was deleted, or is not found any more.
    """
    first, made = earlier.change, earlier.made
    if earlier.is_left:
        raise left_error(earlier)
    if made is None:
        raise outcome_unknown_error(first)
    task, state = state_of_made(call, earlier, made, await read_made(call.app, [earlier]))
    edit = first.intents[earlier.index].edit or Edit()
    matched = first.opening.matched if by_key else ()  # another call may have written them otherwise
    receipt = Receipt.of(None, made, edit, matched)
    note = _UNDO_REPLAYED if first.opening.undoes else _KEY_REPLAYED if by_key else DUPLICATE
    whole = " ".join(filter(None, (note, state)))
    return replace(receipt, task=task, note=whole, change_id=first.id, replayed=True)


async def _set_status(call: Call, written: Written, edit: Edit) -> Written:
    """Move the new task to the requested status; a failure becomes a note, since the task exists."""
    rest = after_creation(edit).unmet_by(written.task)
    if rest.is_empty:
        return written
    try:
        with end_of_call():
            return await call.app.backend.update_task(written.task, rest)
    except TaskhandError as error:
        return Written(written.task, f"The task was made; its status could not be set: {error.message}")
