"""Write many tasks: record the intents, send them in the backend's own way, report progress, record each result.

A caller that gives up stops the sending. Requests in progress are awaited, and the journal gets every result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from taskhand.backends.base import BulkProgress, ItemResult
from taskhand.domain.bulk import BulkReceipt, TaskResult
from taskhand.domain.change import Receipt
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAttempted, OutcomeUnknown, TaskhandError
from taskhand.domain.outcome import Outcome, overall_outcome
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, Intent, Opening, Result
from taskhand.service.call import Call

__all__ = ["SkippedTasks", "bulk_write", "replay_bulk"]

_REPLAYABLE = frozenset({"applied", "unchanged", "refused", "not_attempted"})
"""Outcomes of a journaled result that are answered as they are; any other is answered as unknown."""


@dataclass(frozen=True, slots=True)
class SkippedTasks:
    """Tasks of a bulk change that nothing is sent for: `unchanged` already match, `refused` have an error, by id."""

    unchanged: tuple[str, ...] = ()
    refused: Mapping[str, TaskhandError] = field(default_factory=dict)

    def results(self) -> tuple[TaskResult, ...]:
        """The results of these tasks."""
        unchanged = (TaskResult(task_id, "unchanged") for task_id in self.unchanged)
        refused = (TaskResult.failed(task_id, "refused", error) for task_id, error in self.refused.items())
        return (*unchanged, *refused)


async def bulk_write(
    call: Call, intents: Sequence[Intent], opening: Opening, skipped: SkippedTasks | None = None
) -> BulkReceipt:
    """Write the intents of tasks whose locks the caller holds; one result for each task.

    AlreadyClaimed where an earlier change has one of the opening's claims.
    """
    skipped_results = (skipped or SkippedTasks()).results()
    if not intents:
        results = [_to_result(index, one) for index, one in enumerate(skipped_results)]
        change = await call.record("unchanged", opening, (), results)
        note = "Nothing was written." if skipped_results else "No task matches the filter: nothing was written."
        return BulkReceipt(skipped_results, opening.matched, note, change.id)
    with anyio.CancelScope(shield=True):
        await call.begin(opening, intents)
    run = _BulkRun(call, intents, skipped_results)
    async with anyio.create_task_group() as group:
        group.start_soon(run.send_all)
        group.start_soon(run.report_progress)
        try:
            await run.finished.wait()
        finally:
            run.progress.stop("the caller gave up")  # without effect on a run that has finished
            group.cancel_scope.cancel()
    return run.to_receipt(opening)


def replay_bulk(first: Change) -> BulkReceipt:
    """The receipt of an earlier bulk change once more, from the journal."""
    results = tuple(_to_task_result(result) for _, result in sorted(first.results.items()))
    note = "This is the outcome of the first call with this idempotencyKey; nothing was sent."
    return BulkReceipt(results, first.opening.matched, note, first.id, replayed=True)


class _BulkRun:
    """One bulk write in progress."""

    def __init__(self, call: Call, intents: Sequence[Intent], skipped: tuple[TaskResult, ...]) -> None:
        self.progress = BulkProgress()
        self.finished = anyio.Event()
        self._call = call
        self._intents = intents
        self._skipped = skipped
        self._results: dict[int, TaskResult] = {}
        """By index of the intent; what is here is in the journal, or on its way there."""

    async def send_all(self) -> None:
        """Send every intent and record every result, even if the caller is cancelled meanwhile."""
        with anyio.CancelScope(shield=True):
            edits = [(one.before.task, one.edit or Edit()) for one in self._intents if one.before]
            for index, item in enumerate(await self._call.app.backend.update_tasks(edits, self.progress)):
                self.progress.results[index] = item
            new = self._collect_new_results()
            skipped = [_to_result(len(edits) + index, one) for index, one in enumerate(self._skipped)]
            outcome = overall_outcome({one.outcome for one in self._results.values()})
            await self._call.settle([*new, *skipped], outcome)
            await self._call.progress(len(edits), len(edits))
            self.finished.set()

    async def report_progress(self) -> None:
        """At every tick, report the number of finished tasks and record the results that are known by then."""
        while not self.finished.is_set():
            await self._call.progress(len(self.progress.results), len(self._intents))
            await anyio.sleep(self._call.app.policy.tick_s)
            with anyio.CancelScope(shield=True):
                if new := self._collect_new_results():
                    await self._call.settle_some(new)

    def to_receipt(self, opening: Opening) -> BulkReceipt:
        """The receipt of the finished run."""
        results = (*(self._results[index] for index in range(len(self._intents))), *self._skipped)
        change_id = self._call.change.id if self._call.change else None
        stopped = next((one.message for one in results if one.outcome == "not_attempted"), None)
        return BulkReceipt(results, opening.matched, stopped, change_id)

    def _collect_new_results(self) -> list[Result]:
        """The results for the journal that have come in since the last time."""
        new = []
        for index, item in list(self.progress.results.items()):
            if index not in self._results:
                self._results[index] = result = _judge(self._intents[index], item)
                new.append(_to_result(index, result, item.written.task if item.written else None))
        return new


def _judge(intent: Intent, item: ItemResult) -> TaskResult:
    """The result of one task: refused where nothing of the edit shows afterwards."""
    if item.error is not None or item.written is None or intent.before is None:
        error = item.error or TaskhandError("The outcome of this task is unknown.", code="outcome_unknown")
        return TaskResult.failed(item.task_id, _failure_outcome(error), error)
    receipt = Receipt.of(intent.before.task, item.written.task, intent.asked or intent.edit or Edit(), ())
    if receipt.unapplied and not receipt.changed:
        return TaskResult(item.task_id, "refused", "not_applied", "The CRM left the task unchanged.", receipt.unapplied)
    return TaskResult(item.task_id, "applied", None, item.written.note, receipt.unapplied)


def _failure_outcome(error: TaskhandError) -> Outcome:
    if isinstance(error, NotAttempted):
        return "not_attempted"
    return "unknown" if isinstance(error, OutcomeUnknown) or error.code == "outcome_unknown" else "refused"


def _to_result(index: int, one: TaskResult, after: Task | None = None) -> Result:
    return Result(index, one.outcome, one.id, after, one.code, one.message)


def _to_task_result(result: Result) -> TaskResult:
    if result.outcome == "not_applied":  # recovery found that it was not written: the task may be sent again
        return TaskResult(result.task_id or "", "not_attempted", result.code, result.note)
    outcome: Outcome = result.outcome if result.outcome in _REPLAYABLE else "unknown"
    return TaskResult(result.task_id or "", outcome, result.code, result.note)
