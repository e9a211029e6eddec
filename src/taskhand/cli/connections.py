"""The command `taskhand connections`: lists, adds, removes and checks the CRM accounts in `taskhand.toml`."""

import sys
from typing import TYPE_CHECKING, Any

import anyio
import click

from taskhand.backends.registry import NAMES
from taskhand.cli import CONFIGURATION
from taskhand.cli.config import backend_of
from taskhand.cli.terminal import print_json, print_line, print_row
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.cli.new_connection import SecretStorage
    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.config.effective_settings import Configuration

__all__ = ["connections"]


@click.group()
def connections() -> None:
    """List, add, remove and check CRM accounts in taskhand.toml.

    Each is a table [connections.NAME] of taskhand.toml. Settings outside of these tables, in variables or in the file,
    are the connection `default` if they choose a backend, or if there is no table.
    """


@connections.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def list_connections(context: click.Context, *, as_json: bool) -> None:
    """List each connection and where its credential is."""
    rows = [_row(connection) for connection in _require_configuration(context).connections]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print_row(row["name"], row["backend"] or "no backend", row["description"], ", ".join(row["credential"]))


@connections.command("add")
@click.argument("name")
@click.option("--backend", type=click.Choice(NAMES), help="The system where its tasks are.")
@click.option("--description", help="Its purpose, in a few words: agents choose a connection by it.")
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="A key of its table, such as base_url or timezone; a secret only as keyring:NAME, env:NAME or file:PATH.",
)
@click.option(
    "--keys",
    "storage",
    type=click.Choice(["keyring", "file"]),
    help="Where to store a secret that you type: the system's keyring (default, if there is one) or taskhand.toml.",
)
@click.option("--check/--no-check", "checks", default=True, help="Try the connection first (default).")
def add_connection(
    name: str,
    *,
    backend: str | None,
    description: str | None,
    options: tuple[str, ...],
    storage: "SecretStorage | None",
    checks: bool,
) -> None:
    """Add the connection NAME. Everything else in the file stays as it is.

    On a terminal, the command asks for the credential. Elsewhere it takes the variables of the backend, such as
    HUBSPOT_ACCESS_TOKEN, or a reference in --set.
    """
    from taskhand.cli.new_connection import ask_connection, save_connection

    save_connection(ask_connection(name, backend, description, options, storage), checks=checks)


@connections.command("remove")
@click.argument("name")
def remove_connection(name: str) -> None:
    """Remove the connection NAME. Its journal is kept."""
    from taskhand.cli.new_connection import drop_connection

    drop_connection(name)


@connections.command("check")
@click.argument("name", required=False)
@click.pass_context
def check_connection(context: click.Context, name: str | None) -> None:
    """Open each connection, or NAME, and check it. The exit code is 1 if a check fails."""
    from taskhand.cli.doctor import check_connections, print_findings

    configuration = _require_configuration(context)
    there = "The configuration file is" if configuration.file.exists else "There is no configuration file at"
    print_line(f"{there} {configuration.file.path}.")
    chosen = (configuration.only(name) if name else configuration).connections
    is_well = True
    for connection in chosen:
        if not backend_of(connection):
            _ = connection.settings.backend  # raises the reason
        findings = anyio.run(check_connections, configuration.only(connection.name))
        print_findings(f"{connection.name}, backend {connection.settings.backend}", findings)
        is_well = is_well and all(finding.outcome != "failed" for finding in findings)
    sys.exit(0 if is_well else 1)


def _require_configuration(context: click.Context) -> "Configuration":
    """The configuration; OperatorError if it cannot be used."""
    configuration: Configuration | OperatorError = context.meta[CONFIGURATION]
    if isinstance(configuration, OperatorError):
        raise configuration
    return configuration


def _row(connection: "ConnectionSettings") -> dict[str, Any]:
    backend = backend_of(connection)
    return {
        "name": connection.name,
        "backend": backend,
        "description": connection.description,
        "credential": list(connection.credentials) if backend else [],
    }
