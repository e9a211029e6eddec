"""The command `taskhand config`: the effective settings, and where each value comes from."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from taskhand.backends.registry import find_factory
from taskhand.cli import CONFIGURATION
from taskhand.cli.terminal import print_json, print_lines
from taskhand.config.connection_settings import DEFAULT, DEFAULT_CONNECTION, ConnectionSettings, SettingOrigin
from taskhand.config.effective_settings import Configuration
from taskhand.config.multi_user_settings import TeamSettings
from taskhand.config.settings import FIELDS, Settings
from taskhand.config.settings_file import setting_key
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from taskhand.sql.store_address import StoreAddress

__all__ = ["SettingRow", "backend_of", "config", "connection_rows", "describe_connections", "setting_rows"]

_WIDEST = 56


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def config(context: click.Context, *, as_json: bool) -> None:
    """Show the effective settings, and the origin of each.

    The origin is a flag, a variable, the configuration file or a default. A flag overrides a variable, and a variable
    overrides the configuration file. A secret is shown as "set".
    """
    configuration: Configuration = context.meta[CONFIGURATION]
    if as_json:
        print_json(_to_json(configuration))
        return
    print_lines(_lines(configuration))


class SettingRow(NamedTuple):
    """One setting as it is shown: its `key` in the file, which cannot name itself (None), and its value as text."""

    variable: str
    key: str | None
    value: str | None
    is_secret: bool
    origin: SettingOrigin

    def to_json(self) -> dict[str, Any]:
        """The row in the JSON of `taskhand config`."""
        return {
            "variable": self.variable,
            "key": self.key,
            "value": self.value,
            "secret": self.is_secret,
            "origin": str(self.origin),
        }


def setting_rows(configuration: Configuration) -> list[SettingRow]:
    """Every setting outside of the tables; those of backends are left out if no connection has them."""
    effective = _effective(configuration)
    shown = (
        FIELDS
        if configuration.has_default
        else [name for name in TeamSettings.model_fields if name != "chosen_backend"]
    )
    default = ConnectionSettings(DEFAULT_CONNECTION, configuration.settings, origins=configuration.origins)
    return [_row(default, name, effective.get(name)) for name in shown]


def connection_rows(connection: ConnectionSettings) -> list[SettingRow]:
    """The settings of one connection's own."""
    own_fields = find_factory(connection.settings.backend).settings.model_fields
    chosen = [name for name in FIELDS if name in own_fields or Settings.variable(name) in connection.keys]
    return [_row(connection, name, None) for name in chosen]


def _row(connection: ConnectionSettings, name: str, effective: str | None) -> SettingRow:
    variable = Settings.variable(name)
    key = None if name == "config" else connection.keys.get(variable) or setting_key(variable)
    value, origin = effective or connection.settings.display_value(name), connection.origins.get(name, DEFAULT)
    return SettingRow(variable, key, value, Settings.is_secret(name), origin)


def _to_json(configuration: Configuration) -> dict[str, Any]:
    from taskhand.cli.loaded_people import check_people
    from taskhand.cli.loaded_policy import check_policy

    backend, why = _backend(configuration)
    return {
        "backend": backend,
        "why": why,
        "file": {"path": str(configuration.file.path), "found": configuration.file.exists},
        "policy": asdict(check_policy(configuration)),
        **{check.subject: asdict(check) for check in check_people(configuration)},
        "settings": [row.to_json() for row in setting_rows(configuration)],
        "connections": [_connection(connection) for connection in configuration.connections],
        "warnings": _warnings(configuration),
    }


