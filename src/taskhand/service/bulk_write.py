"""Write many tasks: record the intents, send them in the backend's own way, report progress, record each result.

A caller that gives up stops the sending. Requests in progress are awaited, and the journal gets every result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio

from taskhand.backends.base import BulkProgress, ItemResult
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.domain.bulk_receipt import BulkReceipt, SkippedTasks, TaskResult, whole_message
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAttempted, OutcomeUnknown, TaskhandError
from taskhand.domain.name_matching import Match
from taskhand.domain.outcome import VOID, Outcome, overall_outcome
from taskhand.domain.receipt import Receipt, changes, join_notes
from taskhand.domain.task import Task
from taskhand.domain.truncation import truncate
from taskhand.journal.journal import Change, Claim, Intent, Opening, Result, title_of
from taskhand.service.idempotency import check_same_payload, wait_until_ended
from taskhand.service.send_intents import send_intents
from taskhand.service.shared_notes import describe_shared
from taskhand.service.write_call import Call

__all__ = [
    "bulk_resume",
    "bulk_write",
    "find_earlier_change",
    "find_replay",
    "is_resumable",
    "nothing_to_plan",
    "replay_bulk",
    "skipped_of",
    "to_skipped_results",
    "to_task_result",
]

_NAME = 60
_REPLAYABLE = frozenset({"applied", "unchanged", "refused", "not_attempted"})
"""Outcomes of a journaled result that a replay returns unchanged; any other is returned as unknown."""


async def bulk_write(
    call: Call, intents: Sequence[Intent], opening: Opening, skipped: SkippedTasks | None = None
) -> BulkReceipt:
    """Write the intents of tasks whose locks the caller holds; one result for each task.

    AlreadyClaimed if an earlier change has one of the opening's claims.
    """
    skipped = skipped or SkippedTasks()
    results = to_skipped_results(skipped, len(intents))
    if not intents:
        is_refused = bool(results) and all(result.outcome == "refused" for result in results)
        change = await call.record("refused" if is_refused else "unchanged", opening, (), results)
        note = "Nothing was written." if results else "No task matches the filter: nothing was written."
        return BulkReceipt(skipped.results(), opening.matched, note, change.id)
    run = _BulkRun(call, dict(enumerate(intents)), results, dict(enumerate(skipped.results(), len(intents))))
    with anyio.CancelScope(shield=True):
        await call.begin(opening, intents)
    return await _finish(run)


def nothing_to_plan(skipped: SkippedTasks, matched: tuple[Match, ...] = ()) -> BulkReceipt:
    """The answer to a dry run of a bulk change that would write nothing: there is no plan."""
    results = skipped.results()
    reason = "" if results else " No task matches the filter."
    return BulkReceipt(results, matched, f"Nothing would be written.{reason} There is no plan.")


async def bulk_resume(
    call: Call,
    change: Change,
    intents: Mapping[int, Intent],
    results: Sequence[Result],
    *,
    is_out_of_time: bool = False,
) -> BulkReceipt:
    """Resume an ended change: write these of its intents, whose tasks' locks the caller holds.

    `results` are those that reading alone determined; `is_out_of_time` is whether no time was left to read any task.
    Returns one result for each task of the change; AlreadyClaimed if another call has resumed it.
    """
    former = _to_task_results(change) | {
        result.index: to_task_result(result, change.parts(result.index)[0]) for result in results
    }
    run = _BulkRun(call, intents, results, former)
    run.progress.is_out_of_time = is_out_of_time
    with anyio.CancelScope(shield=True):
        await call.resume(change, {*intents, *(result.index for result in results)})
    return await _finish(run)


def replay_bulk(first: Change) -> BulkReceipt:
    """The receipt of an earlier bulk change, from the journal."""
    results = tuple(_to_task_results(first).values())
    note = "This is the outcome of the first call with this idempotencyKey; nothing was sent."
    receipt = BulkReceipt(results, first.opening.matched, note, first.id, replayed=True)
    return _with_way_on(receipt, first)


async def find_replay(call: Call, claims: Sequence[Claim], payload: str) -> BulkReceipt | None:
    """The receipt of an earlier call with this key, even if all tasks match by now; None if there is no such call."""
    first = await find_earlier_change(call, claims, payload)
    return None if first is None else replay_bulk(first)


async def find_earlier_change(call: Call, claims: Sequence[Claim], payload: str) -> Change | None:
    """The change of an earlier call with this key, once it has ended; None if there is none that wrote anything.

    CallerError if its body differs.
    """
    holder = await call.app.journal.holder(claims) if claims else None
    first = await wait_until_ended(call.app, holder) if holder else None
    if first is None or first.outcome in VOID:
        return None
    check_same_payload(first, payload)
    return first


async def _finish(run: "_BulkRun") -> BulkReceipt:
    async with concurrent_tasks() as group:
        group.start_soon(run.send_all)
        group.start_soon(run.report_progress)
        try:
            await run.finished.wait()
        finally:
            run.progress.stop("the caller gave up")  # without effect on a run that has finished
            group.cancel_scope.cancel()
    return run.to_receipt()


def _with_way_on(receipt: BulkReceipt, change: Change, *, is_out_of_time: bool = False) -> BulkReceipt:
    """The receipt with the planId that resumes a bulk change, if some tasks are left or unknown."""
    sent = receipt.results[: len(change.intents)]
    left, unknown = sum(result.may_be_retried for result in sent), sum(result.outcome == "unknown" for result in sent)
    if not (left or unknown) or not is_resumable(change):
        return receipt
    sentences = [f"{left} of {len(receipt.results)} tasks {'is' if left == 1 else 'are'} left"] if left else []
    sentences += [f"the outcome of {unknown} is unknown"] if unknown else []
    way_on = f"{' and '.join(sentences)}: call apply_plan with this planId to go on."
    way_on = f"{way_on[:1].upper()}{way_on[1:]}"
    note = join_notes(receipt.note, way_on)
    return replace(receipt, note=note, plan_id=change.opening.plan_id or change.id, is_out_of_time=is_out_of_time)


def is_resumable(change: Change) -> bool:
    """Whether a change is a bulk change that can be resumed."""
    return len(change.intents) > 1


class _BulkRun:
    """One bulk write in progress.

    `intents` are by their index in the change, `results` are those known without a write. `former` are the results of
    all tasks that nothing is sent for, by index.
    """

    def __init__(
        self,
        call: Call,
        intents: Mapping[int, Intent],
        results: Sequence[Result],
        former: Mapping[int, TaskResult],
    ) -> None:
        self.progress = BulkProgress()
        self.finished = anyio.Event()
        self._call = call
        self._indexes = tuple(intents)
        self._intents = tuple(intents.values())
        self._found = tuple(results)
        self._results = dict(former)
        """By index in the change; these results are in the journal, or are being written to it."""
        self._unsettled = set(range(len(self._intents)))
        """Positions in this run's intents."""

    async def send_all(self) -> None:
        """Send every intent and record every result, even if the caller is cancelled meanwhile."""
        with anyio.CancelScope(shield=True):
            for position, item in enumerate(await send_intents(self._call.app, self._intents, self.progress)):
                if self.progress.results.get(position) is not item:  # it has come, or has changed since it came
                    self.progress.results[position] = item
                    self._unsettled.add(position)
            new = self._collect_new_results()
            await self._call.settle([*new, *self._found], self._overall_outcome())
            await self._call.progress(len(self._intents), len(self._intents))
            self.finished.set()

    async def report_progress(self) -> None:
        """At every tick, report the number of finished tasks and record the results known by then."""
        while not self.finished.is_set():
            await self._call.progress(len(self.progress.results), len(self._intents))
            await anyio.sleep(self._call.app.call_time.write_tick_s)
            with anyio.CancelScope(shield=True):
                if new := self._collect_new_results():
                    await self._call.settle_some(new)

    def to_receipt(self) -> BulkReceipt:
        """The receipt of the finished run, for all tasks of the change."""
        change = self._call.change
        if change is None:
            raise AssertionError("a run begins with its change")
        results = tuple(self._results[index] for index in sorted(self._results))
        stopped = next((result.message for result in results if result.outcome == "not_attempted"), None)
        note = stopped or self._deletion_note(change) or describe_shared(self._applied_intents(change))
        receipt = BulkReceipt(results, change.opening.matched, note, change.id)
        return _with_way_on(receipt, change, is_out_of_time=self.progress.is_out_of_time)

    def _deletion_note(self, change: Change) -> str | None:
        """The note on the deleted tasks; None if none was deleted."""
        deleted = [
            intent.before
            for intent in self._applied_intents(change)
            if intent.verb == "delete" and intent.before is not None
        ]
        if not deleted:
            return None
        lost = sum(snapshot.cannot_recreate is not None for snapshot in deleted)
        are_all = len(deleted) == len(self._results)
        them = "them" if are_all else "the deleted tasks"
        again = f"cannot make {lost} of {them} again" if lost else f"makes {them} again under new ids"
        return f"The tasks are deleted; undo_change {again}." if are_all else f"undo_change {again}."

    def _applied_intents(self, change: Change) -> list[Intent]:
        return [intent for index, intent in enumerate(change.intents) if self._results[index].outcome == "applied"]

    def _overall_outcome(self) -> Outcome:
        """The outcome of all intents of the change; tasks that were skipped do not count."""
        intents = len(self._call.change.intents) if self._call.change else 0
        return overall_outcome({result.outcome for index, result in self._results.items() if index < intents})

    def _collect_new_results(self) -> list[Result]:
        """The results for the journal that arrived since the last call."""
        new = []
        for position in sorted(self._unsettled & self.progress.results.keys()):
            item, index = self.progress.results[position], self._indexes[position]
            self._results[index] = result = _judge(self._intents[position], item)
            self._unsettled.discard(position)
            new.append(_to_result(index, result, item.written.task if item.written else None))
        return new


