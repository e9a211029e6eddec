"""Resume an unfinished bulk change: write the tasks that are left, each at most once.

A task is left if nothing was written to it. A task with an unknown outcome is read before anything is sent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from taskhand.call.deadline import time_left
from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Change, ChangeQuery, Intent, Result
from taskhand.service.bulk_write import bulk_resume, to_task_result
from taskhand.service.crash_recovery import find_created, infer_outcome, read_and_list_missing, with_notes
from taskhand.service.snapshots import intended_properties
from taskhand.service.stale_plan import difference_since
from taskhand.service.visible_changes import is_visible
from taskhand.service.write_call import Call

__all__ = ["has_unfinished_tasks", "left_of", "resume_change"]

_STALE = "The task changed since the plan was made; it was not written."
_GONE = "The task is gone; nothing was written."
_MAX_CHANGES = 50
_PORTION = 100
"""Tasks that are read at a time; those not read when the time for writing begins are left for the next call."""
_TO_WRITE = 0.6
"""The share of the call's time that is kept for writing."""


def has_unfinished_tasks(change: Change) -> bool:
    """Whether a change has tasks that are left, or whose outcome is unknown."""
    return any(_is_left(change, index) or _is_in_doubt(change, index) for index in range(len(change.intents)))


def left_of(change: Change) -> Change:
    """The change with only the intents of tasks that are left, and without results."""
    left = tuple(intent for index, intent in enumerate(change.intents) if _is_left(change, index))
    return replace(change, intents=left, results={})


async def resume_change(call: Call, change: Change) -> BulkReceipt | None:
    """Write the tasks of an ended change that are left; None if reading them leaves nothing to write.

    AlreadyClaimed if another call has continued it. CallerError if the change was undone.
    """
    open_intents = {
        index: intent
        for index, intent in enumerate(change.intents)
        if _is_left(change, index) or _is_in_doubt(change, index)
    }
    ids = [intent.task_id for intent in open_intents.values() if intent.task_id]
    scopes = [
        claim.scope for claim in change.opening.claims if any(intent.verb == "create" for intent in change.intents)
    ]
    async with call.app.lock_all(scopes), call.app.lock_all(ids):
        await _check_not_undone(call, change)
        await _check_not_repeated(call, change)
        now, doubtful, read = await _read_in_portions(call, ids, intended_properties(open_intents.values()))
        now = await with_notes(call.app, open_intents.values(), now, change.opening.at)
        looked_at = {
            index: intent for index, intent in open_intents.items() if intent.task_id is None or intent.task_id in read
        }
        results, to_send = _compare_with_tasks(change, looked_at, now, doubtful, call.app.backend.capabilities)
        results += await _find_created(call, change, looked_at)
        if not results and not to_send:
            return None
        return await bulk_resume(call, change, to_send, results, is_out_of_time=len(read) < len(ids))


async def _read_in_portions(
    call: Call, ids: Sequence[str], properties: Collection[str]
) -> tuple[dict[str, Snapshot], frozenset[str], frozenset[str]]:
    """The result of `read_and_list_missing`, and the ids that were read: the first, if there is no time for all."""
    now, doubtful = dict[str, Snapshot](), frozenset[str]()
    write_at, read = _TO_WRITE * time_left(), 0
    while read < len(ids) and (not read or time_left() > write_at):
        # A backend that reads all tasks at once has just done so for the first portion.
        snapshots, unsure = await read_and_list_missing(
            call.app, ids[read : read + _PORTION], properties, fresh=not read
        )
        now, doubtful, read = now | snapshots, doubtful | unsure, read + _PORTION
    return now, doubtful, frozenset(ids[:read])


def _compare_with_tasks(
    change: Change,
    intents: Mapping[int, Intent],
    now: Mapping[str, Snapshot],
    doubtful: Collection[str],
    capabilities: Capabilities,
) -> tuple[list[Result], dict[int, Intent]]:
    """Compare the intents with the current tasks: the results of those that need no write, and the intents to send."""
    results, to_send = list[Result](), dict[int, Intent]()
    for index, intent in intents.items():
        if intent.verb == "create":
            to_send |= {} if _is_in_doubt(change, index) else {index: intent}
            continue
        snapshot = now.get(intent.task_id or "")
        if _is_in_doubt(change, index):
            outcome = infer_outcome(intent, snapshot.task if snapshot else None, doubtful)
            if outcome == "unknown":
                continue
            if outcome == "applied":
                results.append(Result(index, "applied", intent.task_id, snapshot.task if snapshot else None))
                continue
        result = _result_without_write(change, index, snapshot, capabilities)
        if result is not None:
            results.append(result)
        elif snapshot is not None:
            # What an undo of a deletion needs was read when it was planned.
            before = snapshot.with_note_of(intent.before.task) if intent.before else snapshot
            to_send[index] = intent if intent.verb == "delete" else replace(intent, before=before)
    return results, to_send


async def _find_created(call: Call, change: Change, intents: Mapping[int, Intent]) -> list[Result]:
    """The results of unknown creates whose tasks are found now; the others stay unknown and are never sent again."""
    in_doubt = [index for index, intent in intents.items() if intent.verb == "create" and _is_in_doubt(change, index)]
    try:
        results = await find_created(call.app, change, in_doubt)
    except TaskhandError:
        return []
    return [result for result in results if result.outcome == "applied"]


def _result_without_write(
    change: Change, index: int, now: Snapshot | None, capabilities: Capabilities
) -> Result | None:
    """The result of a task that already matches, or that another client changed; None if it has to be sent."""
    intent = change.intents[index]
    if now is None:
        return Result(index, "refused", intent.task_id, code="plan_stale", note=_GONE)
    if difference_since(change, intent, now, capabilities) is None:
        return None
    asked = intent.asked or intent.edit
    if asked is not None and asked.is_met_by(now.task, written=True):
        return Result(index, "unchanged", intent.task_id, now.task)
    return Result(index, "refused", intent.task_id, now.task, code="plan_stale", note=_STALE)


async def _check_not_undone(call: Call, change: Change) -> None:
    """Refuse to resume a change that was undone: its remaining tasks are not wanted either."""
    applied = next((result.task_id for result in change.results.values() if result.outcome == "applied"), None)
    if applied is None:
        return
    page = await call.app.journal.page(ChangeQuery(task_id=applied, limit=_MAX_CHANGES))
    for later in page.changes:
        if later.opening.undoes == change.id and any(result.outcome == "applied" for result in later.results.values()):
            shown = is_visible(call.app, later)
            raise CallerError(
                f"{change.id} was undone by {later.id if shown else 'another person'}; nothing more was written.",
                code="plan_used",
                next_step="Make another plan if it is to be done after all.",
                details={"changeId": later.id} if shown else {},
            )


async def _check_not_repeated(call: Call, change: Change) -> None:
    """Refuse to resume a change that wrote nothing, if the same call was sent again since."""
    claims = [claim for claim in change.opening.claims if claim.payload != change.opening.plan_id]
    later = await call.app.journal.holder(claims) if claims else None
    if later is not None and later.id != change.id:
        raise CallerError(
            f"{later.id} has done the same since; nothing was written.",
            code="plan_used",
            next_step="list_changes shows what was done; make another plan if more is to be done.",
            details={"changeId": later.id},
        )


def _is_left(change: Change, index: int) -> bool:
    result = change.results.get(index)
    return result is not None and to_task_result(result).may_be_retried


def _is_in_doubt(change: Change, index: int) -> bool:
    result = change.results.get(index)
    return result is None or to_task_result(result).outcome == "unknown"
