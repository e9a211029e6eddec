"""The commands `taskhand backup` and `taskhand restore`: the embedded store and the journal, together in one file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from taskhand import __version__
from taskhand.cli.account import pass_account
from taskhand.cli.terminal import print_line
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.config.connections import ConnectionSettings
    from taskhand.sqlite.backup import Database

__all__ = ["backup", "restore"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_account
def backup(account: "ConnectionSettings", file: Path) -> None:
    """Write the embedded store and the journal to FILE.

    FILE has both as they are at one moment, while servers write to them. The copies are checked before FILE has its
    name. A backup that is there already is replaced then.
    """
    from taskhand.sqlite.backup import write_backup

    databases = anyio.run(_find_databases, account)
    found = write_backup(
        databases, file.absolute(), {"taskhand": __version__, "made_at": _now(account.settings).isoformat()}
    )
    print_line(f"{file} has the backup.")
    for label, description in found.items():
        print_line(f"  {label}: {description.text}")
        if description.problem:
            print_line(f"The {label} was backed up as it is, but {description.problem}.", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_account
def restore(account: "ConnectionSettings", file: Path) -> None:
    """Restore the embedded store and the journal from FILE, a backup.

    FILE is checked first. Stop the servers before: while one has a file open, nothing is restored. What was there is
    kept beside the store, as a backup. FILE may also be a copy of one of the two, such as a migration leaves.
    """
    from taskhand.sqlite.restore import restore_backup

    databases = anyio.run(_find_databases, account)
    done = restore_backup(databases, file.absolute(), f"{_now(account.settings).astimezone(UTC):%Y%m%dT%H%M%SZ}")
    print_line(f"{file} is restored.")
    for label, description in done.found.items():
        print_line(f"  {label}: {description.text}")
    for kept in done.kept:
        print_line(f"What was there before is kept in {kept}")


def _now(settings: Settings) -> datetime:
    return settings.clock or datetime.now().astimezone()


async def _find_databases(account: "ConnectionSettings") -> "list[Database]":
    """The embedded store and the journal, whether they exist or not."""
    from taskhand.backends.local.backend import TASK_STORE
    from taskhand.backends.local.health_checks import describe_tasks
    from taskhand.journal.health_checks import describe_journal
    from taskhand.journal.sqlite import JOURNAL
    from taskhand.sqlite.backup import Database
    from taskhand.wiring import journal_path, open_journal, store_path

    settings = account.settings
    journal = open_journal(settings, connection=account)
    try:
        path = await journal.locate()
    except OperatorError:  # a store that cannot be read does not say which journal is its own
        path = journal_path(settings)
    finally:
        await journal.aclose()
    return [
        Database(store_path(settings), TASK_STORE, "tasks.sqlite", "task", describe_tasks),
        Database(path, JOURNAL, "journal.sqlite", "entry", describe_journal),
    ]
