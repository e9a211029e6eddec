"""An old server beside a newer program on the same files: it says so, and writes nothing into them."""

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from shutil import copytree

import pytest

from server.transports.server_process import Caller, Pipe, run, serving
from server.transports.task_calls import DRAFT, code_of, contents, create_task, error_of
from taskhand.backends.local.sqlite import TASK_STORE
from taskhand.journal.sqlite import JOURNAL
from taskhand.sqlite.connection import open_sqlite
from taskhand.sqlite.migrations import DatabaseKind

NEXT = {
    TASK_STORE.label: "ALTER TABLE task ADD COLUMN next TEXT;",
    JOURNAL.label: "CREATE TABLE next (id TEXT) STRICT;",
}
"""What the next version does to each file."""


@pytest.fixture
def migrate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, DatabaseKind], None]:
    """Opens a file as a program does that has one more migration of it."""
    monkeypatch.syspath_prepend(tmp_path)

    def migrate(path: Path, kind: DatabaseKind) -> None:
        package = f"next_{kind.label.replace(' ', '_')}"
        folder = tmp_path / package / "migrations"
        copytree(Path(str(files(kind.package))) / "migrations", folder)
        (folder / "9999_next.sql").write_text(NEXT[kind.label], encoding="utf-8")
        open_sqlite(path, replace(kind, package=package)).close()

    return migrate


def assert_refuses(caller: Caller, task_id: str, *variables: str) -> None:
    """Neither a read nor a write is carried out, and who can act is told how."""
    for tool, arguments in (("update_task", {"id": task_id, "title": "Old"}), ("create_task", DRAFT | {"title": "B"})):
        error = error_of(caller.call(tool, arguments))
        assert error["code"] == "store_too_new"
        assert error["retryable"] is False
        assert error["next"].startswith("Install the newest Taskhand and restart this server with it")
        assert any(variable in error["next"] for variable in variables)


def test_servers_that_run_write_nothing_once_a_newer_program_has_migrated_their_files(
    migrate: Callable[[Path, DatabaseKind], None], store_file: Path, journal_file: Path
) -> None:
    with Pipe(store_file) as pipe, serving(store_file) as web:
        made = [str(create_task(caller, DRAFT | {"title": title})["id"]) for caller, title in ((pipe, "P"), (web, "W"))]
        migrate(store_file, TASK_STORE)
        migrate(journal_file, JOURNAL)
        before = contents(store_file), contents(journal_file)
        callers: tuple[Caller, ...] = (pipe, web)
        for caller, task_id in zip(callers, made, strict=True):
            assert_refuses(caller, task_id, "TASKHAND_JOURNAL", "TASKHAND_DB")
            for tool in ("list_tasks", "list_changes"):
                assert code_of(caller.call(tool, {})) == "store_too_new"
        assert (contents(store_file), contents(journal_file)) == before
    assert (contents(store_file), contents(journal_file)) == before  # also once they have ended


def test_a_journal_alone_that_was_migrated_keeps_its_server_from_writing(
    migrate: Callable[[Path, DatabaseKind], None], store_file: Path, journal_file: Path
) -> None:
    with Pipe(store_file) as pipe:
        task_id = str(create_task(pipe)["id"])
        migrate(journal_file, JOURNAL)
        before = contents(store_file), contents(journal_file)
        assert_refuses(pipe, task_id, "TASKHAND_JOURNAL")
        assert (contents(store_file), contents(journal_file)) == before
        assert pipe.call("get_task", {"id": task_id})["result"]["structuredContent"]["task"]["title"] == DRAFT["title"]


def test_a_store_alone_that_was_migrated_is_not_written_and_the_journal_stays_whole(
    migrate: Callable[[Path, DatabaseKind], None], store_file: Path
) -> None:
    with Pipe(store_file) as pipe:
        task_id = str(create_task(pipe)["id"])
        migrate(store_file, TASK_STORE)
        before = contents(store_file)
        assert_refuses(pipe, task_id, "TASKHAND_DB")
        assert contents(store_file) == before
    assert run(store_file, "journal", "verify").returncode == 0
