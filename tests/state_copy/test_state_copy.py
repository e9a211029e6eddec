"""`taskhand state copy`: what is in files comes into a database wholly, once, and the same row for row."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import psycopg
import pytest
from click.testing import CliRunner, Result

from cli.installing import error_of
from fixed_clock import FixedClock
from postgres_server import TestDatabase
from taskhand.cli.main import command
from taskhand.domain.errors import OperatorError
from taskhand.journal.pruning import prune_changes
from taskhand.postgres.database import Database, open_shared
from taskhand.postgres.migrations import LOCKS
from taskhand.postgres.staging_schema import Staging
from taskhand.sqlite.backup import connect_autocommit
from taskhand.sqlite.transaction import transaction
from taskhand.state_copy import table_copy
from taskhand.state_copy.copied_tables import JOURNAL
from taskhand.state_copy.copy import Source, copy_state
from taskhand.vault.cipher import Cipher
from taskhand.vault.credential_link import Link
from taskhand.vault.links_of_persons import Links
from taskhand.vault.postgres import PostgresLinkStore
from taskhand.vault.vault_key import read_vault_keys
from vault.vaults import KEY, OLD_KEY, link_of, links_at

COPYING = 9
"""The second key of the lock of a process that copies."""
LATER = datetime(2100, 1, 1, tzinfo=UTC)
CHAIN = "SELECT seq, kind, change_id, body, hash FROM {}entry ORDER BY seq"
CLAIMS = "SELECT scope, place, seq, change_id, at FROM {}claim ORDER BY scope, place, seq"


def task(title: str, key: str) -> str:
    """The arguments of a call that makes a task."""
    return json.dumps({"title": title, "idempotencyKey": key, "responsibleIds": ["me"], "priority": "1"})


class Server:
    """The files of a server, and the commands that are run on them or on the database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.files = {
            "TASKHAND_DB": str(folder / "tasks.sqlite"),
            "TASKHAND_CONFIG": "/dev/null",
            "TASKHAND_KEYS": str(folder / "keys.sqlite"),
            "TASKHAND_USER": "Elena",
            "XDG_DATA_HOME": str(folder),
        }

    @property
    def journal(self) -> Path:
        """The file of the journal."""
        return self.folder / "tasks.journal.sqlite"

    def run(self, *arguments: str) -> Result:
        """Run a command on the files."""
        return CliRunner().invoke(command, arguments, env=self.files)

    def run_there(self, *arguments: str, **more: str) -> Result:
        """Run a command with the state, and the tasks too, in the database."""
        open_shared.cache_clear()  # as a process of its own
        given = self.files | {"TASKHAND_STATE": self.url, "TASKHAND_DB": self.url} | more
        return CliRunner().invoke(command, arguments, env=given)

    def copy(self, *options: str, **more: str) -> Result:
        """Copy all."""
        return self.run_there("state", "copy", "--tasks", str(self.folder / "tasks.sqlite"), *options, **more)

    def create(self, title: str, key: str) -> None:
        """Make a task, with a claim of its own."""
        done = self.run("call", "create_task", task(title, key))
        assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a server with three changes and two keys."""
    server = Server(tmp_path_factory.mktemp("template"), "")
    for number in range(3):
        server.create(f"Call {number}", f"key-{number}")
    for person in ("ana@x.test", "bea@x.test"):
        assert server.run("keys", "create", "--person", person).exit_code == 0
    return server.folder


@pytest.fixture
def server(template: Path, postgres: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server of its own with those files; they are read two rows at a time."""
    monkeypatch.setattr(table_copy, "_PORTION", 2)
    return Server(shutil.copytree(template, tmp_path / "server"), postgres.url)


def in_file(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql.format("")).fetchall()


