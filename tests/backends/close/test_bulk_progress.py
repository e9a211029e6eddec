"""A bulk write with a watcher: each outcome is reported once and at once, and a stop prevents further requests."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from backends.close.sandboxed_app import KEY, WORLD, Time, close, on_close, row
from backends.close.test_bulk import BULK, COMPLETE, LIST, ONE, TO_ANA, count_requests, every, honest
from taskhand.backends.base import BulkProgress, ItemResult
from taskhand.backends.close.errors import MESSAGES as CLOSE
from taskhand.domain.edit import Edit
from taskhand.domain.task import Task
from taskhand.http.upstream import Limits
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.messages import ReceivedRequest, Response

URGENT = Edit(priority=2)
NO_WORD = SpecVariant(rates="hidden")
CONFIRMED = Fault("status", BULK, status=200, body='{"ok": true}', commit=False)


@dataclass(slots=True)
class CountingProgress(BulkProgress):
    """Counts what it is told, and stops after so many; `seen` is how many requests had been sent by then."""

    sandbox: CloseSandbox | None = None
    after: int | None = None
    told: Counter[int] = field(default_factory=Counter)
    seen: list[int] = field(default_factory=list)

    def report(self, index: int, result: ItemResult) -> None:
        BulkProgress.report(self, index, result)
        self.told[index] += 1
        self.seen.append(len(self.sandbox.requests) if self.sandbox else 0)
        if len(self.told) == self.after:
            self.stop("the client gave up")


def codes(outcomes: tuple[ItemResult, ...]) -> Counter[str | None]:
    return Counter(outcome.error.code if outcome.error else None for outcome in outcomes)


def assert_told_once(watch: CountingProgress, outcomes: tuple[ItemResult, ...]) -> None:
    assert watch.results == dict(enumerate(outcomes))
    assert set(watch.told.values()) <= {1}


async def write_under_faults(
    sandbox: CloseSandbox, watch: CountingProgress, edit: Edit, count: int, *faults: Fault
) -> tuple[tuple[ItemResult, ...], list[tuple[Task, Edit]]]:
    """Make the edit of all tasks under these faults: the outcomes, each told once, and what was asked."""
    async with on_close(sandbox, Time()) as backend:
        edits = [(task, edit) for task in await every(backend, count)]
        sandbox.clear_requests()
        sandbox.faults = faults
        watch.sandbox = sandbox
        outcomes = await backend.update_tasks(edits, watch)
    assert_told_once(watch, outcomes)
    assert honest(sandbox, outcomes, edits)
    return outcomes, edits


async def test_results_are_reported_as_each_chunk_is_read_back() -> None:
    sandbox, watch = close(1_000, spec_variant=NO_WORD), CountingProgress()
    outcomes, _ = await write_under_faults(sandbox, watch, COMPLETE, 1_000)
    assert codes(outcomes) == {None: 1_000}
    assert count_requests(sandbox) == {BULK: 10, LIST: 10}
    assert watch.seen[99] <= 6 < watch.seen[-1]


async def test_results_are_reported_while_other_tasks_are_still_to_be_sent() -> None:
    sandbox, watch = close(60, spec_variant=NO_WORD), CountingProgress()
    await write_under_faults(sandbox, watch, URGENT, 60)
    assert watch.seen[0] <= 17
    assert count_requests(sandbox) == {ONE: 60}


async def test_results_of_tasks_sent_one_by_one_have_their_own_index() -> None:
    sandbox, watch = close(9, spec_variant=NO_WORD), CountingProgress()
    async with on_close(sandbox) as backend:
        tasks = await every(backend, 9)
        edits = [(task, (COMPLETE, URGENT, TO_ANA)[index % 3]) for index, task in enumerate(tasks)]
        edits.append((tasks[0], TO_ANA))
        outcomes = await backend.update_tasks(edits, watch)
    assert_told_once(watch, outcomes)
    assert codes(outcomes) == {None: 10}


@pytest.mark.parametrize("after", [1, 150, 450])
async def test_a_bulk_that_is_stopped_sends_no_more_chunks_and_accounts_for_those_under_way(after: int) -> None:
    sandbox, watch = close(1_000, spec_variant=NO_WORD), CountingProgress(after=after)
    outcomes, _ = await write_under_faults(sandbox, watch, COMPLETE, 1_000)
    done = codes(outcomes)[None]
    assert codes(outcomes) == {None: done, "not_attempted": 1_000 - done}
    assert after <= done <= after + 400
    assert count_requests(sandbox) == {BULK: done // 100, LIST: done // 100}
    assert sum(each["is_complete"] for each in sandbox.tasks) == done
    stopped = {outcome.error for outcome in outcomes if outcome.error}
    assert stopped == {watch.stopped}


@pytest.mark.parametrize("after", [1, 20])
async def test_a_bulk_of_single_tasks_that_is_stopped_sends_no_more(after: int) -> None:
    sandbox, watch = close(100, spec_variant=NO_WORD), CountingProgress(after=after)
    outcomes, _ = await write_under_faults(sandbox, watch, URGENT, 100)
    done = codes(outcomes)[None]
    assert codes(outcomes) == {None: done, "not_attempted": 100 - done}
    assert after <= done <= after + 20
    assert count_requests(sandbox) == {ONE: done}


async def test_a_bulk_that_is_stopped_before_it_begins_sends_nothing() -> None:
    sandbox, watch = close(10, spec_variant=NO_WORD), CountingProgress()
    watch.stop("the client gave up")
    async with on_close(sandbox) as backend:
        tasks = await every(backend, 10)
        sandbox.clear_requests()
        outcomes = await backend.update_tasks(
            [(task, (COMPLETE, URGENT)[task.id > tasks[5].id]) for task in tasks], watch
        )
    assert codes(outcomes) == {"not_attempted": 10}
    assert sandbox.requests == ()


async def test_when_close_asks_to_wait_for_long_the_chunks_behind_are_not_sent() -> None:
    sandbox, watch = close(1_000, spec_variant=NO_WORD), CountingProgress()
    limited = Fault("status", BULK, status=429, retry_after=3600, nth=3, times=99)
    outcomes, _ = await write_under_faults(sandbox, watch, COMPLETE, 1_000, limited)
    counted = codes(outcomes)
    assert set(counted) <= {None, "rate_limited", "outcome_unknown", "not_attempted"}
    assert counted["rate_limited"] == 100 * (count_requests(sandbox)[BULK] - 2)
    assert counted["not_attempted"] >= 500
    assert counted[None] + counted["outcome_unknown"] == 200
    assert watch.stopped
    assert watch.stopped.retry_after_s == 3600


async def test_when_close_asks_to_wait_for_long_the_tasks_behind_are_not_sent() -> None:
    sandbox, watch = close(60, spec_variant=NO_WORD), CountingProgress()
    limited = Fault("status", ONE, status=429, retry_after=3600, nth=5, times=99)
    outcomes, _ = await write_under_faults(sandbox, watch, URGENT, 60, limited)
    counted = codes(outcomes)
    assert counted[None] == 4
    assert counted["rate_limited"] == count_requests(sandbox)[ONE] - 4 <= 16
    assert counted["not_attempted"] == 60 - count_requests(sandbox)[ONE]


async def test_when_close_asks_to_wait_for_long_the_second_change_of_a_task_is_not_sent() -> None:
    sandbox, watch = close(5, spec_variant=NO_WORD), CountingProgress()
    async with on_close(sandbox) as backend:
        tasks = await every(backend, 5)
        sandbox.faults = (CONFIRMED, Fault("status", ONE, status=429, retry_after=3600, nth="every"))
        outcomes = await backend.update_tasks([(task, edit) for edit in (COMPLETE, TO_ANA) for task in tasks], watch)
    assert_told_once(watch, outcomes)
    assert codes(outcomes[:5]) == {"outcome_unknown": 5}
    assert codes(outcomes[5:]) == {"not_attempted": 5}


async def test_when_the_reading_back_has_to_wait_for_long_nothing_more_is_sent() -> None:
    sandbox, watch = close(1_000, spec_variant=NO_WORD), CountingProgress()
    limited = Fault("status", LIST, status=429, retry_after=3600, nth="every")
    outcomes, _ = await write_under_faults(sandbox, watch, COMPLETE, 1_000, limited)
    unknown = 100 * count_requests(sandbox)[BULK]
    assert codes(outcomes) == {"outcome_unknown": unknown, "not_attempted": 1_000 - unknown}
    assert unknown <= 300


class InterruptedSandbox(CloseSandbox):
    """A Close during whose first reading back somebody gives up."""

    watch: BulkProgress | None = None

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        found = self.route_of(call)
        if self.watch is not None and found is not None and found.key == LIST:
            self.watch.stop("the client gave up")
        return super().answer(call, stale=stale)


async def interrupt_bulk(
    fault: Fault | None = None, **spec_variant: Any
) -> tuple[CloseSandbox, tuple[ItemResult, ...]]:
    """Complete ten tasks, while somebody gives up before the first of them is read back."""
    rows = [row(number) for number in range(1, 11)]
    sandbox = InterruptedSandbox(
        seed=WORLD | {"tasks": rows}, key=KEY, spec_variant=SpecVariant(rates="hidden", **spec_variant)
    )
    watch = CountingProgress()
    async with on_close(sandbox, Time()) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 10)]
        sandbox.clear_requests()
        sandbox.faults, sandbox.watch = (fault,) if fault else (), watch
        outcomes = await backend.update_tasks(edits, watch)
    assert_told_once(watch, outcomes)
    assert honest(sandbox, outcomes, edits)
    return sandbox, outcomes


async def test_a_sent_chunk_is_read_back_although_the_bulk_was_stopped() -> None:
    sandbox, outcomes = await interrupt_bulk(Fault("reset_after", BULK))
    assert {outcome.written.note for outcome in outcomes if outcome.written} == {CLOSE.applied}
    assert count_requests(sandbox) == {BULK: 1, LIST: 1}


LEFT: list[tuple[str, Fault | None, dict[str, Any], dict[str | None, int]]] = [
    ("lost and not done", Fault("reset_before", BULK), {}, {"upstream_error": 10}),
    ("refused midway", None, {"bulk_fails_after": 2}, {None: 2, "outcome_unknown": 8}),
    ("confirmed and not done", CONFIRMED, {}, {"outcome_unknown": 10}),
]


@pytest.mark.parametrize(("fault", "spec_variant", "expected"), [one[1:] for one in LEFT], ids=[one[0] for one in LEFT])
async def test_a_stopped_bulk_change_does_not_resend_unsettled_tasks(
    fault: Fault | None, spec_variant: dict[str, Any], expected: dict[str | None, int]
) -> None:
    sandbox, outcomes = await interrupt_bulk(fault, **spec_variant)
    assert codes(outcomes) == expected
    assert (count_requests(sandbox)[BULK], count_requests(sandbox)[ONE]) == (1, 0)


async def test_a_chunk_that_was_lost_and_then_refused_is_refused_if_one_task_read_by_itself_is_unchanged() -> None:
    sandbox, watch = close(10, spec_variant=NO_WORD), CountingProgress()
    lost, refused = Fault("reset_before", BULK), Fault("status", BULK, status=403, nth=2)
    outcomes, _ = await write_under_faults(sandbox, watch, COMPLETE, 10, lost, refused)
    assert codes(outcomes) == {"forbidden": 10}
    assert count_requests(sandbox)["GET /api/v1/task/{id}"] == 1


@pytest.mark.parametrize(("lag_s", "code"), [(0, None), (30, "outcome_unknown")])
async def test_a_failed_chunk_that_was_applied_is_not_reported_as_failed_by_a_stale_list(
    lag_s: int, code: str | None
) -> None:
    sandbox, watch = close(10, spec_variant=SpecVariant(rates="hidden", list_lag=lag_s)), CountingProgress()
    outcomes, _ = await write_under_faults(sandbox, watch, COMPLETE, 10, Fault("status", BULK, status=500, commit=True))
    assert codes(outcomes) == {code: 10}


async def test_each_chunk_has_the_time_of_a_call_for_itself() -> None:
    sandbox, time = close(1_000, spec_variant=NO_WORD), Time()
    async with on_close(sandbox, time) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 1_000)]
    async with on_close(sandbox, time, close_rate=1, limits=Limits(total_s=10)) as backend:
        outcomes = await backend.update_tasks(edits)
    assert codes(outcomes) == {None: 1_000}
    assert sum(time.slept) > 15
