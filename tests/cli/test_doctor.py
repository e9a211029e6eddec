"""The commands `taskhand doctor` and `taskhand config`, as they are run."""

import json
import os
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner

from server.transports.server_process import output, run
from taskhand import __version__
from taskhand.cli.doctor import print_findings, run_checks
from taskhand.cli.main import command
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.config.settings import FIELDS, Settings
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.server.tools import TOOLS

SECRET = "s3cr3t-value"  # noqa: S105  a stand-in that must not be seen


def report(store: Path, code: int, **variables: str) -> dict[str, dict[str, Any]]:
    """The findings of `doctor --json` by subject, the first of each."""
    done = run(store, "doctor", "--json", **variables)
    assert done.returncode == code, done.stdout
    assert SECRET not in done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert list(told) == ["taskhand", "backend", "ok", "findings"]
    assert (told["taskhand"], told["ok"]) == (__version__, code == 0)
    for finding in told["findings"]:
        assert list(finding) == ["subject", "outcome", "found", "remedy"]
        assert bool(finding["remedy"]) == (finding["outcome"] in {"warning", "failed"})
    return {finding["subject"]: finding for finding in reversed(told["findings"])}


def looked_at(store: Path, **variables: str) -> tuple[CheckResult, ...]:
    """What the command finds with these variables, without a process of its own."""
    given = {"TASKHAND_DB": str(store), "TASKHAND_CONFIG": os.devnull} | variables
    try:
        found: Configuration | OperatorError = load_configuration(given, {})
    except OperatorError as error:
        found = error
    return anyio.run(run_checks, found)


def test_doctor_exits_with_0_for_a_healthy_store(store_file: Path) -> None:
    found = report(store_file, 0, TASKHAND_TIMEZONE="America/Santiago")
    assert sorted(found)[:3] == ["clock", "configuration", "due times"]
    assert {"versions", "configuration", "tools", "journal", "store", "me", "statuses", "time zone"} <= set(found)
    assert f"taskhand {__version__}, mcp 2." in found["versions"]["found"]
    assert "SQLite 3." in found["versions"]["found"]
    assert "TASKHAND_TIMEZONE=America/Santiago (environment)" in found["configuration"]["found"]
    assert found["tools"]["found"] == f"{len(TOOLS)} of {len(TOOLS)} are offered."
    assert found["store"]["found"].endswith(": sound, and can be written. It was made by this check.")
    assert "made by this check" not in report(store_file, 0)["store"]["found"]


def test_doctor_prints_readable_findings(store_file: Path) -> None:
    lines = output(store_file, "doctor").splitlines()
    assert lines[0] == f"taskhand {__version__}, backend local"
    assert lines[1].startswith("✓ versions: ")
    assert lines[-2:] == [
        "! time zone: No time zone is configured.",
        "    Set TASKHAND_TIMEZONE to an IANA name, to accept a dueTime without a timezone.",
    ]


