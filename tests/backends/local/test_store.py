"""The file of the store: made once, kept private, and never half written."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event

import anyio
import pytest

from backends.local.old_store import MIGRATIONS, make_old
from backends.local.open_store import USER, create, open_store, update
from fixed_clock import NOW
from taskhand.backends.local.sqlite import TASK_STORE
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OperatorError
from taskhand.domain.task_query import TaskQuery
from taskhand.sqlite.connection import open_sqlite
from taskhand.sqlite.store import SqliteStore
from time_limits import BOUND_S

AT_ONCE = 8
OPENER = """
import sys
from pathlib import Path
import anyio
from backends.local.open_store import open_store

async def look():
    async with open_store(Path(sys.argv[1])) as backend:
        return len((await backend.statuses()).statuses), len(await backend.account.members())

print("ready", flush=True)
sys.stdin.readline()
print(*anyio.run(look))
"""


def modes(folder: Path) -> dict[str, int]:
    """The files of a folder with their permissions."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def content(path: Path) -> bytes:
    """The bytes of a file."""
    return path.read_bytes()


def rewritten(path: Path, new: bytes) -> bytes:
    """Replace the bytes of a file."""
    path.write_bytes(new)
    return new


@contextmanager
def openers(store: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that have imported everything and wait for a line to open the store."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603  our own program
                    [sys.executable, "-c", OPENER, str(store)],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    encoding="utf-8",
                )
            )
            for _ in range(AT_ONCE)
        ]
        for process in processes:
            stack.callback(process.kill)
        yield processes