def _lines(configuration: Configuration) -> "Iterator[str]":
    from taskhand.cli.loaded_people import check_people
    from taskhand.cli.loaded_policy import check_policy

    (backend, why), files = _backend(configuration), (check_policy(configuration), *check_people(configuration))
    several = len(configuration.connections) > 1
    yield f"connections  {describe_connections(configuration)}" if several else f"backend  {backend or 'none'}: {why}"
    yield f"file     {configuration.file.path}{'' if configuration.file.exists else ' (not there)'}"
    yield from (f"{check.subject:8} {check.found}" for check in files)
    yield ""
    rows = [("setting", "value", "origin")]
    rows += [(row.variable, row.value or "-", str(row.origin)) for row in setting_rows(configuration)]
    named = (row for connection in configuration.connections if connection.keys for row in connection_rows(connection))
    rows += [(row.key or "", row.value or "-", str(row.origin)) for row in named]
    first = max(len(row[0]) for row in rows)
    second = min(_WIDEST, max(len(row[1]) for row in rows))
    yield from (f"{name:{first}}  {value:{second}}  {origin}" for name, value, origin in rows)
    warnings = _warnings(configuration)
    warnings += [{"found": check.found, "remedy": check.remedy} for check in files if check.remedy]
    for warning in warnings:
        yield f"! {warning['found']}"
        yield f"    {warning['remedy']}"


def describe_connections(configuration: Configuration) -> str:
    """The connections with their backends."""
    return ", ".join(
        f"{connection.name} ({backend_of(connection) or 'no backend'})" for connection in configuration.connections
    )


def backend_of(connection: ConnectionSettings) -> str | None:
    """The backend; None if none can be chosen."""
    try:
        return connection.settings.backend
    except OperatorError:
        return None


def _connection(connection: ConnectionSettings) -> dict[str, Any]:
    backend = backend_of(connection)
    return {
        "name": connection.name,
        "backend": backend,
        "description": connection.description,
        "settings": [row.to_json() for row in connection_rows(connection)] if backend else [],
    }


def _backend(configuration: Configuration) -> tuple[str | None, str]:
    """The backend of the only connection and the reason; None if none can be chosen or several connections exist."""
    if len(configuration.connections) > 1:
        return None, f"There are several connections: {describe_connections(configuration)}."
    try:
        return configuration.connections[0].settings.backend, f"{configuration.backend_reason}."
    except OperatorError as error:
        return None, error.message


def _warnings(configuration: Configuration) -> list[dict[str, str | None]]:
    """The warnings about the configuration, and the errors with which a start would fail."""
    warnings = [{"found": warning.found, "remedy": warning.remedy} for warning in configuration.warnings]
    return warnings + [{"found": error.message, "remedy": error.next_step} for error in _refusals(configuration)]


def _refusals(configuration: Configuration) -> "Iterator[OperatorError]":
    """The errors with which the server would refuse these settings, each once."""
    from taskhand.config.data_files import journal_path, keys_path, links_path, store_location
    from taskhand.server.offered_tools import choose_tools
    from taskhand.server.tools import tool_table
    from taskhand.state import open_database

    reported = set()
    settings = configuration.settings
    opened = [connection.settings for connection in configuration.connections]
    table = tool_table(several=len(opened) > 1)
    checks: tuple[Callable[[], object], ...] = (
        lambda: [settings.backend for settings in opened],
        lambda: [store_location(settings) for settings in opened],
        lambda: [journal_path(settings) for settings in opened],
        lambda: (keys_path(settings), links_path(settings)),
        lambda: open_database(settings),
        lambda: choose_tools(table, settings.tools, only_reads=settings.read_only),
    )
    for check in checks:
        try:
            check()
        except OperatorError as error:
            if error.message not in reported:
                reported.add(error.message)
                yield error


def _effective(configuration: Configuration) -> dict[str, str | None]:
    """The effective values of settings whose defaults depend on other settings."""
    from taskhand.cli.loaded_people import people_path
    from taskhand.cli.loaded_policy import policy_path
    from taskhand.config.data_files import store_location
    from taskhand.state import locate_journal, locate_keys, locate_links

    return {
        "chosen_backend": backend_of(ConnectionSettings.of(configuration.settings)),
        "db": _path(store_location, configuration.settings),
        "journal": _path(locate_journal, configuration.settings),
        "keys": _path(locate_keys, configuration.settings),
        "links": _path(locate_links, configuration.settings),
        "people": _path(lambda _: people_path(configuration), configuration.settings),
        "policy": _path(lambda _: policy_path(configuration)[0], configuration.settings),
        "config": str(configuration.file.path),
    }


def _path(of: "Callable[[Settings], Path | StoreAddress | str]", settings: Settings) -> str | None:
    """The path of a file, or the name of the database; None if unknown, so that the value is shown as given."""
    try:
        return str(of(settings))
    except OperatorError:
        return None
