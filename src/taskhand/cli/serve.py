"""The command `taskhand serve`, which is also what `taskhand` alone does."""

import gc
import sys
from functools import partial

import anyio
import click
from click.core import ParameterSource

from taskhand.cli.terminal import print_lines
from taskhand.config.settings import Settings

__all__ = ["run_server", "serve"]

_ON_A_TERMINAL = """\
taskhand is an MCP server: an AI host starts it and talks to it over standard input and output.
  taskhand demo          see it work
  taskhand serve --http  serve over HTTP instead
  taskhand --help        everything else
Waiting for a host on standard input; Ctrl-C ends.
"""


@click.command()
@click.option("--http", is_flag=True, help="Streamable HTTP at /mcp instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free port.")
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME", help="A host name that callers use for the server."
)
@click.pass_context
def serve(context: click.Context, *, http: bool, host: str, port: int, names: tuple[str, ...]) -> None:
    """Serve MCP.

    Over HTTP there is no authentication: anyone who reaches the port can use the server. A --host that other machines
    can reach is therefore refused unless --allow-host gives the host names that they use. Publish such a port on
    loopback only, as with a container, or behind a proxy that authenticates callers.
    """
    options = {"host": "--host", "port": "--port", "names": "--allow-host"}
    given = [name for name in options if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given and not http:
        raise click.UsageError(f"{options[given[0]]} needs --http.")
    settings: Settings = context.obj
    run_server(settings, (host, port, names) if http else None)


def run_server(settings: Settings, listen: tuple[str, int, tuple[str, ...]] | None = None) -> None:
    """Serve over HTTP where an address is given, else over standard input and output; does not return."""
    if listen is None and sys.stdin.isatty():
        print_lines(_ON_A_TERMINAL.splitlines(), err=True)
    # Objects made during start-up live as long as the server: collecting garbage among them costs a tenth of the start.
    gc.disable()
    from taskhand.server.app import create_server
    from taskhand.server.transports.address import Address
    from taskhand.server.transports.http import serve_http
    from taskhand.server.transports.process import leave
    from taskhand.server.transports.stdio import serve_stdio
    from taskhand.service.recovery import recover_if_possible
    from taskhand.wiring import open_app

    async def serving() -> None:
        async with open_app(settings) as at:
            server, first = create_server(at), partial(recover_if_possible, at)
            gc.freeze()
            gc.enable()
            await (serve_http(server, address, first) if address else serve_stdio(server, at.aclose, first))

    address = Address(*listen) if listen else None
    if address:
        address.check()
    anyio.run(serving)
    leave()
