"""`taskhand backup` and `restore`: while servers write, from every state of the files, and killed in the middle."""

import json
import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any
from zipfile import ZipFile

import anyio
import pytest
from click.testing import CliRunner, Result

from child_process import assert_killed, die
from server.transports.server_process import Pipe, output, run
from server.transports.task_calls import DRAFT, contents, create_task
from taskhand import __version__
from taskhand.cli.backup import backup, restore
from taskhand.cli.backup_databases import find_databases
from taskhand.cli.journal import journal
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.server.in_process_client import call_tool
from taskhand.sqlite.backup import write_backup
from taskhand.sqlite.restore import restore_backup
from taskhand.wiring import open_app
from unprivileged import open_folder, without_privileges


def settings_of(store: Path, **more: str) -> Settings:
    return Settings.from_env({"TASKHAND_DB": str(store), "TASKHAND_USER": "Elena", **more})


def invoke(command: Any, store: Path, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments], obj=settings_of(store), catch_exceptions=False)


def create(store: Path, *titles: str) -> None:
    """Create tasks, each by a tool, so that the journal has them too."""

    async def working() -> None:
        async with open_app(settings_of(store)) as app:
            for title in titles:
                _, failed = await call_tool(app, "create_task", DRAFT | {"title": title})
                assert not failed

    anyio.run(working)


def journal_of(store: Path) -> Path:
    return store.with_name(f"{store.stem}.journal.sqlite")


def everything(store: Path) -> tuple[list[str], list[str]]:
    """What is in a sound store, and in its journal, whose chain is verified."""
    for path in (store, journal_of(store)):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert invoke(journal, store, "verify").exit_code == 0
    return sorted(contents(store)), sorted(contents(journal_of(store)))


def titles(store: Path) -> set[str]:
    with closing(sqlite3.connect(store)) as connection:
        return {title for (title,) in connection.execute("SELECT title FROM task")}


def refusal(command: Any, store: Path, *arguments: object) -> OperatorError:
    with pytest.raises(OperatorError) as refused:
        invoke(command, store, *arguments)
    return refused.value


Saved = tuple[Path, tuple[list[str], list[str]]]
"""A backup, and what is in it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A folder with a store of two tasks, and a backup of the time when it had one."""
    folder = tmp_path_factory.mktemp("folder")
    store, file = folder / "tasks.sqlite", folder / "saved.zip"
    create(store, "Call Acme")
    before = everything(store)
    done = invoke(backup, store, file)
    assert done.stdout.startswith(f"{file} has the backup.\n  task store: tasks: 1\n  journal: rows: 4, head: ")
    assert done.stderr == ""
    create(store, "Send it")
    return folder, before


@pytest.fixture
def saved(folder: Saved, tmp_path: Path) -> Saved:
    """That folder in the one of the test."""
    shutil.copytree(folder[0], tmp_path, dirs_exist_ok=True)
    return tmp_path / "saved.zip", folder[1]


def test_a_backup_restores_everything_elsewhere(saved: Saved, tmp_path: Path) -> None:
    file, before = saved
    other = tmp_path / "new" / "folder" / "mine.sqlite"
    done = invoke(restore, other, file)
    assert done.stdout.startswith(f"{file} is restored.\n  task store: tasks: 1\n")
    assert "kept" not in done.stdout
    assert everything(other) == before
    assert {one.stat().st_mode & 0o777 for one in other.parent.glob("*.sqlite")} == {0o600}
    assert file.stat().st_mode & 0o777 == 0o600
    with ZipFile(file) as archive:
        about = json.loads(archive.read("backup.json"))
    assert (about["format"], about["taskhand"], datetime.fromisoformat(about["made_at"]).tzinfo) == (
        1,
        __version__,
        UTC,
    )


