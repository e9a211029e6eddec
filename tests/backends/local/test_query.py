"""Lists: by index and not by scan, the same speed in a large store, and every task on exactly one page."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.local.conftest import Opener
from backends.local.open_store import create, empty_database, open_database, open_store, update
from backends.local.oracle import expected_ids
from fixed_clock import NOW, FixedClock
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.query import StoreState, build_order_among, build_selects, narrowest_filter
from taskhand.backends.local.query_plan import find_rows
from taskhand.backends.local.text_index import prepare_text_index
from taskhand.domain.date_window import Period
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.task import Status, StatusChoice, Task
from taskhand.domain.task_cursor import cursor_after, resume
from taskhand.domain.task_query import Order, TaskQuery
from taskhand.domain.task_times import Moment

if TYPE_CHECKING:
    from postgres_server import TestDatabase

T = TypeVar("T")
ZONE = "Pacific/Auckland"
"""The default zone, where it is already tomorrow."""
PEOPLE = 10
SMALL, LARGE = 1_000, 20_000
EXAMPLES = 60
WINDOW = TaskQuery(from_date="2026-03-01", to_date="2026-03-10")
THIN = TaskQuery(from_date="2025-12-01", to_date="2025-12-31")
DATED = replace(WINDOW, include_tasks_without_dates=False)
AFTER = ("2026-03-05", "t000500")
WHOSE = {"everyone": None, "one person": ("p1",), "several people": ("p1", "p2", "p7")}
PERSON_BY_STATUS = "responsible_by_status (responsible_id=? AND status_id=?"
PAGES = [
    pytest.param(replace(query, responsible_ids=people), id=f"{whose}, {name}")
    for whose, people in WHOSE.items()
    for name, query in {
        "all": TaskQuery(),
        "window": WINDOW,
        "window before all dates": THIN,
        "window without dateless": DATED,
        "from a day": TaskQuery(from_date="2026-03-05"),
        "to a day": TaskQuery(to_date="2026-03-05"),
        "after a page": TaskQuery(after=AFTER),
        "after a page of dateless": TaskQuery(after=("~", "t000500")),
        "window after a page": replace(WINDOW, after=AFTER),
    }.items()
]

FILL = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
INSERT INTO task (id, title, is_all_day, due_at, due_key, created_at, status_id, priority, creator_id, searchable,
    number, assigned)
SELECT printf('t%06d', i), 'Task ' || i, 1,
    CASE WHEN i % 10 THEN date('2026-01-01', (i * 7919 % 120) || ' days') || 'T00:00:00.000Z' END,
    CASE WHEN i % 10 THEN date('2026-01-01', (i * 7919 % 120) || ' days') ELSE '~' END,
    '2026-01-01T00:00:00.000Z', (SELECT id FROM status WHERE position = 1 + i % 3), i % 3, NULL,
    'task ' || i, i + 1, 1 FROM n
"""
ASSIGN = """
INSERT INTO task_responsible
SELECT id, 'p' || (CAST(substr(id, 2) AS INTEGER) * 31 / 7 % :people), 0, due_key, status_id, created_at, priority
FROM task
"""


def open_filled_store(path: Path, count: int) -> sqlite3.Connection:
    """A store with so many tasks, opened."""

    async def furnish() -> None:
        async with open_store(path) as backend:
            await backend.statuses()

    anyio.run(furnish)
    connection = sqlite3.connect(path)
    connection.create_function("is_overdue", 3, lambda *_: False)
    connection.execute("PRAGMA cache_size = -200000")  # indexes are filled out of order
    with connection:
        connection.executemany("INSERT INTO member (id, name) VALUES (?, ?)", [(f"p{n}", "P") for n in range(PEOPLE)])
        for name in ("text_is_added", "text_is_numbered", "responsible_is_added"):  # for all at once below
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(FILL, {"count": count})
        connection.execute(ASSIGN, {"people": PEOPLE})
        prepare_text_index(connection)
    return connection


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    with closing(open_filled_store(tmp_path_factory.mktemp("small") / "tasks.sqlite", SMALL)) as connection:
        yield connection


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    with closing(open_filled_store(tmp_path_factory.mktemp("large") / "tasks.sqlite", LARGE)) as connection:
        yield connection


