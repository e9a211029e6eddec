"""`taskhand doctor --host`: checks the entry of a host by starting it once as the host does."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from taskhand.cli.doctor import print_findings
from taskhand.cli.terminal import print_json, print_line
from taskhand.domain.check_result import CheckResult
from taskhand.install.entry_check import EntryReport, run_entry
from taskhand.install.host_file import is_open_with_key
from taskhand.install.hosts import Host, find_host
from taskhand.install.known_entries import KnownEntry, UnreadFile, find_known_entries
from taskhand.install.server_entry import find_keys

__all__ = ["check_host"]


def check_host(slug: str, *, as_json: bool) -> bool:
    """Check each entry in the host's file and in this folder's project file; whether all checks passed."""
    host = find_host(slug)
    rows = [_check_entry(one) for one in find_known_entries([host], Path.cwd())]
    is_well = bool(rows) and all(row["ok"] for row in rows)
    if as_json:
        print_json({"host": slug, "ok": is_well, "entries": rows})
        return is_well
    for row in rows:
        title = f"{host.name}, {row['file']}, entry {row['name']}: taskhand {row['taskhand'] or 'unknown'}"
        findings = [CheckResult(**one) for one in row["findings"]]
        print_findings(f"{title}, {_backends(row)}", findings)
    if not rows:
        print_line(f"{host.name} has no entry of Taskhand. `taskhand install {slug}` writes one.")
    return is_well


def _check_entry(one: KnownEntry | UnreadFile) -> dict[str, Any]:
    """The report on an entry; a file that cannot be read counts as a failed entry."""
    if isinstance(one, UnreadFile):
        failed = CheckResult("file", "failed", one.why, f"Correct the file: {one.host.name} may not read it either.")
        return _row(one.host, one.path, EntryReport(failed), ())
    report = run_entry(one.host, one.entry, os.environ)
    return _row(one.host, one.file.path, report, tuple(_check_file(one, report)))


def _row(host: Host, path: Path, report: EntryReport, about_file: tuple[CheckResult, ...]) -> dict[str, Any]:
    findings = (*about_file, report.start, *report.findings)
    return {
        "file": str(path),
        "name": host.server,
        "taskhand": report.version,
        "backend": report.backend,
        "ok": report.ok,
        "findings": [asdict(one) for one in findings],
        **({"connections": dict(report.connections)} if report.connections else {}),
    }


def _backends(row: dict[str, Any]) -> str:
    """The backend, or those of several connections."""
    if several := row.get("connections"):
        return f"connections {', '.join(f'{name} ({backend})' for name, backend in several.items())}"
    return f"backend {row['backend'] or 'unknown'}"


def _check_file(one: KnownEntry, report: EntryReport) -> Iterator[CheckResult]:
    """The findings on the file and its keys, which the server cannot check."""
    path = one.file.path
    if is_open_with_key(one.file, find_keys(one.file.text, one.host)):
        found = f"{path} holds a key, and other users of this machine can read it."
        yield CheckResult("file", "warning", found, f"Run: chmod 600 {path}")
    if report.missing:
        found = f"{one.host.name} has {', '.join(report.missing)}; it was not tried."
        yield CheckResult("credential", "unknown", found)
