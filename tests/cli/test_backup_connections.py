"""`taskhand backup` and `restore` with several connections: data of another connection is not restored with one."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import anyio
import pytest
from click.testing import CliRunner, Result

from cli.installing import error_of
from server.transports.task_calls import DRAFT
from taskhand.backends.local.sqlite import TASK_STORE
from taskhand.cli.backup_databases import find_databases
from taskhand.cli.main import command
from taskhand.config.effective_settings import load_configuration
from taskhand.sqlite.connection import make_database
from variables import PREFIXES

LOC = '[connections.loc]\nbackend = "local"\n'
HUB = '[connections.hub]\nbackend = "hubspot"\naccess_token = "pat-s3cret"\nbase_url = "http://127.0.0.1:1"\n'
OWN = '[connections.own]\nbackend = "local"\ndb = "{folder}/own/mine.sqlite"\n'

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with `taskhand.toml`."""
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TASKHAND_CONFIG", str(tmp_path / "taskhand.toml"))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(command, words)


def save(tmp_path: Path, *tables: str) -> None:
    text = "\n".join(tables).replace("{folder}", str(tmp_path))
    (tmp_path / "taskhand.toml").write_text(text, encoding="utf-8")
    (tmp_path / "taskhand.toml").chmod(0o600)


def output_of(result: Result) -> str:
    assert result.exit_code == 0, f"{result.output} {result.exception!r}"
    return result.stdout


def create(run: Run, connection: str, title: str) -> None:
    output_of(run("--connection", connection, "call", "create_task", json.dumps(DRAFT | {"title": title})))


def titles(run: Run, connection: str) -> set[str]:
    found: dict[str, Any] = json.loads(output_of(run("--connection", connection, "call", "list_tasks")))
    return {task["title"] for task in found["tasks"]}


def changes(run: Run, connection: str) -> int:
    return output_of(run("--connection", connection, "journal")).count("create_task")


def members(file: Path) -> set[str]:
    with ZipFile(file) as archive:
        return {*archive.namelist()} - {"backup.json"}


def test_a_shared_journal_goes_back_for_all_connections_or_not_at_all(run: Run, tmp_path: Path) -> None:
    save(tmp_path, LOC, HUB)
    create(run, "loc", "Before")
    told = run("--connection", "hub", "backup", "hub.zip")
    assert members(tmp_path / "hub.zip") == {"journal.sqlite"}
    assert "The journal is shared with loc: it is restored only without --connection." in told.stderr
    output_of(run("backup", "all.zip"))
    create(run, "loc", "After")
    for name, file in (("hub", "hub.zip"), ("hub", "all.zip"), ("loc", "all.zip")):
        error = error_of(run("--connection", name, "restore", file))
        other = "loc" if name == "hub" else "hub"
        assert f"is shared with {other}, whose changes would be replaced too, so nothing was restored." in error.message
        assert "without --connection" in str(error.next_step)
        assert (titles(run, "loc"), changes(run, "loc")) == ({"Before", "After"}, 2)
    assert "task store of loc: tasks: 1" in output_of(run("restore", "all.zip"))
    assert (titles(run, "loc"), changes(run, "loc")) == ({"Before"}, 1)


def test_a_backup_does_not_mention_a_shared_journal_that_does_not_exist_yet(run: Run, tmp_path: Path) -> None:
    save(tmp_path, LOC, HUB)
    folder = tmp_path / "data" / "taskhand"
    folder.mkdir(parents=True)
    make_database(folder / "tasks.sqlite", TASK_STORE)
    done = run("--connection", "loc", "backup", "loc.zip")
    assert done.exit_code == 0, done.output
    assert (members(tmp_path / "loc.zip"), done.stderr) == ({"tasks.loc.sqlite"}, "")


def test_a_store_of_its_own_is_restored_alone_and_every_store_together(run: Run, tmp_path: Path) -> None:
    save(tmp_path, LOC, HUB, OWN)
    create(run, "loc", "Before")
    create(run, "own", "Mine before")
    output_of(run("backup", "all.zip"))
    names = {"tasks.loc.sqlite", "journal.sqlite", "tasks.own.sqlite", "journal.own.sqlite"}
    assert members(tmp_path / "all.zip") == names
    output_of(run("--connection", "own", "backup", "own.zip"))
    assert members(tmp_path / "own.zip") == {"tasks.own.sqlite", "journal.own.sqlite"}
    for file in ("all.zip", "own.zip"):
        create(run, "loc", f"After {file}")
        create(run, "own", f"Mine after {file}")
        output_of(run("--connection", "own", "restore", file))
        assert (titles(run, "own"), changes(run, "own")) == ({"Mine before"}, 1)
    assert (titles(run, "loc"), changes(run, "loc")) == ({"Before", "After all.zip", "After own.zip"}, 3)
    assert "The task store of loc stays as it is: own.zip has none." in output_of(run("restore", "own.zip"))
    assert (len(titles(run, "loc")), changes(run, "loc")) == (3, 3)
    output_of(run("restore", "all.zip"))
    assert (titles(run, "loc"), changes(run, "loc"), titles(run, "own")) == ({"Before"}, 1, {"Mine before"})


