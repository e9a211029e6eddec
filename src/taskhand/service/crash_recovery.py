"""Crash recovery: end the changes that a dead process left open, by reading their tasks. Nothing is sent again."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import MISSING

from taskhand.call.deadline import part_of_call
from taskhand.domain.create_matching import match_creates
from taskhand.domain.edit import Edit, is_untouched, only_on_creation
from taskhand.domain.errors import OutcomeUnknown, TaskhandError
from taskhand.domain.outcome import Outcome, overall_outcome
from taskhand.domain.principal import Person, Principal
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.journal.journal import MASK, Change, ChangeQuery, Ending, Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.masked_text import has_mask
from taskhand.service.snapshots import intended_properties, read_snapshots
from taskhand.service.unlisted_notes import find_own_notes

__all__ = [
    "find_created",
    "infer_outcome",
    "lists_show",
    "read_and_list_missing",
    "recover_abandoned",
    "recover_if_possible",
    "with_notes",
]

_log = logging.getLogger(__name__)

_SHARE_OF_CALL = 0.3
"""The share of a call's time that it uses for changes that were left open; the rest is for the call itself."""
_LAG = timedelta(minutes=2)
"""For this long after its create, a task that a CRM does not show may still appear in its lists."""


async def recover_abandoned(app: AppContext) -> None:
    """End every open change whose process has died, whoever made it and whoever calls now.

    A change that cannot be settled now stays open, for the next try. OperatorError if the journal cannot be read.
    """
    app = app.shared
    with part_of_call(_SHARE_OF_CALL):
        for change in await app.journal.abandoned_changes():
            try:
                await _recover_once(app, change)
            except TaskhandError as error:
                _log.warning("%s stays open: %s", change.id, error.message)
            except Exception:  # noqa: BLE001  a bug in one change must stop neither the other changes nor the server
                _log.exception("%s stays open", change.id)


async def recover_if_possible(app: AppContext) -> None:
    """Recover, never raise: a broken journal must not prevent the start of a server or the reading of history.

    The next write retries, and gets the error.
    """
    try:
        await recover_abandoned(app)
    except TaskhandError as error:
        _log.warning("open changes could not be searched for: %s", error.message)
    except Exception:  # noqa: BLE001  it runs beside the first requests, and would end the server
        _log.exception("open changes could not be searched for")


async def _recover_once(app: AppContext, change: Change) -> None:
    """End a change, which several calls may have found: only the first ends it, as its task may change afterwards."""
    async with app.lock(f"recover {change.id}"):
        current = await app.journal.find(change.id)
        if current is not None and current.ending is None:
            await _recover(app, current)


async def _recover(app: AppContext, change: Change) -> None:
    """Find the result of each intent that has none, and end the change."""
    app = _of_maker(app, change)
    pending = [index for index in range(len(change.intents)) if index not in change.results]
    results = await _find_results(app, change, [index for index in pending if index not in _creates(change)])
    untouched = [result.index for result in results if result.outcome == "not_applied"]
    if untouched and not app.backend.capabilities.lists_are_current:  # the read may be behind: it decides nothing alone
        again = await _find_results(app, change, untouched)
        results = [result for result in results if result.outcome != "not_applied"] + again
    results += await find_created(app, change, [index for index in pending if index in _creates(change)])
    outcomes: set[Outcome] = {result.outcome for result in (*change.results.values(), *results)}
    await app.journal.settle(change.id, results, Ending(overall_outcome(outcomes), code="recovered"))
    app.updates.publish(results)
    _log.warning("%s was left open and is recovered; outcomes of its tasks: %s", change.id, ", ".join(sorted(outcomes)))


async def _find_results(app: AppContext, change: Change, indexes: Sequence[int]) -> list[Result]:
    """The results of updates and deletions that may have been sent, from their tasks as they are now."""
    intents = {index: change.intents[index] for index in indexes}
    ids = [task_id for intent in intents.values() if (task_id := intent.task_id) is not None]
    now, doubtful = await read_and_list_missing(app, ids, intended_properties(change.intents))
    if doubtful and not lists_show(app, change.opening.at):
        raise OutcomeUnknown("A list has a task that is not found by its id.")  # it lags, and is read again later
    now = await with_notes(app, intents.values(), now, change.opening.at)
    return [_find_result(intent, index, now, doubtful) for index, intent in intents.items()]


def _of_maker(app: AppContext, change: Change) -> AppContext:
    """The application of the person who made the change: an equal note of another person does not belong to it.

    A CRM reports the user of the credential as the author of a task or a note.
    """
    maker = change.opening.caller
    if maker.subject is None:
        return app
    person = Person.parse(maker.subject)
    return app.of_principal(Principal(replace(person, email=maker.email or person.email)))


