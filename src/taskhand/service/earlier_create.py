"""Find the task that an earlier call made: from the same body a moment ago, or to replace a deleted task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.outcome import Outcome
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, ChangeQuery, Claim
from taskhand.service.crash_recovery import lists_show
from taskhand.service.idempotency import DUPLICATE_SCOPE, RECREATION_SCOPE, wait_until_ended
from taskhand.service.write_call import Call

__all__ = [
    "EarlierCreate",
    "find_earlier_create",
    "index_of_claim",
    "is_task_deleted",
    "left_error",
    "read_made",
    "state_of_made",
]

_NOT_READ: Final = "The task could not be read now: it is shown as the first call left it."
_NOT_FOUND: Final = (
    "The task is not found now and is shown as the first call left it: either it was deleted since, or the CRM's lists "
    "are behind. Look again in a minute."
)
_NOT_MADE: frozenset[Outcome] = frozenset({"refused", "not_applied"})


@dataclass(frozen=True, slots=True)
class EarlierCreate:
    """The intent at `index` of an earlier `change`, which makes or has made the same task."""

    change: Change
    index: int

    @property
    def is_left(self) -> bool:
        """Whether it was not sent yet, in a change that can be resumed."""
        result = self.change.results.get(self.index)
        return result is not None and result.outcome == "not_attempted" and len(self.change.intents) > 1

    @property
    def made(self) -> Task | None:
        """The task as the change left it; None if the journal does not know it."""
        result = self.change.results.get(self.index)
        return None if result is None else result.after


async def find_earlier_create(call: Call, claim: Claim) -> Claim | EarlierCreate:
    """The earlier create of this body, if its task still exists; else a new claim.

    CallerError if the earlier call is still in progress.
    """
    scope = claim.scope
    while (holder := await call.app.journal.holder([claim])) is not None:
        first = await wait_until_ended(call.app, holder)
        earlier = EarlierCreate(first, index_of_claim(first, claim))
        result = first.results.get(earlier.index)
        is_made = first.outcome not in _NOT_MADE if result is None else result.outcome not in _NOT_MADE
        is_free = result is not None and result.outcome == "not_attempted" and not earlier.is_left
        if is_made and not is_free and not await is_task_deleted(call, first, earlier.index):
            return earlier
        claim = replace(claim, scope=f"{scope} after {first.id}")
    return claim


def index_of_claim(first: Change, claim: Claim) -> int:
    """The index of the intent of a claim: a change has one claim for each of its creates, in the same order."""
    kinds = (DUPLICATE_SCOPE, RECREATION_SCOPE)
    scopes = [first_claim.scope for first_claim in first.opening.claims if first_claim.scope.startswith(kinds)]
    return scopes.index(claim.scope) if claim.scope in scopes else 0


async def is_task_deleted(call: Call, first: Change, index: int = 0) -> bool:
    """Whether the journal has a deletion of the task that an intent of an earlier change made."""
    task_id = first.results[index].task_id if index in first.results else None
    page = await call.app.journal.page(ChangeQuery(task_id=task_id, limit=50)) if task_id else None
    return page is not None and any(
        intent.verb == "delete" and intent.task_id == task_id and _is_applied(change, number)
        for change in page.changes
        for number, intent in enumerate(change.intents)
    )


def left_error(earlier: EarlierCreate) -> CallerError:
    """The error for a task that an earlier, unfinished change is still to create."""
    plan_id = earlier.change.opening.plan_id or earlier.change.id
    return CallerError(
        f"The same task was sent a moment ago in {earlier.change.id} and is not created yet.",
        code="in_progress",
        next_step=f"Call apply_plan with planId {plan_id}: it makes the task.",
        details={"changeId": earlier.change.id},
    )


async def read_made(call: Call, earlier: Sequence[EarlierCreate]) -> dict[str, Task] | None:
    """The made tasks as they are now, by id, without those that are not found any more; None if the read fails."""
    ids = [create.made.id for create in earlier if create.made is not None]
    try:
        snapshots = await call.app.backend.snapshots(ids, fresh=True) if ids else {}
        for missing in [task_id for task_id in ids if task_id not in snapshots and len(ids) > 1]:  # a list may lag
            snapshots |= await call.app.backend.snapshots([missing], fresh=True)
    except TaskhandError:
        return None
    return {task_id: snapshot.task for task_id, snapshot in snapshots.items()}


def state_of_made(
    call: Call, earlier: EarlierCreate, made: Task, now: Mapping[str, Task] | None
) -> tuple[Task, str | None]:
    """The task that the first call made, and a note if it is shown as that call left it.

    `now` is what `read_made` returned. CallerError if the task is certainly not found any more.
    """
    if now is None:
        return made, _NOT_READ
    if made.id in now:
        return now[made.id], None
    if not lists_show(call.app, earlier.change.opening.at):
        return made, _NOT_FOUND
    raise _gone_error(made.id)


def _gone_error(task_id: str) -> CallerError:
    """The error for a repeated create whose task is not found any more."""
    return CallerError(
        f"An earlier call made this task ({task_id}), and it is not found any more; nothing was made now.",
        code="task_gone",
        next_step="Look with list_tasks; to make it again, call create_task with a new idempotencyKey.",
    )


def _is_applied(change: Change, index: int) -> bool:
    return index in change.results and change.results[index].outcome == "applied"
