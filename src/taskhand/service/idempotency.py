"""Idempotency: claims that keep a write from being done twice, and how a repeated call is answered."""

import json
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Final, TypeVar

from pydantic import BaseModel

from taskhand.call.deadline import time_left
from taskhand.domain.canonical_request import canonical_new
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, OutcomeUnknown
from taskhand.journal.journal import Change, Claim
from taskhand.service.app_context import AppContext
from taskhand.service.call_options import RepeatableOptions
from taskhand.service.crash_recovery import recover_abandoned
from taskhand.service.write_call import AlreadyClaimed, Call

__all__ = [
    "DUPLICATE_SCOPE",
    "RECREATION_SCOPE",
    "check_same_payload",
    "duplicate_claim",
    "key_claim",
    "outcome_unknown_error",
    "payload_fingerprint",
    "recreation_claim",
    "retry_after_claims",
    "wait_until_ended",
]

_T = TypeVar("_T")

_MAX_POLLS: Final = 50
_POLL_S: Final = 0.2
"""Seconds between two polls of the journal for the end of another call."""
DUPLICATE_SCOPE: Final = "same "
"""The prefix of the scope of a claim on a body."""
RECREATION_SCOPE: Final = "undo "
"""The prefix of the scope of a claim for recreating a deleted task."""
_MAX_KEY_LENGTH: Final = 200
"""Characters."""
_OPTIONS: Final = frozenset(RepeatableOptions.model_fields)


def payload_fingerprint(tool: str, body: BaseModel | Sequence[BaseModel | str], meant: object = None) -> str:
    """The payload of a claim, by which equivalent calls of a tool are recognised.

    `body` is the body or bodies as they were sent, without options; an invalid body is a text. `meant` is the JSON of
    the resolved request, None if a name in it cannot be resolved.
    """
    sent = _to_json(body) if isinstance(body, BaseModel) else [_to_json(entry) for entry in body]
    return f"{_digest([tool, sent])}.{'' if meant is None else _digest([tool, meant])}"


def is_same_request(first: str, again: str) -> bool:
    """Whether two payloads are of equivalent calls: with equal resolved requests, or else with equal bodies.

    A repeated call is recognised even if a name in it is unknown by now. Journals of earlier versions have the body
    only.
    """
    (sent, _, meant), (sent_again, _, meant_again) = first.partition("."), again.partition(".")
    return meant == meant_again if meant and meant_again else sent == sent_again


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode(errors="replace")).hexdigest()


def _to_json(body: BaseModel | str) -> object:
    if isinstance(body, str):
        return body
    return body.model_dump(mode="json", by_alias=True, exclude=set(_OPTIONS), exclude_unset=True)


def key_claim(call: Call, payload: str) -> tuple[Claim, ...]:
    """The claim of a call with an idempotency key, empty without one; CallerError for an empty or too long key."""
    if call.key is None:
        return ()
    if not 0 < len(call.key) <= _MAX_KEY_LENGTH:
        raise CallerError(
            "idempotencyKey is empty or too long.",
            code="invalid_key",
            next_step=f"Send 1 to {_MAX_KEY_LENGTH} characters, or leave it out.",
        )
    # Hashed together with the caller: two callers' keys never collide, and the journal shows neither of them.
    return (Claim(f"key {_digest([call.caller.key, call.key])}", payload),)


def duplicate_claim(call: Call, edit: Edit) -> tuple[Claim, ...]:
    """The claim on a new task without a key: an equal create of the same caller holds it for `same_within`."""
    within = call.app.policy.same_within
    task = _digest(canonical_new(edit, call.app.backend.capabilities))
    return (Claim(f"{DUPLICATE_SCOPE}{call.caller.key} {task}", task, call.app.clock() - within),) if within else ()


def recreation_claim(deletion: Change, task_id: str) -> Claim:
    """The claim for recreating a deleted task, which only one undo may do."""
    # The one task of a deletion has no id in its scope: so journals of earlier versions have it.
    of_task = "" if len(deletion.intents) == 1 else f" {task_id}"
    return Claim(f"{RECREATION_SCOPE}{deletion.id}{of_task}", deletion.id)


def check_same_payload(first: Change, payload: str) -> None:
    """Refuse a key that an earlier change used with another body."""
    if not any(is_same_request(claim.payload, payload) for claim in first.opening.claims):
        raise CallerError(
            "This idempotencyKey was used with another request before.",
            code="key_reused",
            next_step="Send a new idempotencyKey for a new request, or the first request unchanged.",
            details={"changeId": first.id},
        )


async def retry_after_claims(app: AppContext, attempt: Callable[[Change | None], Awaitable[_T]]) -> _T:
    """The result of `attempt`, which is made again after each earlier change that held one of its claims has ended.

    It receives that change, None at first. CallerError as for `wait_until_ended`.
    """
    earlier: Change | None = None
    while True:
        try:
            return await attempt(earlier)
        except AlreadyClaimed as claimed:
            earlier = await wait_until_ended(app, claimed.change)


async def wait_until_ended(app: AppContext, change: Change) -> Change:
    """The change once it has ended; CallerError if it is still in progress after 10 seconds, or the call's time."""
    for _ in range(_MAX_POLLS):
        if time_left() <= _POLL_S:
            break
        current = await app.journal.find(change.id)
        if current is not None and current.ending is not None:
            return current
        await recover_abandoned(app)  # the process of the change may have died
        await app.call_time.sleep(_POLL_S)
    raise CallerError(
        "The same call is still in progress.",
        code="in_progress",
        retryable=True,
        next_step="Send it again in a moment: it is answered with the outcome of the first call.",
        details={"changeId": change.id},
    )


def outcome_unknown_error(first: Change) -> OutcomeUnknown:
    """The error for a repeated call, if the outcome of the first call is unknown."""
    otherwise = "make it with create_task" if first.opening.undoes else "send a new idempotencyKey"
    return OutcomeUnknown(
        "The same call was made before, and its outcome is unknown; it was not sent again.",
        next_step=f"Look with list_tasks; if the task is not there, or to make another on purpose, {otherwise}.",
        details={"changeId": first.id},
    )