def _creates(change: Change) -> frozenset[int]:
    """The indexes of the intents that create a task."""
    return frozenset(index for index, intent in enumerate(change.intents) if intent.verb == "create")


def _find_result(intent: Intent, index: int, now: Mapping[str, Snapshot], doubtful: Collection[str]) -> Result:
    task_id = intent.task_id or ""
    snapshot = now.get(task_id)
    task = snapshot.task if snapshot else None
    return Result(index, infer_outcome(intent, task, doubtful), task_id, task)


def infer_outcome(intent: Intent, now: Task | None, doubtful: Collection[str]) -> Outcome:
    """The outcome of an update or delete that may have been sent, from the task as it is now (None: not found).

    A task in `doubtful` may exist although it was not found.
    """
    if intent.verb == "delete" and intent.task_id not in doubtful:
        return "applied" if now is None else "not_applied"
    if now is None or intent.before is None or intent.edit is None:
        return "unknown"
    if intent.edit.is_met_by(now, written=True):
        return "applied"
    return "not_applied" if is_untouched(now, intent.before.task, intent.edit) else "unknown"


async def read_and_list_missing(
    app: AppContext, ids: Sequence[str], properties: Collection[str], *, fresh: bool = True
) -> tuple[dict[str, Snapshot], frozenset[str]]:
    """Tasks as they are now, and the ids that may exist although they were not found.

    A 404 may be false, and a deletion is inferred from it: a task that is not found is also looked for in a list.
    """
    now = await read_snapshots(app, ids, properties=properties, fresh=fresh) if ids else {}
    missing = [task_id for task_id in ids if task_id not in now]
    listed = await app.backend.find_listed(missing) if missing else frozenset[str]()
    now |= await read_snapshots(app, list(listed), properties=properties) if listed else {}
    return now, listed - now.keys()


async def with_notes(
    app: AppContext, intents: Iterable[Intent], now: Mapping[str, Snapshot], since: datetime
) -> dict[str, Snapshot]:
    """The tasks as they are now, with the notes that these intents have written beside them since then."""
    wanted: dict[str, list[Snapshot]] = {}
    for intent in intents:
        text, snapshot = intent.edit.note if intent.edit else MISSING, now.get(intent.task_id or "")
        if isinstance(text, str) and MASK not in text and snapshot is not None:
            wanted.setdefault(text, []).append(snapshot)
    noted = dict(now)
    for text, snapshots in wanted.items():
        ids = await find_own_notes(app, [snapshot.task for snapshot in snapshots], text, since)
        noted |= {
            snapshot.task.id: snapshot.with_note(text, ids[snapshot.task.id])
            for snapshot in snapshots
            if snapshot.task.id in ids
        }
    return noted


async def find_created(app: AppContext, change: Change, indexes: Sequence[int]) -> list[Result]:
    """The results of creates that may have been sent: applied if the backend finds the one task that each made."""
    edits = {index: only_on_creation(change.intents[index].edit or Edit()) for index in indexes}
    hidden = [index for index, edit in edits.items() if has_mask(edit)]
    results = [Result(index, "unknown") for index in hidden]  # a text that the journal does not keep cannot be searched
    edits = {index: edit for index, edit in edits.items() if index not in hidden}
    if not edits:
        return results
    try:
        created = await app.backend.find_created(tuple(edits.values()), change.opening.at)
    except TaskhandError as error:
        if error.retryable:
            raise
        return results + [Result(index, "unknown", code=error.code) for index in edits]
    own_ids = {result.task_id for result in change.results.values()}
    known = {
        task.id: task.id in own_ids or await _is_known(app, task, change.id)
        for creates in created
        for task in creates.tasks
    }
    unclaimed = [replace(creates, tasks=[task for task in creates.tasks if not known[task.id]]) for creates in created]
    made = match_creates(tuple(edits.values()), unclaimed)
    shows_all = lists_show(app, change.opening.at)
    for number, (index, candidates) in enumerate(zip(edits, unclaimed, strict=True)):
        if number in made:
            results.append(Result(index, "applied", made[number].id, made[number]))
        else:
            others = [task for task in candidates.tasks if task not in made.values()]
            results.append(Result(index, "unknown" if others or not shows_all else "not_applied"))
    return results


def lists_show(app: AppContext, created_at: datetime) -> bool:
    """Whether the CRM's lists certainly show a task that was created then."""
    return app.backend.capabilities.lists_are_current or app.clock() - created_at > _LAG


async def _is_known(app: AppContext, task: Task, change_id: str) -> bool:
    """Whether another change in the journal is about the task, so that this create did not make it."""
    page = await app.journal.page(ChangeQuery(task_id=task.id))
    return any(change.id != change_id for change in page.changes)