def schemas(postgres: TestDatabase) -> list[object]:
    return [row[0] for row in postgres.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'taskhand\\_%'")]


def test_all_data_are_copied_and_servers_on_the_database_use_them(
    server: Server, postgres: TestDatabase, tmp_path: Path
) -> None:
    table = '[connections.crm]\nbackend = "vambe"\napi_key = "of-a-crm"\n'  # its changes are in the same journal
    (tmp_path / "taskhand.toml").write_text(table, encoding="utf-8")
    done = server.copy(TASKHAND_CONFIG=str(tmp_path / "taskhand.toml"))
    assert done.exit_code == 0, done.output
    assert "keys 2." in done.stdout
    assert "tasks 3, people " in done.stdout
    assert sorted(map(str, schemas(postgres))) == ["taskhand_journal", "taskhand_keys", "taskhand_tasks"]
    assert postgres.rows(CHAIN.format("taskhand_journal.")) == in_file(server.journal, CHAIN)
    assert postgres.rows(CLAIMS.format("taskhand_journal.")) == in_file(server.journal, CLAIMS)
    [(head,)] = in_file(server.journal, "SELECT hash FROM link WHERE name = 'head'")
    assert f"head: {head}." in done.stdout

    again = server.run_there("call", "create_task", task("Call 0", "key-0"))
    assert '"replayed": true' in again.stdout
    assert server.run_there("call", "create_task", task("New", "key-new")).exit_code == 0
    listed = server.run_there("call", "list_tasks").stdout
    assert all(title in listed for title in ("Call 0", "Call 1", "Call 2", "New"))
    assert server.run_there("journal", "verify", "--head", str(head)).exit_code == 0
    made = server.run_there("keys", "create", "--person", "cid@x.test")
    assert made.exit_code == 0, made.output
    people = [line.split()[2] for line in server.run_there("keys", "list").stdout.splitlines()]
    assert people == ["ana@x.test", "bea@x.test", "cid@x.test"]

    assert "by an earlier run" in server.copy().stdout


def test_an_interrupted_copy_is_continued(
    server: Server, postgres: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    while True:
        calls += 1
        left = iter(range(calls))

        def report(*_: object, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise ProcessKilled

        with monkeypatch.context() as patch:
            patch.setattr("taskhand.cli.state._ProgressLines.report", report)
            try:
                done = server.copy()
            except ProcessKilled:
                assert "taskhand_journal" not in schemas(postgres)
            else:
                break
    assert done.exit_code == 0, done.output
    assert calls > 20
    assert postgres.rows(CHAIN.format("taskhand_journal.")) == in_file(server.journal, CHAIN)
    assert server.run_there("journal", "verify").exit_code == 0


@contextmanager
def copying(postgres: TestDatabase) -> Iterator[psycopg.Connection]:
    """A process that copies to the database."""
    with psycopg.connect(postgres.url, autocommit=True) as other:
        other.execute(f"SELECT pg_advisory_lock({LOCKS}, {COPYING})".encode())
        yield other


def test_a_copy_is_refused_while_another_process_copies(server: Server, postgres: TestDatabase) -> None:
    with copying(postgres):
        error = error_of(server.copy())
    assert (error.code, error.retryable, schemas(postgres)) == ("store_busy", True, [])


def test_a_copy_waits_until_the_database_notices_that_an_interrupted_one_has_ended(
    server: Server, postgres: TestDatabase
) -> None:
    with ThreadPoolExecutor(1) as thread, copying(postgres) as interrupted:
        copy = thread.submit(server.copy)
        while not postgres.rows("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert not copy.done(), copy.result().output
        interrupted.close()
        assert copy.result().exit_code == 0


class ProcessKilled(BaseException):
    """As little is tidied up after it as after SIGKILL: each portion is a transaction of its own."""


def test_a_copy_killed_during_its_publication_is_published_wholly_or_not_at_all(
    server: Server, postgres: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = Staging.publish
    for kind in ("journal", "tasks", "keys"):

        def publish_and_die(staging: Staging, kind: str = kind) -> None:
            publish(staging)
            if staging.kind.name == kind:
                raise ProcessKilled

        monkeypatch.setattr(Staging, "publish", publish_and_die)
        with pytest.raises(ProcessKilled):
            server.copy()
        assert not {"taskhand_journal", "taskhand_tasks", "taskhand_keys"} & set(schemas(postgres))
    monkeypatch.undo()
    assert server.copy().exit_code == 0
    assert postgres.rows(CHAIN.format("taskhand_journal.")) == in_file(server.journal, CHAIN)


@pytest.mark.parametrize("is_set", [True, False])
def test_a_credential_that_a_person_has_linked_opens_in_the_database_and_no_older_one_does(
    server: Server, postgres: TestDatabase, *, is_set: bool
) -> None:
    file = server.folder / "vault.sqlite"

    async def link() -> Link:
        links = links_at(file)
        await links.save(link_of("ana"))
        await links.save(link_of("ben"))
        await links.remove("ben", "north")
        saved = await links.save(link_of("ana", minutes=60))
        await links.aclose()
        return saved

    async def look(saved: Link) -> None:
        store = PostgresLinkStore(Database(postgres.url))
        links = Links(store, Cipher(read_vault_keys((KEY,))), FixedClock())
        assert await links.find("ana", "north") == saved
        assert await links.find("ben", "north") is None
        assert (await links.save(link_of("ben"))).generation > 1
        await links.aclose()
        with pytest.raises(OperatorError):
            await Links(store, Cipher(read_vault_keys((OLD_KEY,))), FixedClock()).find("ana", "north")
        await store.aclose()

    saved = anyio.run(link)
    files = {"links": file, "keys": server.folder / "keys.sqlite", "journal": server.journal}
    if is_set:
        done = server.copy(TASKHAND_LINKS=str(file))
    else:
        files = {name: path.rename(server.folder / f"my-{name}") for name, path in files.items()}
        done = server.copy(*(word for name, path in files.items() for word in (f"--{name}", str(path))))
    assert done.exit_code == 0, done.output
    assert ": linked credentials 1." in done.stdout
    assert [path for path in files.values() if f" {path} is in " not in done.stdout] == []
    anyio.run(look, saved)


@contextmanager
def hold_open(path: Path) -> Iterator[None]:
    """Another process has the file open, and does nothing."""
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM sqlite_schema')"
    code += "; print(flush=True)"
    code += "; sys.stdin.read()"
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        yield
        process.stdin.close()


def test_a_file_in_use_is_copied_and_not_given_to_servers_until_it_is_free(
    server: Server, postgres: TestDatabase
) -> None:
    with closing(connect_autocommit(server.journal)) as connection:  # a change that ends between the copies
        connection.execute("INSERT INTO under_way VALUES ('chg_other', 'a-session', 'local x', 1)")
    tasks, spelled_anew = server.folder / "tasks.sqlite", f"{postgres.url}0"  # as another database for the tasks
    with hold_open(server.journal), hold_open(tasks):
        done = server.copy(TASKHAND_DB=spelled_anew)
        assert done.exit_code == 1
        assert f"another process has {tasks} open" in done.stdout
        assert f"another process has {server.journal} open" in done.stdout
        assert "taskhand_journal" not in schemas(postgres)
    server.create("Added", "key-added")
    with closing(connect_autocommit(server.journal)) as connection, transaction(connection, "BEGIN IMMEDIATE"):
        connection.execute("DELETE FROM under_way WHERE change_id = 'chg_other'")
        assert prune_changes(connection, LATER, LATER, 4) == 4  # the first change, which was copied before
    done = server.copy()
    assert done.exit_code == 0, done.output
    assert postgres.rows(CHAIN.format("taskhand_journal.")) == in_file(server.journal, CHAIN)
    assert postgres.rows(CLAIMS.format("taskhand_journal.")) == in_file(server.journal, CLAIMS)
    assert "Added" in server.run_there("call", "list_tasks").stdout


def test_a_file_that_is_closed_during_its_copy_is_given_to_servers_at_once(
    server: Server, postgres: TestDatabase
) -> None:
    with ExitStack() as stack:
        stack.enter_context(hold_open(server.journal))
        moved = copy_state([Source(server.journal, JOURNAL)], postgres.url, lambda *_: stack.close())
    assert moved.in_use == ()
    assert postgres.rows(CHAIN.format("taskhand_journal.")) == in_file(server.journal, CHAIN)


def test_a_database_with_something_else_is_refused_and_stays_as_it_is(
    server: Server, postgres: TestDatabase, tmp_path: Path
) -> None:
    assert server.run_there("call", "create_task", task("Theirs", "key-theirs")).exit_code == 0
    before = postgres.rows(CHAIN.format("taskhand_journal."))
    assert error_of(server.copy()).code == "not_empty"
    (folder := tmp_path / "other").mkdir()
    as_long = Server(folder, postgres.url)
    as_long.create("Mine", "key-mine")
    done = as_long.run_there("state", "copy", TASKHAND_DB=as_long.files["TASKHAND_DB"])
    assert error_of(done).code == "not_empty"
    assert postgres.rows(CHAIN.format("taskhand_journal.")) == before


def test_what_a_server_writes_to_the_database_during_a_copy_is_not_replaced(
    server: Server, postgres: TestDatabase
) -> None:
    journal = Source(server.journal, JOURNAL)
    theirs: list[object] = []

    def report(*_: object) -> None:
        if not theirs:
            assert server.run_there("call", "create_task", task("Theirs", "key-theirs")).exit_code == 0
            theirs.extend(postgres.rows(CHAIN.format("taskhand_journal.")))

    with pytest.raises(OperatorError, match="A server has begun to use the journal") as refused:
        copy_state([journal], postgres.url, report)
    assert refused.value.code == "not_empty"
    assert theirs == postgres.rows(CHAIN.format("taskhand_journal."))


def test_a_database_that_servers_have_only_looked_at_is_taken(server: Server, postgres: TestDatabase) -> None:
    assert server.run_there("call", "list_tasks").exit_code == 0
    assert "taskhand_tasks" in schemas(postgres)
    done = server.copy()
    assert done.exit_code == 0, done.output
    assert "Call 2" in server.run_there("call", "list_tasks").stdout


ALTERED = {
    "a row of the chain": "UPDATE entry SET body = body || ' ' WHERE seq = 3",
    "its end": "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)",
    "a row in the middle": "DELETE FROM entry WHERE seq = 3",
    "its beginning": "UPDATE link SET (seq, hash) = (SELECT seq, hash FROM entry WHERE seq = 2) WHERE name = 'anchor';"
    "DELETE FROM entry WHERE seq <= 2",
}


@pytest.mark.parametrize("how", ALTERED)
def test_a_journal_that_was_altered_is_not_moved(how: str, server: Server, postgres: TestDatabase) -> None:
    with closing(sqlite3.connect(server.journal)) as connection:
        connection.executescript(ALTERED[how])
        connection.commit()
    error = error_of(server.copy())
    assert error.code == "copy_differs"
    assert "taskhand_journal" not in schemas(postgres)


LEFT: dict[str, Callable[[psycopg.Connection[tuple[object, ...]]], object]] = {
    "a row that was changed": lambda c: c.execute("UPDATE taskhand_journal_copy.entry SET body = '{}' WHERE seq = 2"),
    "a row that was lost": lambda c: c.execute("DELETE FROM taskhand_journal_copy.entry WHERE seq = 2"),
}


@pytest.mark.parametrize("how", LEFT)
def test_altered_rows_of_an_earlier_copy_are_refused(how: str, server: Server, postgres: TestDatabase) -> None:
    with hold_open(server.journal):
        server.copy()
    with psycopg.connect(postgres.url) as connection:
        LEFT[how](connection)
    assert error_of(server.copy()).code == "copy_differs"
    assert "taskhand_journal" not in schemas(postgres)


def test_the_unfinished_copy_of_another_file_is_replaced(
    server: Server, postgres: TestDatabase, tmp_path: Path
) -> None:
    with hold_open(server.journal):
        server.copy()
    (other := tmp_path / "other").mkdir()
    second = Server(other, postgres.url)
    second.create("Other", "key-0")
    done = second.copy()
    assert done.exit_code == 0, done.output
    assert postgres.rows(CHAIN.format("taskhand_journal.")) == in_file(second.journal, CHAIN)
    assert "Call 0" not in second.run_there("call", "list_tasks").stdout


def test_a_copy_without_a_database_or_files_is_refused(server: Server, tmp_path: Path) -> None:
    assert error_of(server.run("state", "copy")).code == "no_database"
    assert error_of(server.run_there("state", "copy", "--journal", str(tmp_path / "none"))).code == "no_file"
    nowhere = {"TASKHAND_KEYS": str(tmp_path / "no-keys"), "XDG_DATA_HOME": str(tmp_path / "none")}
    assert error_of(server.run_there("state", "copy", **nowhere)).code == "no_file"
