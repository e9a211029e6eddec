"""Lists of tasks: searches within HubSpot's limits, and pages that are right though the search lags."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.hubspot.sandboxed_app import (
    ANA,
    BRUNO,
    CAROLINA,
    COMPANY,
    ELENA,
    KEY,
    SANTIAGO,
    Account,
    Time,
    hubspot,
    row,
    seed,
    served,
    task_id,
)
from taskhand.backends.hubspot.mapping import times_of
from taskhand.backends.hubspot.query import MAX_FOUND, searches
from taskhand.domain.date_window import Period
from taskhand.domain.due import Due, due_of, is_overdue
from taskhand.domain.edit import Edit
from taskhand.domain.errors import UpstreamError
from taskhand.domain.task import FINISHED, Status, StatusChoice, Task
from taskhand.domain.task_page import select_page
from taskhand.domain.task_query import NO_DUE, Order, TaskQuery, task_sort_key
from taskhand.domain.task_times import TaskTimes
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.messages import ReceivedRequest, Response

OPEN = ("burst=0", "searches=0", "search_lag=0")
LAGGING = ("burst=0", "searches=0", "search_lag=30")
START = datetime(2026, 2, 20, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
STATUSES = {
    value: Status(id=value, name=value, color=None, type=kind, order=1)
    for value, kind in (("NOT_STARTED", "initial"), ("COMPLETED", "done"))
}
ISO_DAYS = st.one_of(st.none(), st.dates().map(lambda day: day.isoformat()))
CHOICES = st.sampled_from([StatusChoice.of(one) for one in STATUSES.values()] + [StatusChoice(name="Later")])
ANY_QUERY = st.builds(
    TaskQuery,
    responsible_ids=st.one_of(
        st.none(), st.lists(st.integers(1, 10**10).map(str), min_size=1, max_size=120).map(tuple)
    ),
    from_date=ISO_DAYS,
    to_date=ISO_DAYS,
    include_tasks_without_dates=st.booleans(),
    statuses=st.one_of(st.none(), st.lists(CHOICES, min_size=1).map(tuple)),
    overdue=st.sampled_from([None, True, False]),
    priority=st.sampled_from([None, 0, 1, 2]),
    contact=st.one_of(st.none(), st.just("101")),
    of_nobody=st.booleans(),
    period=st.sampled_from([None, Period("completed", NOW, NOW), Period("created", None, NOW)]),
    order=st.just("due"),
    after=st.sampled_from([None, ("2026-03-10", "5"), ("2026-03-10T09:00:00", "5"), (NO_DUE, "5")]),
)


@given(ANY_QUERY)
def test_no_search_exceeds_hubspots_limits(query: TaskQuery) -> None:
    for search in searches(query, STATUSES, NOW):
        groups = search.body(None).get("filterGroups", [])
        sizes = [len(group["filters"]) for group in groups]
        assert len(groups) <= 5
        assert max(sizes, default=0) <= 6
        assert sum(sizes) <= 18
        assert len(str(search.body("9800"))) <= 3_000


def test_does_not_filter_by_a_status_that_has_no_value() -> None:
    query = TaskQuery(statuses=(StatusChoice(name="Later"), StatusChoice(id="COMPLETED")))
    (search,) = searches(query, STATUSES, NOW)
    assert "filterGroups" not in search.body(None)


@pytest.mark.parametrize("count", [100, 101])
def test_does_not_filter_by_more_than_a_hundred_values(count: int) -> None:
    ids = [f"stage-{number}" for number in range(count)]
    stages = {one: Status(id=one, name=one, color=None, type="in_progress", order=1) for one in ids}
    closed = {one: status.model_copy(update={"type": "done"}) for one, status in stages.items()}
    by_status = TaskQuery(statuses=tuple(map(StatusChoice.of, stages.values())))
    for query, statuses, is_always_filtered in (
        (TaskQuery(responsible_ids=tuple(ids)), STATUSES, False),
        (by_status, stages, False),
        (TaskQuery(overdue=True), STATUSES | stages, False),
        (TaskQuery(overdue=True), closed, True),
    ):
        (search,) = searches(query, statuses, NOW)
        filters = [one for group in search.body(None).get("filterGroups", []) for one in group["filters"]]
        values = [one["values"] for one in filters if "values" in one]
        assert bool(values) == (is_always_filtered or count == 100)
        assert max(map(len, values), default=0) <= 100


def test_order_by_priority_takes_one_search_for_each_priority_from_the_cursor_on() -> None:
    assert len(list(searches(TaskQuery(order="priority"), STATUSES, NOW))) == 3
    assert len(list(searches(TaskQuery(order="priority", after=("22026-03-01", "5")), STATUSES, NOW))) == 1
    assert len(list(searches(TaskQuery(order="priority", priority=1), STATUSES, NOW))) == 1


def crowd(count: int) -> dict[str, Any]:
    """Tasks of every kind, the same ones every time."""
    chance = random.Random(4711)  # noqa: S311 - the same world every time
    rows = []
    for number in range(1, count + 1):
        at = START + timedelta(minutes=chance.randrange(0, 20 * 24 * 60, 15))
        links = {
            "contacts": chance.choice([[], [CAROLINA], [CAROLINA, BRUNO]]),
            "companies": chance.choice([[], [COMPANY]]),
        }
        rows.append(
            row(
                number,
                links,
                hs_timestamp=at.isoformat().replace("+00:00", "Z"),
                hs_task_is_all_day=chance.choice(["true", "false", "false"]),
                hs_task_priority=chance.choice(["NONE", "LOW", "MEDIUM", "HIGH"]),
                hs_task_status=chance.choice(["NOT_STARTED", "IN_PROGRESS", "COMPLETED"]),
                hubspot_owner_id=chance.choice([ELENA, ANA]) if number % 5 else "",
                hs_task_completion_date=(START + timedelta(hours=number)).isoformat().replace("+00:00", "Z"),
            )
            | {"createdAt": (START - timedelta(minutes=number // 3)).isoformat().replace("+00:00", "Z")}
        )
    return seed(rows=rows)


def is_late(crm: Account, task: Task) -> bool:
    unfinished = task.status_config is None or task.status_config.type not in FINISHED
    return unfinished and is_overdue(due_of(task), crm.time.moment(), SANTIAGO)


async def everything(crm: Account, count: int, of_links: Sequence[str] = ()) -> tuple[list[Task], dict[str, TaskTimes]]:
    """All seeded tasks as they really are, with their times."""
    reader = crm.backend._reader  # noqa: SLF001 - the truth to compare lists with
    records = await reader.read_records([task_id(number) for number in range(1, count + 1)])
    tasks = await reader.to_tasks(await reader.with_links(list(records.values())), of_links)
    return tasks, {task.id: times_of(record, task) for task, record in zip(tasks, records.values(), strict=True)}


QUERIES = {
    "all": TaskQuery(),
    "one person": TaskQuery(responsible_ids=(ANA,)),
    "a window": TaskQuery(from_date="2026-02-25", to_date="2026-02-27"),
    "a window, dated only": TaskQuery(from_date="2026-02-25", include_tasks_without_dates=False),
    "a status": TaskQuery(statuses=(StatusChoice(id="COMPLETED"),)),
    "priority 0": TaskQuery(priority=0),
    "priority 2": TaskQuery(priority=2, responsible_ids=(ELENA,)),
    "overdue": TaskQuery(overdue=True),
    "not overdue": TaskQuery(overdue=False),
    "a contact": TaskQuery(contact=BRUNO),
    "a company": TaskQuery(contact=COMPANY),
    "words": TaskQuery(text="acme 12"),
    "nobody": TaskQuery(responsible_ids=(), of_nobody=True),
    "nobody or Ana": TaskQuery(responsible_ids=(ANA,), of_nobody=True),
    "without a date": TaskQuery(without_date=True),
    "created in a week": TaskQuery(period=Period("created", START - timedelta(hours=1), START - timedelta(minutes=9))),
    "updated since": TaskQuery(period=Period("updated", NOW - timedelta(days=30), None)),
    "finished in a week": TaskQuery(period=Period("completed", START, START + timedelta(days=7))),
    "all at once": TaskQuery(
        responsible_ids=(ANA, ELENA),
        from_date="2026-02-21",
        to_date="2026-03-05",
        statuses=(StatusChoice(id="NOT_STARTED"), StatusChoice(id="IN_PROGRESS")),
        priority=0,
        contact=CAROLINA,
    ),
}


ONCE = ("nobody", "nobody or Ana", "without a date", "created in a week", "updated since", "finished in a week")
ORDERS: tuple[Order, ...] = ("due", "created", "priority")
PAGED = [
    *((name, order) for order in ORDERS for name in QUERIES if name not in ONCE),
    *zip(ONCE, (*ORDERS, *ORDERS), strict=True),
    ("words", "oldest"),
]


@pytest.mark.parametrize(("order", "direction"), [("created", "DESCENDING"), ("oldest", "ASCENDING")])
def test_a_list_by_creation_begins_at_the_end_that_it_shows_first(order: Order, direction: str) -> None:
    [search] = searches(TaskQuery(order=order), STATUSES, NOW)
    assert search.body(None)["sorts"] == [{"propertyName": "hs_createdate", "direction": direction}]


@pytest.mark.parametrize("order", [*ORDERS, "oldest"])
async def test_pages_contain_every_matching_task_once_and_in_order(order: Order) -> None:
    time, count = Time(), 260
    async with served(hubspot(time, crowd(count), spec_variant=OPEN), time) as crm:
        plain = await everything(crm, count)
        for name in (name for name, by in PAGED if by == order):
            query = replace(QUERIES[name], order=order, limit=60)
            of_links = tuple(filter(None, (query.contact, query.deal_id)))
            tasks, times = await everything(crm, count, of_links) if of_links else plain
            wanted = select_page(tasks, replace(query, limit=count), lambda task: is_late(crm, task), times)
            listed: list[Task] = []
            while True:
                page = await crm.backend.list_tasks(query)
                listed += page.tasks
                if not page.more:
                    break
                last = page.tasks[-1]
                query = replace(query, after=(task_sort_key(last, order), last.id))
            assert [task.id for task in listed] == [task.id for task in wanted.tasks], name
            assert listed == list(wanted.tasks), name


async def test_a_first_page_takes_few_requests() -> None:
    time = Time()
    async with served(hubspot(time, crowd(650), spec_variant=OPEN), time) as crm:
        await crm.backend.statuses()
        crm.hubspot.clear_requests()
        page = await crm.backend.list_tasks(TaskQuery(limit=25))
        assert page.more
        assert crm.sent.count("POST /crm/v3/objects/tasks/search") <= 2
        assert len(crm.sent) <= 5


class CircularPagesSandbox(HubSpotSandbox):
    """A HubSpot whose searches name `after` as the next page, whichever page was asked for."""

    after = "200"

    def answer(self, request: ReceivedRequest, *, stale: bool) -> Response:
        """The sandbox's answer, with that next page."""
        answer = super().answer(request, stale=stale)
        if not request.path.endswith("/tasks/search"):
            return answer
        return Response.of_json(answer.status, json.loads(answer.body) | {"paging": {"next": {"after": self.after}}})


