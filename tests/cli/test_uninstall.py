"""`taskhand uninstall` removes what Taskhand has written on a machine, and nothing else."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.installing import KEY, Run, error_of, type_into
from keyrings import MemoryKeyring
from taskhand.cli.main import command
from taskhand.journal.process_lock import ProcessLock
from unprivileged import open_folder, without_privileges

OTHERS = '{"mcpServers": {"gh": {}}}'


@pytest.fixture
def home(run: Run, tmp_path: Path, kept: MemoryKeyring) -> Path:
    """A home with entries in three files, keys, backups, data, and things of other programs."""
    cursor = tmp_path / ".cursor" / "mcp.json"
    cursor.parent.mkdir()
    cursor.write_text(OTHERS, encoding="utf-8")
    run("cursor", "--backend", "vambe", anywhere=True, VAMBE_API_KEY=KEY)
    run("cursor", "--backend", "close", "--name", "deals", anywhere=True, CLOSE_API_KEY=KEY)
    run("codex", "--set", f"TASKHAND_DB={tmp_path}/mine/own.sqlite", anywhere=True)
    kept.kept["taskhand", "HUBSPOT_ACCESS_TOKEN"] = "left by an entry that was removed"
    kept.kept["github", "me"] = "theirs"
    for name in ("own.sqlite", "own.sqlite-wal", "own.sqlite.v5.bak", "own.journal.sqlite", "others.sqlite"):
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / name).touch()
    data = tmp_path / ".local" / "share" / "taskhand"
    data.mkdir(parents=True)
    for name in (
        "tasks.sqlite",
        "tasks.journal.sqlite",
        "keys.sqlite",
        "links.sqlite",
        "tasks.before-restore-20260301T120000Z.zip",
    ):
        (data / name).touch()
    (tmp_path / ".config" / "taskhand").mkdir(parents=True)
    (tmp_path / ".config" / "taskhand" / "taskhand.toml").write_text("plan_over = 3\n", encoding="utf-8")
    return tmp_path


def _uninstall(home: Path, *options: str, typed: str | None = None) -> Result:
    kept = {name: None for name in os.environ if name.startswith(("TASKHAND_", "XDG_"))}
    return CliRunner().invoke(command, ["uninstall", *options], env=kept | {"HOME": str(home)}, input=typed)


def _contents(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def _files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()} - {"host.json"}


def test_a_dry_run_lists_everything_and_removes_nothing(home: Path, kept: MemoryKeyring) -> None:
    before, keys = _files(home), dict(kept.kept)
    told = _uninstall(home, "--dry-run").stdout
    for part in (
        "entry of Cursor:",
        "entry of Cursor (deals):",
        "entry of Codex:",
        "deals/CLOSE_API_KEY",
        "own.sqlite-wal (stays without --data)\n",
        "taskhand/tasks.journal.sqlite (stays without --data)\n",
        "taskhand/keys.sqlite (stays without --data)\n",
        "taskhand/links.sqlite (stays without --data)\n",
        "taskhand.toml (stays without --data)\n",
        "The program itself is removed by: ",
    ):
        assert part in told
    assert "others.sqlite" not in told
    assert told.endswith("Nothing was removed.\n")
    assert "stays" not in _uninstall(home, "--dry-run", "--data").stdout
    assert (_files(home), kept.kept) == (before, keys)


def test_uninstall_removes_entries_keys_and_backups_and_keeps_data(home: Path, kept: MemoryKeyring) -> None:
    done = _uninstall(home, "--yes")
    assert done.exit_code == 0, done.output
    assert (home / ".cursor" / "mcp.json").read_text(encoding="utf-8") == OTHERS
    assert kept.kept == {("github", "me"): "theirs"}
    assert not [name for name in _files(home) if name.endswith(".bak") and "taskhand-" in name]
    assert {".local/share/taskhand/tasks.sqlite", "mine/own.sqlite"} <= _files(home)
    assert "`taskhand uninstall --data` removes it" in done.stdout
    assert "The program itself is removed by: pip uninstall taskhand" in done.stdout
    assert KEY not in done.output
    told = _uninstall(home, "--dry-run").stdout
    assert "Taskhand has written nothing on this machine but its data." in told
    assert f"data: {home}/mine/own.sqlite" not in told  # the entry that named it is gone
    assert f"data: {home}/.local/share/taskhand/tasks.sqlite (stays without --data)" in told


def test_data_is_removed_on_request(home: Path) -> None:
    assert _uninstall(home, "--yes", "--data").exit_code == 0
    assert _files(home) == {".cursor/mcp.json", ".codex/config.toml", "mine/others.sqlite"}
    assert not (home / ".local" / "share" / "taskhand").exists()


def test_the_vault_key_stays_while_links_need_it(home: Path, kept: MemoryKeyring) -> None:
    kept.kept["taskhand", "TASKHAND_VAULT_KEY"] = "of the links"
    assert "TASKHAND_VAULT_KEY (stays without --data)\n" in _uninstall(home, "--dry-run").stdout
    assert _uninstall(home, "--yes").exit_code == 0
    assert ("taskhand", "TASKHAND_VAULT_KEY") in kept.kept
    assert _uninstall(home, "--yes", "--data").exit_code == 0
    assert kept.kept == {("github", "me"): "theirs"}


def test_the_stores_of_connections_and_the_files_of_rules_are_data(home: Path, kept: MemoryKeyring) -> None:
    folder = home / ".config" / "taskhand"
    tables = (
        f'[connections.own]\nbackend = "local"\ndb = "{home}/own/a.sqlite"\n[connections.here]\nbackend = "local"\n'
    )
    crm = '[connections.n]\nbackend = "close"\napi_key = "keyring:connections/n/api_key"\n'
    crm += '[connections.there]\nbackend = "local"\ndb = "postgresql://ana@db.test/tasks"\n'  # no file to remove
    (folder / "taskhand.toml").write_text(f"{tables}{crm}", encoding="utf-8")
    kept.kept["taskhand", "connections/n/api_key"] = KEY
    made = [home / "own" / name for name in ("a.sqlite", "a.sqlite-wal", "a.journal.sqlite")]
    made += [folder / "policy.toml", folder / "people.toml"]
    (home / "own").mkdir()
    (home / "own" / "others.sqlite").touch()
    for path in made:
        path.touch()
    told = _uninstall(home, "--dry-run").stdout
    assert [path for path in made if f"data: {path} (stays without --data)\n" not in told] == []
    assert "key in the system keyring: connections/n/api_key\n" in told
    done = _uninstall(home, "--yes", "--data")
    assert done.exit_code == 0, done.output
    assert _files(home) == {".cursor/mcp.json", ".codex/config.toml", "mine/others.sqlite", "own/others.sqlite"}
    assert kept.kept == {("github", "me"): "theirs"}


def test_the_settings_file_that_an_entry_names_is_data(run: Run, home: Path) -> None:
    named = home / "mine" / "deals.toml"
    named.write_text("plan_over = 3\n", encoding="utf-8")
    run("cursor", "--name", "own", "--set", f"TASKHAND_CONFIG={named}", anywhere=True)
    assert f"data: {named} (stays without --data)\n" in _uninstall(home, "--dry-run").stdout


def test_uninstall_asks_no_question_if_taskhand_wrote_no_file(run: Run, tmp_path: Path, kept: MemoryKeyring) -> None:  # noqa: ARG001
    done = _uninstall(tmp_path)
    assert done.exit_code == 0
    assert done.stdout.startswith("Taskhand has written nothing on this machine.\nThe program itself is removed by: ")


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_the_report_counts_only_removed_files(no_keyring: None) -> None:  # noqa: ARG001
    with open_folder() as home:
        data = home / ".local" / "share" / "taskhand"
        data.mkdir(parents=True)
        (data / "tasks.sqlite").touch()
        data.chmod(0o555)
        with without_privileges():
            done = _uninstall(home, "--yes", "--data")
        assert f"! {data}/tasks.sqlite cannot be removed: Permission denied." in done.stderr
        assert (done.exit_code, "Removed" in done.stdout) == (1, False)
        data.chmod(0)
        with without_privileges():
            done = _uninstall(home, "--dry-run")
        assert f"! {data} cannot be read: Permission denied." in done.stderr


def test_uninstall_without_a_terminal_is_refused_and_removes_no_file(home: Path) -> None:
    before = _contents(home)
    assert error_of(_uninstall(home)).message == "There is no terminal to ask for confirmation."
    assert _contents(home) == before


def test_uninstall_asks_before_it_removes_the_data_even_if_there_is_nothing_else(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    type_into(["uninstall"], [("Remove this? [y/N]: ", "y"), ("This cannot be undone [y/N]: ", "n")])
    data = {".local/share/taskhand/tasks.sqlite", ".config/taskhand/taskhand.toml"}
    assert (home / ".cursor" / "mcp.json").read_text(encoding="utf-8") == OTHERS
    assert data <= _files(home)
    type_into(["uninstall", "--data"], [("Remove this? [y/N]: ", "y")])
    assert not data & _files(home)


def test_uninstall_changes_nothing_while_a_server_uses_the_data(home: Path, kept: MemoryKeyring) -> None:
    journal = home / "mine" / "own.journal.sqlite"
    (home / "mine" / "own.journal.sqlite.dead.lock").touch()
    lock = ProcessLock(journal)
    lock.acquire()
    before, keys = _contents(home), dict(kept.kept)
    refused = _uninstall(home, "--yes", "--data")
    assert "A server is using" in error_of(refused).message
    assert (_contents(home), kept.kept) == (before, keys)
    assert lock.take_over("dead"), "the locks of dead servers are released"
    lock.release_all()


def test_uninstall_names_a_file_that_it_cannot_change_and_removes_the_rest(home: Path, kept: MemoryKeyring) -> None:
    cursor = home / ".cursor" / "mcp.json"
    cursor.chmod(0o444)
    (home / ".gemini").mkdir()
    (home / ".gemini" / "settings.json").write_text("{", encoding="utf-8")
    done = _uninstall(home, "--yes")
    assert done.exit_code == 1
    assert f"! {cursor} is read-only" in done.stderr
    assert "settings.json cannot be read (line 1: " in done.stderr
    assert "deals" in json.loads(cursor.read_text(encoding="utf-8"))["mcpServers"]
    assert kept.kept == {("github", "me"): "theirs"}
