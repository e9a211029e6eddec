"""Bulk changes: sent at the configured rate, reported task by task, stopped on request, each with its outcome."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest
from anyio.lowlevel import checkpoint

from backends.slow_transport import NetworkTime, SlowTransport
from backends.vambe.backend_case import WORLD
from backends.vambe.sandboxed_app import ANA, EVER, KEY, LIST, backend_at, status, task_id, vambe
from behaviour.world import NOW
from taskhand.backends.base import BulkProgress, ItemResult, Misread, Written
from taskhand.backends.remote.bulk_item import Item
from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.remote.write_messages import Messages
from taskhand.backends.vambe.adapter import VambeAdapter
from taskhand.call.deadline import call_deadline
from taskhand.call.request_log import recorded_requests
from taskhand.domain.due import Due, due_of, shift_due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAttempted, OutcomeUnknown, RateLimited, UpstreamError
from taskhand.domain.task import StatusChoice, Task
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.messages import ReceivedRequest, Response
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox
from virtual_time import Time

PUT = "PUT /api/public/tasks/{id}"
VAMBE = Messages("Vambe")
SANTIAGO = "America/Santiago"
Edits = list[tuple[Task, Edit]]


@asynccontextmanager
async def open_account(
    sandbox: VambeSandbox,
    time: Time,
    faults: Iterable[Fault] = (),
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[VambeAdapter, list[Task]]]:
    """A backend that has read all tasks; then Vambe goes wrong."""
    async with serve_sandbox(sandbox) as url, backend_at(url, time, transport=transport, **settings) as backend:
        found = await backend.snapshots([task["id"] for task in sandbox.tasks])
        sandbox.clear_requests()
        sandbox.faults = tuple(faults)
        yield backend, [shown.task for shown in found.values()]


def rename_edits(tasks: Iterable[Task]) -> Edits:
    return [(task, Edit(title=f"{task.title} again")) for task in tasks]


def puts(sandbox: VambeSandbox) -> list[str]:
    return [request.path.rpartition("/")[2] for request in sandbox.requests if request.method == "PUT"]


def written_ids(outcomes: Iterable[ItemResult]) -> set[str]:
    return {outcome.task_id for outcome in outcomes if outcome.written}


def errors(outcomes: Iterable[ItemResult]) -> list[object]:
    return [outcome.error for outcome in outcomes if outcome.error]


def changed_ids(sandbox: VambeSandbox) -> set[str]:
    return {task["id"] for task in sandbox.tasks if task["title"].endswith("again")}


# The rate.


async def test_a_thousand_changes_keep_to_the_rate_and_reach_it_and_each_has_the_time_of_one_call() -> None:
    time = NetworkTime()
    sandbox = vambe(1_000, clock=time.moment, spec_variant=SpecVariant(per_second=10))
    way = SlowTransport(time, latency_s=0.25)
    async with open_account(sandbox, time, transport=way, vambe_rate=10) as (backend, tasks):
        began = time.now = time.now + 2
        outcomes = await backend.update_tasks(rename_edits(tasks))
        took_s = time.now - began
    assert [outcome.task_id for outcome in outcomes] == [task.id for task in tasks]
    assert len(written_ids(outcomes)) == len(changed_ids(sandbox)) == 1_000
    assert {request.status for request in sandbox.requests} == {200}
    assert sorted(puts(sandbox)) == sorted(task.id for task in tasks)
    assert 60 < took_s <= 1_000 / 10 / 0.95


async def test_the_lists_are_read_once_however_long_it_takes() -> None:
    time = Time()
    sandbox = vambe(30)
    async with open_account(sandbox, time, vambe_rate=1, vambe_cache_s=0) as (backend, tasks):
        await backend.update_tasks(rename_edits(tasks))
    assert time.now > 1_025
    assert [request.method for request in sandbox.requests].count("GET") == 1
    assert len(changed_ids(sandbox)) == 30


async def test_at_most_twice_the_request_limit_of_updates_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    in_hand, most = 0, 0

    async def update(_: VambeAdapter, item: Item[JsonObject], __: BulkProgress) -> Written:
        nonlocal in_hand, most
        in_hand += 1
        most = max(most, in_hand)
        await checkpoint()
        in_hand -= 1
        return Written(item.before)

    monkeypatch.setattr(VambeAdapter, "update_item", update)
    async with open_account(vambe(50), Time(), vambe_in_flight=4) as (backend, tasks):
        results = await backend.update_tasks([(task, Edit()) for task in tasks])
    assert (len(results), most) == (50, 8)


async def test_the_requests_of_every_task_are_recorded() -> None:
    sandbox = vambe(3)
    async with open_account(sandbox, Time()) as (backend, tasks):
        with recorded_requests() as sent:
            await backend.update_tasks(rename_edits(tasks))
    assert sorted(sent) == [f"PUT /api/public/tasks/{task.id} 200" for task in tasks]


# The watch.


async def test_every_result_is_reported_by_its_index_as_soon_as_it_is_known() -> None:
    time, sandbox, watch = Time(), vambe(20), BulkProgress()
    early: list[int] = []

    async def look() -> None:
        early.extend(watch.results)

    async with open_account(sandbox, time, [status(400, nth=3, route=PUT)], vambe_rate=5, vambe_in_flight=1) as (
        backend,
        tasks,
    ):
        time.on_sleep = look
        outcomes = await backend.update_tasks(rename_edits(tasks), watch)
    assert early == [0, 1, 2, 3], "five requests in the first second, of which reading the tasks was one"
    assert [watch.results[index] for index in range(20)] == list(outcomes)
    assert len(errors(outcomes)) == 1
    assert written_ids(outcomes) == changed_ids(sandbox)


async def test_a_stopped_bulk_change_begins_no_more_writes_and_reports_every_sent_one() -> None:
    time, sandbox, watch = Time(), vambe(60), BulkProgress()

    async def stop() -> None:
        watch.stop("the caller gave up")

    async with open_account(sandbox, time, vambe_rate=10, vambe_in_flight=4) as (backend, tasks):
        time.on_sleep = stop
        outcomes = await backend.update_tasks(rename_edits(tasks), watch)
    assert 10 <= len(puts(sandbox)) <= 10 + 2 * 4
    assert written_ids(outcomes) == set(puts(sandbox)) == changed_ids(sandbox)
    assert {id(error) for error in errors(outcomes)} == {id(watch.stopped)}
    assert len(errors(outcomes)) == 60 - len(puts(sandbox))


async def test_a_bulk_change_stopped_before_it_begins_sends_nothing() -> None:
    sandbox, watch = vambe(3), BulkProgress()
    watch.stop("the caller gave up")
    async with open_account(sandbox, Time()) as (backend, tasks):
        outcomes = await backend.update_tasks(rename_edits(tasks), watch)
    assert [outcome.error for outcome in outcomes] == [watch.stopped] * 3
    assert puts(sandbox) == []


async def test_a_stop_during_the_read_back_of_a_lost_write_prevents_a_resend() -> None:
    time, sandbox, watch = Time(), vambe(1), BulkProgress()

    async def stop() -> None:
        watch.stop("the caller gave up")

    lost = [Fault("reset_before", PUT), status(500, route=LIST)]
    async with open_account(sandbox, time, lost) as (backend, tasks):
        time.on_sleep = stop
        (outcome,) = await backend.update_tasks(rename_edits(tasks), watch)
    assert [request.method for request in sandbox.requests] == ["PUT", "GET", "GET"]
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.retryable) == ("upstream_error", True)


async def test_the_rest_is_not_sent_after_a_request_to_wait_for_an_hour() -> None:
    sandbox, watch = vambe(40), BulkProgress()
    busy = [status(429, 3600, nth=5, route=PUT)]
    async with open_account(sandbox, Time(), busy, vambe_rate=4, vambe_in_flight=4) as (backend, tasks):
        outcomes = await backend.update_tasks(rename_edits(tasks), watch)
    limited = [error for error in errors(outcomes) if isinstance(error, RateLimited)]
    unsent = [error for error in errors(outcomes) if isinstance(error, NotAttempted)]
    assert [error.retry_after_s for error in limited] == [3600]
    assert len(limited) + len(unsent) + len(written_ids(outcomes)) == 40
    assert {(error.retryable, error.retry_after_s, error.code) for error in unsent} == {(True, 3600, "not_attempted")}
    assert len(puts(sandbox)) <= 5 + 4
    assert written_ids(outcomes) == changed_ids(sandbox)


async def test_without_a_watch_a_limit_stops_the_rest_all_the_same() -> None:
    sandbox = vambe(40)
    async with open_account(sandbox, Time(), [status(429, 3600, route=PUT, **EVER)], vambe_in_flight=1) as (
        backend,
        tasks,
    ):
        outcomes = await backend.update_tasks(rename_edits(tasks))
    assert len(puts(sandbox)) == 1
    assert sum(isinstance(error, NotAttempted) for error in errors(outcomes)) == 39


# What goes wrong with some, or with what all of them need.


async def test_each_update_has_its_own_outcome_independent_of_the_others() -> None:
    sandbox = vambe(5)
    async with open_account(sandbox, Time(), vambe_in_flight=1) as (backend, tasks):
        sandbox.faults = (
            Fault("reset_after", PUT, nth=1),
            Fault("reset_before", PUT, nth=2),
            status(500, nth=4, route=PUT),
        )
        gone = tasks[0].model_copy(update={"id": task_id(99)})
        outcomes = await backend.update_tasks(rename_edits([gone, *tasks]))
    said = [outcome.written.note if outcome.written else getattr(outcome.error, "code", "") for outcome in outcomes]
    assert said[0] == "task_not_found"
    assert sorted(map(str, said[1:])) == sorted(["None", "None", VAMBE.applied, VAMBE.sent_again, "upstream_error"])
    assert written_ids(outcomes) == changed_ids(sandbox)
    assert task_id(99) not in puts(sandbox)


async def test_no_update_is_sent_if_the_lists_cannot_be_read() -> None:
    sandbox, watch = vambe(3), BulkProgress()
    down = [status(500, route=LIST, **EVER)]
    async with open_account(sandbox, Time(), down, vambe_cache_s=0) as (backend, tasks):
        outcomes = await backend.update_tasks(rename_edits(tasks), watch)
    assert {type(error) for error in errors(outcomes)} <= {UpstreamError, *UpstreamError.__subclasses__()}
    assert len(errors(outcomes)) == len(watch.results) == 3
    assert puts(sandbox) == []


async def test_when_the_lists_are_rate_limited_for_an_hour_nothing_is_sent() -> None:
    sandbox = vambe(3)
    async with open_account(sandbox, Time(), [status(429, 3600, route=LIST)], vambe_cache_s=0) as (backend, tasks):
        outcomes = await backend.update_tasks(rename_edits(tasks))
    assert [getattr(error, "code", "") for error in errors(outcomes)] == ["rate_limited", *["not_attempted"] * 2]
    assert puts(sandbox) == []


async def test_an_empty_bulk_sends_nothing() -> None:
    sandbox = vambe(1)
    async with open_account(sandbox, Time(), vambe_cache_s=0) as (backend, _):
        assert await backend.update_tasks([]) == ()
    assert sandbox.requests == ()


# Edits that were made from a task that was read wrongly.


async def test_an_edit_that_does_not_show_after_a_misreading_is_a_retryable_conflict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def update(_: VambeAdapter, item: Item[JsonObject], __: BulkProgress) -> Written:
        raise Misread(item.before, item.before.model_copy(update={"title": "x"}))

    monkeypatch.setattr(VambeAdapter, "update_item", update)
    async with open_account(vambe(2), Time()) as (backend, (one, other)):
        done, failed = await backend.update_tasks([(one, Edit(title="x")), (other, Edit(title=str(other.title)))])
    assert done.written == Written(one.model_copy(update={"title": "x"}))
    assert failed.error is not None
    assert (failed.error.code, failed.error.retryable) == ("conflict", True)


def timed(number: int) -> dict[str, Any]:
    """A task that is due at three in the afternoon in Santiago."""
    due = {"dueDate": f"2026-03-{number:02}", "dueTime": "15:00", "timezone": SANTIAGO}
    return {"id": task_id(number), "title": f"Call {number}", "priority": "1"} | due


def timed_world(due_at: str, tasks: int) -> dict[str, Any]:
    """What a Vambe with such tasks is made of."""
    seed = WORLD | {"tasks": [timed(number) for number in range(1, tasks + 1)]}
    return {"seed": seed, "key": KEY, "clock": lambda: NOW, "spec_variant": SpecVariant.parse([f"due_at={due_at}"])}


def timed_vambe(due_at: str, tasks: int = 12) -> VambeSandbox:
    return VambeSandbox(**timed_world(due_at, tasks))


def later(tasks: Iterable[Task], days: int) -> Edits:
    """Each on another day at the clock that it shows."""
    return [(task, Edit(due=shift_due(due, days, None))) for task in tasks if (due := due_of(task))]


def clocks(sandbox: VambeSandbox) -> set[str]:
    """What the clock in Santiago shows at each due time, as the sandbox has it whatever the reading."""
    dues = [Due.read(task["due_at"], SANTIAGO, all_day=False) for task in sandbox.tasks]
    return {f"{due.local:%H:%M}" for due in dues if due and due.local}


async def test_due_times_that_were_misread_are_not_moved_to_another_clock() -> None:
    sandbox = timed_vambe("wall")
    before = sandbox.tasks
    async with open_account(sandbox, Time()) as (backend, tasks):
        first = await backend.update_tasks(later(tasks, 7))
        assert {getattr(error, "code", "") for error in errors(first)} == {"conflict"}
        assert len(errors(first)) == 12
        assert sandbox.tasks == before
        assert len(puts(sandbox)) == 2, "one that taught how due times are written, and its taking back"
        anew = await backend.snapshots([task.id for task in tasks], fresh=True)
        second = await backend.update_tasks(later([shown.task for shown in anew.values()], 7))
    assert len(written_ids(second)) == 12
    assert clocks(sandbox) == {"15:00"}
    assert {task["due_at"][:10] for task in sandbox.tasks} == {
        (date(2026, 3, number) + timedelta(days=7)).isoformat() for number in range(1, 13)
    }


async def test_a_misread_due_time_reverts_all_fields_of_the_edit_and_no_others() -> None:
    sandbox = timed_vambe("wall", tasks=1)
    (before,) = sandbox.tasks
    async with (
        open_account(sandbox, Time()) as (backend, tasks),
        serve_sandbox(sandbox) as url,
        backend_at(url, Time()) as theirs,
    ):
        await theirs.update_task(tasks[0], Edit(description="theirs"))
        ((task, edit),) = later(tasks, 7)
        edits = [(task, replace(edit, title="again", status=StatusChoice(name="Completado"), responsible_ids=(ANA,)))]
        (outcome,) = await backend.update_tasks(edits)
    assert getattr(outcome.error, "code", "") == "conflict"
    assert sandbox.tasks == [before | {"description": "theirs"}]


async def test_due_times_that_were_read_rightly_are_moved_at_once() -> None:
    sandbox = timed_vambe("utc")
    async with open_account(sandbox, Time()) as (backend, tasks):
        outcomes = await backend.update_tasks(later(tasks, 7))
    assert len(written_ids(outcomes)) == len(puts(sandbox)) == 12
    assert clocks(sandbox) == {"15:00"}


@pytest.mark.parametrize("due_at", ["utc", "wall", "echo"])
async def test_a_due_time_that_was_wholly_given_is_written_whatever_was_misread(due_at: str) -> None:
    sandbox = timed_vambe(due_at)
    given = Due.instant(datetime(2026, 4, 20, 13, 30, tzinfo=UTC), SANTIAGO)
    async with open_account(sandbox, Time()) as (backend, tasks):
        outcomes = await backend.update_tasks([(task, Edit(due=given)) for task in tasks])
    assert len(written_ids(outcomes)) == len(puts(sandbox)) == 12
    assert {task["due_at"] for task in sandbox.tasks} == {given.due_at}


async def test_other_changes_of_misread_tasks_are_made_beside_the_one_that_shows_the_misreading() -> None:
    sandbox = timed_vambe("wall")
    async with open_account(sandbox, Time()) as (backend, tasks):
        outcomes = await backend.update_tasks([*later(tasks[:1], 7), *rename_edits(tasks[1:])])
    assert [getattr(error, "code", "") for error in errors(outcomes)] == ["conflict"]
    assert changed_ids(sandbox) == written_ids(outcomes) == {task.id for task in tasks[1:]}
    assert clocks(sandbox) == {"15:00"}


async def test_a_due_time_that_cannot_be_reverted_is_unknown() -> None:
    sandbox = timed_vambe("wall", tasks=1)
    async with open_account(sandbox, Time(), [status(500, nth=2, route=PUT)]) as (backend, tasks):
        (outcome,) = await backend.update_tasks(later(tasks, 7))
    assert isinstance(outcome.error, OutcomeUnknown)
    assert task_id(1) in (outcome.error.next_step or "")


async def test_a_due_time_is_reverted_within_the_rest_of_the_call() -> None:
    sandbox, time = timed_vambe("wall", tasks=1), Time()
    before = sandbox.tasks
    async with open_account(sandbox, time, [status(429, retry_after=10, nth=2, route=PUT)]) as (backend, tasks):
        with call_deadline(13.0, time.clock):  # after the wait of ten seconds no other write would be sent
            await backend.update_tasks(later(tasks, 7))
    assert len(puts(sandbox)) == 3
    assert sandbox.tasks == before


class UnchangedSandbox(VambeSandbox):
    """A Vambe that confirms every change, and makes the first one only."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        """What a request is answered."""
        is_ignored = call.method == "PUT" and bool(puts(self))
        return super().answer(replace(call, body=b"{}") if is_ignored else call, stale=stale)


async def test_a_due_time_whose_revert_has_no_effect_is_unknown() -> None:
    sandbox = UnchangedSandbox(**timed_world("wall", 1))
    async with open_account(sandbox, Time()) as (backend, tasks):
        (outcome,) = await backend.update_tasks(later(tasks, 7))
    assert len(puts(sandbox)) == 2
    assert isinstance(outcome.error, OutcomeUnknown)


async def test_a_single_change_made_from_a_misread_due_time_is_not_sent_once_that_is_known() -> None:
    sandbox = timed_vambe("wall")
    async with open_account(sandbox, Time()) as (backend, (first, second, *_)):
        with pytest.raises(Misread):
            await backend.update_task(*later([first], 7)[0])
        sandbox.clear_requests()
        with pytest.raises(Misread) as caught:
            await backend.update_task(*later([second], 7)[0])
    assert puts(sandbox) == []
    assert caught.value.before == caught.value.now
    assert due_of(caught.value.before) == Due.read("2026-03-02T18:00:00.000Z", SANTIAGO, all_day=False)
