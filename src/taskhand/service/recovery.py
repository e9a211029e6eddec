"""Settle what a process left open when it died: look at the tasks, and say what came of it. Nothing is sent again."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from taskhand.domain.edit import Edit, current_value, without
from taskhand.domain.errors import TaskhandError
from taskhand.domain.outcome import Outcome, overall_outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, ChangeQuery, Ending, Intent, Result
from taskhand.service.app_context import AppContext

__all__ = ["recover_abandoned", "recover_at_start"]

_log = logging.getLogger(__name__)

_LAG = timedelta(minutes=2)
"""So long after a create a list may still not show it."""


async def recover_abandoned(app: AppContext) -> None:
    """Settle every change that is open and whose process is no more; what cannot be looked at now stays open."""
    for change in await app.journal.abandoned():
        async with app.lock(f"recover {change.id}"):
            with suppress(TaskhandError):
                # Of many calls that found it open, the first one settles it: its task may have moved on since.
                found = await app.journal.find(change.id)
                if found is not None and found.ending is None:
                    await _settle(app, found)


async def recover_at_start(app: AppContext) -> None:
    """The same when a server starts; a journal or a place that cannot be reached now is met again by the next write."""
    with suppress(TaskhandError):
        await recover_abandoned(app)


async def _settle(app: AppContext, change: Change) -> None:
    places = [place for place in range(len(change.intents)) if place not in change.results]
    ids = [one for place in places if (one := change.intents[place].task_id) is not None]
    now = await app.backend.snapshots(ids, fresh=True) if ids else {}
    results = [await _result(app, change, place, now) for place in places]
    outcomes: set[Outcome] = {result.outcome for result in (*change.results.values(), *results)}
    await app.journal.settle(change.id, results, Ending(overall_outcome(outcomes), code="recovered"))
    _log.warning("%s was left open; looking at its tasks says: %s", change.id, ", ".join(sorted(outcomes)))


async def _result(app: AppContext, change: Change, place: int, now: Mapping[str, Snapshot]) -> Result:
    intent = change.intents[place]
    if intent.verb == "create":
        return await _created(app, change, place)
    task_id = intent.task_id or ""
    found = now.get(task_id)
    task = found.task if found else None
    return Result(place, _looked_at(intent, task), task_id, task)


def _looked_at(intent: Intent, now: Task | None) -> Outcome:
    """What a task says of an update or delete that may have been sent."""
    if intent.verb == "delete":
        return "applied" if now is None else "not_applied"
    if now is None or intent.before is None or intent.edit is None:
        return "unknown"
    if not any(intent.edit.unmet_by(now, written=True).given()):
        return "applied"
    before = intent.before.task
    is_as_before = all(current_value(before, name) == current_value(now, name) for name, _ in intent.edit.given())
    return "not_applied" if is_as_before else "unknown"


async def _created(app: AppContext, change: Change, place: int) -> Result:
    """Look for the one task that the create has made; where that can never be done, nobody can tell."""
    began = change.opening.at
    edit = without(change.intents[place].edit or Edit(), "status")
    try:
        found = await app.backend.find_created(edit, began)
    except TaskhandError as error:
        if error.retryable:
            raise
        return Result(place, "unknown", code=error.code)
    unclaimed = [task for task in found.tasks if not await _is_known(app, task, change.id)]
    made = replace(found, tasks=unclaimed).made
    if made is not None:
        return Result(place, "applied", made.id, made)
    shows_all = app.backend.capabilities.lists_are_current or app.clock() - began > _LAG
    return Result(place, "unknown" if unclaimed or not shows_all else "not_applied")


async def _is_known(app: AppContext, task: Task, change_id: str) -> bool:
    """Whether the journal names the task in another change: that one has made it, or it was there before."""
    page = await app.journal.page(ChangeQuery(task_id=task.id))
    return any(one.id != change_id for one in page.changes)
