"""Crash recovery: end the changes that a dead process left open, by reading their tasks. Nothing is sent again."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from taskhand.domain.deadline import part_of_call
from taskhand.domain.edit import Edit, is_untouched, without
from taskhand.domain.errors import TaskhandError
from taskhand.domain.outcome import Outcome, overall_outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, ChangeQuery, Ending, Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.masked_text import has_mask

__all__ = ["infer_outcome", "recover_abandoned", "recover_if_possible"]

_log = logging.getLogger(__name__)

_SHARE_OF_CALL = 0.3
"""A call that finds changes which were left open uses so much of its time for them, and the rest for itself."""
_LAG = timedelta(minutes=2)
"""For this long after a create, a list may not show its task yet."""


async def recover_abandoned(app: AppContext) -> None:
    """End every open change whose process has died; a change that cannot be settled now stays open, for the next try.

    OperatorError where the journal cannot be read.
    """
    with part_of_call(_SHARE_OF_CALL):
        for change in await app.journal.abandoned():
            try:
                await _recover_once(app, change)
            except TaskhandError as error:
                _log.warning("%s stays open: %s", change.id, error.message)
            except Exception:  # noqa: BLE001  a bug in one change must stop neither the other changes nor the server
                _log.exception("%s stays open", change.id)


async def recover_if_possible(app: AppContext) -> None:
    """Recover without ever raising: a server starts, and history is read, whatever state the journal is in.

    The next write tries again, and is told the error.
    """
    try:
        await recover_abandoned(app)
    except TaskhandError as error:
        _log.warning("changes that were left open could not be looked for: %s", error.message)
    except Exception:  # noqa: BLE001  it runs beside the first requests, and would end the server
        _log.exception("changes that were left open could not be looked for")


async def _recover_once(app: AppContext, change: Change) -> None:
    """Several calls may find the same change. Only the first may end it: later its task may have changed."""
    async with app.lock(f"recover {change.id}"):
        current = await app.journal.find(change.id)
        if current is not None and current.ending is None:
            await _recover(app, current)


async def _recover(app: AppContext, change: Change) -> None:
    """Find the result of each intent that has none, and end the change."""
    pending = [index for index in range(len(change.intents)) if index not in change.results]
    ids = [task_id for index in pending if (task_id := change.intents[index].task_id) is not None]
    now = await app.backend.snapshots(ids, fresh=True) if ids else {}
    results = [await _find_result(app, change, index, now) for index in pending]
    outcomes: set[Outcome] = {result.outcome for result in (*change.results.values(), *results)}
    await app.journal.settle(change.id, results, Ending(overall_outcome(outcomes), code="recovered"))
    app.updates.publish(results)
    _log.warning("%s was left open and is recovered; outcomes of its tasks: %s", change.id, ", ".join(sorted(outcomes)))


async def _find_result(app: AppContext, change: Change, index: int, now: Mapping[str, Snapshot]) -> Result:
    intent = change.intents[index]
    if intent.verb == "create":
        return await _find_created(app, change, index)
    task_id = intent.task_id or ""
    snapshot = now.get(task_id)
    task = snapshot.task if snapshot else None
    return Result(index, infer_outcome(intent, task), task_id, task)


def infer_outcome(intent: Intent, now: Task | None) -> Outcome:
    """The outcome of an update or delete that may have been sent, from the task as it is now (None: not found)."""
    if intent.verb == "delete":
        return "applied" if now is None else "not_applied"
    if now is None or intent.before is None or intent.edit is None:
        return "unknown"
    if not any(intent.edit.unmet_by(now, written=True).given()):
        return "applied"
    return "not_applied" if is_untouched(now, intent.before.task, intent.edit) else "unknown"


async def _find_created(app: AppContext, change: Change, index: int) -> Result:
    """The result of a create that may have been sent: applied where the backend finds the one task that it made."""
    if has_mask(change.intents[index].edit):
        return Result(index, "unknown")  # nobody can look for a text that is not kept
    began = change.opening.at
    edit = without(change.intents[index].edit or Edit(), "status")
    try:
        candidates = await app.backend.find_created(edit, began)
    except TaskhandError as error:
        if error.retryable:
            raise
        return Result(index, "unknown", code=error.code)
    unclaimed = [task for task in candidates.tasks if not await _is_known(app, task, change.id)]
    created = replace(candidates, tasks=unclaimed).made
    if created is not None:
        return Result(index, "applied", created.id, created)
    shows_all = app.backend.capabilities.lists_are_current or app.clock() - began > _LAG
    return Result(index, "unknown" if unclaimed or not shows_all else "not_applied")


async def _is_known(app: AppContext, task: Task, change_id: str) -> bool:
    """Whether another change in the journal is about the task, so that this create did not make it."""
    page = await app.journal.page(ChangeQuery(task_id=task.id))
    return any(one.id != change_id for one in page.changes)
