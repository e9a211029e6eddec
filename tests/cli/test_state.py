"""TASKHAND_STATE: commands read and write the state in the database that replicas share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from postgres_server import TestDatabase
from taskhand.cli.doctor_replicas import describe_unshared
from taskhand.cli.main import command
from taskhand.config.effective_settings import load_configuration
from taskhand.config.settings import Settings
from taskhand.config.settings_file import parse_settings
from taskhand.domain.errors import OperatorError, TaskhandError

Run = Callable[..., Result]


@pytest.fixture
def run(postgres: TestDatabase, tmp_path: Path) -> Run:
    """Run a command of a server that keeps all but its tasks in the database."""
    given = {
        "TASKHAND_STATE": postgres.url,
        "TASKHAND_DB": str(tmp_path / "tasks.sqlite"),
        "TASKHAND_CONFIG": "/dev/null",
        "TASKHAND_VAULT_KEY": f"thv_{'1a' * 32}",
        "XDG_DATA_HOME": str(tmp_path),
    }
    return lambda *arguments, **more: CliRunner().invoke(command, arguments, env=given | more)


def test_commands_read_state_from_the_database(run: Run, tmp_path: Path) -> None:
    place = "the database postgres at "
    assert f"There is no journal in {place}" in run("journal", "verify").stderr
    made = run("keys", "create", "--person", "ana@x.test")
    assert f"; {place}" in made.stderr
    assert "active  ana@x.test" in run("keys", "list").stdout
    assert "Nobody has linked a credential" in run("people").stderr
    told = run("doctor").stdout
    assert "1 active, 0 expired, 0 revoked." in told
    assert f"✓ journal: There is no journal in {place}" in told
    assert {one.name for one in tmp_path.iterdir()} == {"tasks.sqlite"}  # the store alone


def test_the_doctor_reports_state_that_servers_on_one_database_would_not_share(
    run: Run, postgres: TestDatabase
) -> None:
    told = run("doctor").stdout
    assert "✗ replicas: TASKHAND_STATE is for several servers, and without a shared key" in told
    assert "Set TASKHAND_STATE_KEY, or TASKHAND_STATE_KEY_FILE, to the same key for all of them" in told
    assert "! replicas: TASKHAND_STATE is for several servers, and each of them has its own tasks" in told
    shared = {"TASKHAND_DB": postgres.url, "TASKHAND_STATE_KEY": "0123456789abcdef" * 2}
    assert "replicas:" not in run("doctor", **shared).stdout
    apart = run("doctor", **shared, TASKHAND_STATE="").stdout
    assert "! replicas: The built-in store is in a database, and the journal is in a file of this machine" in apart


@pytest.mark.parametrize(
    ("stores", "state", "unshared"),
    [
        (["postgresql://host/a", "postgresql://host/b"], "postgresql://host/c", []),
        (["postgresql://host/a", "/b.sqlite"], "postgresql://host/c", ["each of them has its own tasks"]),
        (["postgresql://host/a", "/b.sqlite"], "", ["the journal is in a file of this machine"]),
        (["/a.sqlite", "/b.sqlite"], "", []),
    ],
)
def test_one_store_or_a_journal_in_a_file_is_not_shared(stores: list[str], state: str, unshared: list[str]) -> None:
    text = "".join(f'[connections.n{n}]\nbackend = "local"\ndb = "{store}"\n' for n, store in enumerate(stores))
    found = load_configuration({"TASKHAND_STATE": state}, {}, parse_settings(text.encode(), Path("/taskhand.toml")))
    for (told, _), problem in zip(describe_unshared(found), unshared, strict=True):
        assert problem in told


def test_the_database_address_is_never_shown(run: Run, postgres: TestDatabase) -> None:
    shown = run("config").stdout + run("config", "--json").stdout + run("doctor").stdout
    assert postgres.url not in shown
    assert "TASKHAND_STATE" in shown


@pytest.mark.parametrize(
    "given",
    ["mysql://a:s3cret@host/db", "postgresql://a:s3c@ret@host/db", "postgresql://a:s3cret@host:x/db", "s3cret"],
)
def test_an_invalid_database_address_is_refused_and_not_quoted(given: str) -> None:
    with pytest.raises(OperatorError) as error:
        Settings.from_env({"TASKHAND_STATE": given})
    assert "TASKHAND_STATE" in error.value.message
    assert "s3c" not in f"{error.value.message}{error.value.next_step}"


def test_the_password_of_the_address_is_masked_in_whatever_is_kept() -> None:
    address = "postgresql://ana:s3cr%21et@host/db"
    assert {address, "s3cr%21et", "s3cr!et"} <= {*Settings.from_env({"TASKHAND_STATE": address}).secrets}


def test_a_backup_of_files_is_refused_if_the_state_is_in_a_database(postgres: TestDatabase, tmp_path: Path) -> None:
    given = {"TASKHAND_STATE": postgres.url, "VAMBE_API_KEY": "k" * 40, "TASKHAND_CONFIG": "/dev/null"}
    done = CliRunner().invoke(command, ["backup", str(tmp_path / "backup.zip")], env=given)
    assert isinstance(done.exception, TaskhandError)
    assert done.exception.code == "no_backup"
    assert "pg_dump" in str(done.exception.next_step)
