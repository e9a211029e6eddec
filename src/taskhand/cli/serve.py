"""The command `taskhand serve`, also run by `taskhand` without a command."""

import gc
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
import click

from taskhand.cli import CONFIGURATION
from taskhand.cli.terminal import print_error, print_lines
from taskhand.config.effective_settings import Configuration
from taskhand.config.server_settings import DEFAULT_PORT
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.cli.authentication import AuthOptions
    from taskhand.cli.opened_server import OpenedServer
    from taskhand.server.app import TaskhandServer
    from taskhand.server.transports.http import Endpoint
    from taskhand.server.webhooks.receiver import WebhookReceivers
    from taskhand.telemetry.metrics import Metrics

__all__ = ["ListenOptions", "ServeOptions", "WebhookOptions", "run_server", "serve"]

_ON_A_TERMINAL = """\
taskhand is an MCP server: an AI host starts it and talks to it over standard input and output.
  taskhand demo          see it work
  taskhand serve --http  serve over HTTP instead
  taskhand --help        everything else
Waiting for a host on standard input; Ctrl-C ends.
"""


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """Where to serve HTTP: `names` are further names of the host, `proxies` those whose headers are believed.

    `is_insecure` allows other machines without authentication.
    """

    host: str
    port: int
    names: tuple[str, ...] = ()
    is_insecure: bool = False
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """Whether webhooks are on, and the server's addresses for CRMs and callers; None for the settings' values."""

    are_taken: bool = False
    public_url: str | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options of a server: over standard input and output without `listen`.

    None takes the value of the settings, or leaves the part out.
    """

    listen: ListenOptions | None = None
    auth: "AuthOptions | None" = None
    webhooks: WebhookOptions = WebhookOptions()
    keeps_sessions: bool = True
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None


@click.command()
@click.option("--http", is_flag=True, help="Serve Streamable HTTP at /mcp instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="The port; 0: any free one; default: TASKHAND_PORT, else 8000."
)
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME", help="A host name that callers use for the server."
)
@click.option(
    "--auth",
    "kinds",
    multiple=True,
    type=click.Choice(["keys", "oauth"]),
    help="How callers identify themselves; may be repeated; default: not at all.",
)
@click.option(
    "--issuer", "issuers", multiple=True, metavar="URL", help="Accept this issuer's tokens; default: TASKHAND_ISSUERS."
)
@click.option(
    "--resource", metavar="URL", help="The server's address for callers, with --auth; default: TASKHAND_RESOURCE."
)
@click.option("--insecure-no-auth", "is_insecure", is_flag=True, help="Serve other machines without authentication.")
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="An address or network of a proxy, whose X-Forwarded-… headers are believed.",
)
@click.option(
    "--stateless", is_flag=True, help="Keep no sessions, so that any of several replicas can answer any request."
)
@click.option("--webhooks", is_flag=True, help="Accept webhooks of CRMs at /webhooks/CONNECTION; see docs/webhooks.md.")
@click.option(
    "--public-url",
    metavar="URL",
    help="The server's address for CRMs; default: TASKHAND_PUBLIC_URL, or the resource's.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="The port to serve /metrics on; default: TASKHAND_METRICS_PORT.",
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="The address to serve /metrics on.")
@click.pass_context
def serve(
    context: click.Context,
    *,
    metrics_port: int | None,
    metrics_host: str,
    http: bool,
    host: str,
    port: int | None,
    names: tuple[str, ...],
    kinds: tuple[str, ...],
    issuers: tuple[str, ...],
    resource: str | None,
    is_insecure: bool,
    proxies: tuple[str, ...],
    stateless: bool,
    webhooks: bool,
    public_url: str | None,
) -> None:
    """Serve MCP.

    A server with an error in its configuration starts too. It answers every call with that error.

    With --auth keys, callers over HTTP have to send a key, which `taskhand keys create` makes. With --auth oauth, they
    have to send a token that an --issuer has made for the --resource; people sign in there.

    Without --auth, a --host that other machines can reach is refused, and so is a name for it. --insecure-no-auth
    serves everyone who reaches the port, under the names of --allow-host. Use it only if the port is published on
    loopback, like a container's, or behind a proxy that authenticates callers.

    Without --auth, the limits of a caller apply to each address. Behind a proxy named with --proxy, that is the address
    in X-Forwarded-For or Forwarded. These headers are ignored from all other addresses.

    --stateless is for clients of protocol 2025-11-25 and older; newer ones need no session. Without a session, the
    server cannot ask a person, so guarded changes stop at a plan, and the client cannot subscribe to tasks.
    """
    from taskhand.cli.authentication import AuthOptions
    from taskhand.cli.serve_options import check_options

    configuration: Configuration | OperatorError = context.meta[CONFIGURATION]
    check_options(context, configuration, kinds, is_http=http)
    if port is None:
        port = DEFAULT_PORT if isinstance(configuration, OperatorError) else configuration.settings.port
    options = ServeOptions(
        listen=ListenOptions(host, port, names, is_insecure, proxies) if http else None,
        auth=AuthOptions(kinds, issuers, resource) if kinds else None,
        webhooks=WebhookOptions(webhooks, public_url, resource),
        keeps_sessions=not stateless,
        metrics_host=metrics_host,
        metrics_port=metrics_port,
    )
    run_server(configuration, options)


def run_server(configuration: Configuration | OperatorError, options: ServeOptions | None = None) -> NoReturn:
    """Serve until the server ends.

    With a configuration error the server still starts and answers with the error, since a host shows a process that
    ends at once as "Connection closed"; the exit code is then 1. OperatorError for a refused address or proxy, and for
    a configuration error if the server was started on a terminal.
    """
    from taskhand.server.transports.process_exit import leave

    options, endpoint = options or ServeOptions(), None
    if options.auth is not None:
        options = replace(options, auth=options.auth.with_settings(configuration))
    if options.listen is not None:
        from taskhand.cli.http_server import configure_endpoint

        endpoint = configure_endpoint(
            configuration, options.listen, auth=options.auth, keeps_sessions=options.keeps_sessions
        )
    elif not isinstance(configuration, OperatorError) and configuration.settings.webhooks:
        print_lines(["TASKHAND_WEBHOOKS is set, and webhooks are accepted over HTTP only (`serve --http`)."], err=True)
    leave(anyio.run(_serve, configuration, options, endpoint))


async def _serve(
    configuration: Configuration | OperatorError,
    options: ServeOptions,
    endpoint: "Endpoint | None",
) -> int:
    """Serve until the server ends; returns the exit code."""
    from taskhand.cli.opened_server import open_not_configured, open_server
    from taskhand.server.transports.stdio import serve_stdio

    on_a_terminal = endpoint is None and sys.stdin.isatty()
    opened: OpenedServer[Any]
    async with AsyncExitStack() as stack:
        try:
            metrics = _open_metrics(configuration, stack, options)
            opened = configured = await open_server(
                configuration, stack, metrics=metrics, auth=options.auth, keeps_sessions=options.keeps_sessions
            )
            webhooks = _open_webhooks(configuration, configured, options.webhooks) if endpoint else None
        except OperatorError as error:
            if on_a_terminal:
                raise
            await stack.aclose()
            print_error(error)
            opened, metrics, webhooks = open_not_configured(error), None, None
        if on_a_terminal:
            print_lines(_ON_A_TERMINAL.splitlines(), err=True)
        gc.freeze()  # objects made at start live as long as the server
        gc.enable()
        if endpoint is None:
            await serve_stdio(opened.server, opened.close, opened.at_start)
            return 1 if opened.problem else 0
        from taskhand.server.transports.http import SideRoutes, serve_http

        observer = metrics.of_http() if metrics else None
        if webhooks is not None:
            webhooks.observer = observer
        have_ended = await serve_http(
            opened.server,
            endpoint,
            opened.at_start,
            beside=SideRoutes(opened.readiness, opened.problem, opened.pages, webhooks),
            observer=observer,
        )
        return 0 if have_ended and not opened.problem else 1


def _open_webhooks(
    configuration: Configuration | OperatorError, opened: "OpenedServer[TaskhandServer]", options: WebhookOptions
) -> "WebhookReceivers | None":
    """The receivers of webhooks; None if webhooks are off."""
    served = opened.server.served
    if (
        isinstance(configuration, OperatorError)
        or served is None
        or not (options.are_taken or configuration.settings.webhooks)
    ):
        return None
    from taskhand.cli.webhook_receivers import open_webhook_receivers

    return open_webhook_receivers(configuration, served.connections, options)


def _open_metrics(
    configuration: Configuration | OperatorError, stack: AsyncExitStack, options: ServeOptions
) -> "Metrics | None":
    """The metrics of calls and requests; None if they are off, or cannot be served."""
    if isinstance(configuration, OperatorError):
        return None
    host, given, is_http = options.metrics_host, options.metrics_port, options.listen is not None
    port = configuration.settings.metrics_port if given is None else given
    if port is None:
        return None
    from taskhand.cli.metrics_endpoint import open_metrics

    if given is not None:
        return open_metrics(configuration, host, port, stack, is_http=is_http, remedy="leave out --metrics-port")
    return open_metrics(configuration, host, port, stack, is_http=is_http)