@pytest.mark.parametrize(
    ("after", "code"), [("200", "upstream_invalid"), ("0", "upstream_invalid"), ("9" * 5_000, "too_many_tasks")]
)
async def test_a_search_that_repeats_a_page_ends_with_an_error(after: str, code: str) -> None:
    time = Time()
    sandbox = CircularPagesSandbox(seed=seed(3), token=KEY, clock=time.moment, spec_variant=SpecVariant.parse(OPEN))
    sandbox.after = after
    async with served(sandbox, time) as crm:
        with pytest.raises(UpstreamError) as refused:
            await crm.backend.list_tasks(TaskQuery(limit=25))
        assert refused.value.code == code
        assert crm.sent.count("POST /crm/v3/objects/tasks/search") <= 2


async def test_a_list_shows_a_write_until_the_search_has_caught_up() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=LAGGING), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        await crm.backend.update_task(before, Edit(title="Renamed"))
        time.now += 25
        page = await crm.backend.list_tasks(TaskQuery(text="Renamed"))
        assert [task.id for task in page.tasks] == [task_id(1)]


async def test_a_list_shows_recent_writes_though_the_search_lags() -> None:
    time = Time()
    async with served(hubspot(time, seed(3), spec_variant=LAGGING), time) as crm:
        time.now += 60
        first = await crm.backend.get_task(task_id(1))
        await crm.backend.update_task(first, Edit(responsible_ids=(ANA,), title="Moved"))
        made = await crm.backend.create_task(Edit(title="New", due=due_of(first), responsible_ids=(ANA,), priority=1))
        of_ana = await crm.backend.list_tasks(TaskQuery(responsible_ids=(ANA,)))
        assert sorted(str(task.title) for task in of_ana.tasks) == ["Moved", "New"]
        of_elena = await crm.backend.list_tasks(TaskQuery(responsible_ids=(ELENA,)))
        assert [task.id for task in of_elena.tasks] == [task_id(2), task_id(3)]
        crm.hubspot.edit(made.task.id, hs_task_subject="Changed in the app")
        again = await crm.backend.list_tasks(TaskQuery(responsible_ids=(ANA,)))
        assert sorted(str(task.title) for task in again.tasks) == ["Changed in the app", "Moved"]