def _judge(intent: Intent, item: ItemResult) -> TaskResult:
    """The result of one task: refused if the written task shows nothing of the edit."""
    title = title_of(intent, item.written.task if item.written else None)
    if intent.verb == "delete" and item.error is None:
        return TaskResult(item.task_id, "applied", None, item.note, title=title)
    if item.error is not None or item.written is None:
        error = item.error or TaskhandError("The outcome of this task is unknown.", code="outcome_unknown")
        failed = TaskResult.of_error(item.task_id, _failure_outcome(error), error, title)
        return failed if intent.before or isinstance(error, NotAttempted) else _name_new_task(failed, error)
    before, edit = intent.task_before, intent.asked or intent.edit or Edit()
    receipt = Receipt.of(before, item.written.task, edit, (), item.written.note)
    if receipt.is_refused:
        message = "The CRM left the task unchanged."
        return TaskResult(item.task_id, "refused", "not_applied", message, receipt.unapplied, title)
    changed = receipt.changed if before else ()
    return TaskResult(item.task_id, "applied", None, receipt.note, receipt.unapplied, title, changed)


def _name_new_task(failed: TaskResult, error: TaskhandError) -> TaskResult:
    """The result of a task without an id: its message names the task and the next step."""
    return replace(failed, message=f"{truncate(failed.title or '', _NAME)!r}: {whole_message(error)}")


