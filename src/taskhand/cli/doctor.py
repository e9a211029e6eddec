"""The command `taskhand doctor`: checks of the configuration, the files and the backend, with remedies."""

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version

import anyio
import click

from taskhand import __version__
from taskhand.cli.config import CONFIGURATION, setting_rows
from taskhand.cli.install import HOST_NAMES
from taskhand.cli.terminal import print_json, print_line
from taskhand.config.configuration import Configuration
from taskhand.config.settings import BackendName, Settings
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.domain.principal import ANYONE, Principal

__all__ = ["doctor", "print_findings", "run_checks"]

_MARKS = {"ok": "✓", "warning": "!", "failed": "✗", "unknown": "?"}


@click.command()
@click.option("--host", type=click.Choice(HOST_NAMES), help="Start what this host starts, and have that checked.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def doctor(context: click.Context, *, host: str | None, as_json: bool) -> None:
    """Check the configuration, the files and the backend.

    Each failure has a remedy; the exit code is 1 if one fails. The settings are those of this terminal. A host starts
    Taskhand with its own: `--host` checks these.

    As JSON: `taskhand` (the version), `backend` (null where the configuration chooses none), `ok`, and `findings`. Each
    finding has a `subject`, an `outcome` (ok, warning, failed, or unknown: not checked, or the CRM does not tell), a
    sentence in `found`, and a `remedy` or null. The subjects are the same in every run on a backend that can be opened;
    configuration has one more finding for each warning.
    """
    if host:
        from taskhand.cli.doctor_host import check_host

        sys.exit(0 if check_host(host, as_json=as_json) else 1)
    found: Configuration | OperatorError = context.meta[CONFIGURATION]
    findings = anyio.run(run_checks, found)
    is_well = all(finding.outcome != "failed" for finding in findings)
    if as_json:
        rows = [asdict(finding) for finding in findings]
        told = {"taskhand": __version__, "backend": _backend(found), "ok": is_well, "findings": rows}
        print_json(told)
    else:
        print_findings(f"taskhand {__version__}, backend {_backend(found) or 'none'}", findings)
    sys.exit(0 if is_well else 1)


async def run_checks(found: Configuration | OperatorError) -> tuple[CheckResult, ...]:
    """The results of every check that this configuration, or the error that prevented it, allows."""
    if isinstance(found, OperatorError):
        return _versions(), _hosts(), _broken(found)
    from taskhand.cli.people import check_people
    from taskhand.cli.policy import check_policy

    files = (check_policy(found), *check_people(found))
    first = (_versions(), _hosts(), *_configuration(found), _tools(found.settings), *files)
    return first if _backend(found) is None else (*first, *await _with_app(found))


def print_findings(title: str, findings: Sequence[CheckResult]) -> None:
    """Print a title, then each finding with its remedy."""
    print_line(title)
    for finding in findings:
        print_line(f"{_MARKS[finding.outcome]} {finding.subject}: {finding.found}")
        if finding.remedy:
            print_line(f"    {finding.remedy}")


def _backend(found: Configuration | OperatorError) -> BackendName | None:
    if isinstance(found, OperatorError):
        return None
    try:
        return found.settings.backend
    except OperatorError:
        return None


def _hosts() -> CheckResult:
    """The hosts that have an entry of Taskhand: what they start is not looked at here."""
    from taskhand.install.known_entries import KnownEntry, find_known_entries

    try:
        known = list(find_known_entries())
    except OperatorError as error:
        return CheckResult("hosts", "unknown", error.message)
    entries = [one for one in known if isinstance(one, KnownEntry)]
    unread = " ".join(one.why for one in known if not isinstance(one, KnownEntry))
    if not entries:
        return CheckResult("hosts", "ok", f"No known host has an entry of Taskhand. {unread}".rstrip())
    commands = ", ".join(dict.fromkeys(f"`taskhand doctor --host {one.host.slug}`" for one in entries))
    found = f"Entries of {', '.join(map(str, entries))} were not looked at; {commands} does that. {unread}".rstrip()
    return CheckResult("hosts", "unknown", found)


def _versions() -> CheckResult:
    from taskhand.sqlite.health_checks import VERSION

    python = f"Python {platform.python_version()} on {platform.system()}"
    return CheckResult("versions", "ok", f"taskhand {__version__}, mcp {version('mcp')}, {python}, SQLite {VERSION}.")


def _configuration(found: Configuration) -> tuple[CheckResult, ...]:
    """What is set and where, then one result for each warning."""
    given = [row for row in setting_rows(found) if row["origin"] != "default"]
    said = ", ".join(f"{row['variable']}={row['value']} ({_short(row)})" for row in given)
    try:
        backend = f"{found.settings.backend}, {found.why}"
    except OperatorError as error:
        return (_broken(error), *found.warnings)
    whole = CheckResult("configuration", "ok", f"The backend is {backend}. Set: {said or 'nothing'}.")
    return (whole, *found.warnings)


def _short(row: Mapping[str, str]) -> str:
    """Where a setting comes from, without its variable, which stands just before."""
    return row["origin"].removesuffix(f" {row['variable']}")


def _broken(error: OperatorError) -> CheckResult:
    return CheckResult("configuration", "failed", error.message, error.next_step or "Correct it, or remove it.")


def _tools(settings: Settings) -> CheckResult:
    """The tools that hosts are offered."""
    from taskhand.server.offered_tools import choose_tools
    from taskhand.server.tools import TOOLS

    try:
        offered = choose_tools(TOOLS, settings.tools, only_reads=settings.read_only)
    except OperatorError as error:
        return CheckResult("tools", "failed", error.message, error.next_step)
    said = f"{len(offered.tools)} of {len(TOOLS)} are offered"
    if len(offered.tools) < len(TOOLS):
        said += f": {', '.join(offered.names)}"
    if "delete_task" in offered.names and "apply_plan" not in offered.names:
        remedy = "Offer apply_plan too (TASKHAND_TOOLS), or leave delete_task out."
        return CheckResult("tools", "warning", f"{said}. What stops at a plan cannot be carried out.", remedy)
    return CheckResult("tools", "ok", f"{said}.")


async def _with_app(found: Configuration) -> tuple[CheckResult, ...]:
    """The checks of the journal and the backend, as the person of the settings; the reason where one cannot open."""
    from taskhand.service.health_checks import check_health
    from taskhand.wiring import open_app

    try:
        async with open_app(found.settings) as at:
            return await check_health(at.of_principal(_principal(found)))
    except OperatorError as error:
        subject = "credential" if error.code == "unauthorized" else "configuration"
        return (CheckResult(subject, "failed", error.message, error.next_step or "Correct the configuration."),)


def _principal(found: Configuration) -> Principal:
    """Who calls where nobody is asked; anyone where a file cannot be used, which is a finding of its own."""
    from taskhand.cli.access import access_of

    try:
        return access_of(found).configured
    except OperatorError:
        return ANYONE