async def searches_for(crm: Account, query: TaskQuery) -> int:
    """How many searches a page takes."""
    await crm.backend.statuses()
    crm.hubspot.clear_requests()
    await crm.backend.list_tasks(query)
    return crm.sent.count("POST /crm/v3/objects/tasks/search")


async def test_a_list_of_overdue_tasks_does_not_search_finished_ones() -> None:
    finished = [row(n, hs_timestamp="2026-02-20T12:00:00Z", hs_task_status="COMPLETED") for n in range(1, 650)]
    late = [row(n, hs_timestamp="2026-02-20T12:00:00Z") for n in range(650, 655)]
    time = Time()
    own_stages = (*OPEN, "stages=custom")
    async with served(hubspot(time, seed(rows=finished + late), spec_variant=own_stages), time) as crm:
        assert await searches_for(crm, TaskQuery(overdue=True)) == 1
        for narrower in (
            TaskQuery(overdue=True, responsible_ids=(ELENA,), of_nobody=True),
            TaskQuery(overdue=True, responsible_ids=(ELENA,), from_date="2026-01-01", task_type="TODO"),
        ):
            assert await searches_for(crm, narrower) == 1
        assert len((await crm.backend.list_tasks(TaskQuery(overdue=True))).tasks) == 5
        assert await searches_for(crm, TaskQuery(overdue=True, responsible_ids=(ELENA,))) == 1


