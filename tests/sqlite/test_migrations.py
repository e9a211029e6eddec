"""Migrations: a copy of the file is made first, and a process that is killed in the middle leaves it as it was."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
import pytest

from builders import refused
from child_process import assert_killed, die
from taskhand.backends.local.sqlite import TASK_STORE
from taskhand.domain.errors import OperatorError
from taskhand.journal.sqlite import JOURNAL
from taskhand.sqlite.connection import make_database, open_sqlite
from taskhand.sqlite.database_copies import find_migration_copies, remove_older_copies
from taskhand.sqlite.health_checks import describe_copies
from taskhand.sqlite.migrations import DatabaseKind, newest_version
from taskhand.sqlite.snapshot_reader import SourceFile, hold_source, open_source
from time_limits import BOUND_S

OLD = {TASK_STORE.label: "INSERT INTO contact VALUES ('c-1', 'Acme', NULL, NULL, NULL, 'ac\u200bme')"}
"""What is in an old file."""


def make_old(path: Path, kind: DatabaseKind, version: int) -> list[str]:
    """A file as an earlier version of the program left it; what is in it."""
    scripts = sorted((files(kind.package) / "migrations").iterdir(), key=lambda one: one.name)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for name, function in kind.functions.items():
            connection.create_function(name, 1, function, deterministic=True)
        for script in scripts[:version]:
            connection.executescript(script.read_text("utf-8"))
        connection.execute(OLD.get(kind.label, "SELECT 1"))
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    return contents(path)


def set_version(path: Path, version: int) -> None:
    """Another program has migrated the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [*connection.iterdump(), str(connection.execute("PRAGMA user_version").fetchone()[0])]


@pytest.mark.parametrize("kind", [TASK_STORE, JOURNAL])
def test_a_file_that_is_one_version_newer_is_left_alone(kind: DatabaseKind) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for ahead in (0, 1):
            connection.execute(f"PRAGMA user_version = {newest_version(kind.package) + ahead}")
            with refused("store_too_new", OperatorError) if ahead else nullcontext():
                kind.check_version(connection)


def test_a_file_that_a_newer_program_migrates_while_it_is_opened_is_left_alone(tmp_path: Path) -> None:
    path, prepared = tmp_path / "file.sqlite", list[sqlite3.Connection]()
    make_database(path, TASK_STORE)

    class Functions(dict[str, Callable[[str], str]]):
        def items(self) -> Any:
            set_version(path, newest_version(TASK_STORE.package) + 1)
            return super().items()

    with refused("store_too_new", OperatorError):
        open_sqlite(path, replace(TASK_STORE, functions=Functions()), prepared.append)
    assert prepared == []


def test_a_file_that_another_process_is_migrating_is_migrated_once(tmp_path: Path) -> None:
    path = tmp_path / "file.sqlite"
    make_database(path, TASK_STORE)
    set_version(path, 2)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, ThreadPoolExecutor(1) as threads:
        other.execute("BEGIN IMMEDIATE")
        opening = threads.submit(open_sqlite, path, TASK_STORE)
        with pytest.raises(TimeoutError):
            opening.result(0.05)
        other.execute(f"PRAGMA user_version = {newest_version(TASK_STORE.package)}")
        other.execute("COMMIT")
        opening.result(BOUND_S).close()
    assert find_migration_copies(path) == []


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        (TASK_STORE, 2),
        (TASK_STORE, newest_version(TASK_STORE.package) - 1),
        (JOURNAL, 1),
        (JOURNAL, newest_version(JOURNAL.package) - 1),
    ],
)
def test_a_migration_copies_the_file_first_and_logs_the_copy(
    kind: DatabaseKind, version: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "file.sqlite"
    before = make_old(path, kind, version)
    open_sqlite(path, kind).close()
    copy = tmp_path / f"file.sqlite.v{version}.bak"
    assert contents(path)[-1] == str(newest_version(kind.package))
    assert contents(copy) == before
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name, copy.name]
    [line] = caplog.messages
    assert f"the {kind.label} {path} is being migrated from version {version}" in line
    assert str(copy) in line
    assert anyio.run(describe_copies, path) == f" Copies from before migrations: {copy.name}."
    open_sqlite(path, kind).close()
    assert caplog.messages == [line]


@pytest.mark.parametrize("open_file", [open_source, hold_source])
def test_a_file_is_migrated_before_its_rows_are_read(
    open_file: Callable[[Path, DatabaseKind], AbstractContextManager[SourceFile | None]], tmp_path: Path
) -> None:
    path = tmp_path / "file.sqlite"
    make_old(path, TASK_STORE, 2)
    with open_file(path, TASK_STORE) as source:
        assert source is not None
        assert source.rows("SELECT searchable FROM contact") == [("acme",)]


def test_a_new_file_has_no_copy(tmp_path: Path) -> None:
    open_sqlite(tmp_path / "file.sqlite", TASK_STORE).close()
    assert [one.name for one in tmp_path.iterdir()] == ["file.sqlite"]


def test_the_copies_of_three_versions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "file.sqlite"
    for version in (1, 2, 3, 4, 5, 5):
        path.unlink(missing_ok=True)
        make_old(path, TASK_STORE, version)
        open_sqlite(path, TASK_STORE).close()
    assert [one.name for one in find_migration_copies(path)] == [f"file.sqlite.v{number}.bak" for number in (5, 4, 3)]
    (tmp_path / "file.sqlite.v10.bak").touch()
    (link := tmp_path / "link.sqlite").symlink_to(path)
    remove_older_copies(link)
    assert [one.name for one in find_migration_copies(link)] == [f"file.sqlite.v{number}.bak" for number in (10, 5, 4)]


def test_a_file_that_cannot_be_copied_is_not_migrated(tmp_path: Path) -> None:
    path = tmp_path / "file.sqlite"
    before = make_old(path, TASK_STORE, 3)
    (tmp_path / "file.sqlite.v3.bak").mkdir()
    with pytest.raises(OperatorError, match="has to be migrated, and could not be copied before") as refused:
        open_sqlite(path, TASK_STORE)
    assert refused.value.code == "store_unavailable"
    assert contents(path) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name, "file.sqlite.v3.bak"]


def test_a_process_that_is_killed_in_a_migration_leaves_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.sqlite"
    before = make_old(path, TASK_STORE, 2)
    assert_killed(lambda: open_sqlite(path, replace(TASK_STORE, functions={"fold": die})))
    assert contents(path) == contents(tmp_path / "file.sqlite.v2.bak") == before
    open_sqlite(path, TASK_STORE).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT searchable FROM contact").fetchall() == [("acme",)]
