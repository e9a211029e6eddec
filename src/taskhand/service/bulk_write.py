"""Carry out many updates: written down, sent in the backend's own way, watched, counted, and stopped when asked to."""

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


@dataclass(frozen=True, slots=True)
class SkippedTasks:
    """Tasks that nothing is sent for: those that are as asked already, and those that are refused, by id."""

    unchanged: tuple[str, ...] = ()
    refused: Mapping[str, TaskhandError] = field(default_factory=dict)

    def outcomes(self) -> tuple[TaskResult, ...]:
        """What is said of them."""
        same = [TaskResult(one, "unchanged") for one in self.unchanged]
        return (*same, *(TaskResult.failed(one, "refused", error) for one, error in self.refused.items()))


async def bulk_write(
    call: Call, intents: Sequence[Intent], opening: Opening, skipped: SkippedTasks | None = None
) -> BulkReceipt:
    """One outcome for each task; whoever calls has their turns. Held where an earlier change has one of the claims.

    A caller that gives up stops the sending; what is under way is waited for, and the journal has the truth.
    """
    outside = (skipped or SkippedTasks()).outcomes()
    if not intents:
        results = [_result(place, one) for place, one in enumerate(outside)]
        change = await call.record("unchanged", opening, (), results)
        note = "Nothing was written." if outside else "No task answers to the filter: nothing was written."
        return BulkReceipt(outside, opening.matched, note, change.id)
    with anyio.CancelScope(shield=True):
        await call.begin(opening, intents)
    run = _Run(call, intents, outside)
    async with anyio.create_task_group() as group:
        group.start_soon(run.to_the_end)
        group.start_soon(run.tell)
        try:
            await run.over.wait()
        finally:
            run.progress.stop("the caller gave up")  # nothing is left to stop where the run is over
            group.cancel_scope.cancel()
    return run.receipt(opening)


def replay_bulk(first: Change) -> BulkReceipt:
    """The first answer once more, out of the journal."""
    outcomes = tuple(_told(result) for _, result in sorted(first.results.items()))
    note = "This is what came of the first call with this idempotencyKey; nothing was sent."
    return BulkReceipt(outcomes, first.opening.matched, note, first.id, replayed=True)


class _Run:
    """One bulk write under way."""

    def __init__(self, call: Call, intents: Sequence[Intent], outside: tuple[TaskResult, ...]) -> None:
        self.progress = BulkProgress()
        self.over = anyio.Event()
        self._call = call
        self._intents = intents
        self._outside = outside
        self._outcomes: dict[int, TaskResult] = {}
        self._written: set[int] = set()

    async def to_the_end(self) -> None:
        """Send everything and write down what came of it, whoever gives up meanwhile."""
        with anyio.CancelScope(shield=True):
            pairs = [(one.before.task, one.edit or Edit()) for one in self._intents if one.before]
            for place, outcome in enumerate(await self._call.app.backend.update_tasks(pairs, self.progress)):
                self.progress.results[place] = outcome
            rest = [_result(len(pairs) + place, one) for place, one in enumerate(self._outside)]
            fresh = self._fresh()
            await self._call.settle([*fresh, *rest], overall_outcome({one.outcome for one in self._outcomes.values()}))
            await self._call.progress(len(pairs), len(pairs))
            self.over.set()

    async def tell(self) -> None:
        """Tell how far it is, tick by tick; what is known by then is in the journal."""
        while not self.over.is_set():
            await self._call.progress(len(self.progress.results), len(self._intents))
            await anyio.sleep(self._call.app.policy.tick_s)
            with anyio.CancelScope(shield=True):
                if fresh := self._fresh():
                    await self._call.settle_some(fresh)

    def receipt(self, opening: Opening) -> BulkReceipt:
        """What is answered."""
        outcomes = (*(self._outcomes[place] for place in range(len(self._intents))), *self._outside)
        change_id = self._call.change.id if self._call.change else None
        stopped = next((one.message for one in outcomes if one.outcome == "not_attempted"), None)
        return BulkReceipt(outcomes, opening.matched, stopped, change_id)

    def _fresh(self) -> list[Result]:
        """The outcomes that have come since, as results for the journal."""
        places = [place for place in list(self.progress.results) if place not in self._written]
        self._written.update(places)
        found = []
        for place in places:
            outcome, intent = self.progress.results[place], self._intents[place]
            self._outcomes[place] = _outcome(intent, outcome)
            after = outcome.written.task if outcome.written else None
            found.append(_result(place, self._outcomes[place], after))
        return found


def _outcome(intent: Intent, outcome: ItemResult) -> TaskResult:
    """What became of a task: what was sent and is not so afterwards, not at all, was not written."""
    if outcome.error is not None or outcome.written is None or intent.before is None:
        error = outcome.error or TaskhandError("Nothing is known of it.", code="outcome_unknown")
        return TaskResult.failed(outcome.task_id, _failure_outcome(error), error)
    receipt = Receipt.of(intent.before.task, outcome.written.task, intent.asked or intent.edit or Edit(), ())
    if receipt.unapplied and not receipt.changed:
        return TaskResult(outcome.task_id, "refused", "not_applied", "The CRM left it as it was.", receipt.unapplied)
    return TaskResult(outcome.task_id, "applied", None, outcome.written.note, receipt.unapplied)


def _failure_outcome(error: TaskhandError) -> Outcome:
    if isinstance(error, NotAttempted):
        return "not_attempted"
    return "unknown" if isinstance(error, OutcomeUnknown) or error.code == "outcome_unknown" else "refused"


def _result(place: int, one: TaskResult, after: Task | None = None) -> Result:
    return Result(place, one.outcome, one.id, after, one.code, one.message)


def _told(result: Result) -> TaskResult:
    if result.outcome == "not_applied":  # it was looked at after a crash: it may be sent
        return TaskResult(result.task_id or "", "not_attempted", result.code, result.note)
    outcome: Outcome = result.outcome if result.outcome in _ANSWERED else "unknown"
    return TaskResult(result.task_id or "", outcome, result.code, result.note)


_ANSWERED = frozenset({"applied", "unchanged", "refused", "not_attempted"})
