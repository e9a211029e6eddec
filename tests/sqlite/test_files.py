"""Files that are not what they were: emptied, restored beside the log of a crash, or read-only."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from behaviour.world import NOW
from journals import numbered
from server.transports.server_process import output
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import sequential_id
from taskhand.backends.local.sqlite import TASK_STORE, open_file_store
from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OperatorError
from taskhand.domain.task_query import TaskQuery
from taskhand.journal.journal import Caller, Ending, Opening
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.sqlite.connection import make_database, open_sqlite
from time_limits import BOUND_S
from unprivileged import open_folder, without_privileges


def store_at(path: Path) -> LocalBackend:
    return open_file_store(path, clock=lambda: NOW, new_id=sequential_id, user="Elena", timezone=None)


def journal_at(path: Path) -> SqliteJournal:
    return SqliteJournal(AccountOwner(path, "test"), clock=lambda: NOW, new_id=numbered)


async def write_to_journal(path: Path) -> None:
    journal = journal_at(path)
    try:
        await journal.record(Opening("update_task", Caller(), NOW), Ending("refused"))
    finally:
        await journal.aclose()


async def titles(path: Path) -> list[str]:
    store = store_at(path)
    try:
        return [task.title or "" for task in (await store.list_tasks(TaskQuery(order="created"))).tasks]
    finally:
        await store.aclose()


async def check(path: Path) -> CheckResult:
    store = store_at(path)
    try:
        return (await store.account.check_health(writes=True))[0]
    finally:
        await store.aclose()


# Emptied.


async def test_an_empty_store_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tasks.sqlite"
    path.touch()
    with pytest.raises(OperatorError, match="is an empty file") as refused:
        await titles(path)
    assert refused.value.code == "store_unavailable"
    assert "Restore it from a backup (`taskhand restore FILE`), or remove it" in (refused.value.next_step or "")
    found = await check(path)
    assert (found.outcome, found.found, found.remedy) == ("failed", refused.value.message, refused.value.next_step)
    assert path.stat().st_size == 0
    path.unlink()
    assert await titles(path) == []


async def test_an_empty_journal_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    with pytest.raises(OperatorError, match=r"The journal .* is an empty file"):
        await write_to_journal(path)
    journal = journal_at(path)
    (found,) = await journal.check_health()
    await journal.aclose()
    assert found.outcome == "failed"
    assert path.stat().st_size == 0


def test_a_file_that_many_make_at_once_is_never_empty_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "tasks.sqlite"
    sizes = set()

    def make(_: int) -> None:
        with closing(open_sqlite(path, TASK_STORE)):
            sizes.add(path.stat().st_size > 0)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, range(16)))
    assert sizes == {True}
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_file_without_a_log_is_opened_once_another_process_lets_it_have_one(tmp_path: Path) -> None:
    path = tmp_path / "tasks.sqlite"
    make_database(path, TASK_STORE)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, ThreadPoolExecutor(1) as threads:
        other.execute("PRAGMA journal_mode = DELETE").fetchone()
        other.execute("BEGIN IMMEDIATE")
        opening = threads.submit(open_sqlite, path, TASK_STORE)
        with pytest.raises(TimeoutError):
            opening.result(0.05)
        other.execute("COMMIT")
        with closing(opening.result(BOUND_S)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


async def test_a_store_is_made_where_a_link_leads(tmp_path: Path) -> None:
    link = tmp_path / "link.sqlite"
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(tmp_path / "elsewhere" / "tasks.sqlite")
    assert await titles(link) == []
    assert (tmp_path / "elsewhere" / "tasks.sqlite").is_file()


# A backup beside the log of a crash.


async def crash_store(folder: Path) -> tuple[Path, Path]:
    """A store that a process left when it was killed, with its log, and a backup from before."""
    path, backup, image = folder / "tasks.sqlite", folder / "backup.sqlite", folder / "crashed"
    image.mkdir()
    store = store_at(path)
    await store.create_task(Edit(title="Call Acme", priority=1))
    await store.aclose()
    shutil.copy(path, backup)
    store = store_at(path)
    await store.create_task(Edit(title="Send it", description="x" * 9_000, priority=1))  # which adds pages
    for one in (path, path.with_name("tasks.sqlite-wal")):
        shutil.copyfile(one, image / one.name)  # `copy` sets the mode afterwards, as somebody who touches the log does
    await store.aclose()
    pass_tick(image / "tasks.sqlite-wal")
    return image / "tasks.sqlite", backup


def pass_tick(file: Path) -> None:
    """Return when a file that is written now has another time than this one: file systems count in ticks."""
    probe = file.with_name("probe")
    while not probe.exists() or probe.stat().st_ctime_ns <= file.stat().st_ctime_ns:
        probe.write_bytes(b"")
    probe.unlink()


async def test_the_write_ahead_log_of_a_crash_is_read(tmp_path: Path) -> None:
    path, _ = await crash_store(tmp_path)
    assert sorted(await titles(path)) == ["Call Acme", "Send it"]


async def test_a_log_that_a_checkpoint_has_copied_is_no_obstacle_to_a_newer_file(tmp_path: Path) -> None:
    path = tmp_path / "tasks.sqlite"
    store = store_at(path)
    await store.create_task(Edit(title="Call Acme", description="x" * 9_000, priority=1))
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(RESTART)")  # what the log has of the first task is overwritten in part
        await store.create_task(Edit(title="Send it", priority=1))
        other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        image = tmp_path / "image"
        image.mkdir()
        shutil.copy(path.with_name("tasks.sqlite-wal"), image)
        shutil.copy(path, image)
    await store.aclose()
    assert (image / "tasks.sqlite-wal").stat().st_size > 0
    assert sorted(await titles(image / "tasks.sqlite")) == ["Call Acme", "Send it"]


@pytest.mark.parametrize("ends", ["the processes live", "a crash"])
async def test_a_log_that_a_checkpoint_has_copied_in_part_belongs_to_the_newer_file(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "tasks.sqlite"
    store = store_at(path)
    await store.create_task(Edit(title="Call Acme", priority=1))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader, closing(sqlite3.connect(path)) as other:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM task").fetchone()
        await store.create_task(Edit(title="Send it", priority=1))
        _, in_log, copied = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        assert 0 < copied < in_log
        if ends == "a crash":
            image = tmp_path / "image"
            image.mkdir()
            for end in ("-wal", "-shm", ""):
                shutil.copy(path.with_name(path.name + end), image)
            path = image / "tasks.sqlite"
        assert sorted(await titles(path)) == ["Call Acme", "Send it"]
    await store.aclose()


async def test_a_backup_beside_a_log_that_was_copied_once_is_refused(tmp_path: Path) -> None:
    path, backup = tmp_path / "tasks.sqlite", tmp_path / "backup.sqlite"
    store = store_at(path)
    await store.create_task(Edit(title="Call Acme", priority=1))
    await store.aclose()
    shutil.copy(path, backup)
    store = store_at(path)
    await store.create_task(Edit(title="Send it", priority=1))
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        image = tmp_path / "image"
        image.mkdir()
        for end in ("-wal", "-shm"):
            shutil.copy(path.with_name(path.name + end), image)
    await store.aclose()
    pass_tick(image / "tasks.sqlite-wal")
    shutil.copy(backup, image / "tasks.sqlite")
    with pytest.raises(OperatorError, match="was a backup restored"):
        await titles(image / "tasks.sqlite")


async def test_a_backup_beside_the_log_of_a_crash_is_refused_until_the_log_is_moved_away(tmp_path: Path) -> None:
    path, backup = await crash_store(tmp_path)
    log = path.with_name("tasks.sqlite-wal")
    shutil.copy2(backup, path)  # as `cp -p`: the time of the content stays
    before = path.read_bytes(), log.read_bytes()
    with pytest.raises(OperatorError, match="was a backup restored") as refused:
        await titles(path)
    found = await check(path)
    assert (found.outcome, found.found) == ("failed", refused.value.message)
    assert (found.remedy or "").index("(touch)") < (found.remedy or "").index(f"move {log.name}")
    assert (path.read_bytes(), log.read_bytes()) == before
    log.unlink()
    assert await titles(path) == ["Call Acme"]
    log.write_bytes(before[1])
    pass_tick(log)
    path.write_bytes(path.read_bytes())
    with pytest.raises(OperatorError, match="was a backup restored"):  # also by a process that had it open before
        await titles(path)


def change_owner(file: Path) -> None:
    os.chown(file, file.stat().st_uid, file.stat().st_gid)


def change_mode(file: Path) -> None:
    file.chmod(0o600)


def rename_and_back(file: Path) -> None:
    file.rename(file.with_name("away")).rename(file)


def move_and_back(file: Path) -> None:
    """As `mv` to another file system does it, which keeps the time of the content."""
    away = file.with_name("away")
    shutil.copy2(file, away)
    file.unlink()
    away.rename(file)


async def test_a_new_owner_mode_name_or_place_of_the_files_of_a_crash_is_no_backup(tmp_path: Path) -> None:
    path, _ = await crash_store(tmp_path)
    for number, change in enumerate((change_owner, change_mode, rename_and_back, move_and_back)):
        for order in (("", "-wal"), ("-wal", "")):
            folder = tmp_path / f"{number}{order[0]}"
            folder.mkdir()
            for end in ("", "-wal"):
                shutil.copy(path.with_name(path.name + end), folder)
            for end in order:
                pass_tick(folder / path.name)
                change(folder / (path.name + end))
            assert sorted(await titles(folder / path.name)) == ["Call Acme", "Send it"], (change, order)


async def test_an_old_backup_beside_a_log_is_refused_whoever_owns_both(tmp_path: Path) -> None:
    path, backup = tmp_path / "tasks.sqlite", tmp_path / "backup.sqlite"
    for number in range(5):
        store = store_at(path)
        await store.create_task(Edit(title="Call Acme", description="x" * 9_000, priority=1))
        if number == 4:
            shutil.copy(path.with_name("tasks.sqlite-wal"), tmp_path / "log")
        await store.aclose()
        if number == 0:
            shutil.copy(path, backup)
    log = (tmp_path / "log").rename(tmp_path / "tasks.sqlite-wal")
    shutil.copy2(backup, path)
    for one in (path, log):
        change_owner(one)
    with pytest.raises(OperatorError, match="was a backup restored"):
        await titles(path)


async def test_a_journal_beside_a_foreign_log_is_refused(tmp_path: Path) -> None:
    path, _ = await crash_store(tmp_path)
    journal = tmp_path / "journal.sqlite"
    await write_to_journal(journal)
    shutil.copy(path.with_name("tasks.sqlite-wal"), tmp_path / "journal.sqlite-wal")
    pass_tick(tmp_path / "journal.sqlite-wal")
    shutil.copy(journal, tmp_path / "copy")
    shutil.copy(tmp_path / "copy", journal)
    with pytest.raises(OperatorError, match="does not belong to it"):
        await write_to_journal(journal)


# Read-only.


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike the one of pytest."""
    with open_folder() as found:
        yield found


