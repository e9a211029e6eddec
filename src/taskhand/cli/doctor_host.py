"""`taskhand doctor --host`: checks the entry of a host by starting it once as the host does."""

import os
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from taskhand.cli.doctor import print_findings
from taskhand.cli.terminal import print_json, print_line
from taskhand.config.environment_variables import VARIABLES, is_secret_variable
from taskhand.domain.check_result import CheckResult
from taskhand.install.entry_check import EntryReport, run_entry
from taskhand.install.host_file import is_open_with_key
from taskhand.install.hosts import SERVER, Host, find_host
from taskhand.install.known_entries import KnownEntry, UnreadFile, find_known_entries, this_machine
from taskhand.install.server_entry import find_keys

__all__ = ["check_host", "with_command"]

_SET: Final = re.compile(r"Set ([A-Z_]+) to ")
"""A remedy that is a setting."""
_OPTIONS: Final = {"TASKHAND_TIMEZONE": "--timezone ZONE"}
"""The options of `taskhand install` for variables that have one of their own."""


def check_host(slug: str, *, as_json: bool) -> bool:
    """Check each entry in the host's file and in this folder's project file; whether all checks passed."""
    host = find_host(slug)
    rows = [_check_entry(entry) for entry in find_known_entries([host], Path.cwd())]
    is_well = bool(rows) and all(row["ok"] for row in rows)
    if as_json:
        print_json({"host": slug, "ok": is_well, "entries": rows})
        return is_well
    for row in rows:
        title = f"{host.name}, {row['file']}, entry {row['name']}: taskhand {row['taskhand'] or 'unknown'}"
        findings = [CheckResult(**finding) for finding in row["findings"]]
        print_findings(f"{title}, {_backends(row)}", findings)
    if not rows:
        print_line(f"{host.name} has no entry of Taskhand. `taskhand install {slug}` writes one.")
    return is_well


def _check_entry(entry: KnownEntry | UnreadFile) -> dict[str, Any]:
    """The report on an entry; a file that cannot be read counts as a failed entry."""
    if isinstance(entry, UnreadFile):
        failed = CheckResult(
            "file", "failed", entry.why, f"Correct the file: {entry.host.name} may not read it either."
        )
        return _row(entry.host, entry.path, EntryReport(failed), ())
    report = run_entry(entry.host, entry.entry, os.environ)
    report = replace(report, findings=[with_command(finding, entry) for finding in report.findings])
    return _row(entry.host, entry.file.path, report, tuple(_check_file(entry, report)))


def with_command(finding: CheckResult, entry: KnownEntry) -> CheckResult:
    """The finding, with the command that sets in this entry the variable of the remedy; keys have none."""
    match = _SET.match(finding.remedy or "")
    if match is None or match[1] not in VARIABLES or is_secret_variable(match[1]):
        return finding
    name = "" if entry.host.server == SERVER else f" --name {entry.host.server}"
    project = "" if entry.file.path == entry.host.user_file(this_machine()) else " --project"
    option = _OPTIONS.get(match[1], f"--set {match[1]}=VALUE")
    command = f"taskhand install {entry.host.slug}{name}{project} {option}"
    return replace(finding, remedy=f"{finding.remedy} To set it in this entry, run `{command}`.")


def _row(host: Host, path: Path, report: EntryReport, about_file: tuple[CheckResult, ...]) -> dict[str, Any]:
    findings = (*about_file, report.start, *report.findings)
    return {
        "file": str(path),
        "name": host.server,
        "taskhand": report.version,
        "backend": report.backend,
        "ok": report.ok,
        "findings": [asdict(finding) for finding in findings],
        **({"connections": dict(report.connections)} if report.connections else {}),
    }


def _backends(row: dict[str, Any]) -> str:
    """The backend, or those of several connections."""
    if several := row.get("connections"):
        return f"connections {', '.join(f'{name} ({backend})' for name, backend in several.items())}"
    return f"backend {row['backend'] or 'unknown'}"


def _check_file(entry: KnownEntry, report: EntryReport) -> Iterator[CheckResult]:
    """The findings on the file and its keys, which the server cannot check."""
    path = entry.file.path
    if is_open_with_key(entry.file, find_keys(entry.file.text, entry.host)):
        found = f"{path} holds a key, and other users of this machine can read it."
        yield CheckResult("file", "warning", found, f"Run: chmod 600 {path}")
    if report.missing:
        found = f"{entry.host.name} has {', '.join(report.missing)}; it was not tried."
        yield CheckResult("credential", "unknown", found)
