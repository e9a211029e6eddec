"""Bulk changes at Close: few requests, and a true outcome for every task."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.close.sandboxed_app import ANA, ELENA, LUIS, Time, close, on_close, row, task_id
from taskhand.backends.base import ItemResult
from taskhand.backends.close.adapter import CloseAdapter
from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.errors import MESSAGES as CLOSE
from taskhand.backends.close.factory import CloseSettings
from taskhand.backends.close.fields.task_types import INBOX
from taskhand.backends.close.mapping import DONE, task_of
from taskhand.backends.remote.bulk_item import Item
from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.remote.timing import Timing
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_query import TaskQuery
from taskhand.http.client import Client
from taskhand.http.upstream import Upstream
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.faults import Fault

COMPLETE = Edit(status=StatusChoice.of(DONE))
TO_ANA = Edit(responsible_ids=(ANA,))
MOVED = Edit(due=Due(date(2026, 4, 1)))
BULK, LIST, ONE = "PUT /api/v1/task", "GET /api/v1/task", "PUT /api/v1/task/{id}"


async def every(backend: CloseAdapter, count: int) -> tuple[Task, ...]:
    """All the seeded tasks."""
    return await read_tasks(backend, [task_id(number) for number in range(1, count + 1)])


async def read_tasks(backend: CloseAdapter, ids: Sequence[str]) -> tuple[Task, ...]:
    """Tasks as they are now."""
    return tuple(one.task for one in (await backend.snapshots(ids)).values())


def count_requests(sandbox: CloseSandbox) -> Counter[str]:
    """How many requests of each route there were; a POST that means a GET is one."""
    return Counter(str(one.route) for one in sandbox.requests)


def honest(sandbox: CloseSandbox, outcomes: tuple[ItemResult, ...], edits: list[tuple[Task, Edit]]) -> bool:
    """Whether every outcome is of its task, and what is called written is so."""
    rows = {each["id"]: each for each in sandbox.tasks}
    for outcome, (before, edit) in zip(outcomes, edits, strict=True):
        assert outcome.task_id == before.id
        assert (outcome.written is None) is (outcome.error is not None)
        if outcome.written is not None:
            now = task_of(rows[before.id], None)
            assert outcome.written.task == now
            assert not any(edit.unmet_by(now).given_fields())
    return True


@pytest.mark.parametrize("edit", [COMPLETE, TO_ANA, MOVED, Edit(due=MOVED.due, status=COMPLETE.status)])
async def test_a_thousand_tasks_take_few_requests(edit: Edit) -> None:
    sandbox = close(1_000)
    async with on_close(sandbox) as backend:
        edits = [(task, edit) for task in await every(backend, 1_000)]
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert all(outcome.written and outcome.written.note is None for outcome in outcomes)
    assert count_requests(sandbox) == {LIST: 20, BULK: 10}
    assert len(sandbox.requests) <= 60


async def test_a_thousand_tasks_found_by_a_filter_take_few_requests_too() -> None:
    sandbox = close(1_000)
    async with on_close(sandbox) as backend:
        tasks: list[Task] = []
        page = await backend.list_tasks(TaskQuery(order="priority", limit=1_000))
        tasks += page.tasks
        edits = [(task, COMPLETE) for task in tasks]
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert len(outcomes) == 1_000
    assert len(sandbox.requests) <= 60


async def test_a_bulk_request_names_every_task_and_every_type() -> None:
    sandbox = close([row(number, _type=kind, date="2026-03-01") for number, kind in enumerate(INBOX, start=1)])
    ids = [task_id(number) for number in range(1, len(INBOX) + 1)]
    async with on_close(sandbox) as backend:
        edits = [(task, TO_ANA) for task in await every(backend, len(INBOX))]
        outcomes = await backend.update_tasks(edits)
    body = {"assigned_to": ANA, "_params": {"id__in": ",".join(ids), "_type": "all"}}
    puts = [one for one in sandbox.requests if one.method == "PUT"]
    assert [(one.path, one.query, one.body) for one in puts] == [("/api/v1/task/", {}, body)]
    assert honest(sandbox, outcomes, edits)


async def test_equal_edits_are_sent_in_bulk_and_a_few_different_ones_singly() -> None:
    sandbox = close(11)
    async with on_close(sandbox) as backend:
        tasks = await every(backend, 11)
        edits = [(task, (COMPLETE, TO_ANA)[index % 2]) for index, task in enumerate(tasks[:8])]
        edits += [
            (tasks[8], MOVED),
            (tasks[9], MOVED),
            (tasks[10], Edit(title="Only this one", status=COMPLETE.status)),
        ]
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert all(outcome.written for outcome in outcomes)
    assert count_requests(sandbox) == {BULK: 2, LIST: 3, ONE: 3}


async def test_a_second_bulk_change_at_the_same_moment_takes_as_few_requests() -> None:
    sandbox = close(10)
    async with on_close(sandbox) as backend:
        tasks = await every(backend, 10)
        for edit in (COMPLETE, TO_ANA):
            sandbox.clear_requests()
            edits = [(task, edit) for task in tasks]
            outcomes = await backend.update_tasks(edits)
            assert honest(sandbox, outcomes, edits)
            assert count_requests(sandbox) == {BULK: 1, LIST: 1}


async def test_an_empty_bulk_sends_nothing() -> None:
    sandbox = close()
    async with on_close(sandbox) as backend:
        assert await backend.update_tasks([]) == ()
    assert sandbox.requests == ()


async def test_fields_outside_of_the_bulk_update_are_sent_singly_within_the_rate() -> None:
    sandbox, time = close(25, spec_variant=SpecVariant(rates="hidden")), Time()
    async with on_close(sandbox, time, close_rate=5) as backend:
        edits = [(task, Edit(priority=2)) for task in await every(backend, 25)]
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert all(outcome.written for outcome in outcomes)
    assert count_requests(sandbox)[ONE] == 25
    assert time.now >= 1_000 + 4


async def test_a_refused_task_does_not_stop_the_others() -> None:
    sandbox = close(6)
    async with on_close(sandbox) as backend:
        tasks = await every(backend, 6)
        edits = [(task, COMPLETE) for task in tasks[:4]]
        edits.append((tasks[4], Edit(responsible_ids=("user_nobody",))))
        edits.append((tasks[5], Edit(due=Due(date(2026, 4, 1)), title="x")))
        gone = tasks[0].model_copy(update={"id": task_id(99)})
        edits.append((gone, COMPLETE))
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert [outcome.error and outcome.error.code for outcome in outcomes] == [
        *[None] * 4,
        "upstream_refused",
        None,
        "task_not_found",
    ]


async def test_an_unknown_person_is_refused_for_all_tasks_with_one_request() -> None:
    sandbox = close(300)
    async with on_close(sandbox) as backend:
        edits = [(task, Edit(responsible_ids=("user_nobody",))) for task in await every(backend, 300)]
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert {outcome.error.code for outcome in outcomes if outcome.error} == {"upstream_refused"}
    assert count_requests(sandbox) == {BULK: 3, LIST: 6, ONE: 9}


@pytest.mark.parametrize("stop", [1, 2, 40, 99])
async def test_after_a_refusal_midway_the_unchanged_tasks_are_sent_one_by_one(stop: int) -> None:
    sandbox = close(100, spec_variant=SpecVariant(bulk_fails_after=stop))
    async with on_close(sandbox) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 100)]
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert all(outcome.written for outcome in outcomes)
    assert Counter(outcome.written.note for outcome in outcomes if outcome.written) == {
        CLOSE.applied: stop,
        None: 100 - stop,
    }
    assert count_requests(sandbox) == {BULK: 1, LIST: 2, ONE: 100 - stop}


LOST: list[tuple[Fault, str | None, dict[str, int]]] = [
    (Fault("reset_after", BULK), CLOSE.applied, {BULK: 1, LIST: 2}),
    (Fault("truncated", BULK), CLOSE.applied, {BULK: 1, LIST: 2}),
    (Fault("empty_body", BULK), CLOSE.applied, {BULK: 1, LIST: 2}),
    (Fault("not_json", BULK), CLOSE.applied, {BULK: 1, LIST: 2}),
    (Fault("status", BULK, status=504, commit=True), CLOSE.applied, {BULK: 1, LIST: 2}),
    (Fault("status", BULK, status=500, commit=True), CLOSE.applied, {BULK: 1, LIST: 2}),
    (Fault("reset_before", BULK), CLOSE.sent_again, {BULK: 2, LIST: 3}),
    (Fault("status", BULK, status=502), CLOSE.sent_again, {BULK: 2, LIST: 3}),
    (Fault("html", BULK), CLOSE.sent_again, {BULK: 2, LIST: 3}),
    (Fault("status", BULK, status=429, retry_after=2), None, {BULK: 2, LIST: 2}),
    (Fault("status", BULK, status=503), None, {BULK: 2, LIST: 2}),
]


@pytest.mark.parametrize(("fault", "note", "requests"), LOST, ids=[fault.kind for fault, *_ in LOST])
async def test_after_a_lost_answer_the_tasks_are_read_and_sent_again_once(
    fault: Fault, note: str | None, requests: dict[str, int]
) -> None:
    sandbox = close(50)
    async with on_close(sandbox) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 50)]
        sandbox.faults = (fault,)
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert {outcome.written.note if outcome.written else outcome.error for outcome in outcomes} == {note}
    assert count_requests(sandbox) == requests


FAILED: list[tuple[tuple[Fault, ...], str]] = [
    ((Fault("status", BULK, status=401, nth="every"),), "unauthorized"),
    ((Fault("status", BULK, status=403, nth="every"),), "forbidden"),
    ((Fault("status", BULK, status=429, retry_after=3600, nth="every"),), "rate_limited"),
    ((Fault("status", BULK, status=500, nth="every"),), "upstream_error"),
    ((Fault("redirect", BULK, nth="every"),), "upstream_redirect"),
    ((Fault("reset_before", BULK, nth="every"),), "upstream_error"),
    ((Fault("reset_after", BULK), Fault("status", LIST, status=500, nth="every")), "outcome_unknown"),
    ((Fault("status", BULK, status=500), Fault("not_json", LIST, nth="every")), "outcome_unknown"),
    ((Fault("not_json", LIST, nth="every"),), "outcome_unknown"),
]


@pytest.mark.parametrize(("faults", "code"), FAILED, ids=[code for _, code in FAILED])
async def test_a_permanent_failure_is_reported_for_every_task(faults: tuple[Fault, ...], code: str) -> None:
    sandbox = close(10)
    async with on_close(sandbox) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 10)]
        sandbox.faults = faults
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert {outcome.error.code for outcome in outcomes if outcome.error} == {code}
    assert all(outcome.error and outcome.error.next_step for outcome in outcomes)


async def test_tasks_changed_before_a_failure_are_reported_as_changed() -> None:
    sandbox = close(10)
    async with on_close(sandbox) as backend:
        tasks = await every(backend, 10)
        await backend.update_tasks([(task, COMPLETE) for task in tasks[:4]])
        sandbox.faults = (Fault("status", BULK, status=500, nth="every"),)
        edits = [(task, COMPLETE) for task in tasks]
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert [bool(outcome.written) for outcome in outcomes] == [True] * 4 + [False] * 6


async def test_one_failed_chunk_does_not_affect_the_other_chunks() -> None:
    sandbox = close(250)
    async with on_close(sandbox) as backend:
        edits = [(task, TO_ANA) for task in await every(backend, 250)]
        sandbox.faults = (Fault("status", BULK, status=403),)
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert Counter(bool(outcome.written) for outcome in outcomes) in ({True: 150, False: 100}, {True: 200, False: 50})


CONFIRMED = Fault("status", BULK, status=200, body='{"ok": true}', commit=False)
"""A bulk update that is confirmed and has no effect."""


async def test_tasks_that_the_bulk_update_skips_are_sent_by_themselves() -> None:
    """A PUT that is confirmed and did nothing, as where a filter is not what it was taken for."""
    sandbox, time = close(5), Time()
    async with on_close(sandbox, time) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 5)]
        sandbox.faults = (CONFIRMED,)
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert all(outcome.written for outcome in outcomes)
    assert count_requests(sandbox) == {BULK: 1, LIST: 6, "GET /api/v1/task/{id}": 1, ONE: 5}
    assert sum(time.slept) == 15


@pytest.mark.parametrize("body", ["{}", '{"ok": "no"}', '{"ok": 1}'])
async def test_an_answer_that_does_not_confirm_a_bulk_update_is_a_lost_one(body: str) -> None:
    sandbox, time = close(5), Time()
    async with on_close(sandbox, time) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 5)]
        sandbox.faults = (Fault("status", BULK, status=200, body=body, commit=False),)
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert not time.slept


async def test_a_stale_list_is_read_again_before_anything_is_sent_again() -> None:
    sandbox, time = close(5), Time()
    async with on_close(sandbox, time) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 5)]
        sandbox.faults = (Fault("stale_list", LIST),)
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert count_requests(sandbox) == {BULK: 1, LIST: 3}


@pytest.mark.parametrize("lag_s", [8, 100])
async def test_a_thousand_tasks_take_few_requests_although_the_lists_lag(lag_s: int) -> None:
    time = Time()
    sandbox = close(1_000, spec_variant=SpecVariant(list_lag=lag_s, rates="hidden"), clock=time.moment)
    async with on_close(sandbox, time) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 1_000)]
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    notes = Counter(outcome.written.note for outcome in outcomes if outcome.written)
    assert notes == ({None: 1_000} if lag_s == 8 else {None: 10, CLOSE.accepted: 990})
    assert count_requests(sandbox)[ONE] == 0
    assert len(sandbox.requests) <= 60


async def test_resends_twenty_confirmed_changes_that_do_not_show_and_reports_the_rest_as_unknown() -> None:
    sandbox = close(50)
    async with on_close(sandbox) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 50)]
        sandbox.faults = (CONFIRMED,)
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert Counter(outcome.error.code if outcome.error else None for outcome in outcomes) == {
        None: 20,
        "outcome_unknown": 30,
    }
    assert count_requests(sandbox)[ONE] == 20


async def test_a_confirmed_write_whose_single_retry_fails_is_unknown_and_never_unsent() -> None:
    sandbox = close(5)
    async with on_close(sandbox) as backend:
        edits = [(task, COMPLETE) for task in await every(backend, 5)]
        sandbox.faults = (
            CONFIRMED,
            Fault("status", ONE, status=429, retry_after=3600, nth="every"),
        )
        outcomes = await backend.update_tasks(edits)
    assert {outcome.error.code for outcome in outcomes if outcome.error} == {"outcome_unknown"}
    assert len(outcomes) == 5


async def test_the_same_task_twice_is_written_in_order() -> None:
    sandbox = close(4)
    async with on_close(sandbox) as backend:
        tasks = await every(backend, 4)
        edits = [(task, TO_ANA) for task in tasks]
        edits += [(task, Edit(responsible_ids=(LUIS,))) for task in tasks]
        edits += [(tasks[0], MOVED), (tasks[0], Edit(due=None))]
        outcomes = await backend.update_tasks(edits)
    shown = [outcome.written.task.responsible_ids for outcome in outcomes if outcome.written]
    assert shown == [(ANA,)] * 4 + [(LUIS,)] * 4 + [(LUIS,), (LUIS,)]
    assert all(each["assigned_to"] == LUIS for each in sandbox.tasks)
    assert [outcome.written.task.due_at for outcome in outcomes[-2:] if outcome.written] == [
        "2026-04-01T00:00:00.000Z",
        None,
    ]


async def test_ids_of_letters_and_dashes_are_sent_in_one_request() -> None:
    rows = [row(number) | {"id": f"{number}-Ab_{number}"} for number in range(1, 5)]
    sandbox = close(rows)
    async with on_close(sandbox) as backend:
        edits = [(task, COMPLETE) for task in await read_tasks(backend, [str(one["id"]) for one in rows])]
        outcomes = await backend.update_tasks(edits)
    assert honest(sandbox, outcomes, edits)
    assert count_requests(sandbox) == {BULK: 1, LIST: 2}


@pytest.mark.parametrize(
    "spec_variant",
    [
        SpecVariant(params="merge"),
        SpecVariant(bulk_types="all"),
        SpecVariant(booleans="strict"),
        SpecVariant(unknown_filters="rejected"),
        SpecVariant(unknown_fields="ignored"),
        SpecVariant(list_lag=30),
        SpecVariant(list_order="shuffled"),
        SpecVariant(max_limit=100),
        SpecVariant(dateless_date="null", due_date="absent"),
        SpecVariant(max_url=2000),
    ],
    ids=str,
)
@pytest.mark.parametrize("edit", [COMPLETE, TO_ANA, MOVED])
async def test_under_every_spec_variant_each_result_is_true(spec_variant: SpecVariant, edit: Edit) -> None:
    sandbox = close(60, spec_variant=spec_variant)
    async with on_close(sandbox) as backend:
        edits = [(task, edit) for task in await every(backend, 60)]
        outcomes = await backend.update_tasks(edits)
        assert honest(sandbox, outcomes, edits)
        assert all(outcome.written for outcome in outcomes)
        page = await backend.list_tasks(TaskQuery(limit=100))
    assert not any(any(edit.unmet_by(task).given_fields()) for task in page.tasks)


EDITS = st.sampled_from([COMPLETE, TO_ANA, MOVED, Edit(due=None), Edit(title="x"), Edit()])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 400), EDITS), max_size=450))
def test_every_edit_is_in_one_batch_and_no_batch_is_empty_or_too_large(picks: list[tuple[int, Edit]]) -> None:
    items = [Item[JsonObject](index, _task(number), edit) for index, (number, edit) in enumerate(picks)]
    batches, singles = adapter().batches(items)
    assert sorted(item.index for batch in [*batches, singles] for item in batch) == list(range(len(items)))
    for batch in batches:
        assert 3 <= len(batch) <= 100
        assert len({item.edit for item in batch}) == 1


def test_an_id_with_a_comma_is_sent_by_itself() -> None:
    odd = _task(1).model_copy(update={"id": "task_1,task_2"})
    batches, singles = adapter().batches([Item[JsonObject](index, odd, COMPLETE) for index in range(5)])
    assert (batches, len(singles)) == ([], 5)


def adapter() -> CloseAdapter:
    """An adapter that sends nothing."""
    client = CloseClient(Client(Upstream("Close", "http://127.0.0.1:9", {}, "CLOSE_API_KEY", "CLOSE_BASE_URL")), None)
    return CloseAdapter(client, CloseSettings(), None, Timing(Time().clock, Time().clock, Time().sleep))  # type: ignore[arg-type]  # no clock is read


def _task(number: int) -> Task:
    raw: dict[str, Any] = {"id": task_id(number), "text": "x", "assigned_to": ELENA, "date": "2026-03-10"}
    return task_of(raw, None)