def test_the_content_replaced_by_a_restore_is_kept_and_can_be_restored(saved: Saved, store_file: Path) -> None:
    file, before = saved
    newer = everything(store_file)
    kept = Path(invoke(restore, store_file, file).stdout.rpartition("kept in ")[2].strip())
    assert everything(store_file) == before
    assert kept.parent == store_file.parent
    assert invoke(restore, store_file, kept).exit_code == 0
    assert everything(store_file) == newer
    assert len(list(store_file.parent.glob("tasks.before-restore-*.zip"))) == 2
    create(store_file, "Go on")
    assert titles(store_file) == {"Call Acme", "Send it", "Go on"}


def test_nothing_is_lost_while_servers_write_and_nothing_restored_while_one_runs(
    store_file: Path, tmp_path: Path
) -> None:
    ended = Event()
    with Pipe(store_file) as first, Pipe(store_file) as second, ThreadPoolExecutor(2) as threads:
        answered = [
            create_task(pipe, DRAFT | {"title": title})["title"] for pipe, title in ((first, "1"), (second, "2"))
        ]

        def write(pipe: Pipe, name: str) -> None:
            number = 0
            while not ended.is_set():
                number += 1
                answered.append(create_task(pipe, DRAFT | {"title": f"{name} {number}"})["title"])

        writing = [threads.submit(write, pipe, name) for pipe, name in ((first, "a"), (second, "b"))]
        backups = {}
        for name in ("1.zip", "2.zip"):
            before = set(answered)
            output(store_file, "backup", str(tmp_path / name))
            backups[tmp_path / name] = before
        ended.set()
        for one in writing:
            one.result()
        error = refusal(restore, store_file, tmp_path / "1.zip")
        assert error.code == "store_busy"
        assert "open, so nothing was restored" in error.message
        assert set(answered) <= titles(store_file)
    for file, before in backups.items():
        restored = tmp_path / f"restored {file.stem}" / "tasks.sqlite"
        invoke(restore, restored, file)
        assert before <= titles(restored)
        create(restored, "After")  # recovery settles what was under way
        everything(restored)
        with closing(sqlite3.connect(journal_of(restored))) as connection:
            sql = "SELECT task_id FROM entry WHERE outcome = 'applied' AND task_id IS NOT NULL"
            told = {task_id for (task_id,) in connection.execute(sql)}
            assert connection.execute("SELECT count(*) FROM under_way").fetchone() == (0,)
        with closing(sqlite3.connect(restored)) as connection:
            assert told == {task_id for (task_id,) in connection.execute("SELECT id FROM task")}


# What is no backup, and where there is none.


def test_a_backup_without_data_or_over_another_file_is_refused(saved: Saved, store_file: Path, tmp_path: Path) -> None:
    file, _ = saved
    assert refusal(backup, tmp_path / "none.sqlite", tmp_path / "none.zip").code == "no_backup"
    assert not (tmp_path / "none.zip").exists()
    before = everything(store_file)
    assert "is no backup, so it is not replaced" in refusal(backup, store_file, store_file).message
    assert everything(store_file) == before
    assert "There is no folder" in refusal(backup, store_file, tmp_path / "none" / "a.zip").message
    assert "task store: tasks: 2" in invoke(backup, store_file, file).stdout  # the earlier backup is replaced
    assert not list(tmp_path.glob(".*"))


def zip_with(manifest: str) -> bytes:
    with ZipFile(file := BytesIO(), "w") as archive:
        archive.writestr("backup.json", manifest)
    return file.getvalue()


