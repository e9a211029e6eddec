"""One database, and what happens to work when its connections break, it is restarted, or others hold it up."""

import signal
from collections.abc import Iterator
from threading import Barrier, Event

import anyio
import psycopg
import pytest
from anyio import to_thread

from builders import refused
from postgres_proxy import PostgresProxy, open_postgres_proxy
from postgres_server import TestDatabase
from taskhand.call.deadline import call_deadline
from taskhand.domain.errors import OperatorError
from taskhand.journal.postgres import JOURNAL
from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.statement_parameters import to_driver
from taskhand.postgres.store import PostgresStore
from taskhand.sql.connection import SqlConnection

COUNT = "UPDATE made SET changes = changes + 1 RETURNING changes"


def count_up(connection: SqlConnection) -> int:
    """Work whose repetition shows."""
    return int(connection.execute(COUNT).fetchone()["changes"])


@pytest.fixture
async def store(postgres: TestDatabase) -> PostgresStore:
    """The schema of the journal, which has been used."""
    store = PostgresStore(Database(postgres.url, sleep=lambda _: None), JOURNAL)
    assert await store.write(count_up) == 1
    return store


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("SELECT ? WHERE a = ?", "SELECT %s WHERE a = %s"),
        ("SELECT '?', \"a?\", 'it''s ?', ?", "SELECT '?', \"a?\", 'it''s ?', %s"),
        ("SELECT 5 % 2, '100%' -- why?\n, ?", "SELECT 5 %% 2, '100%%' -- why?\n, %s"),
        ("/* ? */ SELECT ?", "/* ? */ SELECT %s"),
    ],
)
def test_a_question_mark_is_a_parameter_except_in_texts_names_and_comments(given: str, sent: str) -> None:
    assert to_driver(given) == sent


async def test_a_text_is_read_back_unchanged_except_for_characters_that_postgres_cannot_store(
    store: PostgresStore,
) -> None:
    text = "Ñandú 100% ? \\ 'x' \U0001f600"
    found = await store.read(lambda connection: connection.execute("SELECT ? AS a, ? AS b", (text, "a\0\ud800")))
    row = found.fetchone()
    assert (row["a"], row[1], tuple(row)) == (text, "a\ufffd?", (text, "a\ufffd?"))
    await store.aclose()


async def test_work_continues_after_every_connection_was_cut(store: PostgresStore, postgres: TestDatabase) -> None:
    postgres.cut_connections()
    assert await store.write(count_up) == 2
    postgres.cut_connections()
    assert await store.read(lambda connection: connection.execute("SELECT changes FROM made").fetchone()[0]) == 2
    await store.aclose()


async def test_connections_that_were_cut_together_are_dropped_together(postgres: TestDatabase) -> None:
    pauses: list[float] = []
    store, together = PostgresStore(Database(postgres.url, sleep=pauses.append), JOURNAL), Barrier(3)
    assert await store.write(count_up) == 1
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(store.read, lambda _: together.wait())
    postgres.cut_connections()
    assert await store.write(count_up) == 2
    assert pauses == []
    await store.aclose()


async def test_work_whose_connection_is_cut_in_the_middle_is_done_once(
    store: PostgresStore, postgres: TestDatabase
) -> None:
    cuts = iter([True])

    def work(connection: SqlConnection) -> int:
        counted = count_up(connection)
        if next(cuts, False):
            postgres.cut_connections()
        return counted

    assert await store.write(work) == 2
    assert await store.write(count_up) == 3
    await store.aclose()


async def test_a_commit_whose_answer_is_lost_is_looked_up(postgres: TestDatabase) -> None:
    for reaches, counted in ((True, 1), (False, 2)):
        with open_postgres_proxy(postgres.url, reaches=reaches) as proxy:
            store = PostgresStore(Database(proxy.url, sleep=lambda _: None), JOURNAL)

            cuts = iter([proxy])

            def work(connection: SqlConnection, cuts: Iterator[PostgresProxy] = cuts) -> int:
                found = count_up(connection)
                for one in cuts:
                    one.cut_next()
                return found

            await store.read(lambda _: None)
            assert await store.write(work) == counted
            await store.aclose()
    assert postgres.rows("SELECT changes FROM taskhand_journal.made") == [(2,)]


async def test_nothing_is_waited_for_longer_than_the_call_may_take(
    store: PostgresStore, postgres: TestDatabase
) -> None:
    with psycopg.connect(postgres.url) as other:
        other.execute("LOCK TABLE taskhand_journal.made")
        with refused("store_busy", OperatorError), call_deadline(0.5):
            await store.write(count_up)
    assert await store.write(count_up) == 2
    await store.aclose()


async def test_writes_of_one_kind_wait_for_each_other_and_none_is_lost(
    store: PostgresStore, postgres: TestDatabase
) -> None:
    other = PostgresStore(Database(postgres.url), JOURNAL)
    async with anyio.create_task_group() as group:
        for one in (store, other) * 10:
            group.start_soon(one.write, count_up)
    assert await store.write(count_up) == 22
    await store.aclose()
    await other.aclose()


async def test_a_write_that_stalls_delays_other_writes_for_less_than_their_timeout(
    store: PostgresStore, postgres: TestDatabase
) -> None:
    holds, other_is_done = Event(), Event()

    def pause(connection: SqlConnection) -> int:
        counted = count_up(connection)
        holds.set()
        other_is_done.wait()
        return counted

    async def write_elsewhere() -> None:
        elsewhere = PostgresStore(Database(postgres.url, busy_s=0.5, sleep=lambda _: None), JOURNAL)
        assert await elsewhere.write(pause) == 3
        await elsewhere.aclose()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write_elsewhere)
        await to_thread.run_sync(holds.wait)
        assert await store.write(count_up) == 2
        other_is_done.set()
    await store.aclose()


