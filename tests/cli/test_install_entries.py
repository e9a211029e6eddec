"""Which entries `taskhand install` writes, and which it leaves to the person to add."""

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.installing import KEY, Run, error_of, servers_in
from keyrings import MemoryKeyring
from taskhand.backends.registry import FACTORIES
from taskhand.cli.main import command


def test_several_entries_stand_side_by_side_with_keys_of_their_own(run: Run, file: Path, kept: MemoryKeyring) -> None:
    run("cursor", "--backend", "vambe", VAMBE_API_KEY=KEY)
    run("cursor", "--backend", "vambe", "--name", "acme", VAMBE_API_KEY="sk-acme")
    run("cursor", "--backend", "close", "--name", "deals", CLOSE_API_KEY="sk-close")
    assert set(servers_in(file)) == {"gh", "taskhand", "acme", "deals"}
    assert servers_in(file)["acme"]["env"]["VAMBE_API_KEY"] == "keyring:acme/VAMBE_API_KEY"
    assert {name: key for (_, name), key in kept.kept.items()} == {
        "VAMBE_API_KEY": KEY,
        "acme/VAMBE_API_KEY": "sk-acme",
        "deals/CLOSE_API_KEY": "sk-close",
    }
    assert "keyring del taskhand acme/VAMBE_API_KEY" in run("cursor", "--uninstall", "--name", "acme").stdout
    assert set(servers_in(file)) == {"gh", "taskhand", "deals"}


def test_no_key_of_any_entry_is_in_a_backup(run: Run, tmp_path: Path) -> None:
    for name in ("taskhand", "acme", "deals"):
        run("cursor", "--backend", "vambe", "--name", name, VAMBE_API_KEY=KEY)
    backups = list(tmp_path.glob("*.bak"))
    assert len(backups) == 3
    assert not any(KEY in one.read_text(encoding="utf-8") for one in backups)


def test_a_changed_key_is_reported_with_the_other_hosts_that_use_it(run: Run, kept: MemoryKeyring) -> None:
    for host in ("cursor", "windsurf"):
        assert "use this key now" not in run(host, "--backend", "vambe", anywhere=True, VAMBE_API_KEY=KEY).stderr
    told = run("cursor", "--backend", "vambe", anywhere=True, VAMBE_API_KEY="sk-2").stderr
    assert "! Cursor, Windsurf use this key now. For another account, give a --name." in told
    assert kept.kept == {("taskhand", "VAMBE_API_KEY"): "sk-2"}


