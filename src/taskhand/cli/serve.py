"""The command `taskhand serve`, also run by `taskhand` without a command."""

import gc
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
import click
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from taskhand.cli.config import CONFIGURATION
from taskhand.cli.terminal import print_error, print_lines
from taskhand.config.configuration import Configuration
from taskhand.config.server_settings import DEFAULT_PORT
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from taskhand.cli.authentication import AuthOptions
    from taskhand.config.settings import Settings
    from taskhand.server.access import Memberships
    from taskhand.server.app import TaskhandServer
    from taskhand.server.linking.pages import LinkPages
    from taskhand.server.webhooks.receiver import Webhooks
    from taskhand.service.connections import Connections
    from taskhand.service.readiness import Ready
    from taskhand.telemetry.metrics import Metrics
    from taskhand.vault.links import Links

_QUIET_S = 2.0
"""Seconds after which a host has read the list of tools."""

_COLLECTORS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""The standard variables that name a collector of traces."""

_Work = Callable[[], Coroutine[Any, Any, None]]

_Count = Callable[[Configuration | OperatorError, AsyncExitStack], "Metrics | None"]
"""Opens the metrics, which count calls and requests until the stack is closed; None if they are off."""

__all__ = ["open_server", "run_server", "serve"]

_ON_A_TERMINAL = """\
taskhand is an MCP server: an AI host starts it and talks to it over standard input and output.
  taskhand demo          see it work
  taskhand serve --http  serve over HTTP instead
  taskhand --help        everything else
