"""The command `taskhand journal export`: prints the rows of the journals, and follows new rows."""

from contextlib import aclosing
from datetime import UTC, datetime, time
from functools import partial
from typing import TYPE_CHECKING

import anyio
import click

from taskhand.cli import CONFIGURATION
from taskhand.cli.moment_option import Moment, check_window
from taskhand.cli.nonblocking_output import is_output_lost, is_output_unread
from taskhand.cli.terminal import print_json_line, print_line
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.config.effective_settings import Configuration
    from taskhand.journal.followed_rows import JournalFile
    from taskhand.journal.row_export import RowQuery

__all__ = ["export"]


@click.command()
@click.option("--since", type=Moment(time.min), help="Only changes that began on this day (words too) or later.")
@click.option("--until", type=Moment(time.max), help="Only changes that began up to this day or ISO 8601 time.")
@click.option("--person", help="Only changes of this person, by e-mail address or id.")
@click.option("--connection", help="Only changes of this connection, by name.")
@click.option("--follow", is_flag=True, help="Continue with new rows, until Ctrl-C or a closed pipe.")
@click.pass_context
def export(
    context: click.Context,
    since: datetime | None,
    until: datetime | None,
    person: str | None,
    connection: str | None,
    *,
    follow: bool,
) -> None:
    """Print every row as a line of JSON, oldest first.

    A change has several rows: its opening, an intent for each task, results, an ending. --since, --until, --person and
    --connection select changes, and all rows of such a change are printed. If there are several connections, the
    journals of all are exported in the order of time.

    A line has `connection` and `person` if they are known, then `seq`, `hash` and `body`. `hash` is the sha256 of
    the hash before (64 zeros at the beginning), a newline, `seq`, a newline, and `body` as it stands in the line.

    --follow waits for new rows, and for a journal that does not exist yet. If the file is moved away, it reads the next
    one from its beginning. With --until it ends at that time.
    """
    from taskhand.domain.principal import Person
    from taskhand.journal.row_export import RowQuery

    check_window(since, until)
    configuration: Configuration = context.meta[CONFIGURATION]
    configuration = configuration.only(connection) if connection else configuration
    query = RowQuery(since, until, Person.parse(person).id if person else None, configuration.chosen)
    named = len(configuration.connection_names) > 1 or configuration.chosen is not None
    anyio.run(partial(_export, configuration.connections, query, named=named, follow=follow))


async def _export(connections: "Sequence[ConnectionSettings]", query: "RowQuery", *, named: bool, follow: bool) -> None:
    """Print the rows of all journals, with their connections if these are `named`.

    OperatorError if no journal exists, unless the command waits for one.
    """
    from taskhand.journal.followed_rows import RowReader, follow_rows, read_new_rows
    from taskhand.journal.row_export import to_export_line

    files, exist = await _find_files(connections, named=named)
    if not exist:
        _report_missing([file.path for file in files], follow=follow)
    readers = [RowReader(file, query) for file in files]

    def goes_on() -> bool:
        return not is_output_unread() and (query.until is None or datetime.now(UTC) <= query.until)

    rows = follow_rows(readers, sleep=anyio.sleep, goes_on=goes_on) if follow else read_new_rows(readers)
    is_empty = True
    async with aclosing(rows):
        async for row in rows:
            is_empty = False
            print_json_line(to_export_line(row))
            if is_output_lost():
                return
    if is_empty:
        print_line(_describe_nothing(query), err=True)


def _describe_nothing(query: "RowQuery") -> str:
    """The sentence for no matching change, with the filters: a mistyped name looks like a person without changes."""
    asked = {"of": query.person, "on": query.connection, "from": query.since, "until": query.until}
    sentence = (
        f"{word} {value if isinstance(value, str) else value.isoformat()}" for word, value in asked.items() if value
    )
    return f"{' '.join(['The journal has no change', *sentence])}."


async def _find_files(connections: "Sequence[ConnectionSettings]", *, named: bool) -> "tuple[list[JournalFile], bool]":
    """The journals, which connections may share, and whether any exists; with connections only if `named`."""
    from taskhand.journal.followed_rows import JournalFile
    from taskhand.state import open_rows
    from taskhand.wiring import open_journal

    names: dict[Path | str, dict[str, str]] = {}
    exist = False
    for connection in connections:
        journal = open_journal(connection)
        try:
            account_names = await journal.account_names() if named else ()
            names.setdefault(await journal.locate(), {}).update(dict.fromkeys(account_names, connection.name))
            exist = exist or await journal.exists()
        finally:
            await journal.aclose()
    store = open_rows(connections[0].settings)
    return [JournalFile(path, account_names, store) for path, account_names in names.items()], exist


def _report_missing(paths: "Sequence[Path | str]", *, follow: bool) -> None:
    """Report that no journal exists; OperatorError unless the command waits for one."""
    from taskhand.state import describe_location

    text = f"There is no journal {' or '.join(map(describe_location, paths))} yet."
    if not follow:
        raise OperatorError(text, next_step="Set TASKHAND_JOURNAL if the journal is elsewhere.")
    print_line(f"{text} Waiting for it.", err=True)
