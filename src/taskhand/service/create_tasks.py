"""Create many tasks exactly once: each body has its own outcome, and one undo covers them all."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from taskhand.domain import task_rules
from taskhand.domain.bulk_receipt import BulkReceipt, SkippedTasks, TaskResult, whole_message
from taskhand.domain.canonical_request import canonical_new
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.name_matching import Match
from taskhand.domain.plan import Plan
from taskhand.domain.task import TaskDraft
from taskhand.domain.truncation import truncate
from taskhand.journal.journal import Change, Claim, Intent
from taskhand.service.approval_rules import reason_to_confirm
from taskhand.service.bulk_write import bulk_write, find_earlier_change, nothing_to_plan
from taskhand.service.create_task import DUPLICATE
from taskhand.service.earlier_create import (
    EarlierCreate,
    MadeTasks,
    find_earlier_create,
    left_error,
    read_made,
    state_of_made,
)
from taskhand.service.edit_resolver import Resolver
from taskhand.service.idempotency import (
    duplicate_claim,
    key_claim,
    outcome_unknown_error,
    payload_fingerprint,
    retry_after_claims,
)
from taskhand.service.intents import create_intent
from taskhand.service.make_plan import make_plan
from taskhand.service.replayed_creates import replay_creates
from taskhand.service.write_call import Call

__all__ = ["MAX_TASKS", "NewBody", "create_tasks"]

MAX_TASKS = 50
"""The maximum number of tasks in one call."""
_TITLE = 60
_MAX_MESSAGES = 4
"""Maximum bodies, besides the first, whose errors are in the message if all are refused."""


@dataclass(frozen=True, slots=True)
class NewBody:
    """The body at `index` of the call; `given` is the error if it cannot be read. `title` is for people."""

    index: int
    title: str
    given: TaskDraft | CallerError

    def label(self, error: TaskhandError) -> CallerError:
        """The error with the index and title of its body."""
        title = f" {truncate(self.title, _TITLE)!r}" if self.title else ""
        return _with_position(f"tasks[{self.index}]{title}", error)


def _with_position(positions: str, error: TaskhandError) -> CallerError:
    return CallerError(
        f"{positions}: {error.message}",
        code=error.code,
        next_step=error.next_step,
        candidates=error.candidates,
        retryable=error.retryable,
        details=error.details,
    )


@dataclass(slots=True)
class _Step:
    """The step for one body: create it by `intent` under `claim`, or return the `result` without a request."""

    body: NewBody
    intent: Intent | None = None
    matched: tuple[Match, ...] = ()
    error: CallerError | None = None
    claim: Claim | None = None
    result: TaskResult | None = None

    @property
    def edit(self) -> Edit | None:
        """The edit of the intent; None for a body that was refused."""
        return self.intent.edit if self.intent else None

    def refuse(self, error: CallerError) -> None:
        """Create nothing; the error names the body."""
        self.error = error
        self.result = replace(TaskResult.of_error("", "refused", error, self.body.title), message=whole_message(error))


async def create_tasks(call: Call, bodies: Sequence[NewBody]) -> BulkReceipt | Plan:
    """Create these tasks, or plan it; CallerError if there are too many, or all are refused for one reason.

    NotAllowed for more than one change of this caller may have.
    """
    call.app.principal.rules.check_number(len(bodies))
    if not 0 < len(bodies) <= MAX_TASKS:
        raise CallerError(
            f"{len(bodies)} tasks were given.",
            code="too_many_tasks" if bodies else "nothing_to_change",
            next_step=f"Send 1 to {MAX_TASKS} tasks.",
        )
    steps = await _resolve_all(call, bodies)
    meant = [_canonical_body(call, step.edit) for step in steps if step.edit is not None]
    sent = [_payload(body) for body in bodies]
    # A refused body may become valid later.
    payload = payload_fingerprint(call.tool, sent, meant if len(meant) == len(sent) else None)
    of_key = key_claim(call, payload)
    of_bodies = [claim for step in steps for claim in _duplicate_claim(call, step)]

    async def attempt(_: Change | None) -> BulkReceipt | Plan:
        if not call.is_dry and (first := await find_earlier_change(call, of_key, payload)) is not None:
            return await replay_creates(call, first)
        if not of_key:
            await _find_earlier(call, steps)
        _check_not_all_refused(steps)
        return await _carry_out(call, steps, of_key)

    async with call.app.lock_all(claim.scope for claim in (*of_key, *of_bodies)):
        return await retry_after_claims(call.app, attempt)


async def _carry_out(call: Call, steps: Sequence[_Step], of_key: tuple[Claim, ...]) -> BulkReceipt | Plan:
    """Create or plan the tasks; AlreadyClaimed if an earlier change holds one of the claims."""
    new = [step for step in steps if step.result is None]
    intents = [step.intent for step in new if step.intent is not None]
    claims = of_key or tuple(step.claim for step in new if step.claim is not None)
    matched = tuple(dict.fromkeys(match for step in new for match in step.matched))
    skipped = SkippedTasks(others=tuple(step.result for step in steps if step.result is not None))
    if call.is_dry and not intents:
        return nothing_to_plan(skipped, matched)
    if call.is_dry or reason_to_confirm(call.app, intents):
        return await make_plan(call, intents, matched, claims=claims, skipped=skipped)
    opening = call.new_opening(matched=matched, claims=claims)
    receipt = await bulk_write(call, intents, opening, skipped)
    # In the journal new tasks come first; the answer keeps the order of the call.
    indexes = [step.body.index for step in (*new, *(step for step in steps if step.result is not None))]
    in_order = sorted(zip(indexes, receipt.results, strict=True), key=lambda pair: pair[0])
    return replace(receipt, results=tuple(result for _, result in in_order))


async def _resolve_all(call: Call, bodies: Sequence[NewBody]) -> list[_Step]:
    """The edit of each body; invalid bodies and duplicates within the call are refused."""
    resolver, steps = Resolver(call.app), [_Step(body) for body in bodies]
    same: dict[str, list[_Step]] = {}
    failed: list[tuple[_Step, CallerError]] = []
    for step in steps:
        try:
            if isinstance(step.body.given, CallerError):
                raise step.body.given
            task_rules.check_body(step.body.given, call.app.backend.capabilities)
            due = task_rules.parse_due(step.body.given, call.app.reference)
            edit, step.matched = await resolver.resolve(step.body.given, due, None)
            step.intent = await create_intent(call.app, edit)
        except CallerError as error:
            failed.append((step, error))
        else:
            same.setdefault(json.dumps(_canonical_body(call, edit)), []).append(step)
    _refuse_failed(failed)
    for alike in same.values():
        if len(alike) > 1:
            _refuse_same(alike)
    return steps


def _refuse_failed(failed: Sequence[tuple[_Step, CallerError]]) -> None:
    """Refuse these bodies; those with the same error share one message, which lists their indexes."""
    groups: dict[tuple[str, str], list[tuple[_Step, CallerError]]] = {}
    for step, error in failed:
        groups.setdefault((error.code, whole_message(error)), []).append((step, error))
    for group in groups.values():
        (first, error), *others = group
        positions = ", ".join(f"tasks[{step.body.index}]" for step, _ in group)
        labelled = _with_position(positions, error) if others else first.body.label(error)
        for step, _ in group:
            step.refuse(labelled)


def _refuse_same(alike: Sequence[_Step]) -> None:
    positions = " and ".join(f"tasks[{step.body.index}]" for step in alike)
    error = CallerError(
        f"{positions} are the same task {truncate(alike[0].body.title, _TITLE)!r}.",
        code="same_task",
        next_step="Send it once; if several are meant, give them different titles or descriptions.",
    )
    for step in alike:
        step.refuse(error)


async def _find_earlier(call: Call, steps: Sequence[_Step]) -> None:
    """Claim each body without a result, or take that of an earlier call that made the same task a moment ago."""
    made_earlier: list[tuple[_Step, EarlierCreate]] = []
    for step in steps:
        if step.result is not None:
            continue
        for claim in _duplicate_claim(call, step):
            earlier = await find_earlier_create(call.app, claim)
            if isinstance(earlier, EarlierCreate):
                made_earlier.append((step, earlier))
            else:
                step.claim = earlier
    now = await read_made(call.app, [earlier for _, earlier in made_earlier])
    for step, earlier in made_earlier:
        step.result = _to_result(call, step.body, earlier, now)


def _to_result(call: Call, body: NewBody, earlier: EarlierCreate, now: MadeTasks) -> TaskResult:
    """The result of a body whose task an earlier call made or may have made; `now` is what `read_made` returned."""
    made = earlier.made
    if earlier.is_left:
        return TaskResult.of_error("", "refused", body.label(left_error(earlier)), body.title)
    if made is None:
        return TaskResult.of_error("", "unknown", body.label(outcome_unknown_error(earlier.change)), body.title)
    try:
        task, state = state_of_made(call, earlier, made, now)
    except CallerError as gone:
        return TaskResult.of_error("", "refused", body.label(gone), body.title)
    note = " ".join(filter(None, (DUPLICATE, f"{earlier.change.id} made it.", state)))
    return TaskResult(task.id, "unchanged", "replayed", note, title=task.title)


def _duplicate_claim(call: Call, step: _Step) -> tuple[Claim, ...]:
    """The claim on a body, the same as that of create_task; none with a key, or for a refused body."""
    return (
        () if call.key is not None or step.edit is None or step.error is not None else duplicate_claim(call, step.edit)
    )


def _payload(body: NewBody) -> TaskDraft | str:
    """A body as it was sent."""
    return body.given if isinstance(body.given, TaskDraft) else f"{body.given.code}: {body.given.message}"


def _canonical_body(call: Call, edit: Edit) -> dict[str, Any]:
    return canonical_new(edit, call.app.backend.capabilities)


def _check_not_all_refused(steps: Sequence[_Step]) -> None:
    """Refuse the whole call if every body is refused with the same code; the message has their errors."""
    errors = [step.error for step in steps if step.error is not None]
    if len(errors) < len(steps) or len({error.code for error in errors}) > 1:
        return
    first, *others = errors
    further = [message for message in dict.fromkeys(error.message for error in others) if message != first.message]
    more = [f"{len(further) - _MAX_MESSAGES} more are refused likewise."] if len(further) > _MAX_MESSAGES else []
    raise first.but(message=" ".join([first.message, *further[:_MAX_MESSAGES], *more]))
