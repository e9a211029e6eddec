"""The command `taskhand board`."""

import os
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import anyio
import anyio.to_thread
import click

from taskhand.call.parallel_work import concurrent_tasks
from taskhand.cli import CONFIGURATION
from taskhand.cli.opened_server import open_server
from taskhand.cli.terminal import print_line
from taskhand.config.effective_settings import Configuration

__all__ = ["board"]

_UNFINISHED: Final = {"status": ["initial", "in_progress"], "limit": 100}
_MINE: Final = {"name": "list_tasks", "arguments": {"responsibleIds": ["me"], **_UNFINISHED}}
_ALL: Final = {"name": "list_tasks", "arguments": _UNFINISHED}
_CHANGES: Final[Mapping[str, Any]] = {"name": "list_changes", "arguments": {}}
_VIEWS: Final[Mapping[str | None, Sequence[Mapping[str, Any]]]] = {
    None: (_MINE, _ALL),
    "mine": (_MINE,),
    "all": (_ALL,),
    "changes": (_CHANGES,),
}
"""The first calls of each view; it shows everybody's tasks if `me` is unknown or has no tasks."""


@click.command()
@click.option(
    "--view",
    type=click.Choice(["mine", "all", "changes"]),
    help="Begin with your unfinished tasks, with everybody's, or with the latest changes; default: yours, or "
    "everybody's if you have none or are unknown.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port on 127.0.0.1; default: any free one.")
@click.option("--no-open", is_flag=True, help="Print the address, and open no browser.")
@click.pass_context
def board(context: click.Context, *, view: str | None, port: int, no_open: bool) -> None:
    """Show the board in the browser, until Ctrl-C.

    Only this machine can open it. The address works once, in one tab. The first one to open it can do everything there
    that you can.
    """
    configuration: Configuration = context.meta[CONFIGURATION]
    try:
        anyio.run(partial(_serve, configuration, _VIEWS[view], port, opens=not no_open))
    except KeyboardInterrupt:
        return


def _has_screen() -> bool:
    """Whether a graphical browser can open; a text browser would run no script and take this terminal."""
    named = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in named)


async def _serve(configuration: Configuration, start: Sequence[Mapping[str, Any]], port: int, *, opens: bool) -> None:
    from taskhand.server.board.site_server import serve_board

    async with AsyncExitStack() as stack:
        opened = await open_server(configuration, stack)
        stack.push_async_callback(opened.close)
        address, serve = await stack.enter_async_context(
            serve_board(opened.server, start, port=port, calls_end_s=configuration.settings.calls_end_s)
        )
        print_line(f"The board is at {address}")
        print_line("The address works once, in one tab. Ctrl-C ends the board.")
        async with concurrent_tasks() as group:
            group.start_soon(opened.at_start)
            if opens and _has_screen():
                group.start_soon(partial(anyio.to_thread.run_sync, webbrowser.open, address, abandon_on_cancel=True))
            await serve()
            group.cancel_scope.cancel()
