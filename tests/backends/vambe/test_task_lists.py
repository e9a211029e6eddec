"""Vambe's lists: where a single task is found, cached lists, and the effect of recent writes on them."""

from collections.abc import Callable

import anyio
import pytest

from backends.vambe.backend_case import WORLD
from backends.vambe.vambe_agent import connected
from behaviour.agent import Agent, Refused
from behaviour.world import NOW, PEOPLE
from monotonic_clocks import TickingClock
from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.backends.vambe.client import Window
from taskhand.backends.vambe.query import WIDEST
from taskhand.backends.vambe.task_lists import TaskLists
from taskhand.domain.errors import CallerError, NotFound, TaskhandError
from taskhand.http.response_body import Json
from taskhand.sandbox.vambe import VambeSandbox

NEAR_ID, FAR_ID = "01d00000-0000-4000-8000-000000000001", "01d00000-0000-4000-8000-000000000002"
NOBODY = "99999999-9999-4999-8999-999999999999"


def lists_of(
    windows: dict[Window, list[Json]],
    clock: Callable[[], float],
    asked: list[Window],
    recent: RecentWrites[JsonObject] | None = None,
) -> TaskLists:
    async def fetch(window: Window) -> list[Json]:
        asked.append(window)
        return windows.get(window, [])

    return TaskLists(fetch, 5, recent or RecentWrites(5, clock, str.lower), Timing(lambda: NOW, clock, anyio.sleep))


async def test_a_task_is_found_among_entries_that_are_no_tasks() -> None:
    asked: list[Window] = []
    rows: list[Json] = [None, 5, "x", [], {}, {"id": None}, {"id": []}, {"id": {}}, {"id": NEAR_ID}]
    assert await lists_of({WIDEST: rows}, TickingClock(), asked).find(NEAR_ID) == {"id": NEAR_ID}


async def test_a_recent_write_replaces_a_stale_list_until_it_expires() -> None:
    time, asked = TickingClock(), list[Window]()
    recent = RecentWrites[JsonObject](5, time, str.lower)
    lists = lists_of({WIDEST: [{"id": NEAR_ID, "title": "old"}]}, time, asked, recent)
    recent.note_write(NEAR_ID, {"id": NEAR_ID, "title": "new"})
    assert (await lists.find(NEAR_ID))["title"] == "new"
    assert (await lists.find(NEAR_ID, fresh=True))["title"] == "old"
    time.now += 5
    assert (await lists.find(NEAR_ID))["title"] == "old"


async def test_a_missing_task_is_searched_once_in_each_of_the_two_lists() -> None:
    asked: list[Window] = []
    lists = lists_of({}, TickingClock(), asked)
    with pytest.raises(NotFound):
        await lists.find(NOBODY)
    assert asked == [Window("2026-01-01", "2026-08-29"), WIDEST]


@pytest.mark.parametrize(
    ("rows", "is_complete"), [([{"id": FAR_ID}], True), ([{"id": FAR_ID}, {"id": None}], False), ([{}], False)]
)
async def test_a_task_is_certainly_missing_only_where_every_listed_row_has_an_id(
    rows: list[Json], *, is_complete: bool
) -> None:
    lists = lists_of({WIDEST: rows}, TickingClock(), [])
    assert await lists.find_all([NOBODY]) == ({}, is_complete)
    with pytest.raises(NotFound, match=r"There is no task" if is_complete else r"the ids of some tasks cannot be read"):
        await lists.find(NOBODY)


@pytest.mark.parametrize(
    ("before", "is_complete"), [([], False), ([NEAR_ID], True), ([NEAR_ID, FAR_ID], False)], ids=str
)
async def test_an_empty_list_proves_that_a_task_is_missing_only_if_no_other_task_was_read_before(
    before: list[str], *, is_complete: bool
) -> None:
    windows: dict[Window, list[Json]] = {WIDEST: [{"id": task_id} for task_id in before]}
    lists = lists_of(windows, TickingClock(), [])
    await lists.find_all(before)
    windows.clear()
    assert await lists.find_all([NEAR_ID], fresh=True) == ({}, is_complete)


async def test_a_task_is_certainly_missing_if_the_widest_list_lacks_it_although_the_near_one_was_refused() -> None:
    async def fetch(window: Window) -> list[Json]:
        if window != WIDEST:
            raise CallerError("Vambe refused the window.", code="upstream_refused")
        return [{"id": FAR_ID}]

    time = TickingClock()
    lists = TaskLists(fetch, 5.0, RecentWrites(5.0, time), Timing(lambda: NOW, time, anyio.sleep))
    assert await lists.find_all([FAR_ID, NOBODY]) == ({FAR_ID: {"id": FAR_ID}}, True)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (NotFound("There is no such page."), "upstream_invalid"),
        (CallerError("Vambe refused the window.", code="upstream_refused"), "upstream_refused"),
    ],
)
async def test_a_task_is_not_missing_if_vambe_refuses_both_lists(refusal: CallerError, code: str) -> None:
    async def fetch(_: Window) -> list[Json]:
        raise refusal

    time = TickingClock()
    lists = TaskLists(fetch, 5.0, RecentWrites(5.0, time), Timing(lambda: NOW, time, anyio.sleep))
    with pytest.raises(TaskhandError) as failed:
        await lists.find(NEAR_ID)
    assert failed.value.code == code