def _failure_outcome(error: TaskhandError) -> Outcome:
    if isinstance(error, NotAttempted):
        return "not_attempted"
    return "unknown" if isinstance(error, OutcomeUnknown) or error.code == "outcome_unknown" else "refused"


def _to_result(index: int, result: TaskResult, after: Task | None = None) -> Result:
    return Result(
        index, result.outcome, result.id or None, after, result.code, result.message, is_passing=result.is_passing
    )


def to_skipped_results(skipped: SkippedTasks, intents: int) -> list[Result]:
    """The results of skipped tasks for the journal, after those of so many intents, with their titles."""
    return [
        replace(_to_result(index, result), title=result.title)
        for index, result in enumerate(skipped.results(), intents)
    ]


def skipped_of(change: Change) -> tuple[TaskResult, ...]:
    """The results of the tasks of a change, or plan, that nothing is sent for."""
    return tuple(
        to_task_result(result) for index, result in sorted(change.results.items()) if index >= len(change.intents)
    )


def _to_task_results(change: Change) -> dict[int, TaskResult]:
    """The results of a change for the answer, by index."""
    return {index: to_task_result(result, change.parts(index)[0]) for index, result in sorted(change.results.items())}


def to_task_result(result: Result, intent: Intent | None = None) -> TaskResult:
    """A journaled result for the answer, with its `intent`."""
    title, task_id = result.title or title_of(intent, result.after), result.task_id or ""
    if result.outcome == "not_applied":  # recovery found that it was not written: the task may be sent again
        return TaskResult(task_id, "not_attempted", result.code, result.note, title=title)
    outcome: Outcome = result.outcome if result.outcome in _REPLAYABLE else "unknown"
    before = intent.task_before if intent else None
    changed = changes(before, result.after) if before and result.after and outcome == "applied" else ()
    return TaskResult(
        task_id, outcome, result.code, result.note, title=title, changed=changed, is_passing=result.is_passing
    )
