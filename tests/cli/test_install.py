"""`taskhand install` as a person runs it."""

import json
import os
import sys
import tomllib
from pathlib import Path

import keyring
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from cli.installing import KEY, Run, error_of, servers_in
from keyrings import LockedKeyring, MemoryKeyring


async def test_the_entry_starts_the_server_with_an_empty_path_and_in_any_folder(
    run: Run, file: Path, tmp_path: Path
) -> None:
    assert run("claude-desktop").exit_code == 0
    entry = servers_in(file)["taskhand"]
    (tmp_path / "mcp.py").write_text("raise SystemExit('the wrong one')", encoding="utf-8")
    assert Path(str(entry["command"])).is_absolute()
    server = StdioServerParameters(
        command=str(entry["command"]),
        args=[*entry["args"]],
        env={"PATH": "", "HOME": str(tmp_path), "TASKHAND_CONFIG": os.devnull},
        cwd=tmp_path,
    )
    async with Client(stdio_client(server), mode="legacy") as client:
        assert (await client.list_tools()).tools


def test_install_and_uninstall_restore_the_file(run: Run, file: Path) -> None:
    before = file.read_bytes()
    done = run("cursor", "--backend", "vambe", VAMBE_API_KEY=KEY)
    assert set(servers_in(file)) == {"gh", "taskhand"}
    assert servers_in(file)["taskhand"]["env"] == {"TASKHAND_BACKEND": "vambe", "VAMBE_API_KEY": KEY}
    assert "Everyone who can read that file can read" in done.stderr
    assert run("cursor", "--uninstall").exit_code == 0
    assert file.read_bytes() == before


def test_no_key_is_shown_or_written_to_a_backup(run: Run, file: Path, tmp_path: Path) -> None:
    outputs = [
        run("cursor", "--backend", "vambe", VAMBE_API_KEY=KEY),
        run("cursor", "--backend", "vambe", VAMBE_API_KEY="another-s3cret"),
        run("cursor", "--uninstall", "--dry-run"),
        run("cursor", "--uninstall"),
    ]
    assert not any("s3cret" in done.output or "ghp" in done.output for done in outputs)
    assert "Only a key changes." in outputs[1].output
    copies = [path for path in tmp_path.iterdir() if path != file]
    assert len(copies) == 3
    assert not any("s3cret" in copy.read_text(encoding="utf-8") for copy in copies)


@pytest.mark.parametrize(
    ("entry", "is_kept"),
    [
        ({"url": "https://x.example/mcp", "headers": {"Authorization": f"Bearer {KEY}"}}, True),
        ({"command": "npx", "args": ["mcp-remote", "x", "--header", f"Authorization: Bearer {KEY}"]}, True),
        ({"command": "taskhand", "env": {"HUBSPOT_TOKEN": KEY}}, True),
        ({"command": "taskhand", "env": {"VAMBE_API_KEY": KEY}}, False),
        ({"url": "https://x.example/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"}}, False),
        ({"command": "taskhand", "env": {"VAMBE_API_KEY_FILE": "/x/key", "CLOSE_API_KEY": "${CLOSE_API_KEY}"}}, False),
    ],
)
@pytest.mark.parametrize("options", [["--uninstall"], ["--backend", "local"]])
def test_a_backup_that_still_holds_a_key_is_named(
    run: Run, file: Path, tmp_path: Path, entry: dict[str, object], options: list[str], *, is_kept: bool
) -> None:
    file.write_text(json.dumps({"mcpServers": {"taskhand": entry}}), encoding="utf-8")
    done = run("cursor", *options)
    [backup] = tmp_path.glob("*.bak")
    assert (KEY in backup.read_text(encoding="utf-8")) is is_kept
    told = [line for line in done.stderr.splitlines() if "stays in a backup" in line]
    assert [line.endswith(f": {backup}") for line in told] == ([True] if is_kept else [])
    assert KEY not in done.output


def test_a_backup_that_is_no_json_any_more_is_named_if_it_has_the_key(run: Run, file: Path) -> None:
    file.write_text(json.dumps({"mcpServers": {"taskhand": {"env": {"VAMBE_API_KEY": KEY}}}}), encoding="utf-8")
    older = file.with_name(f"{file.name}.taskhand-20260101-000000.bak")
    older.write_text(f"{{ {KEY}", encoding="utf-8")
    told = [line for line in run("cursor", "--uninstall").stderr.splitlines() if "stays in a backup" in line]
    assert [line.endswith(f": {older}") for line in told] == [True]


