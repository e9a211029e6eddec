"""`taskhand doctor --host` repairs an entry with commands, not with the settings of a terminal."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from taskhand.cli.doctor_host import check_host, with_command
from taskhand.cli.main import command
from taskhand.domain.check_result import CheckResult
from taskhand.install.host_file import read_host_file
from taskhand.install.hosts import find_host
from taskhand.install.known_entries import KnownEntry, this_machine


@pytest.mark.parametrize(
    ("remedy", "name", "command"),
    [
        ("Set TASKHAND_TIMEZONE to an IANA name.", "taskhand", "taskhand install cursor --timezone ZONE"),
        ("Set VAMBE_USER_ID to the id.", "taskhand", "taskhand install cursor --set VAMBE_USER_ID=VALUE"),
        ("Set TASKHAND_TIMEZONE to an IANA name.", "north", "taskhand install cursor --name north --timezone ZONE"),
    ],
)
def test_a_remedy_that_is_a_setting_names_the_command_that_sets_it_in_the_entry(
    remedy: str, name: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    host = replace(find_host("cursor"), server=name)
    finding = CheckResult("a subject", "warning", "It is not set.", remedy)
    entry = KnownEntry(host, read_host_file(host.user_file(this_machine())), {})
    assert with_command(finding, entry).remedy == f"{remedy} To set it in this entry, run `{command}`."
    shared = KnownEntry(host, read_host_file(tmp_path / "project" / "mcp.json"), {})
    assert " --project --" in str(with_command(finding, shared).remedy)


@pytest.mark.parametrize(
    "remedy", [None, "Compare the due times.", "Set VAMBE_API_KEY to the key.", "Set this machine's clock."]
)
def test_a_remedy_that_is_a_key_or_no_setting_stays(remedy: str | None) -> None:
    host = find_host("cursor")
    finding = CheckResult("a subject", "warning", "It is not so.", remedy)
    assert with_command(finding, KnownEntry(host, read_host_file(Path("absent.json")), {})) == finding


def test_a_key_in_a_file_is_a_warning_if_others_can_read_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    file = find_host("cursor").user_file(this_machine())
    file.parent.mkdir()
    remote = {"url": "https://x.example/mcp", "headers": {"Authorization": "Bearer s3cret"}}
    file.write_text(json.dumps({"mcpServers": {"taskhand": remote}}), encoding="utf-8")
    for mode, warned in ((0o600, []), (0o644, ["file"])):
        file.chmod(mode)
        assert check_host("cursor", as_json=True)
        [entry] = json.loads(capsys.readouterr().out)["entries"]
        assert [one["subject"] for one in entry["findings"] if one["outcome"] == "warning"] == warned


def test_a_hosts_file_that_cannot_be_read_is_named_though_no_host_has_an_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = find_host("gemini").user_file(this_machine())
    file.parent.mkdir()
    file.write_text("{", encoding="utf-8")
    env = {"TASKHAND_CONFIG": "/dev/null", "TASKHAND_DB": str(tmp_path / "tasks.sqlite")}
    findings = json.loads(CliRunner().invoke(command, ["doctor", "--json"], env=env).stdout)["findings"]
    [hosts] = [one["found"] for one in findings if one["subject"] == "hosts"]
    assert hosts.startswith(f"No known host has an entry of Taskhand. {file} cannot be read (line 1: ")