def test_vs_code_asks_for_the_key_of_each_entry(run: Run, tmp_path: Path) -> None:
    for name in ("taskhand", "acme"):
        run("vscode", "--project", "--backend", "close", "--name", name, anywhere=True)
    written = json.loads((tmp_path / ".vscode" / "mcp.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in written["inputs"]] == ["taskhand-close-api-key", "taskhand-acme-close-api-key"]
    run("vscode", "--project", "--name", "acme", "--uninstall", anywhere=True)
    written = json.loads((tmp_path / ".vscode" / "mcp.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in written["inputs"]] == ["taskhand-close-api-key"]


@pytest.mark.parametrize("command_name", ["install", "uninstall"])
def test_a_file_that_nobody_changed_since_is_as_it_was_once_the_entry_is_removed(
    run: Run, tmp_path: Path, command_name: str
) -> None:
    file, before = tmp_path / ".cursor" / "mcp.json", '{ "mcpServers" : {  } }'
    file.parent.mkdir()
    file.write_text(before, encoding="utf-8")
    run("cursor", anywhere=True)
    assert file.read_text(encoding="utf-8") != before
    if command_name == "install":
        run("cursor", "--uninstall", anywhere=True)
    else:
        CliRunner().invoke(command, ["uninstall", "--yes"], env={"HOME": str(tmp_path), "TASKHAND_CONFIG": os.devnull})
    assert file.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("name", ["", "a b", "x" * 31, "-a", "a.b", "ñ"])
def test_a_name_that_hosts_do_not_take_is_refused(run: Run, name: str) -> None:
    assert "must be 1 to 30 letters" in error_of(run("cursor", "--name", name)).message


def _print(tmp_path: Path, *options: str, **environment: str) -> Result:
    home = {"HOME": str(tmp_path), "TASKHAND_CONFIG": os.devnull, "TZ": "America/Lima"}
    return CliRunner().invoke(command, ["install", *options, "--print", "--no-check"], env=home | environment)


@pytest.mark.usefixtures("no_keyring")
def test_an_entry_for_any_other_host_is_printed_alone_and_without_the_key(tmp_path: Path) -> None:
    done = _print(tmp_path, "--backend", "vambe", VAMBE_API_KEY=KEY)
    entry = json.loads(done.stdout)["mcpServers"]["taskhand"]
    assert entry["env"] == {
        "TASKHAND_BACKEND": "vambe",
        "VAMBE_API_KEY": "your key",
        "TASKHAND_TIMEZONE": "America/Lima",
    }
    assert Path(entry["command"]).is_absolute()
    assert KEY not in done.output
    assert _print(tmp_path, "codex", "--name", "acme").stdout.startswith("[mcp_servers.acme]")
    assert "Put your key in place of `your key`." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_blank_key_in_the_environment_is_none(tmp_path: Path, kept: MemoryKeyring) -> None:
    done = _print(tmp_path, "--backend", "vambe", VAMBE_API_KEY=" ")
    assert "Put your key in place of `your key`." in done.stderr
    assert kept.kept == {}


@pytest.mark.usefixtures("no_keyring")
def test_a_setting_of_an_option_is_not_taken_from_the_environment(tmp_path: Path) -> None:
    options = ("--backend", "close", "--set", "CLOSE_BASE_URL=https://one.test")
    done = _print(tmp_path, *options, CLOSE_BASE_URL="https://two.test", CLOSE_RATE="3", TASKHAND_TIMEZONE=" ")
    env = json.loads(done.stdout)["mcpServers"]["taskhand"]["env"]
    assert (env["CLOSE_BASE_URL"], env["CLOSE_RATE"]) == ("https://one.test", "3")
    assert [line for line in done.stderr.splitlines() if "environment" in line] == [
        "CLOSE_RATE is taken from the environment."
    ]


@pytest.mark.parametrize("backend", [one.name for one in FACTORIES if one.credentials])
def test_an_entry_is_printed_without_a_key_where_nothing_is_tried(
    tmp_path: Path, kept: MemoryKeyring, backend: str
) -> None:
    done = _print(tmp_path, "--backend", backend)
    assert "your key" in json.loads(done.stdout)["mcpServers"]["taskhand"]["env"].values()
    assert "Put your key in place of `your key`." in done.stderr
    assert kept.kept == {}


def test_a_printed_entry_refers_to_the_keyring(tmp_path: Path, kept: MemoryKeyring) -> None:
    _print(tmp_path, "--backend", "vambe", "--name", "acme", "--dry-run", VAMBE_API_KEY=KEY)
    assert kept.kept == {}
    done = _print(tmp_path, "--backend", "vambe", "--name", "acme", VAMBE_API_KEY=KEY)
    assert json.loads(done.stdout)["mcpServers"]["acme"]["env"]["VAMBE_API_KEY"] == "keyring:acme/VAMBE_API_KEY"
    assert kept.kept == {("taskhand", "acme/VAMBE_API_KEY"): KEY}


def test_without_a_host_the_option_that_prints_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["install"], env={"HOME": str(tmp_path)})
    assert done.exit_code == 2
    assert "`--print` prints an entry for any other host" in done.output


def test_a_read_only_file_is_not_replaced_and_the_entry_is_printed(run: Run, file: Path, kept: MemoryKeyring) -> None:
    before = file.read_bytes()
    file.chmod(0o444)
    done = run("cursor", "--backend", "vambe", VAMBE_API_KEY=KEY)
    assert error_of(done).message == f"{file} is read-only, so nothing is written."
    assert str(error_of(done).next_step).startswith(f"Allow writing it (chmod u+w {file})")
    assert '"taskhand": {' in done.stdout
    assert KEY not in done.output
    assert str(file) not in done.stdout  # no change of it is shown, since none can be made
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode), kept.kept) == (before, 0o444, {})


@pytest.mark.parametrize("text", ["{", "[]", "\udcff"])
def test_the_entry_for_a_file_that_cannot_be_changed_is_printed(run: Run, file: Path, text: str) -> None:
    file.write_bytes(text.encode(errors="surrogateescape"))
    done = run("cursor", "--backend", "vambe", VAMBE_API_KEY=KEY)
    block = done.stdout.partition("The entry, to be added by hand:\n")[2]
    assert json.loads(block)["mcpServers"]["taskhand"]["env"]["VAMBE_API_KEY"] == "your key"
    assert "nothing is written" in error_of(done).message


@pytest.mark.parametrize("again", [False, True])
def test_a_file_with_a_key_in_it_is_made_readable_for_its_owner_alone(run: Run, file: Path, *, again: bool) -> None:
    file.chmod(0o644)
    assert "Only you can read" not in run("cursor").stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    if again:
        run("cursor", "--backend", "vambe", VAMBE_API_KEY=KEY)
        file.chmod(0o664)
    done = run("cursor", "--backend", "vambe", VAMBE_API_KEY=KEY)
    assert f"Only you can read {file} now. It holds a key" in done.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_failed_install_leaves_the_keyring_unchanged(run: Run, file: Path, kept: MemoryKeyring) -> None:
    kept.kept["taskhand", "VAMBE_API_KEY"] = "before"
    file.parent.chmod(0o755)
    file.write_text("{}", encoding="utf-8")
    done = run("cursor", "--backend", "vambe", "--set", "TASKHAND_TIMEZONE=Marte", VAMBE_API_KEY=KEY)
    assert done.exception
    assert kept.kept == {("taskhand", "VAMBE_API_KEY"): "before"}


@pytest.mark.parametrize("host", ["claude-code", "cursor", "vscode", "gemini", "codex"])
def test_a_project_file_contains_no_private_path_or_name(run: Run, tmp_path: Path, host: str) -> None:
    done = run(host, "--project", "--backend", "vambe", anywhere=True, VAMBE_API_KEY=KEY, TZ="America/Lima")
    [file] = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "host.json"]
    text = file.read_text(encoding="utf-8")
    assert not any(private in text for private in (str(tmp_path), os.sep + "bin", KEY, "America/Lima", "USER_ID"))
    assert "needs the command `taskhand` on their PATH." in done.stdout
    assert str(Path(__file__).parents[2]) not in done.stdout


