"""The command `taskhand doctor`: checks of the configuration, the files and the backend, with remedies."""

import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import anyio
import click

from taskhand import __version__
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.cli import CONFIGURATION
from taskhand.cli.config import SettingRow, backend_of, connection_rows, describe_connections, setting_rows
from taskhand.cli.install import HOST_NAMES
from taskhand.cli.terminal import print_json, print_line
from taskhand.config.connection_settings import DEFAULT, ConnectionSettings
from taskhand.config.effective_settings import Configuration
from taskhand.config.settings import Settings
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.domain.principal import ANYONE, Principal

if TYPE_CHECKING:
    from taskhand.vault.links_of_persons import Links

__all__ = ["check_connections", "doctor", "print_findings", "run_checks"]

_MARKS = {"ok": "✓", "warning": "!", "failed": "✗", "unknown": "?"}


@click.command()
@click.option("--host", type=click.Choice(HOST_NAMES), help="Check the entry of this host, as the host starts it.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def doctor(context: click.Context, *, host: str | None, as_json: bool) -> None:
    """Check the configuration, the files and the backend.

    Each failure has a remedy. The exit code is 1 if a check fails. The settings are those of this terminal. A host
    starts Taskhand with its own settings: --host checks these.

    The JSON has `taskhand` (the version), `backend` (null if the configuration chooses none, or has several
    connections), `ok` and `findings`. With several connections it also has `connections`, the backend of each by its
    name.

    A finding has a `subject`, an `outcome` (ok, warning, failed, or unknown: not checked, or the CRM does not report
    it), a sentence in `found`, and a `remedy` or null. The subjects are the same in every run on a backend that can be
    opened. `people` appears with a people file, `app` with a vault or an OAuth app, `own credential` with that rule of
    the policy, and `replicas` if servers on one database would lack something. `configuration` has a finding for each
    warning. With several connections, a subject of one connection begins with its name.
    """
    if host:
        from taskhand.cli.doctor_host import check_host

        sys.exit(0 if check_host(host, as_json=as_json) else 1)
    configuration: Configuration | OperatorError = context.meta[CONFIGURATION]
    findings = anyio.run(run_checks, configuration)
    is_well = all(finding.outcome != "failed" for finding in findings)
    if as_json:
        rows = [asdict(finding) for finding in findings]
        report = {"taskhand": __version__, "backend": _backend(configuration), "ok": is_well, "findings": rows}
        print_json(report | _names(configuration))
    else:
        print_findings(f"taskhand {__version__}, {_describe_backends(configuration)}", findings)
    sys.exit(0 if is_well else 1)


async def run_checks(configuration: Configuration | OperatorError) -> tuple[CheckResult, ...]:
    """The results of every check that is possible with this configuration, or with the error in it."""
    if isinstance(configuration, OperatorError):
        return _versions(), _hosts(), _configuration_result(configuration)
    from taskhand.cli.doctor_issuers import check_issuers
    from taskhand.cli.doctor_replicas import check_replicas
    from taskhand.cli.loaded_people import check_people
    from taskhand.cli.loaded_policy import check_policy
    from taskhand.cli.metrics_endpoint import check_metrics

    settings = configuration.settings
    callers = (await _keys(settings), *await check_issuers(settings), *await _vault(settings))
    files = (check_policy(configuration), *check_people(configuration), *callers)
    of_configuration = (*_configuration(configuration), *check_metrics(settings), *check_replicas(configuration))
    first = (_versions(), _hosts(), *of_configuration, _tools(configuration), *files)
    return (*first, *await check_connections(configuration))


async def check_connections(configuration: Configuration) -> tuple[CheckResult, ...]:
    """The checks of each connection with a backend, named if there are several."""
    principal, policy = _callers(configuration)
    results: dict[str, tuple[CheckResult, ...]] = {}
    from taskhand.cli.doctor_own_credential import check_rule
    from taskhand.cli.doctor_webhooks import check_webhook_verification

    links = _links(configuration.settings)

    async def check(connection: ConnectionSettings) -> None:
        first = (*check_rule(connection, policy), *check_webhook_verification(connection))
        results[connection.name] = (*first, *await _check_connection(connection, principal, links))

    try:
        async with concurrent_tasks() as group:
            for connection in configuration.connections:
                if backend_of(connection):
                    group.start_soon(check, connection)
    finally:
        if links is not None:
            await links.aclose()
    several = len(configuration.connections) > 1
    return tuple(
        replace(finding, subject=f"{connection.name}: {finding.subject}") if several else finding
        for connection in configuration.connections
        for finding in results.get(connection.name, ())
    )


def print_findings(title: str, findings: Sequence[CheckResult]) -> None:
    """Print a title, then each finding with its remedy; subjects with the same remedy share its lines."""
    print_line(title)
    subjects: dict[CheckResult, list[str]] = {}
    for finding in findings:
        subjects.setdefault(replace(finding, subject=""), []).append(finding.subject)
    for finding, names in subjects.items():
        print_line(f"{_MARKS[finding.outcome]} {', '.join(dict.fromkeys(names))}: {finding.found}")
        if finding.remedy:
            print_line(f"    {finding.remedy}")


def _backend(configuration: Configuration | OperatorError) -> str | None:
    """The backend of the only connection."""
    if isinstance(configuration, OperatorError) or len(configuration.connections) > 1:
        return None
    return backend_of(configuration.connections[0])


def _names(configuration: Configuration | OperatorError) -> dict[str, object]:
    """The connections with their backends, if there are several."""
    if isinstance(configuration, OperatorError) or len(configuration.connections) == 1:
        return {}
    return {"connections": {connection.name: backend_of(connection) for connection in configuration.connections}}


def _describe_backends(configuration: Configuration | OperatorError) -> str:
    if isinstance(configuration, OperatorError) or len(configuration.connections) == 1:
        return f"backend {_backend(configuration) or 'none'}"
    return f"connections {describe_connections(configuration)}"


def _hosts() -> CheckResult:
    """The hosts with an entry of Taskhand; the servers that they start are not checked here."""
    from taskhand.install.known_entries import KnownEntry, find_known_entries

    try:
        known = list(find_known_entries())
    except OperatorError as error:
        return CheckResult("hosts", "unknown", error.message)
    entries = [entry for entry in known if isinstance(entry, KnownEntry)]
    unread = " ".join(entry.why for entry in known if not isinstance(entry, KnownEntry))
    if not entries:
        return CheckResult("hosts", "ok", f"No known host has an entry of Taskhand. {unread}".rstrip())
    commands = ", ".join(dict.fromkeys(f"`taskhand doctor --host {entry.host.slug}`" for entry in entries))
    hosts = (
        f"Entries of {', '.join(map(str, entries))} were not checked. To check them, run {commands}. {unread}".rstrip()
    )
    return CheckResult("hosts", "unknown", hosts)


def _versions() -> CheckResult:
    from taskhand.sqlite.health_checks import VERSION

    python = f"Python {platform.python_version()} on {platform.system()}"
    return CheckResult("versions", "ok", f"taskhand {__version__}, mcp {version('mcp')}, {python}, SQLite {VERSION}.")


def _configuration(configuration: Configuration) -> tuple[CheckResult, ...]:
    """The settings with their origins, then one result for each warning."""
    given = [row for row in setting_rows(configuration) if row.origin != DEFAULT]
    shown_settings = [f"{row.variable}={row.value} ({_describe_origin(row)})" for row in given]
    named = [
        row
        for connection in configuration.connections
        if connection.keys
        for row in connection_rows(connection)
        if row.origin.name == row.key
    ]
    shown_settings += [f"{row.key}={row.value}" for row in named]
    try:
        first, *others = [connection.settings.backend for connection in configuration.connections]
    except OperatorError as error:
        return (_configuration_result(error), *configuration.warnings)
    connections = f"The connections are {describe_connections(configuration)}"
    backends = connections if others else f"The backend is {first}, {configuration.backend_reason}"
    sentence = f"{backends}. Variables that are set: {', '.join(shown_settings) or 'none'}."
    whole = CheckResult("configuration", "ok", sentence)
    return (whole, *configuration.warnings)


def _describe_origin(row: SettingRow) -> str:
    """The origin of a setting; its kind is enough if the variable, which stands before it, has the value itself."""
    origin = row.origin
    return origin.kind if origin.name == row.variable and origin.reference is None else str(origin)


def _configuration_result(error: OperatorError) -> CheckResult:
    return CheckResult("configuration", "failed", error.message, error.next_step or "Correct it, or remove it.")


def _tools(configuration: Configuration) -> CheckResult:
    """The tools that the server offers."""
    from taskhand.server.offered_tools import choose_tools
    from taskhand.server.tools import tool_table

    table, settings = tool_table(several=len(configuration.connections) > 1), configuration.settings
    try:
        offered = choose_tools(table, settings.tools, only_reads=settings.read_only)
    except OperatorError as error:
        return CheckResult("tools", "failed", error.message, error.next_step)
    sentence = f"{len(offered.tools)} of {len(table)} are offered"
    if len(offered.tools) < len(table):
        sentence += f": {', '.join(offered.names)}"
    if "delete_task" in offered.names and "apply_plan" not in offered.names:
        remedy = "Offer apply_plan too (TASKHAND_TOOLS), or leave delete_task out."
        return CheckResult(
            "tools", "warning", f"{sentence}. Changes that stop at a plan cannot be carried out.", remedy
        )
    return CheckResult("tools", "ok", f"{sentence}.")


async def _keys(settings: Settings) -> CheckResult:
    """The keys of callers over HTTP."""
    from taskhand.keys.health_checks import check_keys
    from taskhand.state import clock_of, locate_keys, open_key_store

    try:
        return await check_keys(locate_keys(settings), open_key_store(settings), clock_of(settings)())
    except OperatorError as error:
        return CheckResult("keys", "failed", error.message, error.next_step or "Correct TASKHAND_KEYS.")


async def _vault(settings: Settings) -> tuple[CheckResult, ...]:
    """The linked credentials; no result if linking is off and no credential is linked."""
    from taskhand.state import clock_of, locate_links, open_cipher, open_link_store
    from taskhand.vault.health_checks import check_vault

    try:
        location, store = locate_links(settings), open_link_store(settings)
        if not settings.vault_keys and not await store.exists():
            return ()
        return (await check_vault(location, store, open_cipher(settings), clock_of(settings)()),)
    except OperatorError as error:
        return (CheckResult("vault", "failed", error.message, error.next_step or "Correct TASKHAND_LINKS."),)


def _links(settings: Settings) -> "Links | None":
    """The linked credentials that a server would call with; None without a vault."""
    from taskhand.state import open_links

    try:
        return open_links(settings) if settings.vault_keys else None
    except OperatorError:
        return None  # reported as its own finding


async def _check_connection(
    connection: ConnectionSettings, principal: Principal, links: "Links | None"
) -> tuple[CheckResult, ...]:
    """The checks of the app, the journal and the backend as this caller; the error if it cannot be opened."""
    from taskhand.cli.doctor_oauth_app import check_app
    from taskhand.service.health_checks import check_health
    from taskhand.wiring import open_connection

    app = check_app(connection, has_vault=bool(connection.settings.vault_keys))
    links = None if any(finding.outcome == "failed" for finding in app) else links
    try:
        async with open_connection(connection, links=links) as at:
            findings = (*app, *await check_health(at.of_principal(principal)))
            return tuple(_in_own_words(finding, connection) for finding in findings)
    except OperatorError as error:
        subject = "credential" if error.code in {"unauthorized", "link_required", "link_broken"} else "configuration"
        failed = CheckResult(subject, "failed", error.message, error.next_step or "Correct the configuration.")
        return tuple(_in_own_words(finding, connection) for finding in (*app, failed))


def _callers(configuration: Configuration) -> tuple[Principal, Policy]:
    """The caller without authentication, and all rules; any caller if a file cannot be used (its own finding).

    The caller may use the shared credential despite the rules, because the operator runs the check.
    """
    from taskhand.cli.authentication import access_by
    from taskhand.cli.loaded_people import PeopleSource
    from taskhand.cli.loaded_policy import PolicySource

    try:
        policy = PolicySource.open(configuration)
        caller = access_by(policy, PeopleSource.open(configuration)).configured
    except OperatorError:
        return ANYONE, NO_POLICY
    return replace(caller, rules=replace(caller.rules, own_credential=False)), policy.current


def _in_own_words(finding: CheckResult, connection: ConnectionSettings) -> CheckResult:
    found, remedy = map(connection.in_own_words, (finding.found, finding.remedy or ""))
    return replace(finding, found=found, remedy=remedy or None)