def test_five_databases_at_most_are_restored_together(run: Run, tmp_path: Path) -> None:
    for count in (4, 5):  # and the journal that they share
        stores = [tmp_path / f"{count}-{number}.sqlite" for number in range(count)]
        tables = [
            f'[connections.c{number}]\nbackend = "local"\ndb = "{store}"\n' for number, store in enumerate(stores)
        ]
        save(tmp_path, f'journal = "{{folder}}/journal-{count}.sqlite"', *tables)
        for store in stores:
            make_database(store, TASK_STORE)
        output_of(run("backup", f"{count}.zip"))
    assert "at most are restored together" in error_of(run("restore", "5.zip")).message
    save(tmp_path, 'journal = "{folder}/journal-4.sqlite"', *(table.replace("5-", "4-") for table in tables[:4]))
    output_of(run("restore", "4.zip"))


def test_a_restore_of_one_store_names_its_connection(run: Run, tmp_path: Path) -> None:
    save(tmp_path, OWN)
    create(run, "own", "Mine")
    output_of(run("backup", "one.zip"))
    assert members(tmp_path / "one.zip") == {"tasks.sqlite", "journal.sqlite"}
    save(tmp_path, HUB, OWN)
    create(run, "own", "After")
    error = error_of(run("restore", "one.zip"))
    assert "one.zip has tasks.sqlite, which no connection of this configuration has." in error.message
    assert len(titles(run, "own")) == 2
    output_of(run("--connection", "own", "restore", "one.zip"))
    assert (titles(run, "own"), changes(run, "own")) == ({"Mine"}, 1)


def test_a_backup_of_the_only_connection_is_restored_once_there_is_another(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKHAND_DB", str(tmp_path / "mine.sqlite"))
    save(tmp_path)
    create(run, "default", "Before")
    output_of(run("backup", "one.zip"))
    save(tmp_path, HUB)
    create(run, "default", "After")
    output_of(run("restore", "one.zip"))
    assert titles(run, "default") == {"Before"}


def test_a_store_that_does_not_exist_is_not_said_to_stay_as_it_is(run: Run, tmp_path: Path) -> None:
    save(tmp_path, LOC, OWN)
    create(run, "own", "Mine")
    output_of(run("backup", "own.zip"))
    assert "stays as it is" not in output_of(run("restore", "own.zip"))


def test_a_copy_of_one_of_several_stores_is_restored_only_for_the_connection_that_is_chosen(
    run: Run, tmp_path: Path
) -> None:
    save(tmp_path, LOC, OWN)
    create(run, "own", "Mine")
    (tmp_path / "copy.sqlite").write_bytes((tmp_path / "own" / "mine.sqlite").read_bytes())
    create(run, "own", "After")
    create(run, "loc", "Here")
    error = error_of(run("restore", "copy.sqlite"))
    assert "copy.sqlite is a copy of one task store, and the configuration has 2." in error.message
    assert "Choose its connection with --connection." in str(error.next_step)
    output_of(run("--connection", "own", "restore", "copy.sqlite"))
    assert (titles(run, "own"), titles(run, "loc")) == ({"Mine"}, {"Here"})


def test_a_crm_alone_takes_no_store(run: Run, tmp_path: Path) -> None:
    save(tmp_path, LOC)
    create(run, "loc", "Here before the CRM")
    save(tmp_path, HUB)
    assert "task store" not in output_of(run("backup", "hub.zip"))
    output_of(run("restore", "hub.zip"))
    save(tmp_path, LOC)
    assert titles(run, "loc") == {"Here before the CRM"}


def test_a_journal_is_backed_up_though_no_crm_can_be_chosen(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, LOC)
    create(run, "loc", "Mine")
    save(tmp_path)
    for key in ("CLOSE_API_KEY", "VAMBE_API_KEY"):
        monkeypatch.setenv(key, "k" * 40)
    output_of(run("backup", "all.zip"))
    assert members(tmp_path / "all.zip") == {"journal.sqlite"}


def test_two_journals_never_have_one_name_in_a_backup(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, HUB)
    former, store = tmp_path / "former.sqlite", tmp_path / "renamed.sqlite"
    monkeypatch.setenv("TASKHAND_DB", str(former))
    create(run, "default", "Before")
    former.rename(store)  # without its journal, which it keeps; the CRM's is beside the new name
    found = load_configuration(os.environ | {"TASKHAND_DB": str(store)}, {})
    databases = anyio.run(find_databases, found.connections)
    journals = {one.path.name: one.member for one in databases if one.kind.label == "journal"}
    assert [*journals] == ["former.journal.sqlite", "renamed.journal.sqlite"]
    assert len({*journals.values()}) == 2
