"""Backups of two databases: their copies are of one moment, and a file that is replaced is kept with its log."""

import os
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from taskhand.backends.local.health_checks import describe_tasks
from taskhand.backends.local.sqlite import TASK_STORE
from taskhand.domain.errors import OperatorError
from taskhand.journal.health_checks import describe_journal
from taskhand.journal.sqlite import JOURNAL
from taskhand.sqlite.backup import DatabaseFile, write_backup
from taskhand.sqlite.connection import make_database
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.restore import restore_backup
from taskhand.sqlite.work_folder import work_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedKind(DatabaseKind):
    """A kind whose connections wait for nobody, and call `watch` with each statement before they run it."""

    watch: Callable[[str], None]

    def check_version(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.set_trace_callback(self.watch)


def databases_in(folder: Path, watch: Callable[[str], None] = lambda _: None) -> list[DatabaseFile]:
    """A task store and a journal, both new."""
    found = []
    for kind, name, table, describe in (
        (TASK_STORE, "tasks", "task", describe_tasks),
        (JOURNAL, "journal", "entry", describe_journal),
    ):
        path = folder / f"{name}.sqlite"
        make_database(path, kind)
        watched = WatchedKind(kind.label, kind.variable, kind.package, watch=watch)
        found.append(DatabaseFile(path, watched, path.name, table, describe))
    return found


def is_locked(path: Path) -> bool:
    """Whether nobody else can write to a database."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return "locked" in str(error)
        other.execute("ROLLBACK")
        return False


def test_a_folder_that_cannot_be_made_for_a_restore_is_an_error_of_the_operator(tmp_path: Path) -> None:
    write_backup(databases_in(tmp_path), tmp_path / "saved.zip", {})
    (tmp_path / "file").touch()
    targets = [replace(one, path=tmp_path / "file" / one.path.name) for one in databases_in(tmp_path)]
    with pytest.raises(OperatorError, match=r"saved\.zip could not be restored: ") as error:
        restore_backup(targets, tmp_path / "saved.zip", "now")
    assert (error.value.code, error.value.retryable) == ("store_unavailable", False)


def test_a_backup_whose_name_the_file_system_does_not_take_is_an_error_of_the_operator(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"\.zip could not be written: ") as error:
        write_backup(databases_in(tmp_path), tmp_path / f"{'x' * 300}.zip", {})
    assert (error.value.code, error.value.retryable) == ("store_unavailable", False)


def test_nobody_writes_to_any_database_until_the_views_of_all_have_begun_and_everybody_after_that(
    tmp_path: Path,
) -> None:
    locked: list[list[bool]] = []

    def watch(statement: str) -> None:
        if statement.startswith(("SELECT count(*) FROM sqlite_schema", "BEGIN", "ROLLBACK")):
            locked.append([is_locked(one.path) for one in databases])

    databases = databases_in(tmp_path, watch)
    write_backup(databases, tmp_path / "saved.zip", {})
    none, first, second, both = [False, False], [True, False], [False, True], [True, True]
    assert locked == [none, first, both, both, both, both, both, second]
    assert [is_locked(one.path) for one in databases] == none


@pytest.mark.parametrize("attempts", [2, 10, 11])
def test_a_database_that_others_write_to_is_tried_ten_times_without_holding_the_first_meanwhile(
    tmp_path: Path, attempts: int
) -> None:
    begun: list[bool] = []

    def watch(statement: str) -> None:
        if statement == "BEGIN IMMEDIATE":
            begun.append(is_locked(databases[0].path))
            if len(begun) == 2 * attempts - 1:
                writing.rollback()

    databases = databases_in(tmp_path, watch)
    with closing(sqlite3.connect(databases[1].path, isolation_level=None)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        if attempts <= 10:
            write_backup(databases, tmp_path / "saved.zip", {})
        else:
            with pytest.raises(OperatorError) as refused:
                write_backup(databases, tmp_path / "saved.zip", {})
            assert (refused.value.code, refused.value.retryable) == ("store_busy", True)
    assert begun == [False, True] * min(attempts, 10)


def test_a_file_beside_an_older_log_is_kept_with_it_under_a_name_that_no_other_has(tmp_path: Path) -> None:
    databases, file = databases_in(tmp_path), tmp_path / "saved.zip"
    path = databases[0].path
    write_backup(databases, file, {})
    for number in ("", "-2", "-3"):
        log, index = (path.with_name(f"tasks.sqlite-{end}") for end in ("wal", "shm"))
        log.write_bytes(struct.pack(">8I", 0x377F0682, 3007000, 512, 0, 7, 7, 0, 0))
        with log.open("ab") as frames:
            frames.write(struct.pack(">6I 512s", 1, 1, 7, 7, 0, 0, number.encode()))
        index.write_bytes(b"index" + number.encode())
        os.utime(log, (0, 0))
        while path.stat().st_ctime_ns <= log.stat().st_ctime_ns:  # file systems count in ticks
            path.write_bytes(path.read_bytes())
        former = [one.read_bytes() for one in (path, log, index)]
        restored = restore_backup(databases, file, "now")
        assert path.with_name(f"tasks.sqlite.before-restore-now{number}.bak") in restored.kept
        kept = [path.with_name(f"tasks.sqlite.before-restore-now{number}.bak{end}") for end in ("", "-wal", "-shm")]
        assert [one.read_bytes() for one in kept] == former
        assert not log.exists()
        assert not index.exists()


def test_a_restore_changes_all_files_in_one_transaction_for_which_none_may_have_a_write_ahead_log(
    tmp_path: Path,
) -> None:
    databases, file, logs = databases_in(tmp_path), tmp_path / "saved.zip", list[set[str]]()
    write_backup(databases, file, {})
    restore_backup(databases, file, "now", lambda _: logs.append({one.name for one in tmp_path.glob("*.sqlite-*")}))
    assert logs[-1] == {"tasks.sqlite-journal", "journal.sqlite-journal"}


def test_a_backup_removes_the_folders_of_dead_processes_that_wrote_a_backup_of_this_name(tmp_path: Path) -> None:
    with work_folder(tmp_path, "saved.zip") as own:
        begin = own.name.rpartition(f"{os.getpid()}-")[0]
    living, dead, other = (
        tmp_path / name
        for name in (
            f"{begin}{os.getppid()}-a.work",
            f"{begin}{2**22 + 1}-a.work",  # more than any process has
            f"{begin.replace('saved', 'other')}{2**22 + 1}-a.work",
        )
    )
    for folder in (living, dead, other):
        folder.mkdir()
    write_backup(databases_in(tmp_path), tmp_path / "saved.zip", {})
    assert {*tmp_path.glob(".*")} == {living, other}