def test_a_private_path_in_a_shared_file_is_refused_with_a_portable_form(run: Run, tmp_path: Path) -> None:
    given = f"TASKHAND_DB={tmp_path}/t.sqlite"
    refused = error_of(run("cursor", "--project", "--set", given, anywhere=True))
    assert refused.next_step == "Write it as TASKHAND_DB=~/t.sqlite."
    assert run("cursor", "--project", "--set", "TASKHAND_DB=~/t.sqlite", anywhere=True).exit_code == 0


def test_the_language_option_applies_only_to_a_new_store(run: Run, file: Path, store_file: Path) -> None:
    given = ("cursor", "--language", "en", "--set", f"TASKHAND_DB={store_file}")
    assert "has its statuses already" not in run(*given).stderr
    assert servers_in(file)["taskhand"]["env"]["TASKHAND_LANGUAGE"] == "en"
    options = ["--db", str(store_file), "statuses", "list"]
    for language, first in (("en", "1  To Do  initial\n2  In Progress  in_progress\n3  Done  done\n"), ("es", None)):
        listed = CliRunner().invoke(
            command, options, env={"TASKHAND_LANGUAGE": language, "TASKHAND_CONFIG": os.devnull}
        )
        assert listed.stdout == (first or "1  To Do  initial\n2  In Progress  in_progress\n3  Done  done\n")
    CliRunner().invoke(command, ["--db", str(store_file), "seed", "demo"], env={"TASKHAND_CONFIG": os.devnull})
    done = CliRunner().invoke(
        command, ["--db", str(store_file), "call", "list_tasks", '{"status": ["done"], "limit": 1}']
    )
    assert json.loads(done.stdout)["tasks"][0]["status"] == "Done"
    assert "`taskhand statuses rename`" in run(*given).stderr


def test_the_machines_time_zone_is_used_unless_another_is_known(run: Run, file: Path, tmp_path: Path) -> None:
    def zone() -> str | None:
        return servers_in(file)["taskhand"].get("env", {}).get("TASKHAND_TIMEZONE")

    assert "No time zone is set" in run("cursor").stderr
    assert zone() is None
    assert "this machine's, America/Lima" in run("cursor", TZ="America/Lima").stderr
    assert zone() == "America/Lima"
    run("cursor", TZ="Europe/Madrid")
    assert zone() == "America/Lima"
    run("cursor", "--timezone", "america/santiago")
    assert zone() == "america/santiago"
    assert "not an IANA time zone" in error_of(run("cursor", "--timezone", "Marte")).message
    run("cursor", "--uninstall")
    configured = tmp_path / ".config" / "taskhand" / "taskhand.toml"
    configured.parent.mkdir(parents=True)
    configured.write_text('timezone = "America/Bogota"', encoding="utf-8")
    assert "time zone" not in run("cursor", TZ="Europe/Madrid").stderr
    assert zone() is None
    elsewhere = ("--backend", "close", "--timezone", "UTC", "--set", "TASKHAND_CONFIG=/elsewhere/taskhand.toml")
    assert run("cursor", *elsewhere, CLOSE_API_KEY=KEY).exit_code == 0
    assert zone() == "UTC"
