"""Find the task that an earlier call made: from the same body a moment ago, or to replace a deleted task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.outcome import Outcome
from taskhand.domain.receipt import join_notes
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, ChangeQuery, Claim
from taskhand.service.app_context import AppContext
from taskhand.service.crash_recovery import lists_show
from taskhand.service.idempotency import DUPLICATE_SCOPE, RECREATION_SCOPE, recreation_claim, wait_until_ended
from taskhand.service.visible_changes import is_visible
from taskhand.service.write_call import Call

__all__ = [
    "EarlierCreate",
    "MadeTasks",
    "find_earlier_create",
    "find_remade",
    "index_of_claim",
    "left_error",
    "read_made",
    "state_of_made",
]

_NOT_READ: Final = "The task could not be read now: it is shown as it was made."
_NOT_FOUND: Final = (
    "The task is not found now and is shown as the first call left it: either it was deleted since, or the CRM's lists "
    "are behind. Look again in a minute."
)
_MADE_AGAIN: Final = "It was made as {}, deleted since, and made again under this id."
_LATEST: Final = 50
"""Changes of a task among which its deletion is looked for, the newest first."""
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

    @property
    def task_id(self) -> str | None:
        """The id of the task; None if the journal does not know it."""
        result = self.change.results.get(self.index)
        return None if result is None else result.task_id


@dataclass(frozen=True, slots=True)
class MadeTasks:
    """The tasks of earlier creates as they are now, by the id under which each was made first.

    A task that was deleted and made again has another id now. `deletions` are the changes that deleted the others.
    `are_read` is false if some could not be read: then `tasks` has those that were made again as they were made.
    """

    tasks: Mapping[str, Task]
    deletions: Mapping[str, Change]
    are_read: bool


async def find_earlier_create(app: AppContext, claim: Claim) -> Claim | EarlierCreate:
    """The earlier create of this body, if its task still exists or was made again; else a new claim.

    For a deleted task it is the latest create that made it again, or the claim for undoing its latest deletion.
    CallerError if the earlier call is still in progress.
    """
    scope, latest = claim.scope, None
    while (holder := await app.journal.holder([claim])) is not None:
        first = await wait_until_ended(app, holder)
        earlier = EarlierCreate(first, index_of_claim(first, claim))
        result = first.results.get(earlier.index)
        is_made = first.outcome not in _NOT_MADE if result is None else result.outcome not in _NOT_MADE
        is_free = result is not None and result.outcome == "not_attempted" and not earlier.is_left
        if is_made and not is_free:
            again = await find_remade(app, earlier.task_id)
            if not isinstance(again, Claim):
                return again if again is not None and scope.startswith(RECREATION_SCOPE) else earlier
            latest = again
        claim = replace(claim, scope=f"{scope} after {first.id}")
    return latest if latest is not None and scope.startswith(RECREATION_SCOPE) else claim


async def find_remade(app: AppContext, task_id: str | None) -> Claim | EarlierCreate | None:
    """The create that made a deleted task again, or the claim for it; None if the journal has no deletion of the task.

    CallerError if a call is making it again.
    """
    if task_id is None:
        return None
    page = await app.journal.page(ChangeQuery(task_id=task_id, outcome="applied", limit=_LATEST))
    deletions = (
        change for change in page.changes if any(it.verb == "delete" and it.task_id == task_id for it in change.intents)
    )
    deletion = next(deletions, None)
    return None if deletion is None else await find_earlier_create(app, recreation_claim(deletion, task_id))


def index_of_claim(first: Change, claim: Claim) -> int:
    """The index of the intent of a claim: a change has one claim for each of its creates, in the same order."""
    kinds = (DUPLICATE_SCOPE, RECREATION_SCOPE)
    scopes = [first_claim.scope for first_claim in first.opening.claims if first_claim.scope.startswith(kinds)]
    return scopes.index(claim.scope) if claim.scope in scopes else 0


def left_error(earlier: EarlierCreate) -> CallerError:
    """The error for a task that an earlier, unfinished change is still to create."""
    plan_id = earlier.change.opening.plan_id or earlier.change.id
    return CallerError(
        f"The same task was sent a moment ago in {earlier.change.id} and is not created yet.",
        code="in_progress",
        next_step=f"Call apply_plan with planId {plan_id}: it makes the task.",
        details={"changeId": earlier.change.id},
    )


async def read_made(app: AppContext, earlier: Sequence[EarlierCreate]) -> MadeTasks:
    """The made tasks as they are now; the journal knows the deleted ones even if the tasks cannot be read."""
    ids = [create.made.id for create in earlier if create.made is not None]
    tasks, deletions, are_read = dict[str, Task](), dict[str, Change](), True
    try:
        snapshots = await app.backend.snapshots(ids, fresh=True) if ids else {}
        tasks |= {task_id: snapshot.task for task_id, snapshot in snapshots.items()}
    except TaskhandError:
        are_read = False
    try:
        for missing in [task_id for task_id in ids if task_id not in tasks]:
            again = await find_remade(app, missing)
            if isinstance(again, Claim) and (deletion := await app.journal.find(again.payload)) is not None:
                deletions[missing] = deletion
            elif not are_read and isinstance(again, EarlierCreate) and again.made is not None:
                tasks[missing] = again.made
            elif are_read and (len(ids) > 1 or isinstance(again, EarlierCreate)):  # a list may lag
                task_id = again.task_id or "" if isinstance(again, EarlierCreate) else missing
                found = await app.backend.snapshots([task_id], fresh=True)
                tasks |= {missing: found[task_id].task} if task_id in found else {}
    except TaskhandError:
        are_read = False
    return MadeTasks(tasks, deletions, are_read)


def state_of_made(call: Call, earlier: EarlierCreate, made: Task, now: MadeTasks) -> tuple[Task, str | None]:
    """The task that the first call made, and a note if it was made again, or is shown as it was made.

    `now` is what `read_made` returned. CallerError if the task was deleted, or is certainly not found any more.
    """
    if (task := now.tasks.get(made.id)) is not None:
        is_same = task.id == made.id
        return task, None if is_same else join_notes(_MADE_AGAIN.format(made.id), None if now.are_read else _NOT_READ)
    if (deletion := now.deletions.get(made.id)) is not None:
        raise _deleted_error(call.app, made.id, deletion)
    if not now.are_read:
        return made, _NOT_READ
    if not lists_show(call.app, earlier.change.opening.at):
        return made, _NOT_FOUND
    raise _gone_error(made.id)


def _deleted_error(app: AppContext, task_id: str, deletion: Change) -> CallerError:
    """The error for a repeated create whose task a change deleted."""
    who, back = "another person", ""
    if is_visible(app, deletion):
        who, back = deletion.id, f"undo_change with changeId {deletion.id} makes it again; "
    return CallerError(
        f"An earlier call made this task ({task_id}), and {who} deleted it; nothing was made now.",
        code="task_gone",
        next_step=f"{back}create_task with a new idempotencyKey makes another.",
    )


def _gone_error(task_id: str) -> CallerError:
    """The error for a repeated create whose task is not found any more."""
    return CallerError(
        f"An earlier call made this task ({task_id}), and it is not found any more; nothing was made now.",
        code="task_gone",
        next_step="Look with list_tasks; to make it again, call create_task with a new idempotencyKey.",
    )
