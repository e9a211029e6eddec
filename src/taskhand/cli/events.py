"""The command `taskhand events`: changes in the CRM, by any author."""

import sys
from datetime import time
from functools import partial
from typing import Any

import anyio
import click
from click.core import ParameterSource

from taskhand.cli import CONFIGURATION
from taskhand.cli.moment_option import Moment
from taskhand.domain.event import EVENT_KINDS

__all__ = ["events"]


@click.command()
@click.option(
    "--since", type=Moment(time.min), help="From this day (words too) or ISO 8601 time on; default: 24 hours."
)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(EVENT_KINDS), help="Only this kind; may be repeated.")
@click.option(
    "--person", "people", multiple=True, help="Only changes by this person, or of this person's tasks; may be repeated."
)
@click.option("--task", "task_id", help="Only changes of this task, by id.")
@click.option("--json", "as_json", is_flag=True, help="As lines of JSON, the rows of list_events.")
@click.option("--follow", is_flag=True, help="Continue until Ctrl-C; begins now, or at --since or --bookmark.")
@click.option(
    "--exec", "run", metavar="COMMAND", help="Run this command for each event, with its line of JSON on standard input."
)
@click.option(
    "--on-failure",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="What to do when COMMAND has failed four times for an event.",
)
@click.option(
    "--bookmark",
    metavar="NAME",
    help="Continue after the last event that was printed or handled under this name; at first, at --since or now.",
)
@click.pass_context
def events(
    context: click.Context,
    /,
    *,
    run: str | None,
    on_failure: str,
    bookmark: str | None,
    follow: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """Print the changes that anybody made in the CRM.

    The newest change is last.

    --exec runs a command for each event, in order and one at a time, and prints nothing. No shell runs the command,
    because customers may have written the texts in an event. A command that fails is run again after 1, 5 and 25
    seconds. With --bookmark each event is handled once; after a crash the last one may be handled twice.
    """
    if run is None and context.get_parameter_source("on_failure") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--on-failure needs --exec.")
    from taskhand.cli.event_command import EventCommand
    from taskhand.cli.event_reading import EventReading, read_events_of

    command = None if run is None else EventCommand.parse(run, stops=on_failure == "stop")
    reading = EventReading(bookmark=bookmark, follows=follow, command=command, as_json=as_json, **filters)
    try:
        failed = anyio.run(partial(read_events_of, context.meta[CONFIGURATION], reading))
    except KeyboardInterrupt:
        return
    sys.exit(1 if failed else 0)
