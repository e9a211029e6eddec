"""An entry is started as its host starts it."""

import json
import sys
from typing import Any

import pytest

from taskhand.install import Host, find_host
from taskhand.install.entry_check import run_entry

CLAUDE, CURSOR, CODEX, VSCODE = map(find_host, ("claude-desktop", "cursor", "codex", "vscode"))

ANSWER = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"serverInfo": {"name": "theirs", "version": "7"}}})


def _entry(script: str, **more: object) -> dict[str, Any]:
    return {"command": "/bin/sh", "args": ["-c", script], **more}


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"command": "/nowhere/python", "args": []}, "/nowhere/python cannot be started: No such file or directory."),
        ({"command": "/"}, "/ cannot be started: Permission denied."),
        (
            _entry("echo first >&2; echo 'No module named taskhand' >&2; exit 3"),
            "(exit code 3). No module named taskhand",
        ),
        (_entry("echo hello"), "sh ended without an answer (exit code 0)."),
        (_entry("echo '[1]'; echo null"), "sh ended without an answer"),
    ],
)
def test_the_reason_is_reported_if_an_entry_does_not_start(entry: dict[str, Any], found: str) -> None:
    report = run_entry(CURSOR, entry, {})
    assert (report.ok, report.findings) == (False, ())
    assert found in report.start.found
    assert report.start.remedy


def test_a_remote_server_is_not_checked() -> None:
    report = run_entry(CURSOR, {"url": "https://x.example/mcp"}, {})
    assert (report.ok, report.start.outcome) == (True, "unknown")


def test_another_server_that_answers_has_no_checks() -> None:
    report = run_entry(CURSOR, _entry(f"read line; echo '{ANSWER}'"), {})
    assert (report.ok, report.version) == (True, "7")
    assert [one.outcome for one in report.findings] == ["unknown"]


@pytest.mark.parametrize("words", [(), ("serve",)])
def test_the_doctor_of_an_entry_of_ours_gives_its_version_and_connections(words: tuple[str, ...]) -> None:
    rows = [{"subject": one, "outcome": "ok", "found": "Fine.", "remedy": None} for one in ("store", "hosts")]
    own = {"taskhand": "9.1", "backend": "local", "connections": {"north": "close"}, "findings": rows}
    script = f"""[ "$0 $*" = "doctor --json" ] && echo '{json.dumps(own)}'"""
    report = run_entry(CURSOR, {"command": "sh", "args": ["-c", script, *words]}, {}, is_ours=True)
    assert (report.start.outcome, report.start.found) == ("ok", "taskhand 9.1 answers.")
    assert (report.version, report.backend, report.connections) == ("9.1", "local", {"north": "close"})
    assert [one.subject for one in report.findings] == ["store"]


def _environment(host: Host, env: dict[str, str], environ: dict[str, str], **more: object) -> dict[str, str]:
    """The variables that a server is started with, which this one says before it ends."""
    script = "import json, os, sys; print(json.dumps(dict(os.environ)), file=sys.stderr)"
    entry = {"command": sys.executable, "args": ["-S", "-c", script], "env": env, **more}
    found = run_entry(host, entry, environ).start.found
    told: dict[str, str] = json.loads(found[found.index("{") :])
    return told


def test_the_environment_is_the_one_that_the_host_gives() -> None:
    here = {"VAMBE_API_KEY": "from the shell", "HTTPS_PROXY": "p", "K": "v", "HOME": "/", "TASKHAND_DB": "x"}
    here |= {"PYTHONPATH": "/of/this/terminal"}
    env = {"A": "${env:K}", "B": "${NONE:-d}", "TASKHAND_USER": "Ana"}
    seen = _environment(CURSOR, env, here)
    assert {name: seen[name] for name in ("A", "B", "K", "HTTPS_PROXY")} == {
        "A": "v",
        "B": "d",
        "K": "v",
        "HTTPS_PROXY": "p",
    }
    assert not {"VAMBE_API_KEY", "TASKHAND_DB", "PYTHONPATH"} & seen.keys()
    bare = _environment(CLAUDE, env, here)
    assert (bare["A"], bare["TASKHAND_USER"], bare["HOME"]) == ("${env:K}", "Ana", "/")
    assert not {"K", "HTTPS_PROXY"} & bare.keys()
    assert _environment(CODEX, {}, here, env_vars=["VAMBE_API_KEY"])["VAMBE_API_KEY"] == "from the shell"


@pytest.mark.parametrize("is_ours", [False, True])
@pytest.mark.parametrize(
    ("host", "more"),
    [(VSCODE, {"env": {"VAMBE_API_KEY": "${input:taskhand-vambe-api-key}"}}), (CODEX, {"env_vars": ["VAMBE_API_KEY"]})],
)
def test_a_key_that_only_the_host_has_is_named_and_nothing_is_tried_with_it(
    host: Host, more: dict[str, object], *, is_ours: bool
) -> None:
    own = json.dumps({"taskhand": "9.1", "backend": "vambe", "findings": []})
    script = f"""if [ "$0" = doctor ]; then echo '{own}'; else read line; echo '{ANSWER}'; fi"""
    report = run_entry(host, _entry(script, **more), {}, is_ours=is_ours)
    assert (report.ok, report.missing, report.findings) == (True, ["VAMBE_API_KEY"], ())


def test_a_key_that_the_host_forwards_from_this_environment_is_not_missing() -> None:
    entry = _entry(f"read line; echo '{ANSWER}'", env_vars=["VAMBE_API_KEY"])
    report = run_entry(CODEX, entry, {"VAMBE_API_KEY": "a-key"})
    assert (report.missing, [one.subject for one in report.findings]) == ((), ["checks"])