async def test_a_list_from_before_a_change_back_does_not_show_that_change() -> None:
    time = TickingClock()
    one: JsonObject = {"id": NEAR_ID, "title": "one"}
    two: JsonObject = {"id": NEAR_ID, "title": "two"}
    recent, windows = RecentWrites[JsonObject](60, time, str.lower), dict[Window, list[Json]]()
    lists = lists_of(windows, time, [], recent)
    windows[lists.near] = [one]
    assert await lists.find(NEAR_ID) == one
    recent.note_write(NEAR_ID, two, one)
    recent.note_write(NEAR_ID, one, two)
    assert await lists.find(NEAR_ID) == one
    windows[lists.near] = [two]  # it shows the first of the two changes only
    assert await lists.find(NEAR_ID, fresh=True) == one


async def test_after_another_process_has_written_any_task_no_list_of_before_is_used() -> None:
    asked: list[Window] = []
    lists = lists_of({WIDEST: [{"id": NEAR_ID}, {"id": FAR_ID}]}, TickingClock(), asked)
    for forgotten, sought, is_read_again in (
        ([NEAR_ID.upper()], NEAR_ID, True),
        ([NEAR_ID], NEAR_ID.upper(), True),
        ([FAR_ID], NEAR_ID, False),
        (None, NEAR_ID, True),
    ):
        await lists.find(NEAR_ID)
        asked.clear()
        lists.forget(forgotten)
        await lists.find(sought)
        assert (WIDEST in asked) == is_read_again
        asked.clear()
        await lists.get(WIDEST)
        assert (asked == [WIDEST]) != is_read_again  # it was read just now, by the search for the task


def sandbox_of() -> VambeSandbox:
    tasks = [
        {"id": NEAR_ID, "title": "near", "dueDate": "2026-03-10", "responsibleIds": [PEOPLE[1]["id"]]},
        {"id": FAR_ID, "title": "far", "dueDate": "2019-01-01"},
    ]
    return VambeSandbox(seed=WORLD | {"tasks": tasks}, clock=lambda: NOW)


def windows_of(sandbox: VambeSandbox) -> list[str]:
    """The first days of the task lists that were asked for."""
    return [one.query["fromDate"][0] for one in sandbox.requests if one.method == "GET" and "fromDate" in one.query]


async def _together(agent: Agent, *ids: str) -> None:
    async def one(task_id: str) -> None:
        assert (await agent("get_task", id=task_id))["task"]["id"] == task_id

    async with anyio.create_task_group() as group:
        for task_id in ids:
            group.start_soon(one, task_id)


async def test_twenty_readers_at_once_cost_one_request() -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_cache_s=60) as agent:
        await _together(agent, *[NEAR_ID] * 20)
    assert windows_of(sandbox) == ["2026-01-01"]


async def test_a_task_that_is_not_nearby_is_found_in_the_widest_window() -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_cache_s=60) as agent:
        await _together(agent, *[FAR_ID] * 20)
        assert windows_of(sandbox) == ["2026-01-01", "1000-01-01"]
        with pytest.raises(Refused) as refused:
            await agent("get_task", id=NOBODY)
    assert refused.value.code == "task_not_found"
    assert len(windows_of(sandbox)) == 4  # it may have been made since the lists were read


async def test_a_write_updates_the_cached_list() -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_cache_s=60) as agent:
        await agent("get_task", id=NEAR_ID)
        answer = await agent("update_task", id=NEAR_ID, title="renewed")
        created = await agent.create("new")
        before = len(sandbox.requests)
        assert (await agent("get_task", id=NEAR_ID))["task"] == answer["task"]
        assert (await agent("get_task", id=created["id"]))["task"] == created
        assert len(sandbox.requests) == before


async def test_a_task_that_others_made_since_the_cached_lists_is_found_beside_one_in_them() -> None:
    row: JsonObject = {"id": FAR_ID}
    windows: dict[Window, list[Json]] = {WIDEST: [{"id": NEAR_ID}]}
    lists = lists_of(windows, TickingClock(), [])
    await lists.find(NEAR_ID)
    windows[WIDEST] = [{"id": NEAR_ID}, row]
    assert await lists.find_all([NEAR_ID, FAR_ID]) == ({NEAR_ID: {"id": NEAR_ID}, FAR_ID: row}, True)


async def test_without_a_cache_lifetime_writes_of_others_show_at_once() -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_cache_s=0) as mine, connected(sandbox, vambe_cache_s=0) as theirs:
        for title in ("first", "second"):
            await theirs("update_task", id=NEAR_ID, title=title)
            assert (await mine("get_task", id=NEAR_ID))["task"]["title"] == title


async def test_an_id_in_capital_letters_is_the_same_task() -> None:
    async with connected(sandbox_of()) as agent:
        assert (await agent("get_task", id=NEAR_ID.upper()))["task"]["id"] == NEAR_ID
