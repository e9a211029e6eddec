"""Lists of Close: filtering by Close and by Taskhand gives the same tasks as reading every task."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.close.sandboxed_app import (
    ANA,
    CAROLINA,
    ELENA,
    LEAD,
    LUIS,
    OTHER_LEAD,
    WORLD,
    Time,
    close,
    on_close,
    row,
    task_id,
)
from behaviour.world import NOW
from taskhand.backends.close.adapter import CloseAdapter
from taskhand.backends.close.mapping import DONE, OPEN, task_of, times_of
from taskhand.backends.close.offset_paging import OffsetPage, read_all_pages, settled_rows
from taskhand.domain.date_window import Period
from taskhand.domain.due import Due, due_of, is_overdue
from taskhand.domain.edit import Edit
from taskhand.domain.errors import InvalidAnswer, UpstreamError
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_page import select_page
from taskhand.domain.task_query import Order, TaskQuery, task_sort_key
from taskhand.domain.task_times import NO_TIMES, Moment, TaskTimes
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.faults import Fault

SANTIAGO = "America/Santiago"
LIST = "GET /api/v1/task"


def world(count: int) -> list[dict[str, Any]]:
    """Tasks of all sorts around today: days and instants near midnight, dateless, done, of several people and types."""
    dates = (None, "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-03T02:30:00+00:00", "2026-03-02T15:00:00+00:00")
    kinds = ("lead", "lead", "lead", "outgoing_call", "lead", "missed_call")
    return [
        row(
            number,
            _type=kinds[number % 6],
            date=dates[number % 5 + (number % 6 == 5)],
            assigned_to=(ELENA, ANA, LUIS)[number % 3] if number % 11 else None,
            is_complete=number % 4 == 0,
            priority=("medium", "high")[number % 2],
            lead_id=(LEAD, OTHER_LEAD)[number % 7 == 0],
            contact_id=CAROLINA if number % 3 == 0 and number % 7 else None,
            date_created=(NOW - timedelta(minutes=number // 3)).isoformat(),
        )
        for number in range(1, count + 1)
    ]


def all_tasks(sandbox: CloseSandbox) -> list[Task]:
    """Every task there is."""
    return [task_of(each, SANTIAGO) for each in sandbox.tasks]


def by_hand(
    tasks: Sequence[Task], query: TaskQuery, times: Mapping[str, TaskTimes] = NO_TIMES
) -> tuple[list[str], bool]:
    """The page of these tasks."""
    page = select_page(tasks, query, is_late, times)
    return [task.id for task in page.tasks], page.more


def is_late(task: Task) -> bool:
    return task.status_config == OPEN and is_overdue(due_of(task), NOW, SANTIAGO)


QUERIES = [
    TaskQuery(),
    TaskQuery(responsible_ids=(ANA,)),
    TaskQuery(responsible_ids=(ANA, LUIS), statuses=(StatusChoice.of(OPEN),)),
    TaskQuery(from_date="2026-03-02", to_date="2026-03-02"),
    TaskQuery(from_date="2026-03-02", to_date="2026-03-02", include_tasks_without_dates=False),
    TaskQuery(from_date="2026-03-03", include_tasks_without_dates=False, statuses=(StatusChoice.of(DONE),)),
    TaskQuery(to_date="2026-03-01"),
    TaskQuery(overdue=True),
    TaskQuery(overdue=False, priority=2),
    TaskQuery(contact=LEAD),
    TaskQuery(contact=CAROLINA, text="acme 9"),
]
ONCE = [
    TaskQuery(without_date=True, statuses=(StatusChoice.of(OPEN),)),
    TaskQuery(responsible_ids=(LUIS,), of_nobody=True),
    TaskQuery(period=Period("created", NOW - timedelta(minutes=30), NOW - timedelta(minutes=9))),
    TaskQuery(period=Period("updated", NOW - timedelta(days=1), None), overdue=True),
]
ORDERS: list[Order] = ["due", "created", "priority"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("limit", "count"), [(20, 110), (100, 230)])
async def test_every_page_equals_the_page_of_a_full_list(limit: int, count: int, order: Order) -> None:
    sandbox = close(world(count))
    async with on_close(sandbox, timezone=SANTIAGO) as backend:
        queries = [replace(query, limit=limit, order=order) for query in QUERIES]
        await assert_all_pages(backend, sandbox, *queries)


@pytest.mark.parametrize("query", [*ONCE, TaskQuery()], ids=range(len(ONCE) + 1))
async def test_pages_with_a_rarer_filter_or_oldest_first_equal_those_of_a_full_list(query: TaskQuery) -> None:
    sandbox = close(world(110))
    async with on_close(sandbox, timezone=SANTIAGO) as backend:
        await assert_all_pages(backend, sandbox, replace(query, limit=9, order="oldest"))


async def assert_all_pages(backend: CloseAdapter, sandbox: CloseSandbox, *queries: TaskQuery) -> None:
    """Follow the pages of each query to their end."""
    tasks, times = all_tasks(sandbox), {each["id"]: times_of(each) for each in sandbox.tasks}
    for asked in queries:
        wanted, more = by_hand(tasks, replace(asked, limit=len(tasks)), times)
        assert not more
        query, seen, is_more = asked, 0, True
        while is_more:
            page = await backend.list_tasks(query)
            assert [task.id for task in page.tasks] == wanted[seen : seen + query.limit], query
            seen += query.limit
            is_more = seen < len(wanted)
            assert page.more == is_more, query
            if is_more:
                last = page.tasks[-1]
                query = replace(query, after=(task_sort_key(last, query.order), last.id))


READINGS = [
    SpecVariant(dateless_date="null"),
    SpecVariant(due_date="absent"),
    SpecVariant(dateless_date="null", due_date="absent"),
    SpecVariant(list_order="shuffled"),
    SpecVariant(list_order="newest"),
    SpecVariant(booleans="strict"),
    SpecVariant(unknown_filters="rejected"),
    SpecVariant(max_limit=100),
    SpecVariant(default_zone="user"),
    SpecVariant(rates="hidden"),
    SpecVariant(throttle=3),
]


@pytest.mark.parametrize("spec_variant", READINGS, ids=range(len(READINGS)))
@pytest.mark.parametrize("order", ORDERS)
async def test_every_page_equals_the_page_of_a_full_list_under_every_spec_variant(
    spec_variant: SpecVariant, order: Order
) -> None:
    sandbox = close(world(130), spec_variant=spec_variant)
    async with on_close(sandbox, timezone=SANTIAGO) as backend:
        queries = [replace(query, limit=40, order=order) for query in QUERIES[ORDERS.index(order) :: 3]]
        await assert_all_pages(backend, sandbox, *queries)


@pytest.mark.parametrize("order", ["due", "created"])
async def test_the_first_page_of_many_tasks_is_a_few_requests(order: Order) -> None:
    rows = [
        row(
            number,
            date=f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
            date_created=(NOW - timedelta(minutes=number)).isoformat(),
        )
        for number in range(1, 3_001)
    ]
    sandbox = close(rows)
    async with on_close(sandbox) as backend:
        page = await backend.list_tasks(TaskQuery(order=order))
        assert ([task.id for task in page.tasks], page.more) == by_hand(all_tasks(sandbox), TaskQuery(order=order))
        assert len(sandbox.requests) <= 2
        last = page.tasks[-1]
        sandbox.clear_requests()
        await backend.list_tasks(TaskQuery(order=order, after=(task_sort_key(last, order), last.id)))
        assert len(sandbox.requests) <= 3


async def test_a_list_that_is_too_long_raises_an_error_with_filters_to_narrow_it() -> None:
    sandbox = close(5_000)
    async with on_close(sandbox) as backend:
        with pytest.raises(UpstreamError) as refused:
            await backend.list_tasks(TaskQuery(order="priority"))
        assert refused.value.code == "too_many_tasks"
        assert "responsibleIds" in (refused.value.next_step or "")
        assert len(sandbox.requests) == 50
        page = await backend.list_tasks(TaskQuery(order="priority", responsible_ids=(ANA,)))
        assert page.tasks == ()


@pytest.mark.parametrize("order", ["due", "created", "oldest", "priority"])
async def test_a_long_list_is_read_in_parts_by_the_time_of_creation(
    monkeypatch: pytest.MonkeyPatch, order: Order
) -> None:
    monkeypatch.setattr("taskhand.backends.close.offset_paging.MAX_PAGES", 2)
    sandbox = close(world(450))
    async with on_close(sandbox, timezone=SANTIAGO) as backend:
        query = TaskQuery(order=order, text="acme", limit=440)
        page = await backend.list_tasks(query)
        assert ([task.id for task in page.tasks], page.more) == by_hand(all_tasks(sandbox), query)
        assert len(sandbox.requests) <= 9


async def test_a_contacts_tasks_are_looked_for_on_its_lead_alone() -> None:
    elsewhere = [row(number, lead_id=OTHER_LEAD) for number in range(1, 301)]
    sandbox = close([*elsewhere, row(301, lead_id=LEAD, contact_id=CAROLINA), row(302, lead_id=LEAD)])
    async with on_close(sandbox) as backend:
        page = await backend.list_tasks(TaskQuery(contact=CAROLINA))
        assert [task.id for task in page.tasks] == [task_id(301)]
        assert len(sandbox.requests) == 2
        assert (await backend.list_tasks(TaskQuery(contact="cont_of_nobody"))).tasks == ()


class ShrinkingList:
    """A list that loses rows while it is read: `lost` says how many, after each page."""

    def __init__(self, size: int, lost: Sequence[int]) -> None:
        self.rows: list[dict[str, Any]] = [{"id": f"task_{number}"} for number in range(size)]
        self.always = list(self.rows)
        self._lost = list(lost)

    async def fetch(self, skip: int) -> OffsetPage:
        page = OffsetPage(tuple(self.rows[skip : skip + 100]), more=len(self.rows) > skip + 100)
        gone = self._lost.pop() if self._lost else 0
        del self.rows[:gone]
        return page


@settings(max_examples=60, suppress_health_check=[HealthCheck.differing_executors])
@given(st.integers(0, 450), st.lists(st.integers(0, 180), max_size=6))
async def test_no_row_is_missed_in_a_list_that_moves_while_it_is_read(size: int, lost: list[int]) -> None:
    moving = ShrinkingList(size, lost)
    try:
        found = (await read_all_pages(moving.fetch)).rows
    except InvalidAnswer:
        assert not moving.rows
        return
    ids = [row["id"] for row in found]
    assert len(ids) == len(set(map(str, ids)))
    assert {str(row["id"]) for row in moving.rows} <= set(map(str, ids))


async def test_an_endless_list_is_an_error() -> None:
    async def fetch(skip: int) -> OffsetPage:
        return OffsetPage(tuple({"id": f"task_{number}"} for number in range(skip, skip + 100)), more=True)

    with pytest.raises(UpstreamError, match="More rows"):
        await read_all_pages(fetch)


@given(st.lists(st.dates(datetime(2026, 1, 1).date(), datetime(2026, 2, 1).date()), max_size=40))  # noqa: DTZ001 - days
def test_settled_rows_precede_the_last_row_and_an_unordered_list_has_none(days: list[Any]) -> None:
    rows: list[dict[str, Any]] = [{"id": str(index), "date": day.isoformat()} for index, day in enumerate(days)]
    ordered = sorted(rows, key=lambda row: str(row["date"]))
    certain = settled_rows(ordered, "due")
    assert all(str(row["date"]) < str(ordered[-1]["date"]) for row in certain)
    if any((one - later).days > 1 for one, later in pairwise(days)):
        assert settled_rows(rows, "due") == []
    assert settled_rows(rows, "priority") == []


@pytest.mark.parametrize("order", ["created", "oldest"])
def test_a_list_with_an_unreadable_creation_time_has_no_settled_rows(order: Order) -> None:
    rows = [{"id": one, "date_created": f"2026-03-02T10:00:0{one}Z"} for one in ("1", "2", "3")]
    rows = rows if order == "oldest" else rows[::-1]
    assert settled_rows(rows, order) == rows[:2]
    assert settled_rows([rows[0], {"id": "x", "date_created": "yesterday"}, *rows[1:]], order) == []


@pytest.mark.parametrize("moment", ["created", "updated"])
async def test_a_period_has_its_first_moment_and_not_its_last(moment: Moment) -> None:
    times = [NOW + timedelta(milliseconds=each) for each in (-1, 0, 1)]
    rows = [row(number, date_created=at.isoformat()) for number, at in enumerate(times)]
    async with on_close(close(rows)) as backend:
        within = Period(moment, None, NOW + timedelta(milliseconds=2))
        cases = ((Period(moment, NOW, None), {1, 2}), (Period(moment, None, NOW), {0}), (within, {0, 1, 2}))
        for period, wanted in cases:
            listed = (await backend.list_tasks(TaskQuery(period=period))).tasks
            assert {task.id for task in listed} == {task_id(number) for number in wanted}


async def test_the_tasks_of_more_people_than_close_is_asked_for_are_all_listed() -> None:
    people = [str(one["id"]) for one in WORLD["users"][:4]]
    rows = [row(number, assigned_to=one) for number, one in enumerate(people, 1)]
    async with on_close(close(rows)) as backend:
        listed = (await backend.list_tasks(TaskQuery(responsible_ids=tuple(people)))).tasks
    assert {task.id for task in listed} == {task_id(number) for number in range(1, 5)}


async def test_a_filter_by_both_statuses_lists_open_and_completed_tasks() -> None:
    both = TaskQuery(statuses=(StatusChoice.of(OPEN), StatusChoice.of(DONE)))
    async with on_close(close([row(1), row(2, is_complete=True)])) as backend:
        assert {task.id for task in (await backend.list_tasks(both)).tasks} == {task_id(1), task_id(2)}


async def test_a_recent_write_is_listed_although_closes_list_is_stale() -> None:
    sandbox, time = close(3), Time()
    async with on_close(sandbox, time) as backend:
        await backend.list_tasks(TaskQuery())
        made = (await backend.create_task(new("Made just now"))).task
        before = await backend.get_task(task_id(1))
        await backend.update_task(before, Edit(title="Changed", status=StatusChoice.of(DONE)))
        sandbox.set_spec_variant(["list_lag=30"])
        time.now += 50
        listed = {task.id: task for task in (await backend.list_tasks(TaskQuery())).tasks}
        assert listed[made.id] == made
        assert (listed[before.id].title, listed[before.id].status_config) == ("Changed", DONE)
        done = await backend.list_tasks(TaskQuery(statuses=(StatusChoice.of(DONE),)))
        assert [task.id for task in done.tasks] == [before.id]
        opened = await backend.list_tasks(TaskQuery(statuses=(StatusChoice.of(OPEN),)))
        assert before.id not in {task.id for task in opened.tasks}
        time.now += 61
        assert made.id not in {task.id for task in (await backend.list_tasks(TaskQuery())).tasks}


async def test_a_later_change_by_somebody_else_replaces_a_recent_write() -> None:
    now = [NOW]
    sandbox = close(2, clock=lambda: now[0])
    async with on_close(sandbox) as backend, on_close(sandbox) as other:
        before = await backend.get_task(task_id(1))
        await backend.update_task(before, Edit(status=StatusChoice.of(DONE)))
        now[0] += timedelta(seconds=2)
        await other.update_task(before, Edit(status=StatusChoice.of(OPEN), title="Reopened"))
        assert (await backend.get_task(task_id(1))).title == "Reopened"
        done = await backend.list_tasks(TaskQuery(statuses=(StatusChoice.of(DONE),)))
        assert done.tasks == ()


async def test_a_stale_list_does_not_undo_the_last_write() -> None:
    sandbox = close(2, faults=[Fault("stale_list", LIST, nth="every")])
    async with on_close(sandbox) as backend:
        before = await backend.get_task(task_id(1))
        await backend.update_task(before, Edit(due=Due(NOW.astimezone(UTC).date()), responsible_ids=(ANA,)))
        page = await backend.list_tasks(TaskQuery(responsible_ids=(ANA,)))
    assert [task.id for task in page.tasks] == [task_id(1)]


async def test_a_recent_write_stays_listed_if_neither_a_list_nor_a_read_by_id_shows_it() -> None:
    unreadable = Fault("without_field", "GET /api/v1/task/{id}", field="id", nth="every")
    sandbox = close(2, faults=[Fault("stale_list", LIST, nth="every"), unreadable])
    async with on_close(sandbox) as backend:
        made = (await backend.create_task(new("Made just now"))).task
        assert made.id in {task.id for task in (await backend.list_tasks(TaskQuery())).tasks}
    assert "GET /api/v1/task/{id}" in {request.route for request in sandbox.requests}


async def test_recent_writes_that_somebody_else_deleted_are_not_listed_as_far_as_ten_reads_show_that() -> None:
    sandbox = close(2)
    async with on_close(sandbox) as backend:
        made = {(await backend.create_task(new(f"Made just now {number}"))).task.id for number in range(11)}
        assert made <= {task.id for task in (await backend.list_tasks(TaskQuery())).tasks}
        sandbox.reset()
        sandbox.clear_requests()
        assert len(made & {task.id for task in (await backend.list_tasks(TaskQuery())).tasks}) == 1
    assert len([one for one in sandbox.requests if one.route == "GET /api/v1/task/{id}"]) == 10


async def test_a_window_of_due_days_is_asked_for_with_two_days_more_at_each_end() -> None:
    sandbox = close(1)
    async with on_close(sandbox) as backend:
        await backend.list_tasks(
            TaskQuery(from_date="2026-03-10", to_date="2026-03-12", include_tasks_without_dates=False)
        )
    [query] = [request.query for request in sandbox.requests if request.route == LIST]
    assert (query["date__gte"], query["date__lte"]) == (["2026-03-08"], ["2026-03-14"])


@pytest.mark.parametrize("query", [TaskQuery(from_date="0001-01-01"), TaskQuery(to_date="9999-12-31")])
async def test_a_window_may_end_at_the_ends_of_the_calendar(query: TaskQuery) -> None:
    sandbox = close([row(1, date="2026-03-01"), row(2)])
    async with on_close(sandbox, timezone="Pacific/Kiritimati") as backend:
        for dateless in (True, False):
            page = await backend.list_tasks(replace(query, include_tasks_without_dates=dateless))
            assert len(page.tasks) == 1 + dateless


async def test_a_recent_write_of_an_unlisted_type_is_not_listed() -> None:
    sandbox = close([row(1, _type="voicemail", text=None, date="2026-03-01")])
    async with on_close(sandbox, close_task_types="lead") as backend:
        before = await backend.get_task(task_id(1))
        await backend.update_task(before, Edit(responsible_ids=(ANA,)))
        assert (await backend.list_tasks(TaskQuery())).tasks == ()


def new(title: str) -> Edit:
    return Edit(title=title, responsible_ids=(ELENA,), ai_customer_id=LEAD, priority=1)
