"""The command `taskhand`."""

import gc
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
import click

from taskhand import __version__
from taskhand.backends.registry import FACTORIES
from taskhand.cli import CONFIGURATION
from taskhand.cli.log import configure_log
from taskhand.cli.nonblocking_output import lost_output, prepare_streams
from taskhand.cli.serve import run_server
from taskhand.cli.terminal import (
    print_error,
    print_json,
    print_line,
    print_lines,
    print_usage_error,
)
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.config.settings import Settings
from taskhand.domain.errors import CallerError, OperatorError, TaskhandError

if TYPE_CHECKING:
    from taskhand.service.connections import Connections

__all__ = ["main"]

_T = TypeVar("_T")

_log = logging.getLogger("taskhand")


def main() -> None:
    """Run the command. An error is printed as one sentence; the exit code is then 1, or 2 for wrong usage."""
    prepare_streams()
    try:
        command(_read_arguments(), standalone_mode=False)
    except click.ClickException as error:
        print_usage_error(error)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
    except TaskhandError as error:
        print_error(error)
        sys.exit(2 if isinstance(error, CallerError) else 1)
    finally:
        if reason := lost_output():
            print_line(
                f"taskhand: standard output could not be written: {reason}. The rest of the command was carried out.",
                err=True,
            )


def _read_arguments() -> list[str]:
    """The arguments as text, decoded as UTF-8 if the locale could not. CallerError for other bytes."""
    try:
        return [argument if _is_text(argument) else os.fsencode(argument).decode("utf-8") for argument in sys.argv[1:]]
    except UnicodeDecodeError:
        raise CallerError("An argument is not valid UTF-8.", next_step="Write the command in UTF-8.") from None


def _is_text(argument: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in argument)


_ELSEWHERE = {
    "backup": "backup:backup",
    "board": "board:board",
    "config": "config:config",
    "connections": "connections:connections",
    "contacts": "store:contacts",
    "doctor": "doctor:doctor",
    "events": "events:events",
    "export": "export_import:export_tasks",
    "import": "export_import:import_tasks",
    "install": "install:install",
    "journal": "journal:journal",
    "keys": "keys:keys",
    "members": "store:members",
    "people": "people:people",
    "restore": "backup:restore",
    "sandbox": "sandbox:sandbox",
    "scenario": "scenario:scenario",
    "seed": "store:seed",
    "serve": "serve:serve",
    "state": "state:state",
    "statuses": "store:statuses",
    "uninstall": "uninstall:uninstall",
    "vault": "vault:vault",
    "webhooks": "webhooks:webhooks",
}
"""The module and the function of each command that is not in this file."""


class _Commands(click.Group):
    """The commands; those of other files are imported only when called or listed, to keep the start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted({*super().list_commands(ctx), *_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None if there is none."""
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, _, function = _ELSEWHERE[cmd_name].partition(":")
        loaded: click.Command = getattr(import_module(f"taskhand.cli.{module}"), function)
        return loaded


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=f"Let AI agents manage tasks in {', '.join(factory.title for factory in FACTORIES if factory.credentials)} or "
    "a built-in store.\n\nWithout a command, serve MCP over standard input and output.",
)
@click.option("--db", help="The built-in store's file (TASKHAND_DB).")
@click.option("--clock", help="Freeze time at this ISO 8601 instant (TASKHAND_CLOCK).")
@click.option("--ids", type=click.Choice(["random", "sequential"]), help="How new ids are made (TASKHAND_IDS).")
@click.option("--connection", metavar="NAME", help="Use only this connection of taskhand.toml.")
@click.version_option(__version__, prog_name="taskhand")
@click.pass_context
def command(context: click.Context, db: str | None, clock: str | None, ids: str | None, connection: str | None) -> None:
    """Read the configuration for the subcommand, and serve without one."""
    configuration: Configuration | OperatorError
    try:
        configuration = load_configuration(os.environ, {"db": db or None, "clock": clock, "ids": ids})
        configuration = configuration.only(connection) if connection else configuration
    except OperatorError as error:
        if context.invoked_subcommand not in {None, "serve", "doctor", "connections", "sandbox"}:
            raise
        configure_log()
        context.meta[CONFIGURATION] = configuration = error
    else:
        settings = configuration.settings
        context.obj, context.meta[CONFIGURATION] = settings, configuration
        as_json = settings.log_format == "json"
        configure_log(settings.log_level, settings.library_log_level, settings.secrets, as_json=as_json)
        if context.invoked_subcommand in {None, "serve"}:
            for warning in configuration.warnings:
                _log.warning("%s %s", warning.found, warning.remedy)
    if context.invoked_subcommand is None:
        run_server(configuration)
    elif context.invoked_subcommand != "serve":  # a server imports more
        gc.enable()