@pytest.mark.parametrize(
    ("name", "order"),
    [("all", "due"), ("words", "created"), ("all", "oldest"), ("all", "priority"), ("overdue", "due")],
)
async def test_tasks_beyond_those_that_hubspot_shows_of_a_search_are_found_by_further_ones(
    monkeypatch: pytest.MonkeyPatch, name: str, order: Order
) -> None:
    monkeypatch.setattr("taskhand.backends.hubspot.query.MAX_FOUND", 200)  # 10,000 there
    time, count = Time(), 450
    world = crowd(count)
    for one in world["tasks"][::50]:
        one["properties"]["hs_timestamp"] = ""
    async with served(hubspot(time, world, spec_variant=(*OPEN, "search_cap=200")), time) as crm:
        tasks, times = await everything(crm, count)
        for limit in (205, count):  # the first page ends among the tasks that only the further searches find
            query = replace(QUERIES[name], order=order, limit=limit)
            wanted = select_page(tasks, query, lambda task: is_late(crm, task), times)
            assert (await crm.backend.list_tasks(query)).tasks == wanted.tasks
            assert len(wanted.tasks) > 5


async def test_a_list_without_links_reads_none() -> None:
    time = Time()
    async with served(hubspot(time, crowd(20), spec_variant=OPEN), time) as crm:
        await crm.backend.statuses()
        crm.hubspot.clear_requests()
        await crm.backend.list_tasks(TaskQuery(links=frozenset()))
        assert not [request for request in crm.sent if "associations" in request]


async def test_reports_more_tasks_of_one_moment_than_hubspot_gives_and_a_narrower_list_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert MAX_FOUND == 10_000
    # HubSpot shows the first 10,000; so that this takes no minute, here it shows the first 400.
    monkeypatch.setattr("taskhand.backends.hubspot.query.MAX_FOUND", 400)
    time, spec_variant = Time(), ("burst=0", "searches=0", "search_lag=0", "search_cap=400")
    world = seed(500)
    async with served(hubspot(time, world, spec_variant=spec_variant), time) as crm:
        with pytest.raises(UpstreamError) as refused:
            await crm.backend.list_tasks(TaskQuery(text="nowhere to be found"))
        assert refused.value.code == "too_many_tasks"
        assert refused.value.next_step
        assert "the first 400" in refused.value.message
        assert len(crm.sent) <= 7
        narrow = TaskQuery(text="nowhere to be found", responsible_ids=(ANA,))
        assert (await crm.backend.list_tasks(narrow)).tasks == ()