FOREIGN = [b"", b"My diary.", b"SQLite format 3\0", b"PK\5\6" + 18 * b"\0", *map(zip_with, ("x", "[]", "{}"))]


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("content", FOREIGN, ids=lambda one: repr(one[:10]))
def test_a_file_that_is_not_a_backup_is_not_restored(store_file: Path, tmp_path: Path, content: bytes) -> None:
    before, other = everything(store_file), tmp_path / "other"
    other.write_bytes(content)
    assert "is no backup of Taskhand" in refusal(restore, store_file, other).message
    assert refusal(restore, store_file, tmp_path / "none").code == "no_backup"
    assert everything(store_file) == before
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_backup_is_not_restored(saved: Saved, store_file: Path) -> None:
    file, _ = saved
    before, whole = everything(store_file), file.read_bytes()
    with ZipFile(file) as members:  # a byte of the time in a header may be any
        starts = [(one.header_offset + 30 + len(one.filename), one.compress_size) for one in members.infolist()]
    step = len(whole) // 25
    for at in [at for start, size in starts for at in range(start + 30, start + size, step)]:
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        assert refusal(restore, store_file, file).code in {"store_unavailable", "configuration"}
        file.write_bytes(whole[:at])
        assert refusal(restore, store_file, file).code
    assert everything(store_file) == before


def test_an_altered_journal_is_backed_up_with_a_warning_and_not_restored(saved: Saved, store_file: Path) -> None:
    file, _ = saved
    with closing(sqlite3.connect(journal_of(store_file))) as connection, connection:
        connection.execute("UPDATE entry SET body = replace(body, 'Acme', 'Apex') WHERE seq = 2")
    assert "row 2 is not right, it was altered" in invoke(backup, store_file, file).stderr
    assert "The journal in" in refusal(restore, store_file, file).message


# The state of what is replaced.


def test_a_store_that_is_damaged_empty_or_gone_is_replaced_and_kept(saved: Saved, store_file: Path) -> None:
    file, before = saved
    for number, content in enumerate((b"", b"My diary.\n" * 1_000, store_file.read_bytes()[:5_000])):
        store_file.write_bytes(content)
        invoke(restore, store_file, file)
        assert everything(store_file) == before
        kept = list(store_file.parent.glob("tasks.sqlite.before-restore-*.bak"))
        assert len(kept) == number  # there is nothing to keep of an empty file
        assert not content or content in {one.read_bytes() for one in kept}
    for path in (store_file, journal_of(store_file)):
        path.unlink()
    assert "kept" not in invoke(restore, store_file, file).stdout
    assert everything(store_file) == before


def test_a_log_of_a_crash_goes_with_the_file_that_it_belongs_to(saved: Saved, store_file: Path) -> None:
    file, before = saved
    with closing(sqlite3.connect(store_file)) as connection:
        connection.execute("UPDATE task SET title = 'In the log'")
        connection.commit()
        log = store_file.with_name("tasks.sqlite-wal").read_bytes()
    store_file.with_name("tasks.sqlite-wal").write_bytes(log)
    invoke(restore, store_file, file)
    assert everything(store_file) == before


def test_a_journal_missing_from_the_backup_is_emptied_and_its_content_kept(store_file: Path, tmp_path: Path) -> None:
    output(store_file, "statuses", "list")
    invoke(backup, store_file, tmp_path / "early.zip")
    create(store_file, "Call Acme")
    invoke(restore, store_file, tmp_path / "early.zip")
    assert titles(store_file) == set()
    assert "No changes." in invoke(journal, store_file).stderr
    (kept,) = tmp_path.glob("*.before-restore-*.zip")
    assert set(ZipFile(kept).namelist()) == {"backup.json", "tasks.sqlite", "journal.sqlite"}


def test_a_copy_of_one_file_is_restored_alone(saved: Saved, store_file: Path, tmp_path: Path) -> None:
    _, before = saved
    newer = contents(journal_of(store_file))
    copy = tmp_path / "tasks.sqlite.v6.bak"
    with ZipFile(saved[0]) as archive:
        copy.write_bytes(archive.read("tasks.sqlite"))
    assert "journal" not in invoke(restore, store_file, copy).stdout
    assert sorted(contents(store_file)) == before[0]
    assert contents(journal_of(store_file)) == newer