def test_a_dry_run_writes_nothing_and_asks_for_nothing(
    run: Run, file: Path, tmp_path: Path, kept: MemoryKeyring
) -> None:
    before = file.read_bytes()
    done = run("cursor", "--backend", "vambe", "--dry-run")
    assert '+        "VAMBE_API_KEY": "keyring:VAMBE_API_KEY"' in done.stdout
    assert done.stdout.endswith("Nothing was written.\n")
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
    assert kept.kept == {}


def test_a_second_install_changes_nothing(run: Run, file: Path, tmp_path: Path) -> None:
    run("gemini")
    once = file.read_bytes()
    assert "The file is up to date" in run("gemini").stdout
    assert file.read_bytes() == once
    assert len(list(tmp_path.iterdir())) == 2


def test_install_sets_a_longer_call_time_for_patient_hosts_unless_it_is_set(run: Run, file: Path) -> None:
    run("cursor")
    assert "env" not in servers_in(file)["taskhand"]
    for host in ("gemini", "claude-code"):
        run(host)
        assert servers_in(file)["taskhand"]["env"]["TASKHAND_CALL_S"] == "120"
        run(host, "--set", "TASKHAND_CALL_S=60")
        run(host)
        assert servers_in(file)["taskhand"]["env"]["TASKHAND_CALL_S"] == "60"
        run(host, "--uninstall")


def test_uninstalling_from_a_file_without_taskhand_changes_nothing(run: Run, file: Path, tmp_path: Path) -> None:
    assert "Taskhand is not in" in run("gemini", "--uninstall").stdout
    assert list(tmp_path.iterdir()) == [file]
    assert "nothing to do" in run("windsurf", "--uninstall", anywhere=True).stdout


def test_uninstalling_a_missing_entry_names_the_existing_entries(run: Run, file: Path) -> None:
    for name in ("vambe", "close"):
        run("cursor", "--name", name)
    told = run("cursor", "--uninstall").stdout
    assert told == f"There is no entry taskhand in {file}; there are vambe, close (--name).\n"


def test_a_key_is_stored_in_the_keyring_if_one_exists(run: Run, file: Path, kept: MemoryKeyring) -> None:
    done = run("windsurf", "--backend", "hubspot", HUBSPOT_ACCESS_TOKEN=KEY, TASKHAND_TIMEZONE="America/Santiago")
    assert servers_in(file)["taskhand"]["env"] == {
        "TASKHAND_BACKEND": "hubspot",
        "HUBSPOT_ACCESS_TOKEN": "keyring:HUBSPOT_ACCESS_TOKEN",
        "TASKHAND_TIMEZONE": "America/Santiago",
    }
    assert kept.kept == {("taskhand", "HUBSPOT_ACCESS_TOKEN"): KEY}
    assert KEY not in done.output
    assert "keyring del taskhand HUBSPOT_ACCESS_TOKEN" in run("windsurf", "--uninstall").stdout
    assert kept.kept == {("taskhand", "HUBSPOT_ACCESS_TOKEN"): KEY}


@pytest.mark.parametrize(
    ("options", "others"),
    [
        (["claude-desktop"], "`--keys file`"),
        (["cursor"], "`--keys file` or `--keys environment`"),
        (["vscode"], "`--keys host` or `--keys file` or `--keys environment`"),
        (["codex", "--project"], "`--keys environment`"),
    ],
)
def test_the_error_without_a_keyring_names_the_other_ways_to_store_a_key(
    run: Run, options: list[str], others: str
) -> None:
    refused = error_of(run(*options, "--keys", "keyring", anywhere=True))
    assert refused.next_step
    assert refused.next_step.startswith(f"Use {others}. ")


