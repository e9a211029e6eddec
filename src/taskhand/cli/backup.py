"""The commands `taskhand backup` and `taskhand restore`: the built-in stores and the journals, together in one file."""

from datetime import UTC
from pathlib import Path

import anyio
import click

from taskhand import __version__
from taskhand.cli.terminal import print_line

__all__ = ["backup", "restore"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def backup(context: click.Context, file: Path) -> None:
    """Write the built-in stores and the journals to FILE.

    FILE has all of them as they are at one moment; servers may write meanwhile. The copies are checked before FILE gets
    its name. An existing backup is replaced only then. With --connection, FILE has the store and journal of one
    connection.
    """
    from taskhand.cli.backup_databases import find_databases, render_left_out, select_connections
    from taskhand.sqlite.backup import write_backup
    from taskhand.state import clock_of

    selected, others = select_connections(context)
    for line in render_left_out(selected):
        print_line(line, err=True)
    databases = anyio.run(find_databases, selected, others)
    about = {"taskhand": __version__, "made_at": clock_of(context.obj)().isoformat()}
    descriptions = write_backup(databases, file.absolute(), about)
    print_line(f"{file} has the backup.")
    for label, description in descriptions.items():
        print_line(f"  {label}: {description.text}")
        if description.problem:
            print_line(f"The {label} was backed up as it is, but {description.problem}.", err=True)
    for database in databases:
        if database.others and database.label in descriptions:
            shared = f"The {database.kind.label} is shared with {', '.join(database.others)}"
            print_line(f"{shared}: it is restored only without --connection.", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def restore(context: click.Context, file: Path) -> None:
    """Restore built-in stores and journals from FILE, a backup.

    Stop the servers first: nothing is restored while one has a file open. FILE is checked before anything changes. The
    replaced content is kept beside the store, as a backup. FILE may also be a copy of one store or journal, such as one
    that a migration leaves. With --connection only the store and journal of that connection are restored; this is
    refused if other connections share the journal.
    """
    from taskhand.cli.backup_databases import find_databases, render_left_out, select_connections
    from taskhand.sqlite.restore import restore_backup
    from taskhand.state import clock_of

    selected, others = select_connections(context)
    for line in render_left_out(selected):
        print_line(line, err=True)
    databases = anyio.run(find_databases, selected, others)
    done = restore_backup(databases, file.absolute(), f"{clock_of(context.obj)().astimezone(UTC):%Y%m%dT%H%M%SZ}")
    print_line(f"{file} is restored.")
    for label, description in done.found.items():
        print_line(f"  {label}: {description.text}")
    for database in databases:
        if database.owner and database.label not in done.found and database.exists:
            print_line(f"The {database.label} stays as it is: {file} has none.")
    for kept in done.kept:
        print_line(f"The replaced content is kept in {kept}")
