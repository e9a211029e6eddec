"""A server with all that its command opens for it: connections, links, pages and background work."""

import os
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from taskhand.config.effective_settings import Configuration
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.cli.authentication import AuthOptions
    from taskhand.config.settings import Settings
    from taskhand.server.access import Memberships
    from taskhand.server.app import TaskhandServer
    from taskhand.server.linking.routes import LinkPages
    from taskhand.service.connections import Connections
    from taskhand.service.readiness import ReadinessReport
    from taskhand.telemetry.metrics import Metrics
    from taskhand.vault.links_of_persons import Links

__all__ = ["OpenedServer", "open_not_configured", "open_server"]

_QUIET_S = 2.0
"""Seconds after which a host has read the list of tools."""

_COLLECTORS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""The standard variables that name a collector of traces."""

_Work = Callable[[], Coroutine[Any, Any, None]]
_Server_co = TypeVar("_Server_co", covariant=True)


@dataclass(frozen=True, slots=True)
class OpenedServer(Generic[_Server_co]):
    """A server, its background work `at_start`, and the function that closes what it uses.

    `readiness` returns the state of each service that calls need, `pages` link credentials; None if there is none.
    `problem` is why it answers every call with an error.
    """

    server: _Server_co
    at_start: _Work = checkpoint
    close: _Work = checkpoint
    readiness: Callable[[], Awaitable["ReadinessReport"]] | None = None
    pages: "LinkPages | None" = None
    problem: str | None = None


def open_not_configured(error: OperatorError) -> OpenedServer[Any]:
    """The server that answers every call with this error of the configuration."""
    from taskhand.server.app import create_not_configured_server

    return OpenedServer(create_not_configured_server(error), problem="not_configured")


async def open_server(
    configuration: Configuration | OperatorError,
    stack: AsyncExitStack,
    *,
    metrics: "Metrics | None" = None,
    auth: "AuthOptions | None" = None,
    keeps_sessions: bool = True,
) -> "OpenedServer[TaskhandServer]":
    """The configured server, until the stack is closed; OperatorError if the configuration cannot be served."""
    from taskhand.cli.authentication import access_by
    from taskhand.cli.loaded_people import PeopleSource
    from taskhand.cli.loaded_policy import PolicySource
    from taskhand.cli.policy_reload import reload_on_hangup
    from taskhand.server.app import create_server
    from taskhand.service.readiness import ServerReadiness
    from taskhand.wiring import open_connections

    if isinstance(configuration, OperatorError):
        raise configuration
    settings = configuration.settings
    settings.check_own_secrets()
    policy, people = PolicySource.open(configuration), PeopleSource.open(configuration)
    traces = _open_traces(stack)
    observe = metrics.of_connection if metrics else None
    links = await _open_links(settings, stack)
    connections = await stack.enter_async_context(
        open_connections(configuration.connections, observe=observe, links=links)
    )
    pages = await _open_pages(
        configuration, stack, connections=connections, links=links, memberships=lambda: people.current, auth=auth
    )
    server = create_server(
        connections,
        access=access_by(policy, people),
        state_keys=settings.state_keys,
        keeps_sessions=keeps_sessions,
        remark=configuration.remark,
        observer=metrics,
        offers=pages.linking if pages else None,
        makes_spans=traces is not None,
    )
    if traces is not None:
        from taskhand.server.trace_headers import read_trace_headers

        server.middleware.insert(0, read_trace_headers)
    works = [reload_on_hangup((policy, people), stack), *([] if links is None else [links.record_uses])]
    if settings.state is not None:
        from taskhand.cli.replica_broadcast import share_changes

        works.append(share_changes(configuration, connections))
    at_start = partial(_work_beside, works, connections)

    async def close() -> None:
        await connections.aclose()
        if links is not None:
            await links.aclose()
        if traces is not None:
            traces.close()  # a signal ends the process before the stack is closed

    return OpenedServer(server, at_start, close, ServerReadiness.of(connections).check, pages)


async def _work_beside(works: "Sequence[_Work]", connections: "Connections") -> None:
    """The background work beside the first requests, until cancelled."""
    from taskhand.call.parallel_work import concurrent_tasks

    async with concurrent_tasks() as group:
        for work in works:
            group.start_soon(work)
        await anyio.sleep(_QUIET_S)
        await _work_later(connections, group)


async def _work_later(connections: "Connections", group: TaskGroup) -> None:
    """The background work that no first request waits for; a write, or a read of the journal, recovers by itself."""
    from taskhand.server.late_imports import load_use_cases
    from taskhand.service.crash_recovery import recover_if_possible
    from taskhand.service.events.feed_demand import poll_when_wanted

    await load_use_cases()
    for app in connections:
        await recover_if_possible(app)
    for app in connections:
        group.start_soon(poll_when_wanted, app)


async def _open_pages(
    configuration: Configuration,
    stack: AsyncExitStack,
    *,
    connections: "Connections",
    links: "Links | None",
    memberships: "Callable[[], Memberships]",
    auth: "AuthOptions | None",
) -> "LinkPages | None":
    """The pages on which persons link credentials; None without a vault, or without authentication.

    `memberships` returns the current ones of people.toml.
    """
    if links is None or auth is None or not configuration.settings.vault_keys:
        return None
    from taskhand.cli.link_pages import open_linking
    from taskhand.cli.token_issuers import open_sign_in
    from taskhand.server.linking.routes import LinkPages

    sign_in = open_sign_in(configuration.settings, auth.issuers, stack) if "oauth" in auth.kinds else None
    return LinkPages(
        await open_linking(
            configuration,
            stack,
            connections=connections,
            links=links,
            memberships=memberships,
            auth=auth,
            sign_in=sign_in,
        )
    )


async def _open_links(settings: "Settings", stack: AsyncExitStack) -> "Links | None":
    """The linked credentials, open until the stack is closed; None if there are none."""
    from taskhand.state import locate_links

    location = locate_links(settings)
    if not settings.vault_keys and isinstance(location, Path) and not location.exists():
        return None
    from taskhand.cli.locked_links import open_served_links

    links = await open_served_links(settings)
    if links is not None:
        stack.push_async_callback(links.aclose)
    return links


def _open_traces(stack: AsyncExitStack) -> ExitStack | None:
    """The exporter of traces, open until it is closed; None if no collector is configured."""
    if not any(os.environ.get(name, "").strip() for name in _COLLECTORS):
        return None
    from taskhand.cli.trace_export import open_traces

    traces = stack.enter_context(ExitStack())
    traces.enter_context(open_traces(os.environ))
    return traces