def test_a_store_of_a_newer_program_is_not_backed_up_or_restored(saved: Saved, store_file: Path) -> None:
    file, before = saved
    with closing(sqlite3.connect(store_file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert refusal(backup, store_file, file).code == "store_too_new"
    kept = Path(invoke(restore, store_file, file).stdout.rpartition("kept in ")[2].strip())  # the way back
    assert everything(store_file) == before
    assert refusal(restore, store_file, kept).code == "store_too_new"
    assert everything(store_file) == before


def test_the_replaced_content_is_no_longer_in_the_restored_file(saved: Saved, store_file: Path) -> None:
    with closing(sqlite3.connect(store_file)) as connection, connection:
        connection.execute("UPDATE task SET description = ?", ("nobody may read it " * 5_000,))
    assert b"nobody may read it" in store_file.read_bytes()
    invoke(restore, store_file, saved[0])
    assert titles(store_file) == {"Call Acme"}
    assert b"nobody may read it" not in store_file.read_bytes()


def test_a_backup_in_a_newer_format_is_not_restored(saved: Saved, store_file: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.zip"
    with ZipFile(saved[0]) as old, ZipFile(newer, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'"format": 1', b'"format": 2'))
    error = refusal(restore, store_file, newer)
    assert (error.code, error.message) == ("store_too_new", f"{newer} was written by a newer Taskhand.")
    assert titles(store_file) == {"Call Acme", "Send it"}


def test_a_restored_file_has_the_version_of_the_backup(saved: Saved, store_file: Path) -> None:
    with closing(sqlite3.connect(store_file)) as connection, connection:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("PRAGMA user_version = 1")
    invoke(restore, store_file, saved[0])
    with closing(sqlite3.connect(store_file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)


@pytest.mark.parametrize("step", ["checked", "kept", "copied tasks.sqlite", "copied journal.sqlite"])
def test_a_restore_that_is_killed_leaves_both_files_as_they_were(saved: Saved, store_file: Path, step: str) -> None:
    file, restored = saved
    before = everything(store_file)
    databases = anyio.run(find_databases, [ConnectionSettings("default", settings_of(store_file))])

    assert_killed(lambda: restore_backup(databases, file, "now", lambda done: done.startswith(step) and die()))
    assert everything(store_file) == before
    invoke(restore, store_file, file)
    assert everything(store_file) == restored
    assert list(store_file.parent.glob(".*")) == []


def test_a_backup_that_is_killed_leaves_the_earlier_one(saved: Saved, store_file: Path) -> None:
    file, _ = saved
    before, whole = everything(store_file), file.read_bytes()
    databases = anyio.run(find_databases, [ConnectionSettings("default", settings_of(store_file))])

    assert_killed(lambda: write_backup([databases[0], replace(databases[1], describe=die)], file, {}))
    assert file.read_bytes() == whole
    assert everything(store_file) == before
    assert len(list(file.parent.glob(".*"))) == 1
    invoke(backup, store_file, file)
    assert list(file.parent.glob(".*")) == []


def test_a_crm_s_journal_is_backed_up_without_a_store(tmp_path: Path, store_file: Path) -> None:
    create(store_file, "Call Acme")
    store_file.unlink()
    done = run(store_file, "backup", str(tmp_path / "journal.zip"), TASKHAND_BACKEND="close", CLOSE_API_KEY="k" * 20)
    assert done.returncode == 0, done.stderr
    assert "task store" not in done.stdout
    assert "journal: rows: 4" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_database_that_cannot_be_used_is_named_and_not_the_backup(mode: int) -> None:
    with open_folder() as folder, open_folder() as elsewhere:
        store = folder / "tasks.sqlite"
        create(store, "One")
        elsewhere.chmod(0o777)
        for path in folder.iterdir():
            path.chmod(mode)
        folder.chmod(0o555)
        with without_privileges():
            refused = refusal(backup, store, elsewhere / "b.zip")
        assert refused.message.startswith(f"The task store {store} cannot be used: the file is read-only"), refused
        assert list(elsewhere.iterdir()) == []
