"""Starts the server of an entry as its host would, and has it check itself."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from taskhand.config.connection_settings import DEFAULT_CONNECTION
from taskhand.config.environment_variables import FILE_VARIABLES, VARIABLES, is_secret_variable
from taskhand.domain.check_result import CheckResult
from taskhand.install.hosts import Host

__all__ = ["EntryReport", "run_entry"]

_START_S: Final = 30
_CHECKS_S: Final = 90

_PASSED_ON: Final = (
    *("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"),
    *("APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PROCESSOR_ARCHITECTURE", "SYSTEMDRIVE", "SYSTEMROOT"),
    *("TEMP", "TMP", "USERNAME", "USERPROFILE"),
)
"""The variables that hosts with an MCP SDK pass on.

https://modelcontextprotocol.io/docs/tools/debugging#environment-variables
"""

_NOT_STARTED: Final = CheckResult("start", "unknown", "It was not greeted.")

_OF_THE_ENTRY: Final = ("credential", "store", "journal")
_FATAL: Final = frozenset(
    {"configuration", "tools", *_OF_THE_ENTRY, *(f"{DEFAULT_CONNECTION}: {subject}" for subject in _OF_THE_ENTRY)}
)
"""The checks that must pass for calls to succeed; the others may pass later.

With several connections, only the default one is the entry's own.
"""

_REFERENCE: Final = re.compile(r"\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}")
_ASKED: Final = "${input:"

_INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "taskhand doctor", "version": "1"},
    },
}
"""The first request of a host: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle ."""


@dataclass(frozen=True, slots=True)
class EntryReport:
    """The result of an entry's server: how it started, then its own `findings`; its version and its backend.

    `connections` are the backends of several connections by their names. `missing` are the keys that only the host has,
    so that nothing could be checked with them.
    """

    start: CheckResult
    findings: Sequence[CheckResult] = ()
    version: str | None = None
    backend: str | None = None
    missing: Sequence[str] = field(default=())
    connections: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the server starts and no check failed."""
        return not self.failed

    @property
    def failed(self) -> list[CheckResult]:
        """The start, if it failed, and the failed checks."""
        return [finding for finding in (self.start, *self.findings) if finding.outcome == "failed"]

    @property
    def fatal(self) -> list[CheckResult]:
        """The failures because of which the entry is not written; the others are only shown."""
        return [finding for finding in self.failed if finding is self.start or finding.subject in _FATAL]


def run_entry(
    host: Host, entry: Mapping[str, Any], environ: Mapping[str, str], *, is_ours: bool = False
) -> EntryReport:
    """Start the entry's server and greet it as a host does, then run its `doctor`; both end within a bound.

    `environ` is this process's environment; the host passes a part of it on. An entry that `is_ours` starts nothing but
    Taskhand, so its `doctor` proves as much as a greeting.
    """
    if "command" not in entry:
        where = next((str(entry[name]) for name in ("url", "serverUrl", "httpUrl") if name in entry), "another server")
        return EntryReport(CheckResult("start", "unknown", f"It is a remote server ({where}), which is not checked."))
    missing = [name for name, value in _variables(entry).items() if _ASKED in value]
    given = _environment(host, entry, environ)
    missing += [
        variable for variable in _forwarded_variables(entry) if is_secret_variable(variable) and variable not in given
    ]
    words = [_fill_variables(host, str(entry["command"]), environ), *_arguments(host, entry, environ)]
    if is_ours and not missing:
        report = _run_doctor(words, given)
        if report.version:
            return replace(report, start=CheckResult("start", "ok", f"taskhand {report.version} answers."))
    start, version = _start(words, given)
    if start.outcome == "failed":
        return EntryReport(start)
    if missing:
        return EntryReport(start, (), version, missing=missing)
    return replace(_run_doctor(words, given), start=start, version=version)


def _variables(entry: Mapping[str, Any]) -> dict[str, str]:
    env = entry.get("env")
    return {str(name): str(value) for name, value in env.items()} if isinstance(env, dict) else {}


def _forwarded_variables(entry: Mapping[str, Any]) -> list[str]:
    there = entry.get("env_vars")
    return [variable for variable in there if isinstance(variable, str)] if isinstance(there, list) else []


