"""What was fetched a moment ago: fetched once for all who ask, kept for a while, never poisoned by a failure."""

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import pytest
from anyio.lowlevel import checkpoint

from backends.vambe.vambe_agent import connected
from behaviour.agent import Agent, Refused
from behaviour.arms import NOW, PEOPLE, WORLD
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.backends.vambe.client import Window
from taskhand.backends.vambe.lists import WIDEST, TaskLists
from taskhand.domain.errors import NotFound
from taskhand.http.reply import Json
from taskhand.sandbox.vambe import VambeSandbox

NEAR_ID, FAR_ID = "01d00000-0000-4000-8000-000000000001", "01d00000-0000-4000-8000-000000000002"
NOBODY = "99999999-9999-4999-8999-999999999999"


class Fetching(Exception):
    """The source has failed."""


@dataclass
class Source:
    """Where values come from: the number of the fetch, once it is let go; those of `failing` fail."""

    failing: frozenset[int] = frozenset()
    begun: int = 0
    gate: anyio.Event = field(default_factory=anyio.Event)

    async def fetch(self) -> int:
        self.begun += 1
        number = self.begun
        await self.gate.wait()
        if number in self.failing:
            raise Fetching
        return number


@dataclass
class Time:
    """A clock that stands until it is set; each reading is a little later than the one before."""

    now: float = 100.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


async def quiet() -> None:
    """Let everybody else come to where they wait."""
    for _ in range(10):
        await checkpoint()


def opened(failing: frozenset[int] = frozenset()) -> Source:
    source = Source(failing)
    source.gate.set()
    return source


async def test_all_who_ask_at_the_same_time_are_given_one_fetch() -> None:
    shelf, source, got = TtlCache[str, int](5, Time()), Source(), list[int]()

    async def ask() -> None:
        got.append(await shelf.get("a", source.fetch))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
        await quiet()
        source.gate.set()
    assert got == [1] * 20
    assert source.begun == 1


async def test_a_value_is_kept_for_its_time_counted_from_when_its_fetching_began() -> None:
    time, source = Time(), opened()
    shelf = TtlCache[str, int](5, time)
    assert await shelf.get("a", source.fetch) == 1
    time.now += 4.9
    assert await shelf.get("a", source.fetch) == 1
    time.now += 0.1
    assert await shelf.get("a", source.fetch) == 2


async def test_keys_are_kept_apart_and_do_not_wait_for_each_other() -> None:
    shelf, slow, fast = TtlCache[str, int](5, Time()), Source(), opened()
    async with anyio.create_task_group() as group:
        group.start_soon(shelf.get, "slow", slow.fetch)
        await quiet()
        assert await shelf.get("fast", fast.fetch) == 1
        slow.gate.set()
    assert (slow.begun, fast.begun) == (1, 1)


async def test_what_is_kept_for_no_time_is_fetched_again() -> None:
    shelf, source = TtlCache[str, int](0, Time()), opened()
    assert [await shelf.get("a", source.fetch) for _ in range(3)] == [1, 2, 3]


async def test_a_fresh_value_is_one_whose_fetching_began_after_it_was_asked_for() -> None:
    shelf, source = TtlCache[str, int](5, Time()), opened()
    assert await shelf.get("a", source.fetch) == 1
    assert await shelf.get("a", source.fetch, fresh=True) == 2
    assert await shelf.get("a", source.fetch) == 2


async def test_a_fetch_under_way_is_not_fresh_enough_and_the_next_one_serves_all_who_wait() -> None:
    shelf, source, got = TtlCache[str, int](5, Time()), Source(), list[int]()

    async def ask() -> None:
        got.append(await shelf.get("a", source.fetch, fresh=True))

    async with anyio.create_task_group() as group:
        group.start_soon(shelf.get, "a", source.fetch)
        await quiet()
        for _ in range(5):
            group.start_soon(ask)
        await quiet()
        source.gate.set()
    assert got == [2] * 5
    assert source.begun == 2


async def test_a_fetch_that_fails_fails_for_who_asked_and_the_next_one_tries_again() -> None:
    shelf, source = TtlCache[str, int](5, Time()), opened(failing=frozenset({1}))
    with pytest.raises(Fetching):
        await shelf.get("a", source.fetch)
    assert await shelf.get("a", source.fetch) == 2