def state_of(connection: sqlite3.Connection) -> StoreState:
    """The facts on which a list depends besides its query."""
    unfinished = connection.execute("SELECT id FROM status WHERE position < 3 ORDER BY position")
    return StoreState(tuple(row[0] for row in unfinished), NOW)


def steps(connection: sqlite3.Connection, query: TaskQuery) -> int:
    """The number of virtual machine instructions that SQLite runs for a page."""
    rows: list[object] = []

    def walk() -> None:
        for select in build_selects(query, state_of(connection)):
            rows.extend(connection.execute(select.sql, select.parameters))

    count = steps_of(connection, walk)
    assert len(rows) > query.limit
    return count


def steps_of(connection: sqlite3.Connection, work: Callable[[], object]) -> int:
    """The number of virtual machine instructions that SQLite runs for the work."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    connection.set_progress_handler(step, 1)
    try:
        work()
    finally:
        connection.set_progress_handler(None, 1)
    return count


@pytest.mark.parametrize("query", PAGES)
def test_a_list_by_due_date_is_one_walk_along_an_index_for_each_person(
    small: sqlite3.Connection, query: TaskQuery
) -> None:
    for select in build_selects(query, state_of(small)):
        plan = [row[3] for row in small.execute(f"EXPLAIN QUERY PLAN {select.sql}", select.parameters)]
        first = plan[0]
        if query.responsible_ids is None:
            assert "t USING COVERING INDEX task_by_due" in first
        else:
            assert first.startswith("SEARCH r USING COVERING INDEX responsible_by_due (responsible_id=?")
            assert len(plan) == 1
        assert not [line for line in plan if "TEMP B-TREE" in line or ("SCAN" in line and "INDEX" not in line)]


@pytest.mark.parametrize("query", PAGES)
def test_a_page_by_due_date_costs_the_same_in_a_store_twenty_times_as_large(
    small: sqlite3.Connection, large: sqlite3.Connection, query: TaskQuery
) -> None:
    page = replace(query, limit=5)
    assert steps(large, page) <= 2 * steps(small, page)


@pytest.mark.parametrize(("people", "index"), [(None, "task_by_status (status_id=?"), (("p1", "p2"), PERSON_BY_STATUS)])
@pytest.mark.parametrize("query", [TaskQuery(overdue=True), replace(WINDOW, overdue=True)], ids=["all", "window"])
def test_a_list_of_a_few_statuses_is_one_walk_for_each_of_them(
    small: sqlite3.Connection, query: TaskQuery, people: tuple[str, ...] | None, index: str
) -> None:
    walks = build_selects(replace(query, responsible_ids=people), state_of(small))
    assert len(walks) == 2 * len(people or "1")
    for walk in walks:
        plan = [row[3] for row in small.execute(f"EXPLAIN QUERY PLAN {walk.sql}", walk.parameters)]
        assert index in plan[0]
        assert "TEMP B-TREE" not in " ".join(plan)


@pytest.mark.parametrize("people", WHOSE.values(), ids=WHOSE)
@pytest.mark.parametrize("order", ["created", "oldest", "priority"])
def test_a_page_in_another_order_costs_the_same_too(
    small: sqlite3.Connection, large: sqlite3.Connection, order: Order, people: tuple[str, ...] | None
) -> None:
    page = TaskQuery(order=order, limit=5, responsible_ids=people)
    assert steps(large, page) <= 2 * steps(small, page)


@pytest.mark.parametrize("moment", ["updated", "completed"])
@pytest.mark.parametrize("order", ["due", "created", "priority"])
def test_tasks_finished_or_changed_in_a_period_are_found_by_an_index(
    large: sqlite3.Connection, moment: Moment, order: Order
) -> None:
    query = TaskQuery(order=order, period=Period(moment, NOW - timedelta(days=14), NOW))
    few = narrowest_filter(query)
    assert few is not None
    select = build_order_among(query, few)
    plan = [row[3] for row in large.execute(f"EXPLAIN QUERY PLAN {select.sql}", (*select.parameters, 9))]
    assert f"COVERING INDEX task_by_{moment}" in plan[0]


@pytest.mark.parametrize(
    "query",
    [
        TaskQuery(text="task"),
        TaskQuery(text="zeppelin"),
        TaskQuery(text="zq", order="created"),
        TaskQuery(text="zeppelin", responsible_ids=("p1", "p2"), order="priority"),
        TaskQuery(responsible_ids=(), of_nobody=True, order="created"),
        TaskQuery(responsible_ids=(), of_nobody=True),
        TaskQuery(priority=2, order="oldest", contact="nobody"),
        TaskQuery(statuses=(StatusChoice(id="gone", name="Gone"),), order="created"),
        TaskQuery(period=Period("created", NOW, NOW)),
    ],
    ids=lambda query: repr(query)[:60],
)
def test_a_page_of_a_large_store_costs_at_most_twice_the_steps_of_a_small_one(
    small: sqlite3.Connection, large: sqlite3.Connection, query: TaskQuery
) -> None:
    page = replace(query, limit=5)
    cost = [steps_of(store, partial(find_rows, store, page, state_of(store))) for store in (large, small)]
    assert cost[0] <= 2 * cost[1]


class NewTask(NamedTuple):
    """A task to make: people and status by number, some minutes after the one before."""

    edit: Edit
    people: list[int]
    status: int
    minutes: int = 0


class AskedQuery(NamedTuple):
    """A query, with people and statuses by number; -1 is nobody."""

    query: TaskQuery
    people: list[int] | None = None
    statuses: list[int] | None = None


days = st.integers(-3, 3).map(lambda away: date(2026, 3, 4) + timedelta(days=away))
zones = st.sampled_from([None, "America/Santiago", "Pacific/Kiritimati", "Etc/GMT+12", "Asia/Tokyo"])
instants = st.builds(
    lambda day, hour, zone: Due.instant(datetime.combine(day, time(hour, 30), UTC), zone),
    days,
    st.integers(0, 23),
    zones,
)
words = st.lists(st.sampled_from(["Llamar", "MAÑANA", "Ñuñoa", "café", "e\u0301l", "100%", "_x_"]), max_size=3)
texts = words.map(" ".join)
edits = st.builds(
    Edit,
    title=texts.map(lambda text: text or "Task"),
    description=st.none() | texts,
    due=st.none() | st.builds(Due, days, st.none(), zones) | instants,
    ai_contact_id=st.none() | st.sampled_from(["c1", "c2"]),
    ai_customer_id=st.none() | st.sampled_from(["c2", "c3"]),
    priority=st.integers(0, 2),
)


def seldom(values: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Usually None: combined filters leave few tasks to page through."""
    return st.integers(0, 3).flatmap(lambda chance: st.none() if chance else values)