def _arguments(host: Host, entry: Mapping[str, Any], environ: Mapping[str, str]) -> list[str]:
    there = entry.get("args")
    return [_fill_variables(host, str(argument), environ) for argument in there] if isinstance(there, list) else []


def _environment(host: Host, entry: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the server: what the host passes on, then the entry's own.

    Our settings come from the entry alone: this terminal's may differ from those with which the host was started.
    """
    ours = VARIABLES | FILE_VARIABLES
    passed = {name: value for name, value in environ.items() if name not in ours and not name.startswith("PYTHON")}
    if not host.inherits:
        passed = {name: passed[name] for name in _PASSED_ON if name in passed}
    passed |= {name: environ[name] for name in _forwarded_variables(entry) if name in environ}
    values = {name: value for name, value in _variables(entry).items() if _ASKED not in value}
    return passed | {name: _fill_variables(host, value, environ) for name, value in values.items()}


def _fill_variables(host: Host, text: str, environ: Mapping[str, str]) -> str:
    """The text with references to variables replaced, if the host does that."""
    if host.expands is None:
        return text
    return _REFERENCE.sub(lambda match: environ.get(match[1], match[2] or ""), text)


def _start(words: Sequence[str], env: Mapping[str, str]) -> tuple[CheckResult, str | None]:
    """Start the server and greet it, as a host does; its answer has the version."""
    shown = Path(words[0]).name or words[0]
    try:
        done = _run(words, env, _START_S, json.dumps(_INITIALIZE) + "\n")
    except subprocess.TimeoutExpired:
        found = f"{shown} did not answer within {_START_S} s."
        return CheckResult("start", "failed", found, "Run the entry's command in a terminal to see why."), None
    except OSError as error:
        found = f"{words[0]} cannot be started: {error.strerror}."
        return CheckResult(
            "start", "failed", found, "Run `taskhand install` again to write an entry that starts."
        ), None
    server = _server_of(done.stdout)
    if server is None:
        found = f"{shown} ended without an answer (exit code {done.returncode}). {_last_line(done.stderr)}".rstrip()
        return CheckResult(
            "start", "failed", found, "Run `taskhand install` again to write an entry that starts."
        ), None
    version = str(server.get("version", "")) or None
    return CheckResult(
        "start", "ok", f"{server.get('name', shown)} {version or ''} answers.".replace("  ", " ")
    ), version


def _run_doctor(words: Sequence[str], env: Mapping[str, str]) -> EntryReport:
    """The findings of the server's own doctor; one unknown finding if it has none."""
    kept = list(words[:-1]) if words[-1] == "serve" else list(words)
    try:
        done = _run([*kept, "doctor", "--json"], env, _CHECKS_S)
        report = json.loads(done.stdout)
        rows = [CheckResult(**row) for row in report["findings"] if row["subject"] != "hosts"]
    except subprocess.TimeoutExpired:
        return _without_report(f"Its checks did not end within {_CHECKS_S} s.")
    except (OSError, ValueError, TypeError, KeyError):
        return _without_report("It has no `doctor` command.")
    version = str(report.get("taskhand"))
    return EntryReport(
        _NOT_STARTED, tuple(rows), version, report.get("backend"), connections=report.get("connections", {})
    )


def _without_report(why: str) -> EntryReport:
    return EntryReport(_NOT_STARTED, (CheckResult("checks", "unknown", why),))


def _run(
    words: Sequence[str], env: Mapping[str, str], bound_s: float, sent: str = ""
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  the entry's own command, which the host runs too
        words,
        input=sent,
        env=dict(env),
        cwd=_folder(env),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=bound_s,
        check=False,
    )


def _folder(env: Mapping[str, str]) -> str | None:
    """The home folder, in which many hosts start servers; this one if there is none."""
    home = env.get("HOME") or env.get("USERPROFILE")
    return home if home and os.path.isdir(home) else None  # noqa: PTH112  raises nothing


def _server_of(stdout: str) -> dict[str, Any] | None:
    """The server's description of itself in its answer; None without one."""
    for line in stdout.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and message.get("id") == 1 and isinstance(message.get("result"), dict):
            server = message["result"].get("serverInfo")
            return server if isinstance(server, dict) else {}
    return None


def _last_line(stderr: str) -> str:
    return next((line.strip()[:300] for line in reversed(stderr.splitlines()) if line.strip()), "")
