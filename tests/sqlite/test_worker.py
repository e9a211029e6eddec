"""The thread of each job: quick work runs in the caller's thread, the rest in the worker."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from threading import Event, current_thread
from threading import enumerate as enumerate_threads

import anyio
import anyio.lowlevel
import pytest

from builders import refused
from taskhand.backends.local.sqlite import TASK_STORE
from taskhand.call.deadline import call_deadline
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.sql.connection import DamagedRow
from taskhand.sqlite.store import SqliteStore
from taskhand.sqlite.worker import Worker
from time_limits import BOUND_S

HERE = current_thread().name
THERE = TASK_STORE.label
LONG = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT max(i) FROM n"
COUNT = "SELECT count(*) FROM contact"
NORMAL, FULL = 1, 2  # https://www.sqlite.org/pragma.html#pragma_synchronous


class FixedWriteClock:
    """A clock by which every write takes the same time, however fast the disk of this machine is."""

    def __init__(self) -> None:
        self.takes_s = 0.0
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self.takes_s
        return self._now


@pytest.fixture
def disk() -> FixedWriteClock:
    """A fast disk."""
    return FixedWriteClock()


@pytest.fixture
async def store(store_file: Path, disk: FixedWriteClock) -> AsyncIterator[SqliteStore]:
    """A store that is open."""
    store = SqliteStore(store_file, TASK_STORE, monotonic=disk)
    await store.read(lambda _: None)
    yield store
    await store.aclose()


def read_job(sql: str, threads: list[str]) -> Callable[[sqlite3.Connection], int]:
    """A question, which tells the threads that it was asked in."""

    def work(connection: sqlite3.Connection) -> int:
        threads.append(current_thread().name)
        return int(connection.execute(sql).fetchone()[0])

    return work


def write_job(number: int, threads: list[str]) -> Callable[[sqlite3.Connection], None]:
    """One more contact, which tells the thread that it was written in."""

    def work(connection: sqlite3.Connection) -> None:
        threads.append(current_thread().name)
        connection.execute("INSERT INTO contact (id, name, searchable) VALUES (?, 'Rosa', 'rosa')", (str(number),))

    return work


async def test_runs_quick_work_in_the_callers_thread(store: SqliteStore) -> None:
    threads: list[str] = []
    for number in range(1, 4):
        await store.write(write_job(number, threads), durable=bool(number % 2))
        assert await store.peek(read_job(COUNT, threads)) == number
    assert set(threads) == {HERE}


async def test_the_file_is_opened_by_the_worker(store_file: Path) -> None:
    store, threads = SqliteStore(store_file, TASK_STORE), list[str]()
    for _ in range(2):
        assert await store.peek(read_job(COUNT, threads)) == 0
    await store.aclose()
    assert await store.peek(read_job(COUNT, threads)) == 0
    await store.aclose()
    assert threads == [THERE, HERE, THERE]


async def test_a_read_that_takes_long_is_begun_anew_by_the_worker(store: SqliteStore) -> None:
    threads: list[str] = []
    assert await store.peek(read_job(LONG, threads)) == 100_000
    assert threads == [HERE, THERE]


async def test_never_interrupts_a_quick_read_however_often_it_is_repeated(store: SqliteStore) -> None:
    threads: list[str] = []
    for _ in range(50):
        assert await store.peek(read_job(LONG.replace("100000", "200"), threads)) == 200
    assert set(threads) == {HERE}


async def test_only_a_bounded_read_is_interrupted(store: SqliteStore) -> None:
    threads: list[str] = []
    assert await store.peek(read_job(LONG, [])) == 100_000
    assert await store.write(read_job(LONG, threads)) == 100_000
    assert threads == [HERE]


async def test_the_worker_runs_a_write_of_many_tasks(store: SqliteStore) -> None:
    threads: list[str] = []
    await store.write(write_job(1, threads), tasks=1_000)
    assert threads == [THERE]


async def test_the_worker_runs_writes_after_a_slow_one_until_one_is_quick(
    store: SqliteStore, disk: FixedWriteClock
) -> None:
    threads: list[str] = []
    disk.takes_s = 0.02
    for number in range(3):
        await store.write(write_job(number, threads))
    disk.takes_s = 0.001
    for number in range(3, 5):
        await store.write(write_job(number, threads))
    assert threads == [HERE, THERE, THERE, THERE, HERE]


async def test_a_slow_durable_write_sends_only_durable_ones_to_the_worker(
    store: SqliteStore, disk: FixedWriteClock
) -> None:
    threads: list[str] = []
    disk.takes_s = 0.02
    await store.write(write_job(0, threads))
    disk.takes_s = 0.001
    for number, durable in enumerate((False, True, False, True), start=1):
        await store.write(write_job(number, threads), durable=durable)
    assert threads == [HERE, HERE, THERE, HERE, HERE]


async def test_work_that_comes_after_the_file_was_closed_waits_for_all_that_came_before() -> None:
    worker, closed, order = Worker("test"), Event(), list[str]()

    def work() -> None:
        assert not closed.wait(0.05), "the file is closed while it is used"
        order.append("work")

    def close() -> None:
        closed.set()
        order.append("close")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run, work)
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(worker.stop, close)
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(worker.run, lambda: order.append("more work"))
    assert order == ["work", "close", "more work"]
    await worker.stop(lambda: None)


async def test_a_cancelled_caller_waits_until_its_work_has_ended(store: SqliteStore) -> None:
    go_on, ended = Event(), list[bool]()

    async def write() -> None:
        try:
            await store.write(lambda _: go_on.wait(BOUND_S), tasks=1_000)
        finally:
            ended.append(go_on.is_set())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            for _ in range(3):
                await anyio.lowlevel.checkpoint()
            go_on.set()
    assert ended == [True]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("loop_goes_on", [False, True])
def test_a_wait_for_the_last_work_that_is_given_up_leaves_no_error_behind(
    caplog: pytest.LogCaptureFixture, *, fails: bool, loop_goes_on: bool
) -> None:
    go_on = Event()

    def work() -> None:
        assert go_on.wait(BOUND_S)
        if fails:
            raise OSError

    async def give_up() -> None:
        worker = Worker("given up")
        with anyio.CancelScope() as scope:
            scope.cancel()
            await worker.stop(work)
        if loop_goes_on:
            go_on.set()
            await worker.stop(lambda: None)

    anyio.run(give_up)
    go_on.set()
    for thread in enumerate_threads():
        if thread.name == "given up":
            thread.join()
    assert caplog.messages == []


async def test_while_the_worker_is_busy_everything_is_done_in_turn(store: SqliteStore) -> None:
    go_on, threads = Event(), list[str]()

    def wait(_: sqlite3.Connection) -> None:
        assert go_on.wait(BOUND_S)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store.read, wait)
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(store.write, write_job(1, threads))
        tasks.start_soon(store.peek, read_job(COUNT, threads))
        await anyio.lowlevel.checkpoint()
        go_on.set()
    assert threads == [THERE, THERE]
    assert await store.peek(read_job(COUNT, threads)) == 1


async def test_the_worker_waits_for_another_process_that_writes(store_file: Path) -> None:
    store, threads = SqliteStore(store_file, TASK_STORE, busy_s=0, monotonic=FixedWriteClock()), list[str]()
    await store.read(lambda _: None)
    with closing(sqlite3.connect(store_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperatorError, match="locked") as refused:
            await store.write(write_job(1, threads))
    assert (refused.value.code, refused.value.retryable) == ("store_busy", True)
    await store.write(write_job(1, threads))
    assert threads == [HERE]
    await store.aclose()


async def test_a_write_waits_until_another_process_has_committed(store: SqliteStore, store_file: Path) -> None:
    await store.write(write_job(1, []))
    with closing(sqlite3.connect(store_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.write, write_job(2, []))
            await anyio.sleep(0.05)
            other.execute("COMMIT")
    assert await store.peek(read_job(COUNT, [])) == 2


async def test_the_worker_reports_an_unreadable_query(store: SqliteStore) -> None:
    threads: list[str] = []
    with pytest.raises(OperatorError, match="no such table"):
        await store.peek(read_job("SELECT count(*) FROM appointment", threads))
    assert threads == [HERE, THERE]


@pytest.mark.parametrize("way", ["peek", "read", "write"])
async def test_a_damaged_row_is_an_error_of_the_operator(store: SqliteStore, way: str) -> None:
    def find(_: sqlite3.Connection) -> None:
        raise DamagedRow("a row without an id")

    with refused("store_unavailable", OperatorError):
        await getattr(store, way)(find)


@pytest.mark.parametrize("way", ["peek", "write"])
async def test_raises_an_exception_of_the_work_once_and_rolls_it_back(store: SqliteStore, way: str) -> None:
    threads: list[str] = []

    def refuse(connection: sqlite3.Connection) -> None:
        write_job(1, threads)(connection)
        raise CallerError("No.", code="no", next_step="None.")

    with pytest.raises(CallerError, match="No"):
        await getattr(store, way)(refuse)
    assert threads == [HERE]
    assert await store.peek(read_job(COUNT, [])) == 0


async def test_reads_the_new_file_after_the_file_was_replaced(store: SqliteStore, store_file: Path) -> None:
    await store.write(write_job(1, []))
    assert await store.peek(read_job(COUNT, [])) == 1
    for file in store_file.parent.iterdir():
        file.unlink()
    threads: list[str] = []
    for _ in range(2):
        assert await store.peek(read_job(COUNT, threads)) == 0
    assert threads == [THERE, HERE]


async def test_only_a_durable_write_is_synchronous_even_after_the_file_was_replaced(
    store: SqliteStore, store_file: Path
) -> None:
    for _ in range(2):
        assert await store.write(read_job("PRAGMA synchronous", []), durable=True) == FULL
        assert await store.write(read_job("PRAGMA synchronous", []), durable=False) == NORMAL
        for file in store_file.parent.iterdir():
            file.unlink()
        assert await store.write(read_job("PRAGMA synchronous", []), durable=False) == NORMAL


async def test_the_version_changes_with_the_writes_of_others_only(store: SqliteStore, store_file: Path) -> None:
    before = store.version()
    await store.write(write_job(1, []))
    assert before is not None
    assert store.version() == before
    other = SqliteStore(store_file, TASK_STORE)
    await other.write(write_job(2, []))
    await other.aclose()
    after = store.version()
    assert after is not None
    assert after != before


async def test_the_version_is_unknown_until_the_worker_has_opened_the_file_and_new_for_a_new_file(
    store: SqliteStore, store_file: Path
) -> None:
    assert SqliteStore(store_file, TASK_STORE).version() is None
    before = store.version()
    for file in store_file.parent.iterdir():
        file.unlink()
    assert store.version() is None
    await store.read(lambda _: None)
    assert store.version() not in {None, before}


async def test_only_the_worker_waits_in_sqlite_for_another_process(store: SqliteStore) -> None:
    threads: list[str] = []
    for _ in range(2):
        assert await store.peek(read_job("PRAGMA busy_timeout", threads)) == 0
    await store.write(write_job(1, threads), tasks=1_000)
    assert await store.write(read_job("PRAGMA busy_timeout", threads), tasks=1_000) > 0
    assert await store.peek(read_job("PRAGMA busy_timeout", threads)) == 0
    assert [name == threads[0] for name in threads] == [True, True, False, False, True]


async def test_a_write_of_a_call_without_time_waits_a_moment_for_another_process(store: SqliteStore) -> None:
    with call_deadline(0.0):
        assert await store.write(read_job("PRAGMA busy_timeout", []), tasks=1_000) == 20