some_day = seldom(days.map(date.isoformat))
queries = st.builds(
    TaskQuery,
    from_date=some_day,
    to_date=some_day,
    include_tasks_without_dates=st.booleans(),
    text=seldom(st.sampled_from(["manana", "ÑUÑ", "Café", "él", "%", "_", "llamar", "o e", "zzz"])),
    overdue=seldom(st.booleans()),
    priority=seldom(st.integers(0, 2)),
    contact=seldom(st.sampled_from(["c1", "c2", "c3", "c4"])),
    order=st.sampled_from(["due", "created", "oldest", "priority"]),
    limit=st.just(7),
    without_date=st.integers(0, 4).map(lambda chance: not chance),
    period=seldom(
        st.builds(
            Period,
            st.sampled_from(["created", "updated", "completed"]),
            st.none() | st.integers(0, 9).map(lambda minutes: NOW + timedelta(minutes=minutes)),
            st.none() | st.integers(6, 20).map(lambda minutes: NOW + timedelta(minutes=minutes)),
        )
    ),
)
numbers = st.lists(st.integers(0, 2), max_size=3, unique=True)
some_people = seldom(st.lists(st.integers(-1, 2), min_size=1, max_size=3, unique=True))
some_numbers = seldom(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True))
wishes = st.builds(NewTask, edits, numbers, st.integers(0, 2), st.integers(0, 2))
asks = st.builds(AskedQuery, queries, some_people, some_numbers)