def test_a_key_in_the_host_file_causes_a_warning_with_the_alternatives_on_this_machine(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warning() -> str:
        done = run("cursor", "--backend", "vambe", "--keys", "file", VAMBE_API_KEY=KEY)
        return next(line for line in done.stderr.splitlines() if line.startswith("! Everyone"))

    assert warning() == "! Everyone who can read that file can read VAMBE_API_KEY."
    keyring.set_keyring(MemoryKeyring())
    assert warning().endswith("VAMBE_API_KEY. `--keys keyring` stores it in the system's keyring.")
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert warning().endswith("Install Taskhand with the extra `keyring` to store it in the system's keyring.")
    refused = error_of(run("cursor", "--keys", "keyring"))
    assert refused.next_step == "Install Taskhand with the extra `keyring`."


def test_a_locked_keyring_leaves_the_file_unchanged(run: Run, file: Path) -> None:
    before = file.read_bytes()
    keyring.set_keyring(LockedKeyring())
    assert "refused to store VAMBE_API_KEY" in error_of(run("cursor", "--backend", "vambe", VAMBE_API_KEY=KEY)).message
    assert file.read_bytes() == before
    run("cursor", "--backend", "vambe", "--keys", "file", VAMBE_API_KEY=KEY)
    assert servers_in(file)["taskhand"]["env"]["VAMBE_API_KEY"] == KEY


def test_an_entry_for_vs_code_makes_it_ask_for_the_key(run: Run, tmp_path: Path, kept: MemoryKeyring) -> None:
    done = run("vscode", "--project", "--backend", "close", anywhere=True)
    written = json.loads((tmp_path / ".vscode" / "mcp.json").read_text(encoding="utf-8"))
    assert written["servers"]["taskhand"]["type"] == "stdio"
    assert written["servers"]["taskhand"]["env"]["CLOSE_API_KEY"] == "${input:taskhand-close-api-key}"
    [asked] = written["inputs"]
    assert asked == {
        "type": "promptString",
        "id": "taskhand-close-api-key",
        "description": "API key from Close's developer settings.",
        "password": True,
    }
    assert kept.kept == {}
    assert done.exit_code == 0
    assert "VS Code asks for the key then and keeps it." in done.stdout
    assert "asks for the key" not in run("vscode", "--project", "--name", "plain", anywhere=True).stdout


@pytest.mark.parametrize(
    ("host", "file_name", "reference"),
    [
        ("claude-code", ".mcp.json", "${CLOSE_API_KEY:-}"),
        ("cursor", ".cursor/mcp.json", "${env:CLOSE_API_KEY}"),
        ("gemini", ".gemini/settings.json", "${CLOSE_API_KEY}"),
    ],
)
def test_a_project_file_contains_no_key(run: Run, tmp_path: Path, host: str, file_name: str, reference: str) -> None:
    done = run(host, "--project", "--backend", "close", anywhere=True, CLOSE_API_KEY=KEY)
    entry = json.loads((tmp_path / file_name).read_text(encoding="utf-8"))["mcpServers"]["taskhand"]
    assert entry["env"]["CLOSE_API_KEY"] == reference
    assert "Set CLOSE_API_KEY in the environment" in done.stderr


def test_a_project_entry_for_codex_names_the_variable_to_pass_on(run: Run, tmp_path: Path) -> None:
    done = run("codex", "--project", "--backend", "close", anywhere=True, CLOSE_API_KEY=KEY)
    text = (tmp_path / ".codex" / "config.toml").read_text(encoding="utf-8")
    entry = tomllib.loads(text)["mcp_servers"]["taskhand"]
    assert entry["env_vars"] == ["CLOSE_API_KEY"]
    assert KEY not in text
    assert "Set CLOSE_API_KEY in the environment" in done.stderr


def test_codex_keeps_its_comments_and_its_order(run: Run, tmp_path: Path) -> None:
    file = tmp_path / ".codex" / "config.toml"
    file.parent.mkdir()
    before = '# mine\nmodel = "o" # fast\n\n[mcp_servers.gh]\ncommand = "npx"\n\n# trusted\n[projects."/p"]\n'
    file.write_text(before, encoding="utf-8")
    shown = run("codex", "--backend", "vambe", "--dry-run", anywhere=True)
    assert '+VAMBE_API_KEY = "********"' in shown.stdout
    assert file.read_text(encoding="utf-8") == before
    assert run("codex", "--backend", "vambe", anywhere=True, VAMBE_API_KEY=KEY).exit_code == 0
    written = file.read_text(encoding="utf-8")
    assert written.startswith(before)
    entry = tomllib.loads(written)["mcp_servers"]["taskhand"]
    assert entry["env"] == {"TASKHAND_CALL_S": "120", "TASKHAND_BACKEND": "vambe", "VAMBE_API_KEY": KEY}
    assert entry["tool_timeout_sec"] == 180
    run("codex", "--uninstall", anywhere=True)
    assert file.read_text(encoding="utf-8") == before
    assert len(list(file.parent.glob("*.bak"))) == 2


def test_a_moved_codex_folder_is_used(run: Run, tmp_path: Path) -> None:
    run("codex", anywhere=True, CODEX_HOME=str(tmp_path / "moved"))
    assert "taskhand" in (tmp_path / "moved" / "config.toml").read_text(encoding="utf-8")


def test_a_codex_file_with_a_mistake_is_refused_with_its_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "moved" / "config.toml"
    file.parent.mkdir()
    file.write_text("a = 1\nb =\n", encoding="utf-8")
    assert "(line 2: " in error_of(run("codex", anywhere=True, CODEX_HOME=str(file.parent))).message
    assert file.read_text(encoding="utf-8") == "a = 1\nb =\n"


def test_install_writes_the_users_file_of_the_host(run: Run, tmp_path: Path) -> None:
    assert run("claude-code", anywhere=True).exit_code == 0
    assert "taskhand" in json.loads((tmp_path / ".claude.json").read_text(encoding="utf-8"))["mcpServers"]


def test_another_backend_replaces_the_variables_of_the_first(run: Run, file: Path) -> None:
    run("cursor", "--backend", "vambe", "--set", "TASKHAND_USER=Ana", VAMBE_API_KEY=KEY)
    run("cursor", "--backend", "local")
    assert servers_in(file)["taskhand"]["env"] == {"TASKHAND_BACKEND": "local", "TASKHAND_USER": "Ana"}


def test_install_keeps_the_present_key_unless_another_is_given(run: Run, file: Path) -> None:
    run("cursor", "--backend", "vambe", VAMBE_API_KEY=KEY)
    run("cursor", "--backend", "vambe", VAMBE_USER_ID="u1")
    assert servers_in(file)["taskhand"]["env"] == {
        "TASKHAND_BACKEND": "vambe",
        "VAMBE_API_KEY": KEY,
        "VAMBE_USER_ID": "u1",
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["cursor", "--backend", "vambe"], "VAMBE_API_KEY is needed for vambe"),
        (["cursor", "--set", "VAMBE_API_KEY=x"], "must not be on a command line"),
        (["cursor", "--me", "Ana"], "--me needs --backend"),
        (["cursor", "--me", "Ana", "--backend", "close"], "chooses nobody on Close: `me` is the owner of the key"),
        (["cursor", "--me", "Ana", "--backend", "local"], "has no effect with the built-in store"),
        (["cursor", "--set", "TASKHAND_USR=x"], "must be NAME=VALUE"),
        (["cursor", "--set", "TASKHAND_USER"], "must be NAME=VALUE"),
        (["cursor", "--set", "TASKHAND_TIMEZONE=Marte"], "not an IANA time zone"),
        (["cursor", "--keys", "host"], "does not store keys itself"),
        (["cursor", "--keys", "keyring"], "This system has no usable keyring."),
        (["claude-desktop", "--keys", "environment"], "does not fill in environment variables"),
        (["claude-code", "--project", "--keys", "file"], "is shared"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_written(
    run: Run, file: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    before = file.read_bytes()
    assert said in error_of(run(*options)).message
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_misspelled_variable_and_a_wrong_type_of_value_are_explained(run: Run) -> None:
    for name in ("TASKHAND_PLANOVER", "taskhand_plan_over"):
        assert error_of(run("cursor", "--set", f"{name}=3")).next_step == "Did you mean TASKHAND_PLAN_OVER?"
    said = error_of(run("cursor", "--set", "TASKHAND_PLAN_OVER=abc")).message
    assert said == "TASKHAND_PLAN_OVER is not usable: it must be a whole number."


@pytest.mark.skipif(os.name == "nt", reason="a pipe of POSIX")
def test_a_file_that_is_not_regular_is_refused(run: Run, file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    assert error_of(run("cursor")).message == f"{file} is not a regular file, so nothing is written."


def test_project_is_refused_for_a_host_without_project_files(run: Run) -> None:
    assert "no project file" in error_of(run("windsurf", "--project", anywhere=True)).message


@pytest.mark.parametrize("text", ['{"mcpServers": {', "[]", '{"mcpServers": {"taskhand": {"env": []}}}', "\udcff"])
@pytest.mark.parametrize("option", [("--set", "TASKHAND_USER=Ana"), ("--uninstall",)])
def test_an_unparsable_file_is_never_overwritten(
    run: Run, file: Path, tmp_path: Path, text: str, option: tuple[str, ...]
) -> None:
    if option == ("--uninstall",) and "env" in text:
        return
    raw = text.encode(errors="surrogateescape")
    file.write_bytes(raw)
    assert "nothing is written" in error_of(run("cursor", *option)).message
    assert file.read_bytes() == raw
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("given", ["${VAMBE_API_KEY}", "your key", f'"{KEY}"', f"Bearer {KEY}", "op://x/y/z"])
def test_install_refuses_an_invalid_key_and_writes_nothing(run: Run, given: str) -> None:
    said = error_of(run("cursor", "--backend", "vambe", VAMBE_API_KEY=given)).message
    assert "VAMBE_API_KEY h" in said
    assert KEY not in said


def test_the_file_of_a_key_is_set_instead_of_the_key(run: Run, file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    done = run("cursor", "--backend", "vambe", "--set", f"VAMBE_API_KEY_FILE={tmp_path}/key")
    assert (done.exit_code, KEY in done.output) == (0, False)
    entry = servers_in(file)["taskhand"]["env"]
    assert entry["VAMBE_API_KEY_FILE"] == f"{tmp_path}/key"
    assert "VAMBE_API_KEY" not in entry