Waiting for a host on standard input; Ctrl-C ends.
"""


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
    from taskhand.cli.serve_options import check_options

    found: Configuration | OperatorError = context.meta[CONFIGURATION]
    check_options(context, found, kinds, is_http=http)
    if port is None:
        port = DEFAULT_PORT if isinstance(found, OperatorError) else found.settings.port
    listen = (host, port, names, is_insecure) if http else None
    auth = _auth_options(kinds, issuers, resource)
    hooks = (webhooks, public_url, resource)
    metrics = (metrics_host, metrics_port)
    run_server(found, listen, proxies, auth=auth, keeps_sessions=not stateless, metrics=metrics, webhooks=hooks)


def _auth_options(kinds: tuple[str, ...], issuers: tuple[str, ...], resource: str | None) -> "AuthOptions | None":
    """The authentication options; None without authentication."""
    from taskhand.cli.authentication import AuthOptions

    return AuthOptions(kinds, issuers, resource) if kinds else None


def run_server(
    found: Configuration | OperatorError,
    listen: tuple[str, int, tuple[str, ...], bool] | None = None,
    proxies: tuple[str, ...] = (),
    *,
    auth: "AuthOptions | None" = None,
    keeps_sessions: bool = True,
    metrics: tuple[str, int | None] = ("127.0.0.1", None),
    webhooks: tuple[bool, str | None, str | None] = (False, None, None),
) -> NoReturn:
    """Serve over HTTP if an address is given, else over standard input and output.

    With a configuration error the server still starts and answers with the error, since a host shows a process that
    ends at once as "Connection closed"; the exit code is then 1. OperatorError for a refused address or proxy, and for
    a configuration error if the server was started on a terminal. `metrics` are the host and port of `/metrics`; None
    takes the port from the settings. `webhooks` are the webhook options.
    """
    from taskhand.server.transports.process_exit import leave

    auth = auth.with_settings(found) if auth else None
    http = None
    if listen:
        from taskhand.cli.http_server import serve_over_http

        http = serve_over_http(found, listen, proxies, auth=auth, keeps_sessions=keeps_sessions)
    elif not isinstance(found, OperatorError) and found.settings.webhooks:
        print_lines(["TASKHAND_WEBHOOKS is set, and webhooks are accepted over HTTP only (`serve --http`)."], err=True)
    count = partial(_open_metrics, address=metrics, is_http=http is not None)
    leave(anyio.run(partial(_serve, found, http, count, auth, keeps_sessions=keeps_sessions, webhooks=webhooks)))


async def _serve(
    found: Configuration | OperatorError,
    http: "partial[Coroutine[Any, Any, bool]] | None",
    count: _Count,
    auth: "AuthOptions | None",
    *,
    keeps_sessions: bool,
    webhooks: tuple[bool, str | None, str | None],
) -> int:
    """Serve until the server ends; returns the exit code."""
    from taskhand.server.app import create_not_configured_server
    from taskhand.server.transports.stdio import serve_stdio

    on_a_terminal = http is None and sys.stdin.isatty()
    readiness: Callable[[], Awaitable[Ready]] | None
    async with AsyncExitStack() as stack:
        try:
            metrics = count(found, stack)
            server, close, at_start, readiness, pages = await open_server(
                found, stack, metrics, auth, keeps_sessions=keeps_sessions
            )
            taken = _open_webhooks(found, server, webhooks) if http else None
            problem = None
        except OperatorError as error:
            if on_a_terminal:
                raise
            await stack.aclose()
            print_error(error)
            metrics = readiness = pages = taken = None
            server, close, at_start = create_not_configured_server(error), checkpoint, checkpoint
            problem = "not_configured"
        if on_a_terminal:
            print_lines(_ON_A_TERMINAL.splitlines(), err=True)
        gc.freeze()  # objects made at start live as long as the server
        gc.enable()
        if http:
            observer = metrics.of_http() if metrics else None
            if taken is not None:
                taken.observer = observer
            have_ended = await http(
                server,
                at_start=at_start,
                readiness=readiness,
                problem=problem,
                observer=observer,
                pages=pages,
                webhooks=taken,
            )
            return 0 if have_ended and not problem else 1
        await serve_stdio(server, close, at_start)
        return 1 if problem else 0


async def open_server(
    found: Configuration | OperatorError,
    stack: AsyncExitStack,
    metrics: "Metrics | None",
    auth: "AuthOptions | None",
    *,
    keeps_sessions: bool,
) -> "tuple[Any, _Work, _Work, Callable[[], Awaitable[Ready]], LinkPages | None]":
    """The configured server, the function that closes it, and its background work.

    Then the readiness check, and the linking pages. OperatorError if the configuration cannot be served.
    """
    from taskhand.cli.authentication import access_by
    from taskhand.cli.people_file import PeopleSource
    from taskhand.cli.policy import PolicySource
    from taskhand.cli.policy_reload import reload_on_hangup
    from taskhand.server.app import create_server
    from taskhand.service.readiness import check_readiness
    from taskhand.wiring import open_connections

    if isinstance(found, OperatorError):
        raise found
    found.settings.check_own_secrets()
    policy, people, settings = PolicySource.open(found), PeopleSource.open(found), found.settings
    traces = _open_traces(stack)
    observe = metrics.of_connection if metrics else None
    links = await _open_links(settings, stack)
    connections = await stack.enter_async_context(open_connections(found.connections, observe=observe, links=links))
    pages = await _open_pages(found, (connections, links, lambda: people.current), auth, stack)
    server = create_server(
        connections,
        access=access_by(policy, people),
        state_keys=settings.state_keys,
        keeps_sessions=keeps_sessions,
        remark=found.remark,
        observer=metrics,
        offers=pages.linking if pages else None,
        makes_spans=traces is not None,
    )
    if traces is not None:
        from taskhand.server.trace_headers import read_trace_headers

        server.middleware.insert(0, read_trace_headers)
    works = [reload_on_hangup((policy, people), stack), *([] if links is None else [links.record_uses])]
    if settings.state is not None:
        from taskhand.cli.change_broadcast import share_changes

        works.append(share_changes(found, connections))
    at_start = partial(_work_beside, works, connections)

    async def close() -> None:
        await connections.aclose()
        if links is not None:
            await links.aclose()
        if traces is not None:
            traces.close()  # a signal ends the process before the stack is closed

    return server, close, at_start, check_readiness(connections), pages


async def _work_beside(works: "Sequence[_Work]", connections: "Connections") -> None:
    """The background work beside the first requests, until cancelled."""
    from taskhand.domain.concurrency import concurrent_tasks

    async with concurrent_tasks() as group:
        for work in works:
            group.start_soon(work)
        await anyio.sleep(_QUIET_S)
        await _work_later(connections, group)


async def _work_later(connections: "Connections", group: TaskGroup) -> None:
    """The background work that no first request waits for; a write, or a read of the journal, recovers by itself."""
    from taskhand.server.late_imports import load_use_cases
    from taskhand.service.events.demand import poll_when_wanted
    from taskhand.service.recovery import recover_if_possible

    await load_use_cases()
    for app in connections:
        await recover_if_possible(app)
    for app in connections:
        group.start_soon(poll_when_wanted, app)


async def _open_pages(
    found: Configuration,
    opened: "tuple[Connections, Links | None, Callable[[], Memberships]]",
    auth: "AuthOptions | None",
    stack: AsyncExitStack,
) -> "LinkPages | None":
    """The pages on which persons link credentials; None without a vault, or without authentication.

    `opened` has the connections, the links, and a function that returns the current people.
    """
    connections, links, memberships = opened
    if links is None or auth is None or not found.settings.vault_keys:
        return None
    from taskhand.cli.linking import open_linking
    from taskhand.cli.sign_in import open_sign_in
    from taskhand.server.linking.pages import LinkPages

    sign_in = open_sign_in(found.settings, auth.issuers, stack) if "oauth" in auth.kinds else None
    return LinkPages(await open_linking(found, (connections, links, memberships), auth, stack, sign_in))


def _open_webhooks(
    found: Configuration | OperatorError, server: "TaskhandServer", options: tuple[bool, str | None, str | None]
) -> "Webhooks | None":
    """The receivers of webhooks; None if webhooks are off."""
    if isinstance(found, OperatorError) or server.served is None or not (options[0] or found.settings.webhooks):
        return None
    from taskhand.cli.webhook_receivers import WebhookOptions, open_webhooks

    return open_webhooks(found, server.served.connections, WebhookOptions(*options))


async def _open_links(settings: "Settings", stack: AsyncExitStack) -> "Links | None":
    """The linked credentials, open until the stack is closed; None if there are none."""
    from taskhand.state import locate_links

    place = locate_links(settings)
    if not settings.vault_keys and isinstance(place, Path) and not place.exists():
        return None
    from taskhand.cli.served_links import open_served_links

    links = await open_served_links(settings)
    if links is not None:
        stack.push_async_callback(links.aclose)
    return links


def _open_metrics(
    found: Configuration | OperatorError, stack: AsyncExitStack, *, address: tuple[str, int | None], is_http: bool
) -> "Metrics | None":
    """The metrics of calls and requests; None if they are off, or cannot be served."""
    if isinstance(found, OperatorError):
        return None
    host, given = address
    port = found.settings.metrics_port if given is None else given
    if port is None:
        return None
    from taskhand.cli.metrics import open_metrics

    if given is not None:
        return open_metrics(found, host, port, stack, is_http=is_http, remedy="leave out --metrics-port")
    return open_metrics(found, host, port, stack, is_http=is_http)


def _open_traces(stack: AsyncExitStack) -> ExitStack | None:
    """The exporter of traces, open until it is closed; None if no collector is configured."""
    if not any(os.environ.get(name, "").strip() for name in _COLLECTORS):
        return None
    from taskhand.cli.traces import open_traces

    traces = stack.enter_context(ExitStack())
    traces.enter_context(open_traces(os.environ))
    return traces