class World:
    """A store with three people, emptied of tasks for each example."""

    def __init__(
        self, backend: LocalBackend, clock: FixedClock, people: list[str], statuses: tuple[Status, ...]
    ) -> None:
        self.backend = backend
        self.clock = clock
        self.people = people
        self.statuses = [StatusChoice.of(status) for status in statuses]

    async def add(self, wish: NewTask) -> Task:
        """Create the task."""
        self.clock.move(minutes=wish.minutes)
        people = tuple(self.people[number] for number in wish.people)
        edit = replace(wish.edit, responsible_ids=people, status=self.statuses[wish.status])
        return await self.backend.get_task((await create(self.backend, edit)).id)

    def resolved(self, ask: AskedQuery) -> TaskQuery:
        """The query with ids for numbers."""
        return replace(
            ask.query,
            responsible_ids=None if ask.people is None else tuple(self.people[n] for n in ask.people if n >= 0),
            of_nobody=-1 in (ask.people or ()),
            statuses=None if ask.statuses is None else tuple(self.statuses[n] for n in ask.statuses),
        )

    async def pages(self, query: TaskQuery) -> list[list[Task]]:
        """All pages, each found by the cursor of the one before."""
        pages, page = [], await self.backend.list_tasks(query)
        while page.more:
            pages.append([*page.tasks])
            page = await self.backend.list_tasks(resume(query, cursor_after(page.tasks[-1], query)))
        return [*pages, [*page.tasks]]


async def compare(opens: Opener, wanted: list[NewTask], asked: list[AskedQuery]) -> None:
    """Create the tasks, follow the pages of each query, and compare them with the expected result."""
    clock = FixedClock()
    async with opens(clock, ZONE) as backend:
        people = [await backend.edit(lambda directory: directory.add_member("P")) for _ in range(3)]
        await backend.edit(lambda directory: directory.connection.execute("DELETE FROM task").rowcount)
        world = World(backend, clock, people, (await backend.statuses()).statuses)
        tasks = [await world.add(wish) for wish in wanted]
        clock.now = NOW
        for query in map(world.resolved, asked):
            pages = await world.pages(query)
            assert [task.id for page in pages for task in page] == expected_ids(tasks, query, ZONE)
            assert all(len(page) == query.limit for page in pages[:-1])
            assert all(task in tasks for page in pages for task in page)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@given(wanted=st.lists(wishes, max_size=24), asked=st.lists(asks, min_size=12, max_size=12))
def test_following_the_cursor_gives_every_task_once_in_the_right_order(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[NewTask], asked: list[AskedQuery]
) -> None:
    anyio.run(compare, partial(open_store, tmp_path_factory.getbasetemp() / "world" / "tasks.sqlite"), wanted, asked)