@command.command()
@click.pass_context
def tools(context: click.Context) -> None:
    """Print the tool list as JSON, as a host receives it."""
    from taskhand.cli.authentication import build_access
    from taskhand.server.in_process_client import list_tools

    configuration: Configuration = context.meta[CONFIGURATION]
    access = build_access(configuration)
    print_json(_with_connections(configuration, lambda served: list_tools(served, access)))


@command.command()
@click.argument("tool")
@click.argument("arguments", default="{}")
@click.pass_context
def call(context: click.Context, tool: str, arguments: str) -> None:
    """Run one TOOL with ARGUMENTS, a JSON object.

    It prints the structured answer. The exit code is 1 if that is an error.
    """
    from taskhand.cli.authentication import build_access
    from taskhand.server.in_process_client import call_tool

    try:
        sent = json.loads(arguments)
    except (ValueError, RecursionError) as error:
        raise CallerError(f"The arguments are not JSON: {error}.") from None
    if not isinstance(sent, dict):
        raise CallerError("The arguments are not a JSON object.")
    configuration: Configuration = context.meta[CONFIGURATION]
    access = build_access(configuration)
    answer, failed = _with_connections(configuration, lambda served: call_tool(served, tool, sent, access))
    print_json(json.loads(answer) if answer.startswith("{") else answer)
    sys.exit(1 if failed else 0)


@command.command()
@click.option("--brief", is_flag=True, help="Describe the steps, without the calls.")
@click.option("--team", is_flag=True, help="Show two people with keys of their own on three CRM accounts.")
@click.pass_obj
def demo(settings: Settings, *, brief: bool, team: bool) -> None:
    """Show the documented use cases. A real client calls the tools on a temporary store."""
    import shlex
    import subprocess

    from taskhand.server.demo import run_demo

    if team:
        from taskhand.cli.team_demo import run_team_demo

        anyio.run(partial(run_team_demo, print_line, brief=brief))
        return
    flags = ["--ids", settings.ids, *(["--clock", settings.clock.isoformat()] if settings.clock else [])]
    today = settings.clock.date() if settings.clock else None
    anyio.run(partial(run_demo, print_line, brief=brief, today=today, flags=flags))
    if not brief:
        words = [*_own_command(), "install", "claude-desktop"]
        typed = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
        print_lines(["", f"To use Taskhand from Claude Desktop, run: {typed}"])


def _own_command() -> list[str]:
    """The arguments that start this program from any folder: its script, or the interpreter with the module."""
    script = Path(sys.argv[0])
    if script.stem == "taskhand" and (script.is_file() or script.with_suffix(".exe").is_file()):
        return [str(script.absolute())]
    return [sys.executable, "-m", "taskhand"]


def _with_connections(configuration: Configuration, work: Callable[["Connections"], Awaitable[_T]]) -> _T:
    from taskhand.wiring import open_connections

    async def working() -> _T:
        async with open_connections(configuration.connections) as served:
            return await work(served)

    return anyio.run(working)