def test_processes_that_open_a_new_store_at_once_add_the_defaults_once(store_file: Path) -> None:
    with openers(store_file) as processes:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        printed = [process.communicate(timeout=BOUND_S) for process in processes]
    assert printed == [("3 1\n", "")] * AT_ONCE
    with closing(sqlite3.connect(store_file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM status").fetchone() == (3,)
        assert connection.execute("SELECT name, is_me FROM member").fetchall() == [(USER, 1)]
        assert connection.execute("SELECT last FROM id_sequence").fetchone() == (4,)


async def test_the_store_is_opened_at_its_first_use(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        assert modes(store_file.parent) == {}
        await backend.statuses()
        assert store_file.name in modes(store_file.parent)


async def test_the_store_is_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "tasks.sqlite"
    async with open_store(path) as backend:
        await create(backend, Edit(title="Secret", priority=1))
        kept = modes(path.parent)
    assert kept == dict.fromkeys(("tasks.sqlite", "tasks.sqlite-wal", "tasks.sqlite-shm"), 0o600)
    assert modes(tmp_path) == {"new": 0o700}


async def test_closing_leaves_the_one_file(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        await create(backend, Edit(title="Call", priority=1))
    assert list(modes(store_file.parent)) == [store_file.name]


async def test_readers_and_a_writer_work_side_by_side(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        await backend.statuses()
    with closing(open_sqlite(store_file, TASK_STORE)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        connection.execute("BEGIN IMMEDIATE")
        async with open_store(store_file) as backend:
            connection.execute("ROLLBACK")
            await backend.statuses()
            connection.execute("BEGIN IMMEDIATE")
            with anyio.fail_after(BOUND_S):
                assert len((await backend.statuses()).statuses) == 3


async def test_a_store_of_a_newer_program_is_left_alone(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        await backend.statuses()
    with closing(sqlite3.connect(store_file)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    async with open_store(store_file) as backend:
        for _ in range(2):
            with pytest.raises(OperatorError, match="newer Taskhand") as refused:
                await backend.statuses()
            assert refused.value.code == "store_too_new"
            assert refused.value.next_step
    with closing(sqlite3.connect(store_file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
async def test_a_store_of_an_older_program_is_brought_up_to_date(store_file: Path, version: int) -> None:
    make_old(store_file, version)
    async with open_store(store_file) as backend:
        task = await create(backend, Edit(title="Call", priority=1))
        assert await backend.get_task(task.id) == task
    with closing(sqlite3.connect(store_file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


async def test_data_with_hidden_characters_from_an_older_version_is_found_by_its_visible_text(store_file: Path) -> None:
    make_old(
        store_file,
        3,
        "INSERT INTO status VALUES ('s-1', 'To Do', 'to do', NULL, 'initial', 1)",
        "INSERT INTO status VALUES ('s-2', 'Lis\u200bto', 'lis\u200bto', NULL, 'done', 2)",
        "INSERT INTO contact VALUES ('c-1', 'Zo\u200bé Vega', NULL, NULL, NULL, 'zo\u200be vega')",
        """INSERT INTO task VALUES ('aaaaaaaa', 'Ca\u200bll \u2714\ufe0f Acme', NULL, NULL, NULL, 0, '~',
        '2026-01-01T00:00:00.000Z', NULL, NULL, 's-1', 1, NULL, 'ca\u200bll \u2714\ufe0f acme')""",
    )
    async with open_store(store_file) as backend:
        assert len((await backend.list_tasks(TaskQuery(text="call \u2714 acme"))).tasks) == 1
        assert len((await backend.list_tasks(TaskQuery(text="acme", responsible_ids=(), of_nobody=True))).tasks) == 1
        assert len(await backend.account.find_contacts("zoe", 5)) == 1
        await backend.edit(lambda directory: directory.rename_status("Listo", "Hecho"))
        assert (await backend.statuses()).statuses[-1].name == "Hecho"


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [name[:4] for name in MIGRATIONS] == [f"{number:04}" for number in range(1, len(MIGRATIONS) + 1)]


async def test_a_reopened_store_gets_no_default_data(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        await backend.edit(lambda directory: directory.rename_status("Completado", "Listo"))
    async with open_store(store_file) as backend:
        assert [status.name for status in (await backend.statuses()).statuses] == ["Pendiente", "En Progreso", "Listo"]
        assert len(await backend.account.members()) == 1


async def opening_error(path: Path) -> OperatorError:
    """The error of a store that cannot be used."""
    async with open_store(path) as backend:
        with pytest.raises(OperatorError) as error:
            await backend.statuses()
    assert error.value.code == "store_unavailable"
    assert str(path) in error.value.message
    assert error.value.message.endswith(".")
    assert error.value.next_step == "Check the file and its folder, or set TASKHAND_DB to another file."
    return error.value


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(store_file: Path) -> None:
    before = rewritten(store_file, b"My diary.\n" * 1_000)
    assert "not a database" in (await opening_error(store_file)).message
    assert content(store_file) == before


async def test_a_folder_is_no_store(tmp_path: Path) -> None:
    await opening_error(tmp_path)


async def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    await opening_error(tmp_path / "file" / "tasks.sqlite")


@pytest.mark.skipif(os.geteuid() == 0, reason="no folder is read-only to root")
async def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    await opening_error(folder / "tasks.sqlite")


async def test_a_file_cut_in_half_is_refused(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        await backend.statuses()
    whole = content(store_file)
    rewritten(store_file, whole[: len(whole) // 2])
    await opening_error(store_file)


async def test_a_database_of_something_else_is_refused_and_left_as_it_is(store_file: Path) -> None:
    with closing(sqlite3.connect(store_file)) as connection, connection:
        connection.execute("CREATE TABLE task (diary TEXT)")
        connection.execute("INSERT INTO task VALUES ('My diary')")
    await opening_error(store_file)
    with closing(sqlite3.connect(store_file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("task",)]
        assert connection.execute("SELECT diary FROM task").fetchall() == [("My diary",)]


async def test_a_failing_unit_of_work_leaves_nothing_behind(store_file: Path) -> None:
    store = SqliteStore(store_file, TASK_STORE)

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO contact VALUES ('1', 'Rosa', NULL, NULL, NULL, 'rosa')")
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(work)
    rows = await store.read(lambda connection: connection.execute("SELECT * FROM contact").fetchall())
    await store.aclose()
    assert rows == []


async def test_a_database_error_becomes_an_operator_error_and_rolls_the_write_back(store_file: Path) -> None:
    store = SqliteStore(store_file, TASK_STORE)

    def work(connection: sqlite3.Connection) -> None:
        for _ in range(2):
            connection.execute("INSERT INTO contact VALUES ('1', 'Rosa', NULL, NULL, NULL, 'rosa')")

    with pytest.raises(OperatorError, match="UNIQUE"):
        await store.write(work)
    rows = await store.read(lambda connection: connection.execute("SELECT * FROM contact").fetchall())
    await store.aclose()
    assert rows == []


async def test_a_failed_task_leaves_no_row_and_no_person(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        with pytest.raises(OperatorError, match="FOREIGN KEY"):
            await create(backend, Edit(title="Call", priority=1, responsible_ids=("nobody",)))
        me = str(await backend.account.me())
        task = await create(backend, Edit(title="Call", priority=1, responsible_ids=(me,)))
        with pytest.raises(OperatorError, match="FOREIGN KEY"):
            await update(backend, task, Edit(title="Never", responsible_ids=(me, "nobody")))
        assert await backend.get_task(task.id) == task
    with closing(sqlite3.connect(store_file)) as connection:
        assert connection.execute("SELECT count(*) FROM task").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM task_responsible").fetchone() == (1,)


async def test_completes_a_write_whose_caller_was_cancelled(store_file: Path) -> None:
    store, under_way, go_on = SqliteStore(store_file, TASK_STORE), anyio.Event(), Event()
    loop = asyncio.get_running_loop()

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO contact VALUES ('1', 'Rosa', NULL, NULL, NULL, 'rosa')")
        loop.call_soon_threadsafe(under_way.set)
        assert go_on.wait(BOUND_S)
        connection.execute("INSERT INTO contact VALUES ('2', 'Luis', NULL, NULL, NULL, 'luis')")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store.write, work)
        with anyio.fail_after(BOUND_S):
            await under_way.wait()
        tasks.cancel_scope.cancel()
        go_on.set()
    rows = await store.read(lambda connection: connection.execute("SELECT * FROM contact").fetchall())
    await store.aclose()
    assert len(rows) == 2


async def test_an_answer_can_be_read_back_by_another_connection_at_once(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        task = await create(backend, Edit(title="Call", priority=1))
        async with open_store(store_file) as other:
            assert await other.get_task(task.id) == task
    assert task.created_at == NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_runs_work_submitted_during_closing_afterwards_and_one_job_at_a_time(
    store_file: Path,
) -> None:
    store, busy, most = SqliteStore(store_file, TASK_STORE), [0], [0]

    def work(connection: sqlite3.Connection) -> None:
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        connection.execute("SELECT count(*) FROM task").fetchone()
        busy[0] -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(store.read, work)
            tasks.start_soon(store.aclose)
    await store.aclose()
    assert most == [1]