@settings(max_examples=EXAMPLES // 5, deadline=None, derandomize=True, database=None)
@given(wanted=st.lists(wishes, max_size=24), asked=st.lists(asks, min_size=12, max_size=12))
def test_a_database_query_finds_the_same_tasks_as_the_oracle(
    postgres_database: "TestDatabase", wanted: list[NewTask], asked: list[AskedQuery]
) -> None:
    empty_database(postgres_database)
    anyio.run(compare, partial(open_database, postgres_database.url), wanted, asked)


@pytest.mark.parametrize("order", ["due", "created", "oldest", "priority"])
def test_pages_of_tasks_that_all_sort_alike_lose_none(tmp_path: Path, order: Order) -> None:
    alike = NewTask(Edit(title="Same", due=Due(date(2026, 3, 4)), priority=1), [0, 1], 0)
    query = TaskQuery(order=order, limit=7)
    anyio.run(
        compare,
        partial(open_store, tmp_path / "tasks.sqlite"),
        [alike] * 30,
        [AskedQuery(query, [0, 1]), AskedQuery(query)],
    )


def test_pages_by_priority_and_due_date_lose_no_task(tmp_path: Path) -> None:
    wanted = [
        NewTask(Edit(title="Call", due=Due(date(2026, 3, 1 + 9 * priority + day)), priority=priority), [0], 0)
        for priority in range(3)
        for day in range(5)
    ]
    query = TaskQuery(order="priority", limit=7)
    anyio.run(
        compare, partial(open_store, tmp_path / "tasks.sqlite"), wanted, [AskedQuery(query, [0]), AskedQuery(query)]
    )


async def test_a_task_made_before_the_cursor_does_not_move_the_next_page(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        tasks = [await create(backend, Edit(title=f"{n}", priority=1, due=Due(date(2026, 3, n)))) for n in (2, 3, 4)]
        query = TaskQuery(limit=2)
        first = await backend.list_tasks(query)
        await create(backend, Edit(title="earlier", priority=1, due=Due(date(2026, 3, 1))))
        await update(backend, tasks[2], Edit(title="renamed"))
        rest = await backend.list_tasks(resume(query, cursor_after(first.tasks[-1], query)))
    assert [task.title for task in (*first.tasks, *rest.tasks)] == ["2", "3", "renamed"]


async def test_a_moved_task_is_found_at_its_new_day_for_each_responsible(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        me = str(await backend.account.me())
        task = await create(backend, Edit(title="Call", priority=1, due=Due(date(2026, 3, 2)), responsible_ids=(me,)))
        task = await update(backend, task, Edit(due=Due(date(2026, 4, 2))))
        window = TaskQuery(responsible_ids=(me,), from_date="2026-04-01", to_date="2026-04-30")
        assert [found.id for found in (await backend.list_tasks(window)).tasks] == [task.id]
        await update(backend, task, Edit(due=None))
        assert (await backend.list_tasks(replace(window, include_tasks_without_dates=False))).tasks == ()
        assert [found.id for found in (await backend.list_tasks(window)).tasks] == [task.id]


async def test_a_task_that_is_overdue_where_it_is_already_tomorrow_is_listed(opens: Opener) -> None:
    async with opens() as backend:
        late = Due.instant(NOW - timedelta(minutes=30), "Pacific/Kiritimati")
        assert late.day > NOW.date()
        task = await create(backend, Edit(title="Call", due=late, priority=1))
        assert (await backend.list_tasks(TaskQuery(overdue=True))).tasks == (task,)
        assert (await backend.list_tasks(TaskQuery(overdue=False))).tasks == ()


@pytest.mark.parametrize(
    "query",
    [
        TaskQuery(text="task", priority=2),
        TaskQuery(text="task", responsible_ids=("p3",)),
        TaskQuery(text="task", from_date="2026-03-01", include_tasks_without_dates=False, order="created"),
        replace(WINDOW, text="task", order="priority"),
    ],
)
@pytest.mark.parametrize("limit", [1, 5, 40])
def test_a_page_of_candidates_equals_the_page_of_a_scan(
    small: sqlite3.Connection, query: TaskQuery, limit: int
) -> None:
    page = replace(query, limit=limit)
    first, scanned = (
        sorted(find_rows(small, page, state_of(small), reach), reverse=query.order == "created")[: limit + 1]
        for reach in (1, SMALL + 1)
    )
    assert len(first) == limit + 1
    assert first == scanned
