"""What is found at once is read where it is asked for; what takes longer, or has to wait, is the worker's."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from threading import current_thread

import pytest

from taskhand.backends.local.backend import TASK_STORE
from taskhand.errors import CallerError, OperatorError
from taskhand.sqlite.store import Store

HERE = current_thread().name
THERE = TASK_STORE.called
LONG = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT max(i) FROM n"


@pytest.fixture
async def store(store_file: Path) -> AsyncIterator[Store]:
    """A store that is open."""
    store = Store(store_file, TASK_STORE)
    await store.write(lambda _: None)
    yield store
    await store.aclose()


def asked(sql: str, threads: list[str]) -> Callable[[sqlite3.Connection], int]:
    """A question, which tells the threads that it was asked in."""

    def work(connection: sqlite3.Connection) -> int:
        threads.append(current_thread().name)
        return int(connection.execute(sql).fetchone()[0])

    return work


def contact(number: int) -> Callable[[sqlite3.Connection], object]:
    """One more contact."""
    sql = "INSERT INTO contact (id, name, searchable) VALUES (?, 'Rosa', 'rosa')"
    return lambda connection: connection.execute(sql, (str(number),))


async def test_what_is_found_at_once_is_read_in_the_thread_that_asks(store: Store) -> None:
    threads: list[str] = []
    assert await store.peek(asked("SELECT count(*) FROM status", threads)) == 0
    assert threads == [HERE]


async def test_the_first_question_opens_the_store(store_file: Path) -> None:
    store, threads = Store(store_file, TASK_STORE), list[str]()
    for _ in range(2):
        assert await store.peek(asked("SELECT count(*) FROM status", threads)) == 0
    await store.aclose()
    assert threads == [THERE, HERE]


async def test_what_takes_long_is_asked_again_by_the_worker(store: Store) -> None:
    threads: list[str] = []
    assert await store.peek(asked(LONG, threads)) == 100_000
    assert threads == [HERE, THERE]


async def test_what_was_just_written_is_seen(store: Store) -> None:
    for number in range(1, 4):
        await store.write(contact(number))
        assert await store.peek(asked("SELECT count(*) FROM contact", [])) == number


async def test_a_file_that_another_process_keeps_to_itself_is_waited_for_by_the_worker(
    store: Store, store_file: Path
) -> None:
    await store.aclose()  # such a lock is only given while nobody else is there
    threads: list[str] = []
    with closing(sqlite3.connect(store_file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")

        def work(connection: sqlite3.Connection) -> int:
            try:
                return asked("SELECT count(*) FROM status", threads)(connection)
            finally:
                other.close()

        assert await store.peek(work) == 0
    assert threads == [HERE, THERE]


async def test_what_cannot_be_read_at_all_is_the_worker_s_to_say(store: Store) -> None:
    threads: list[str] = []
    with pytest.raises(OperatorError, match="no such table"):
        await store.peek(asked("SELECT count(*) FROM appointment", threads))
    assert threads == [HERE, THERE]


async def test_what_the_work_raises_is_raised_once(store: Store) -> None:
    threads: list[str] = []

    def refuse(_: sqlite3.Connection) -> None:
        threads.append(current_thread().name)
        raise CallerError("No.", code="no", next_step="None.")

    with pytest.raises(CallerError, match="No"):
        await store.peek(refuse)
    assert threads == [HERE]
    assert await store.peek(asked("SELECT count(*) FROM status", [])) == 0


async def test_what_is_asked_of_a_file_that_was_replaced_is_told_of_the_new_one(store: Store, store_file: Path) -> None:
    await store.write(contact(1))
    assert await store.peek(asked("SELECT count(*) FROM contact", [])) == 1
    for file in store_file.parent.iterdir():
        file.unlink()
    threads: list[str] = []
    for _ in range(2):
        assert await store.peek(asked("SELECT count(*) FROM contact", threads)) == 0
    assert threads == [THERE, HERE]