async def test_sends_at_most_five_searches_a_second() -> None:
    time = Time()
    async with served(hubspot(time, crowd(650), spec_variant=("burst=0", "search_lag=0")), time) as crm:
        for _ in range(4):
            await crm.backend.list_tasks(TaskQuery(order="priority", limit=100, text="nowhere"))
        assert all(one.status == 200 for one in crm.hubspot.requests)
        assert sum(time.slept) > 0


async def test_an_all_day_task_is_due_on_its_day_whatever_its_instant() -> None:
    time = Time()
    rows = [
        row(1, hs_timestamp="2026-03-10T03:00:00Z", hs_task_is_all_day="true"),
        row(2, hs_timestamp="2026-03-11T02:59:59Z", hs_task_is_all_day="true"),
    ]
    async with served(hubspot(time, seed(rows=rows), spec_variant=OPEN), time, timezone=None) as crm:
        tenth = TaskQuery(from_date="2026-03-10", to_date="2026-03-10")
        page = await crm.backend.list_tasks(tenth)
        assert [due_of(task) for task in page.tasks] == [Due(datetime(2026, 3, 10, tzinfo=UTC).date())] * 2
        assert (await crm.backend.list_tasks(replace(tenth, from_date="2026-03-11", to_date=None))).tasks == ()


@pytest.mark.parametrize("value", ["", "NONE", "LOW", "URGENT"])
async def test_tasks_of_the_lowest_priority_have_it_none_or_one_of_the_account(value: str) -> None:
    rows = [row(1, hs_task_priority=value), row(2, hs_task_priority="HIGH")]
    async with served(hubspot(world=seed(rows=rows), spec_variant=OPEN)) as crm:
        page = await crm.backend.list_tasks(TaskQuery(priority=0))
        assert [task.id for task in page.tasks] == [task_id(1)]


class EasternSandbox(HubSpotSandbox):
    """An account at the eastern end of the calendar, whose searches show two tasks a page."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        """What a request is answered."""
        if call.path.endswith("/search"):
            call = replace(call, body=json.dumps(json.loads(call.body) | {"limit": 2}).encode())
        found = super().answer(call, stale=stale)
        if not call.path.endswith("/details"):
            return found
        return Response.of_json(found.status, json.loads(found.body) | {"timeZone": "Pacific/Kiritimati"})


async def test_tasks_are_listed_in_order_of_due_dates_across_zones() -> None:
    rows = [
        row(1, hs_timestamp="2026-03-06T00:00:00Z", hs_task_is_all_day="true"),  # the sixth
        row(2, hs_timestamp="2026-03-06T10:30:00Z", hs_task_is_all_day="true"),  # the seventh
        row(3, hs_timestamp="2026-03-06T11:30:00Z"),  # late on the fifth where it is shown
    ]
    time = Time()
    sandbox = EasternSandbox(seed=seed(rows=rows), token=KEY, clock=time.moment, spec_variant=SpecVariant.parse(OPEN))
    async with served(sandbox, time, timezone="Etc/GMT+12") as crm:
        page = await crm.backend.list_tasks(TaskQuery(limit=1))
        assert [task.id for task in page.tasks] == [task_id(3)]
        whole = await crm.backend.list_tasks(TaskQuery())
        assert [task.id for task in whole.tasks] == [task_id(number) for number in (3, 1, 2)]


async def test_an_accounts_own_priority_is_shown_as_0_and_survives_an_update() -> None:
    time = Time()
    world = seed(rows=[row(1, hs_task_priority="URGENT"), row(2)])
    async with served(hubspot(time, world, spec_variant=OPEN), time) as crm:
        listed = (await crm.backend.list_tasks(TaskQuery(order="priority"))).tasks
        assert [task.shown_priority for task in listed] == [1, 0]
        assert [task.id for task in (await crm.backend.list_tasks(TaskQuery(priority=0))).tasks] == [task_id(1)]
        await crm.backend.update_task(listed[1], Edit(title="New"))
        assert crm.stored_properties(1)["hs_task_priority"] == "URGENT"