@contextmanager
def read_only(path: Path, what: str) -> Iterator[None]:
    """The folder, or the file too, may only be read; by somebody to whom permissions apply."""
    if path.exists():
        path.chmod(0o444 if what == "the file" else 0o666)
    path.parent.chmod(0o555)
    try:
        with without_privileges():
            yield
    finally:
        path.parent.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize(("what", "is_new"), [("the file", False), ("the folder", False), ("the folder", True)])
async def test_an_error_about_a_read_only_file_names_it_and_the_remedy(
    what: str, folder: Path, *, is_new: bool
) -> None:
    path = folder / "tasks.sqlite"
    if not is_new:
        await titles(path)
    with read_only(path, what), pytest.raises(OperatorError, match=f"{what}.* is read-only for this user") as refused:
        await titles(path)
    with read_only(path, what):
        found = await check(path)
    assert "writable for the user who runs Taskhand" in (refused.value.next_step or "")
    assert (found.outcome, found.found, found.remedy) == ("failed", refused.value.message, refused.value.next_step)


# Opened twice.


async def test_a_file_opened_twice_by_one_process_keeps_all_rows_after_another_process_closes_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    opening, refused = Opening("update_task", Caller(), NOW), Ending("refused")
    journals = [journal_at(path), journal_at(path)]

    def rows() -> int:
        """The rows that another process finds, which closes the file then."""
        exported = output(tmp_path / "tasks.sqlite", "journal", "export", TASKHAND_JOURNAL=str(path))
        return len(exported.splitlines())

    try:
        for journal in journals:
            await journal.record(opening, refused)
        before = rows()
        for _ in range(2):
            for journal in journals:
                await journal.record(opening, refused)
            rows()
        assert rows() == 3 * before
    finally:
        for journal in journals:
            await journal.aclose()