def test_doctor_names_the_hosts_that_it_did_not_check(
    store_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hosts() -> tuple[str, str]:
        return next((one.outcome, one.found) for one in looked_at(store_file) if one.subject == "hosts")

    monkeypatch.setenv("HOME", str(tmp_path))
    assert hosts() == ("ok", "No known host has an entry of Taskhand.")
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor" / "mcp.json").write_text('{"mcpServers": {"taskhand": {}, "a": {"command": "taskhand"}}}')
    found = "Entries of Cursor, Cursor (a) were not checked. To check them, run `taskhand doctor --host cursor`."
    assert hosts() == ("unknown", found)


def test_the_offset_of_an_etc_gmt_zone_is_noted(store_file: Path) -> None:
    [zone] = [one for one in looked_at(store_file, TASKHAND_TIMEZONE="Etc/GMT-3") if one.subject == "time zone"]
    assert zone.found == "Etc/GMT-3, which is UTC+03:00."


@pytest.mark.parametrize(
    ("variables", "subject", "word"),
    [
        ({"TASKHAND_IDS": "odd"}, "configuration", "TASKHAND_IDS"),
        ({"TASKHAND_CONFIG": "/absent.toml"}, "configuration", "/absent.toml"),
        ({"VAMBE_API_KEY": SECRET, "CLOSE_API_KEY": SECRET}, "configuration", "vambe, close"),
        ({"TASKHAND_DB": "~nobody-of-that-name/tasks.sqlite"}, "configuration", "TASKHAND_DB"),
        ({"TASKHAND_TOOLS": "everything"}, "tools", "everything"),
        ({"TASKHAND_BACKEND": "close"}, "credential", "CLOSE_API_KEY"),
        ({"HUBSPOT_ACCESS_TOKEN": f"{SECRET}\u00e9"}, "configuration", "HUBSPOT_ACCESS_TOKEN"),
        ({"VAMBE_API_KEY": SECRET, "VAMBE_BASE_URL": f"https://ana:{SECRET}@x"}, "configuration", "VAMBE_BASE_URL"),
    ],
)
def test_doctor_reports_a_failure_under_its_subject(
    variables: dict[str, str], subject: str, word: str, store_file: Path
) -> None:
    found = looked_at(store_file, **variables)
    assert SECRET not in repr(found)
    failed = [finding for finding in found if finding.outcome == "failed"]
    assert [finding.subject for finding in failed] == [subject]
    assert word in failed[0].found
    assert failed[0].remedy


def test_doctor_prints_equal_findings_once(capsys: pytest.CaptureFixture[str]) -> None:
    alike = [CheckResult(one, "failed", "It is not there.", "Make it.") for one in ("keys", "vault", "journal")]
    print_findings("taskhand", [*alike, CheckResult("store", "ok", "It is well.")])
    assert capsys.readouterr().out.splitlines() == [
        "taskhand",
        "✗ keys, vault, journal: It is not there.",
        "    Make it.",
        "✓ store: It is well.",
    ]


def test_an_unknown_variable_is_a_warning_and_not_a_failure(store_file: Path) -> None:
    found = looked_at(store_file, TASKHAND_TIMEZON=SECRET, TASKHAND_TOOLS="-apply_plan")
    warned = [finding.subject for finding in found if finding.outcome == "warning"]
    assert warned == ["configuration", "tools", "time zone"]
    assert not [finding for finding in found if finding.outcome == "failed"]
    assert SECRET not in repr(found)


def test_config_shows_every_setting_with_its_origin(store_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "taskhand.toml"
    file.write_text(f'plan_over = 3\n[vambe]\napi_key = "{SECRET}"\n', encoding="utf-8")
    file.chmod(0o600)
    variables = {"TASKHAND_CONFIG": str(file), "VAMBE_RATE": "4", "TASKHAND_TIMEZON": SECRET}
    text = output(store_file, "--ids", "sequential", "config", **variables)
    told = json.loads(output(store_file, "--ids", "sequential", "config", "--json", **variables))
    assert SECRET not in text + json.dumps(told)
    assert list(told) == ["backend", "why", "file", "policy", "settings", "connections", "warnings"]
    assert (told["backend"], told["file"]) == ("vambe", {"path": str(file), "found": True})
    assert told["why"] == f"VAMBE_API_KEY is set (file {file}:vambe.api_key)."
    rows = {row["variable"]: row for row in told["settings"]}
    assert list(rows) == [Settings.variable(name) for name in FIELDS]
    assert rows["VAMBE_API_KEY"] == {
        "variable": "VAMBE_API_KEY",
        "key": "vambe.api_key",
        "value": "set",
        "secret": True,
        "origin": f"file {file}:vambe.api_key",
    }
    shown = {name: (rows[name]["value"], rows[name]["origin"]) for name in rows}
    assert shown["TASKHAND_IDS"] == ("sequential", "flag --ids")
    assert shown["TASKHAND_PLAN_OVER"] == ("3", f"file {file}:plan_over")
    assert shown["VAMBE_RATE"] == ("4", "environment VAMBE_RATE")
    assert shown["TASKHAND_READ_ONLY"] == ("false", "default")
    assert shown["CLOSE_API_KEY"] == (None, "default")
    assert shown["TASKHAND_POLICY"] == (str(tmp_path / "policy.toml"), "default")
    assert shown["TASKHAND_PEOPLE"] == (str(tmp_path / "people.toml"), "default")
    assert "TASKHAND_TIMEZON " in told["warnings"][0]["found"]
    assert text.splitlines()[0] == f"backend  vambe: {told['why']}"
    assert text.splitlines()[2] == f"policy   {told['policy']['found']}"
    for row in rows.values():
        [line] = [line.split() for line in text.splitlines() if line.startswith(f"{row['variable']} ")]
        assert line == [row["variable"], *(row["value"] or "-").split(), *row["origin"].split()]


def test_config_reports_why_no_backend_is_chosen(store_file: Path) -> None:
    told = json.loads(output(store_file, "config", "--json", VAMBE_API_KEY=SECRET, CLOSE_API_KEY=SECRET))
    assert (told["backend"], told["why"]) == (None, "Credentials of several CRMs are set: vambe, close.")
    assert "TASKHAND_BACKEND" in told["warnings"][0]["remedy"]


@pytest.mark.parametrize(
    "variables",
    [
        {"TASKHAND_DB": ":memory:"},
        {"TASKHAND_DB": "$NOPE/x.sqlite"},
        {"TASKHAND_JOURNAL": "~nobody-of-that-name/x"},
        {"TASKHAND_TOOLS": "everything"},
        {"VAMBE_API_KEY": SECRET, "CLOSE_API_KEY": SECRET},
    ],
)
def test_the_command_config_warns_of_the_failures_that_doctor_reports(
    variables: dict[str, str], store_file: Path
) -> None:
    [failed] = [one for one in looked_at(store_file, **variables) if one.outcome == "failed"]
    given = {"TASKHAND_DB": str(store_file), "TASKHAND_CONFIG": os.devnull} | variables
    done = CliRunner().invoke(command, ["config"], env=given)
    assert done.exit_code == 0
    warned = [line for line in done.output.splitlines() if line.startswith("! ")]
    assert warned == [f"! {failed.found}"]
    assert f"    {failed.remedy}" in done.output.splitlines()


def test_an_invalid_file_stops_every_command_but_doctor(store_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "taskhand.toml"
    file.write_text("plan_ovr = 3\n", encoding="utf-8")
    done = run(store_file, "statuses", "list", TASKHAND_CONFIG=str(file))
    assert done.returncode == 1
    assert done.stderr.startswith(f"taskhand: The configuration file {file} has unknown settings: 'plan_ovr'")
    assert "plan_over" in report(store_file, 1, TASKHAND_CONFIG=str(file))["configuration"]["found"]


@pytest.mark.parametrize("arguments", [(), ("serve",)])
def test_configuration_warnings_are_logged_when_serving(store_file: Path, arguments: tuple[str, ...]) -> None:
    done = run(store_file, *arguments, TASKHAND_READONLY="true")
    assert done.returncode == 0
    assert "TASKHAND_READONLY is an unknown setting" in done.stderr
    assert done.stdout == ""


def test_the_command_line_offers_only_the_enabled_tools(store_file: Path) -> None:
    listed = json.loads(output(store_file, "tools", TASKHAND_READ_ONLY="true"))
    assert [tool["name"] for tool in listed] == [tool.name for tool in TOOLS if tool.kind == "read"]
    done = run(store_file, "call", "create_task", "{}", TASKHAND_READ_ONLY="true")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (1, "read_only")
