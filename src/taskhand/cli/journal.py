"""The command `taskhand journal`: lists changes, and verifies that no row was altered."""

import sys
from datetime import time
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import anyio
import click

from taskhand.cli.chosen_connection import find_account, pass_account
from taskhand.cli.journal_export import export
from taskhand.cli.moment_option import Moment, check_window
from taskhand.cli.terminal import print_error, print_line, print_lines
from taskhand.domain.errors import OperatorError
from taskhand.domain.principal import Person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.journal.journal import ChangePage, ChangeQuery
    from taskhand.journal.sql_journal import SqlJournal
    from taskhand.journal.verification import Verification

__all__ = ["OUTCOMES", "journal"]

_T = TypeVar("_T")

_NOT_VERIFIED = 3
"""An exit code beside 1, which means altered, and 2, which means wrong usage."""

OUTCOMES = (
    "applied",
    "unchanged",
    "refused",
    "not_applied",
    "unknown",
    "not_attempted",
    "planned",
    "declined",
    "open",
)


@click.group(invoke_without_command=True)
@click.option("--task", "task_id", help="Only changes of this task, by id.")
@click.option("--tool", help="Only changes by this tool.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only changes with this outcome.")
@click.option("--person", help="Only changes of this person, by e-mail address or id.")
@click.option("--since", type=Moment(time.min), help="Only changes from this day (words too) or ISO 8601 time on.")
@click.option("--until", type=Moment(time.max), help="Only changes up to this day (words too) or ISO 8601 time.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Maximum number of changes."
)
@click.pass_context
def journal(context: click.Context, /, person: str | None, **filters: Any) -> None:
    """List changes, newest first. Each has its time, tool, person, client, tasks and reason.

    Times are in TASKHAND_TIMEZONE, else in this machine's zone.
    """
    if context.invoked_subcommand is None:
        check_window(filters["since"], filters["until"])
        _list(find_account(context), filters | {"person": Person.parse(person).id if person else None})


journal.add_command(export)


@journal.command()
@click.option("--head", "noted", metavar="HASH", help="A head that was noted earlier; it must still exist.")
@pass_account
def verify(account: "ConnectionSettings", noted: str | None) -> None:
    """Look for rows that were altered or removed.

    If there are any, the output names the first one, and the exit code is 1. Exit code 3 means that nothing could be
    verified: there is no journal, or it cannot be read. The printed head is a hash over all rows. Keep it elsewhere and
    pass it later as --head: a journal that was replaced or cut no longer contains it.
    """
    try:
        verification = _with_file(account, lambda at: at.verify(noted))
    except OperatorError as error:
        print_error(error)
        sys.exit(_NOT_VERIFIED)
    print_lines(_render_verification(verification).splitlines())
    sys.exit(0 if verification.fault is None and verification.has_noted else 1)


@journal.command()
@pass_account
def prune(account: "ConnectionSettings") -> None:
    """Remove the changes older than TASKHAND_JOURNAL_DAYS. The hash chain continues from the last of them."""
    rows = _with_file(account, lambda at: at.prune())
    print_line(f"Rows removed: {rows}.")


def _list(account: "ConnectionSettings", filters: dict[str, Any]) -> None:
    from taskhand.journal.change_text import render_change
    from taskhand.journal.journal import ChangeQuery

    query = ChangeQuery(**filters)
    page = _with_journal(account, lambda at: _page(at, query))
    if page is None:
        print_line(_no_journal(account), err=True)
        return
    zone = ZoneInfo(account.settings.default_timezone) if account.settings.default_timezone else None
    for change in page.changes:
        print_lines(render_change(change, zone, query.task_id).splitlines())
    if not page.changes:
        print_line("No changes.", err=True)
    if page.cursor:
        print_line("There are older changes: use --limit or --until.", err=True)


async def _page(journal: "SqlJournal", query: "ChangeQuery") -> "ChangePage | None":
    """One page of changes; None if there is no journal yet."""
    return await journal.page(query) if await journal.exists() else None


def _render_verification(verification: "Verification") -> str:
    """The result of verify, in sentences."""
    text = f"Unaltered rows: {verification.rows}. Head: {verification.head.hash}"
    if verification.fault:
        text += f"\nRow {verification.fault.seq} is wrong: {verification.fault.problem}."
    if not verification.has_noted and verification.fault:
        text += "\nThe noted head is not in the rows before it."
    elif not verification.has_noted:
        text += "\nThe noted head is not in this journal: the journal was replaced, or cut."
    return text


def _with_journal(account: "ConnectionSettings", work: "Callable[[SqlJournal], Awaitable[_T]]") -> _T:
    """Run `work` on the journal of these settings."""
    from taskhand.wiring import open_journal

    async def working() -> _T:
        at = open_journal(account)
        try:
            return await work(at)
        finally:
            await at.aclose()

    return anyio.run(working)


def _with_file(account: "ConnectionSettings", work: "Callable[[SqlJournal], Awaitable[_T]]") -> _T:
    """As `_with_journal`; OperatorError if there is no journal."""

    async def working(at: "SqlJournal") -> _T:
        if not await at.exists():
            raise OperatorError(_no_journal(account), next_step="Set TASKHAND_JOURNAL if the journal is elsewhere.")
        return await work(at)

    return _with_journal(account, working)


def _no_journal(account: "ConnectionSettings") -> str:
    from taskhand.state import describe_location, locate_journal

    return f"There is no journal {describe_location(locate_journal(account.settings))} yet."