async def test_a_fresh_fetch_that_fails_leaves_what_was_kept() -> None:
    shelf, source = TtlCache[str, int](5, Time()), opened(failing=frozenset({2}))
    assert await shelf.get("a", source.fetch) == 1
    with pytest.raises(Fetching):
        await shelf.get("a", source.fetch, fresh=True)
    assert await shelf.get("a", source.fetch) == 1


async def test_when_the_first_who_asked_is_cancelled_the_next_one_fetches() -> None:
    shelf, source, got = TtlCache[str, int](5, Time()), Source(), list[int]()
    scope = anyio.CancelScope()

    async def first() -> None:
        with scope:
            await shelf.get("a", source.fetch)

    async def second() -> None:
        got.append(await shelf.get("a", source.fetch))

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await quiet()
        group.start_soon(second)
        await quiet()
        scope.cancel()
        await quiet()
        source.gate.set()
    assert scope.cancelled_caught
    assert got == [2]


async def test_keys_that_nobody_asks_for_any_more_are_forgotten_and_can_be_asked_for_again() -> None:
    time, source = Time(), opened()
    shelf = TtlCache[int, int](5, time)
    for key in range(50):
        time.now += 1
        assert await shelf.get(key, source.fetch) == key + 1
    assert await shelf.get(49, source.fetch) == 50
    assert await shelf.get(0, source.fetch) == 51


# Lists of tasks on shelves.


def lists_of(windows: dict[Window, list[Json]], clock: Callable[[], float], asked: list[Window]) -> TaskLists:
    async def fetch(window: Window) -> list[Json]:
        asked.append(window)
        return windows.get(window, [])

    return TaskLists(fetch, 5, clock=lambda: NOW, monotonic=clock)


async def test_entries_that_are_no_tasks_do_not_keep_a_task_from_being_found() -> None:
    asked: list[Window] = []
    rows: list[Json] = [None, 5, "x", [], {}, {"id": None}, {"id": []}, {"id": {}}, {"id": NEAR_ID}]
    assert await lists_of({WIDEST: rows}, Time(), asked).find(NEAR_ID) == {"id": NEAR_ID}


async def test_what_was_written_outlives_a_list_that_is_behind_until_its_time_is_over() -> None:
    time, asked = Time(), list[Window]()
    lists = lists_of({WIDEST: [{"id": NEAR_ID, "title": "old"}]}, time, asked)
    lists.remember(NEAR_ID, {"id": NEAR_ID, "title": "new"})
    assert (await lists.find(NEAR_ID))["title"] == "new"
    assert (await lists.find(NEAR_ID, fresh=True))["title"] == "old"
    time.now += 5
    assert (await lists.find(NEAR_ID))["title"] == "old"


async def test_a_task_that_is_nowhere_is_looked_for_nearby_and_everywhere_once() -> None:
    asked: list[Window] = []
    lists = lists_of({}, Time(), asked)
    with pytest.raises(NotFound):
        await lists.find(NOBODY)
    assert asked == [Window("2026-01-01", "2026-08-29"), WIDEST]


# The same through the tools.


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
    assert len(windows_of(sandbox)) == 2


async def test_a_list_is_kept_and_a_write_renews_what_it_shows() -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_cache_s=60) as agent:
        await agent("get_task", id=NEAR_ID)
        answer = await agent("update_task", id=NEAR_ID, title="renewed")
        created = await agent.create("new")
        before = len(sandbox.requests)
        assert (await agent("get_task", id=NEAR_ID))["task"] == answer["task"]
        assert (await agent("get_task", id=created["id"]))["task"] == created
        assert len(sandbox.requests) == before


async def test_what_is_kept_for_no_time_shows_what_others_wrote_at_once() -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_cache_s=0) as mine, connected(sandbox, vambe_cache_s=0) as theirs:
        for title in ("first", "second"):
            await theirs("update_task", id=NEAR_ID, title=title)
            assert (await mine("get_task", id=NEAR_ID))["task"]["title"] == title


async def test_an_id_in_capital_letters_is_the_same_task() -> None:
    async with connected(sandbox_of()) as agent:
        assert (await agent("get_task", id=NEAR_ID.upper()))["task"]["id"] == NEAR_ID
