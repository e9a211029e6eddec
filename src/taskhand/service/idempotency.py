"""What must not be done twice: claims by key and by likeness, and what is said when one is held already."""

import json
from hashlib import sha256
from typing import Final

from pydantic import BaseModel

from taskhand.domain.errors import CallerError, OutcomeUnknown
from taskhand.journal.journal import Change, Claim
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call, RepeatableOptions
from taskhand.service.recovery import recover_abandoned

__all__ = [
    "check_same_payload",
    "fingerprint",
    "is_key_replay",
    "key_claim",
    "likeness_claim",
    "outcome_unknown_error",
    "wait_until_ended",
]

_LOOKS: Final = 50
_EVERY_S: Final = 0.2
"""How often, and how many seconds apart, the end of another process's call is looked for."""
_LONGEST_KEY: Final = 200
_OPTIONS: Final = frozenset(RepeatableOptions.model_fields)


def fingerprint(tool: str, body: BaseModel) -> str:
    """What makes two calls the same: the tool and its body, without what is only said about the call."""
    said = body.model_dump(mode="json", by_alias=True, exclude=set(_OPTIONS), exclude_unset=True)
    return sha256(json.dumps([tool, said], sort_keys=True).encode(errors="replace")).hexdigest()


def key_claim(call: Call, payload: str) -> tuple[Claim, ...]:
    """The claim of a call with an idempotency key; none without one. CallerError for a key that is none."""
    if call.key is None:
        return ()
    if not 0 < len(call.key) <= _LONGEST_KEY:
        raise CallerError(
            "idempotencyKey is empty or too long.",
            code="invalid_key",
            next_step=f"Send 1 to {_LONGEST_KEY} characters, or leave it out.",
        )
    # Neither who it is nor what they chose can be told from it, and no two callers' keys are the same.
    told = sha256(json.dumps([call.caller.key, call.key]).encode(errors="replace")).hexdigest()
    return (Claim(f"key {told}", payload),)


def likeness_claim(call: Call, payload: str) -> tuple[Claim, ...]:
    """The claim of a call without a key: no other like it within a short while."""
    within = call.app.policy.same_within
    return (Claim(f"same {call.caller.key} {payload}", payload, call.app.clock() - within),) if within else ()


def is_key_replay(call: Call, found: Change, payload: str) -> bool:
    """Whether the change found has this call's key; CallerError where it was given with something else."""
    if call.key is None:
        return False
    check_same_payload(found, payload)
    return True


def check_same_payload(found: Change, payload: str) -> None:
    """Refuse a key that was given with something else."""
    if all(claim.payload != payload for claim in found.opening.claims):
        raise CallerError(
            "This idempotencyKey was used for something else before.",
            code="key_reused",
            next_step="Send a new idempotencyKey for a new request, or the first request unchanged.",
            details={"changeId": found.id},
        )


async def wait_until_ended(app: AppContext, change: Change) -> Change:
    """The change when it is over; CallerError where it is still under way after a while."""
    for _ in range(_LOOKS):
        found = await app.journal.find(change.id)
        if found is not None and found.ending is not None:
            return found
        await recover_abandoned(app)  # whose process may be no more
        await app.sleep(_EVERY_S)
    raise CallerError(
        "The same call is still under way.",
        code="in_progress",
        retryable=True,
        next_step="Send it again in a moment: it is answered with the first one's outcome.",
        details={"changeId": change.id},
    )


def outcome_unknown_error(first: Change) -> OutcomeUnknown:
    """The error for a repeated call whose first one nobody knows the outcome of."""
    otherwise = "make it with create_task" if first.opening.undoes else "send a new idempotencyKey"
    return OutcomeUnknown(
        "The same call was made before, and nobody knows whether it was carried out; it was not sent again.",
        next_step=f"Look with list_tasks; if the task is not there, or to make another on purpose, {otherwise}.",
        details={"changeId": first.id},
    )
