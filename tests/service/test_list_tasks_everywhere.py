"""One list over several connections: in one order, every task on exactly one page, whichever connection fails."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.local.open_store import USER, create
from fixed_clock import NOW, FixedClock
from journals import journal_at
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import Directory, sequential_id
from taskhand.backends.local.sqlite import FileStorage
from taskhand.call.deadline import call_deadline
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, UpstreamError
from taskhand.domain.task import Task
from taskhand.domain.task_cursor import cursor_after
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import Order, TaskFilter, TaskQuery, ascends, task_sort_key
from taskhand.journal.journal import Journal
from taskhand.service.app_context import AppContext, ConnectionInfo
from taskhand.service.lazy import Lazy
from taskhand.service.list_tasks import list_tasks
from taskhand.service.list_tasks_everywhere import MergedTaskList, list_tasks_everywhere
from taskhand.sql.connection import SqlConnection
from time_limits import BOUND_S

NAMES = ("north", "south", "home")
ORDERS: tuple[Order, ...] = ("due", "created", "oldest", "priority")
EVERYTHING = TaskFilter()
FILTERS = (EVERYTHING, EVERYTHING, TaskFilter(priority="1"), TaskFilter(from_date="2026-03-02"), TaskFilter(text="h"))
MAX_PAGES = 200


class FlakyBackend(LocalBackend):
    """A store that cannot be reached while it `is_away`, answers nothing while it `is_stuck`, and counts the pages."""

    is_away = False
    is_stuck = False
    asked = 0

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        if self.is_away:
            raise UpstreamError("It is away.", retryable=True)
        if self.is_stuck:
            await anyio.sleep_forever()
        self.asked += 1
        return await super().list_tasks(query)


class SouthernBackend(FlakyBackend):
    """A store that writes times with an offset."""

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        page = await super().list_tasks(query)
        made = {task.id: datetime.fromisoformat(str(task.created_at)) for task in page.tasks}
        offset = timezone(timedelta(hours=-3))
        tasks = [
            task.model_copy(update={"created_at": made[task.id].astimezone(offset).isoformat()}) for task in page.tasks
        ]
        return replace(page, tasks=tuple(tasks))


def furnish(connection: SqlConnection) -> None:
    """Fill a new store."""
    Directory(connection, sequential_id).add_defaults(USER, "es")


def app_on(backend: LocalBackend, journal: Journal, name: str) -> AppContext:
    """The application of a connection."""
    return AppContext(backend, Lazy(lambda: journal), lambda: NOW, connection=ConnectionInfo(name))


@asynccontextmanager
async def stores(folder: Path, chance: Random, most: int = 9) -> AsyncIterator[Mapping[str, AppContext]]:
    """Three stores with tasks whose ids, times and days are often equal."""
    async with AsyncExitStack() as stack:
        apps: dict[str, AppContext] = {}
        for name in NAMES:
            clock = FixedClock()
            storage = FileStorage(folder / f"{name}.sqlite", furnish, clock)
            backend = FlakyBackend(storage, clock=clock, new_id=sequential_id)
            stack.push_async_callback(backend.aclose)
            for number in range(chance.randint(0, most)):
                day = date(2026, 3, chance.randint(1, 4))
                due = chance.choice([None, Due(day)])
                await create(backend, Edit(title=f"{name} {number}", due=due, priority=chance.randint(0, 2)))
                clock.now += timedelta(seconds=chance.randint(0, 2))
            journal = await stack.enter_async_context(journal_at(lambda: NOW))
            apps[name] = app_on(backend, journal, name)
        yield apps


def flaky(app: AppContext) -> FlakyBackend:
    """The store of a connection."""
    assert isinstance(app.backend, FlakyBackend)
    return app.backend


async def walk(
    apps: Mapping[str, AppContext],
    order: Order,
    limit: int,
    chance: Random,
    *,
    odds: float = 0.0,
    asked: TaskFilter = EVERYTHING,
) -> list[MergedTaskList]:
    """All pages, where each connection may be away on any page; a page that none answers is asked for again."""
    pages: list[MergedTaskList] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        for app in apps.values():
            flaky(app).is_away = chance.random() < odds
        try:
            page = await list_tasks_everywhere(apps, asked, order=order, limit=limit, cursor=cursor)
        except UpstreamError:
            assert any(flaky(app).is_away for app in apps.values())
            continue
        assert len(page.rows) <= limit
        assert set(page.found.unreachable) == {name for name in page.begun.unfinished if flaky(apps[name]).is_away}
        pages.append(page)
        # An answer may show fewer rows than the page has.
        shown = chance.choice([len(page.rows), max(1, len(page.rows) // 2)]) if page.rows else 0
        pages[-1] = replace(page, rows=page.rows[:shown])
        if (cursor := page.cursor_after(shown)) is None:
            break
    for app in apps.values():
        flaky(app).is_away = False
    assert cursor is None
    return pages


async def whole_list(app: AppContext, order: Order, asked: TaskFilter) -> list[str]:
    """The ids of all matching tasks of one connection."""
    return [task.id for task in (await list_tasks(app, asked, order=order, limit=100)).tasks]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.0, 0.3, 0.7]))
def test_every_task_is_on_exactly_one_page_in_the_asked_order(seed: int, odds: float) -> None:
    async def check() -> None:
        chance = Random(seed)  # noqa: S311  no secret
        with TemporaryDirectory() as folder:
            async with stores(Path(folder), chance) as apps:
                for order in ORDERS:
                    limit, asked = chance.choice([1, 2, 3, 5, 25]), chance.choice(FILTERS)
                    rows = [
                        row
                        for page in await walk(apps, order, limit, chance, odds=odds, asked=asked)
                        for row in page.rows
                    ]
                    for name, app in apps.items():
                        own = [task.id for connection, task in rows if connection == name]
                        assert own == await whole_list(app, order, asked)
                    if not odds:
                        check_order(rows, order)

    anyio.run(check)


def check_order(rows: list[tuple[str, Task]], order: Order) -> None:
    """Rows are sorted; of equal ones those of the first connection come first."""
    keys = [task_sort_key(task, order) for _, task in rows]
    assert keys == sorted(keys, reverse=not ascends(order))
    for key in keys:
        tied = [NAMES.index(connection) for connection, task in rows if task_sort_key(task, order) == key]
        assert tied == sorted(tied)


async def test_a_connection_is_asked_once_for_a_page_and_not_at_all_behind_its_end(tmp_path: Path) -> None:
    async with stores(tmp_path, Random(4), most=0) as apps:  # noqa: S311  no secret
        for name, days in (("north", 1), ("south", 6)):
            for number in range(days):
                await create(
                    flaky(apps[name]), Edit(title=f"{name} {number}", due=Due(date(2026, 3, 1 + number)), priority=0)
                )
        pages = await walk(apps, "due", 3, Random(0))  # noqa: S311  no secret
        assert sum(len(page.rows) for page in pages) == 7
        assert (flaky(apps["north"]).asked, flaky(apps["home"]).asked) == (1, 1)
        assert flaky(apps["south"]).asked == len(pages)


async def test_a_connection_that_never_ends_by_itself_is_not_waited_for(tmp_path: Path) -> None:
    async with stores(tmp_path, Random(4)) as apps:  # noqa: S311  no secret
        flaky(apps["south"]).is_stuck = True
        with anyio.fail_after(BOUND_S), call_deadline(1.0):
            page = await list_tasks_everywhere(apps, EVERYTHING)
        assert [*page.found.answers] == ["north", "home"]
        assert page.found.unreachable["south"].retryable


async def test_the_links_to_know_are_those_of_each_connection_s_query(tmp_path: Path) -> None:
    async with stores(tmp_path, Random(4)) as apps:  # noqa: S311  no secret
        for links in (frozenset({"deal_id"}), frozenset[str]()):
            page = await list_tasks_everywhere(apps, EVERYTHING, links=links)
            assert {name: own.query.links for name, own in page.lists.items()} == dict.fromkeys(NAMES, links)


@pytest.mark.parametrize("change", ["added", "removed", "another filter", "another order", "of one list", "forged"])
async def test_a_cursor_of_another_list_is_refused(tmp_path: Path, change: str) -> None:
    async with stores(tmp_path, Random(3), most=0) as apps:  # noqa: S311  no secret
        for app in apps.values():
            for number in range(2):
                await create(flaky(app), Edit(title=f"Call {number}", priority=0))
        two = {name: apps[name] for name in NAMES[:2]}
        cursor = (await list_tasks_everywhere(two, TaskFilter(), limit=1)).cursor_after(1)
        assert cursor
        asked: dict[str, object] = {"cursor": cursor if change != "forged" else "WyIiLHsibm9ydGgiOjB9XQ"}
        changed = {"added": apps, "removed": {"south": apps["south"]}}.get(change, two)
        given_filter = TaskFilter(text="Call") if change == "another filter" else TaskFilter()
        if change == "another order":
            asked["order"] = "oldest"
        if change == "of one list":
            own = await list_tasks(apps["north"], TaskFilter(), limit=1)
            asked["cursor"] = cursor_after(own.tasks[0], own.query)
        with pytest.raises(CallerError) as refused:
            await list_tasks_everywhere(changed, given_filter, **asked)  # type: ignore[arg-type]
        assert refused.value.code == "invalid_cursor"


@pytest.mark.parametrize(("order", "titles"), [("created", ["south", "north"]), ("oldest", ["north", "south"])])
async def test_times_are_merged_by_their_moments_however_each_crm_writes_them(
    tmp_path: Path, order: Order, titles: list[str]
) -> None:
    async with AsyncExitStack() as stack:
        clock, apps = FixedClock(), dict[str, AppContext]()
        for name, kind in (("north", FlakyBackend), ("south", SouthernBackend)):
            storage = FileStorage(tmp_path / f"{name}.sqlite", furnish, clock)
            backend = kind(storage, clock=clock, new_id=sequential_id)
            stack.push_async_callback(backend.aclose)
            await create(backend, Edit(title=name, priority=1))
            clock.move(minutes=1)
            apps[name] = app_on(backend, await stack.enter_async_context(journal_at(lambda: NOW)), name)
        merged = await list_tasks_everywhere(apps, EVERYTHING, order=order)
    assert [task.title for _, task in merged.rows] == titles
