"""The databases of connections: each built-in store, and each journal, which several connections may share."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taskhand.backends.local.health_checks import describe_tasks
from taskhand.backends.local.sqlite import TASK_STORE
from taskhand.cli import CONFIGURATION
from taskhand.cli.config import backend_of
from taskhand.config.connection_settings import DEFAULT_CONNECTION, ConnectionSettings
from taskhand.config.data_files import journal_path, store_location, store_path
from taskhand.domain.errors import OperatorError
from taskhand.journal.health_checks import describe_journal
from taskhand.journal.sqlite import JOURNAL
from taskhand.sqlite.backup import DatabaseFile
from taskhand.wiring import open_journal

if TYPE_CHECKING:
    from taskhand.config.effective_settings import Configuration

__all__ = ["find_databases", "render_left_out", "select_connections"]

_STORE, _JOURNAL = "tasks", "journal"
"""The prefixes of the member names in a backup."""


def select_connections(context: click.Context) -> tuple[Sequence[ConnectionSettings], Sequence[ConnectionSettings]]:
    """The connections that a command works on, and the other connections.

    With `--db`, only that store. A command that runs without the group `taskhand` has Settings as its object.
    """
    configuration: Configuration | None = context.meta.get(CONFIGURATION)
    if configuration is None:
        return [ConnectionSettings.of(context.obj)], []
    db = configuration.origins.get("db")
    if db is not None and db.kind == "flag":
        return configuration.connections[:1], []
    names = {connection.name for connection in configuration.connections}
    return configuration.connections, [
        connection for connection in configuration.all_connections if connection.name not in names
    ]


def render_left_out(selected: Sequence[ConnectionSettings]) -> Iterator[str]:
    """A sentence on the stores that a backup leaves out because they are in a database."""
    for connection in selected:
        if backend_of(connection) == "local" and not isinstance(location := store_location(connection.settings), Path):
            yield f"The tasks in {location} are not in backups of Taskhand: use pg_dump (schema taskhand_tasks)."


async def find_databases(
    selected: Sequence[ConnectionSettings], others: Sequence[ConnectionSettings] = ()
) -> list[DatabaseFile]:
    """The stores and journals of the selected connections, whether the files exist or not.

    OperatorError if none of them is a file.
    """
    users: dict[Path, list[ConnectionSettings]] = {}
    for connection in selected:
        if (path := await _locate_journal(connection)) is not None:
            users.setdefault(path, []).append(connection)
    sharing: dict[Path, list[str]] = {}
    for connection in others:
        if (path := await _locate_journal(connection)) is not None:
            sharing.setdefault(path, []).append(connection.name)
    named = bool(others) or len(selected) > 1
    stores = {
        connection.name: _store(connection, named=named, is_only=len(selected) == 1)
        for connection in selected
        if _is_in_file(connection)
    }
    databases = [*stores.values(), *_journals(users, sharing, stores, named=named)]
    if not databases:
        raise OperatorError(
            "All data is in a database, and no file has any of it.",
            code="no_backup",
            next_step="Use the tools of PostgreSQL: pg_dump and pg_restore.",
        )
    return databases


async def _locate_journal(connection: ConnectionSettings) -> Path | None:
    """The file of a journal; None if it is in a database."""
    if connection.settings.state is not None:
        return None
    try:
        journal = open_journal(connection)
    except OperatorError:  # no backend can be chosen
        return journal_path(connection.settings)
    try:
        return Path(await journal.locate())
    except OperatorError:  # an unreadable store does not name its journal
        return journal_path(connection.settings)
    finally:
        await journal.aclose()


def _is_in_file(connection: ConnectionSettings) -> bool:
    """Whether the connection is a built-in store in a file."""
    return backend_of(connection) == "local" and isinstance(store_location(connection.settings), Path)


def _store(connection: ConnectionSettings, *, named: bool, is_only: bool) -> DatabaseFile:
    """The store; the only selected one also accepts the member name of a configuration with one connection."""
    name = f"{_STORE}.{connection.name}.sqlite"
    plain = f"{_STORE}.sqlite"
    names = [name, *([plain] if is_only else [])] if named and connection.name != DEFAULT_CONNECTION else [plain, name]
    return DatabaseFile(
        store_path(connection.settings),
        TASK_STORE,
        names[0],
        "task",
        describe_tasks,
        also=tuple(names[1:]),
        owner=connection.name if named else None,
    )


def _journals(
    users: Mapping[Path, Sequence[ConnectionSettings]],
    sharing: Mapping[Path, Sequence[str]],
    stores: Mapping[str, DatabaseFile],
    *,
    named: bool,
) -> Iterator[DatabaseFile]:
    plain = f"{_JOURNAL}.sqlite"
    is_taken = False
    for path, connections in users.items():
        is_own = named and not sharing.get(path) and len(connections) == 1 and connections[0].name in stores
        is_own = (is_own and connections[0].name != DEFAULT_CONNECTION) or is_taken
        own_names = [f"{_JOURNAL}.{connection.name}.sqlite" for connection in connections]
        names = [*own_names, *([plain] if len(users) == 1 else [])] if is_own else [plain, *own_names]
        is_taken = is_taken or not is_own
        yield DatabaseFile(
            path,
            JOURNAL,
            names[0],
            "entry",
            describe_journal,
            also=tuple(names[1:]),
            owner=", ".join(connection.name for connection in connections) if named else None,
            beside=frozenset(stores[connection.name].path for connection in connections if connection.name in stores),
            others=tuple(sharing.get(path, ())),
        )
