"""The command `taskhand state`: moves the state of servers from files into a shared database."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from taskhand.cli import CONFIGURATION
from taskhand.cli.terminal import print_line
from taskhand.config.data_files import journal_path, keys_path, links_path
from taskhand.config.paths import data_folder
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.sql.store_address import INSTALL_DRIVER, StoreAddress

if TYPE_CHECKING:
    from taskhand.state_copy.copied_tables import DataKind
    from taskhand.state_copy.copy import Moved, Source
    from taskhand.state_copy.table_copy import Copied

__all__ = ["state"]

_EVERY_S: Final = 2.0
"""Seconds between two lines about the progress."""

_FILE: Final = click.Path(path_type=Path)


@click.group()
def state() -> None:
    """Move the files of a server to PostgreSQL."""


@state.command()
@click.option("--journal", type=_FILE, help="The journal's file; default: the one that is used without TASKHAND_STATE.")
@click.option("--keys", type=_FILE, help="The file of callers' keys; default: likewise.")
@click.option("--links", type=_FILE, help="The file of linked credentials; default: likewise.")
@click.option(
    "--tasks", type=_FILE, help="The built-in store's file, if TASKHAND_DB names a database; default: likewise."
)
@click.pass_context
def copy(
    context: click.Context, journal: Path | None, keys: Path | None, links: Path | None, tasks: Path | None
) -> None:
    """Copy all files into the configured databases.

    Journal, keys and links go into the database of TASKHAND_STATE, tasks into that of TASKHAND_DB. Stop the servers
    first. If a server still has a file open, the rows are copied, but the database's servers do not see them yet. Stop
    that server and run the command again: it copies only new rows. An interrupted copy is continued in the same way.
    Every row is read back and compared, and every hash of the journal is computed again. The files stay as they are.
    """
    settings: Settings = context.obj
    given = {"journal": journal, "keys": keys, "links": links, "tasks": tasks}
    for name, path in given.items():
        if path is not None and not path.is_file():
            raise OperatorError(f"There is no file {path}.", code="no_file", next_step=f"Correct --{name}.")
    plan = _find_sources(settings, _connections(context), given)
    is_done = True
    for url, sources in plan.items():
        is_done = _copy(sources, url) and is_done
    if not is_done:
        sys.exit(1)
    print_line("The files stay as they are: keep them until a backup of the database is made.")
    if settings.state is not None:
        print_line("Feeds of changes (list_events) are not copied: they start again with what the CRM still reports.")


def _copy(sources: "Sequence[Source]", url: str) -> bool:
    """Copy and report; returns whether everything was moved."""
    from taskhand.state_copy.copy import copy_state

    moved = copy_state(sources, url, _ProgressLines().report)
    if moved.in_use:
        files = " and ".join(map(str, moved.in_use))
        print_line(
            f"All rows were copied, but another process has {files} open, so {moved.location} does not have it yet."
        )
        print_line("Stop every Taskhand server and AI host that uses it, and run this again: it copies the new rows.")
        return False
    for source in sources:
        print_line(_render(source, moved))
    return True


def _render(source: "Source", moved: "Moved") -> str:
    where = f"{source.part.file.label} {source.path}"
    copied = moved.copied.get(source.path)
    if copied is None:
        return f"The {where} was moved to {moved.location} by an earlier run."
    return f"The {where} is in {moved.location} now: {_render_rows(source.part, copied)}."


def _render_rows(part: "DataKind", copied: "Copied") -> str:
    rows = ", ".join(f"{word} {copied.rows[table]:,}" for table, word in part.words.items())
    return rows + (f"; head: {copied.head.hash}" if copied.head else "")


class _ProgressLines:
    """Lines on standard error, the first after some seconds."""

    def __init__(self) -> None:
        self._reported_at = time.monotonic()

    def report(self, subject: str, done: int, total: int) -> None:
        """Print the progress, at most once per interval."""
        if (now := time.monotonic()) - self._reported_at > _EVERY_S:
            self._reported_at = now
            print_line(f"{subject}: {done:,} of {total:,}.", err=True)


def _connections(context: click.Context) -> Sequence[Settings]:
    """The settings of each connection."""
    configuration = context.meta.get(CONFIGURATION)
    if configuration is None:
        return [context.obj]
    return [connection.settings for connection in configuration.connections]


def _find_sources(
    settings: Settings, connections: Sequence[Settings], paths: Mapping[str, Path | None]
) -> "dict[str, list[Source]]":
    """The files that are copied to each database. OperatorError if no database is named, or no file is there."""
    if settings.state is None and not isinstance(settings.db, StoreAddress):
        raise OperatorError(
            "No database is configured as the target of the copy.",
            code="no_database",
            next_step="Set TASKHAND_STATE to postgresql://USER:PASSWORD@HOST/DATABASE, and TASKHAND_DB for the tasks.",
        )
    _check_driver()
    from taskhand.state_copy.copied_tables import JOURNAL, KEYS, LINKS, TASKS
    from taskhand.state_copy.copy import Source

    plan: dict[str, list[Source]] = {}
    for connection in connections:
        if isinstance(connection.db, StoreAddress):
            path = paths["tasks"] or data_folder() / "tasks.sqlite"
            sources = plan.setdefault(connection.db.url, [])
            sources += [Source(path, TASKS)] if path.is_file() and Source(path, TASKS) not in sources else []
    if settings.state is not None:
        kept = [
            (JOURNAL, paths["journal"] or _find_journal(connections, paths["tasks"])),
            (KEYS, paths["keys"] or keys_path(settings)),
            (LINKS, paths["links"] or links_path(settings)),
        ]
        sources = plan.setdefault(settings.state.get_secret_value(), [])
        sources += [Source(path, part) for part, path in kept if path is not None and path.is_file()]
    plan = {url: sources for url, sources in plan.items() if sources}
    if not plan:
        raise OperatorError(
            "There is no file to copy.",
            code="no_file",
            next_step="Name the files with --journal, --keys, --links or --tasks, or with the server's own settings.",
        )
    return plan


def _check_driver() -> None:
    try:
        import taskhand.postgres.connection  # noqa: F401
    except ImportError:
        raise OperatorError(
            "The PostgreSQL driver is not installed.",
            next_step=f"{INSTALL_DRIVER}.",
        ) from None


def _find_journal(connections: Sequence[Settings], tasks: Path | None) -> Path | None:
    """The journal that the connections share. OperatorError if they have several: one chain can be moved."""
    journals = [*dict.fromkeys(path for path in _journals(connections, tasks) if path.is_file())]
    if len(journals) > 1:
        files = " and ".join(map(str, journals))
        raise OperatorError(
            f"The connections have several journals, {files}; a database has one.",
            code="several_journals",
            next_step="Name the one to move with --journal; the others stay in their files.",
        )
    return journals[0] if journals else None


def _journals(connections: Sequence[Settings], tasks: Path | None) -> Iterator[Path]:
    for connection in connections:
        is_beside = tasks is not None and isinstance(connection.db, StoreAddress)
        yield journal_path(connection.model_copy(update={"db": tasks}) if is_beside else connection)