async def test_an_error_in_the_work_rolls_all_of_it_back(store: PostgresStore) -> None:
    def work(connection: SqlConnection) -> None:
        count_up(connection)
        raise OperatorError("no")

    with pytest.raises(OperatorError, match="no"):
        await store.write(work)
    assert await store.write(count_up) == 2
    await store.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ana:s3cr%21et@127.0.0.1:1/db",
        "postgresql://ana:s3cr%21et@127.0.0.1:x1/db",
        "postgresql://ana:s3cr@!et@127.0.0.1:1/db",
        "host=127.0.0.1 port=1 user=ana password=s3cr!et",
        "postgresql://ana@127.0.0.1:1/db?password=s3cr!et&nothing=1",
    ],
)
async def test_no_error_quotes_the_password_of_the_address(url: str) -> None:
    store = PostgresStore(Database(url, sleep=lambda _: None), JOURNAL)
    with refused("store_unavailable", OperatorError) as error:
        await store.write(count_up)
    told = f"{error.value.message} {error.value.next_step} {error.value.__cause__}"
    assert "s3cr" not in told
    assert "et@" not in told
    assert "TASKHAND_STATE" in told
    await store.aclose()


async def test_a_schema_of_a_newer_program_is_refused_unless_it_is_compatible(
    store: PostgresStore, postgres: TestDatabase
) -> None:
    postgres.run("UPDATE taskhand.schema_version SET version = 99 WHERE kind = 'journal'")
    assert await store.write(count_up) == 2
    postgres.run("UPDATE taskhand.schema_version SET oldest = 99 WHERE kind = 'journal'")
    for one in (store, PostgresStore(Database(postgres.url), JOURNAL)):
        with refused("store_too_new", OperatorError):
            await one.write(count_up)
        await one.aclose()


async def test_a_lost_schema_is_not_recreated_by_a_running_store(store: PostgresStore, postgres: TestDatabase) -> None:
    postgres.empty()
    with refused("store_unavailable", OperatorError) as error:
        await store.write(count_up)
    assert "missing" in error.value.message
    assert not await store.exists()
    await store.aclose()


async def test_processes_that_start_together_migrate_once(postgres: TestDatabase) -> None:
    stores = [PostgresStore(Database(postgres.url), JOURNAL) for _ in range(4)]
    found: list[int] = []

    async def write(store: PostgresStore) -> None:
        found.append(await store.write(count_up))
        await store.aclose()

    async with anyio.create_task_group() as group:
        for one in stores:
            group.start_soon(write, one)
    assert sorted(found) == [1, 2, 3, 4]


async def test_a_connection_is_kept_for_users_of_the_database_and_closed_after_work_without_any(
    store: PostgresStore, postgres: TestDatabase
) -> None:
    def find_process(connection: SqlConnection) -> int:
        return int(connection.execute("SELECT pg_backend_pid()").fetchone()[0])

    database = Database(postgres.url)
    assert len({database.run_now(JOURNAL, find_process, writes=False) for _ in range(3)}) == 3
    database.enter()
    assert len({database.run_now(JOURNAL, find_process, writes=False) for _ in range(3)}) == 1
    await database.leave()
    await store.aclose()


async def test_a_restart_of_postgres_is_waited_for(store: PostgresStore, postgres: TestDatabase) -> None:
    if (server := postgres.server) is None:
        pytest.skip("the server is not ours to restart")
    patient = PostgresStore(Database(postgres.url), PostgresKind("journal", "journal", "taskhand.journal", 1))
    await patient.write(count_up)
    for how in (signal.SIGQUIT, signal.SIGINT):
        server.stop(how)
        async with anyio.create_task_group() as group:
            group.start_soon(patient.write, count_up)
            await anyio.wait_all_tasks_blocked()  # it is refused in its thread already
            server.start()
    assert await store.write(count_up) == 5
    await store.aclose()
    await patient.aclose()


async def test_a_schema_of_an_older_program_is_migrated_with_its_rows(postgres: TestDatabase) -> None:
    store = PostgresStore(Database(postgres.url), JOURNAL)
    assert await store.write(count_up) == 1
    postgres.run("DROP INDEX taskhand_journal.entry_of_subject, taskhand_journal.claim_of_row")
    postgres.run("UPDATE taskhand.schema_version SET version = 1 WHERE kind = 'journal'")
    assert await store.write(count_up) == 2  # a replica that runs does not mind
    upgraded = PostgresStore(Database(postgres.url), JOURNAL)
    assert await upgraded.write(count_up) == 3
    assert postgres.rows("SELECT to_regclass('taskhand_journal.entry_of_subject') IS NOT NULL") == [(True,)]
    assert await store.write(count_up) == 4
    await store.aclose()
    await upgraded.aclose()


async def test_a_database_that_was_away_is_asked_again_once_and_without_a_pause() -> None:
    pauses: list[float] = []
    store = PostgresStore(Database("postgresql://ana@127.0.0.1:1/none", sleep=pauses.append), JOURNAL)
    with pytest.raises(OperatorError), call_deadline(0.05):
        await store.read(lambda _: None)
    assert all(one <= 0.05 for one in pauses), "no pause is longer than the rest of the call"
    store, counts = PostgresStore(Database("postgresql://ana@127.0.0.1:1/none", sleep=pauses.append), JOURNAL), []
    pauses.clear()
    for _ in range(2):
        with pytest.raises(OperatorError):
            await store.read(lambda _: None)
        counts.append(len(pauses))
    assert 0 < counts[0] == counts[1]
    await store.aclose()
