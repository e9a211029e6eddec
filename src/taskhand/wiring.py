"""Builds an AppContext from settings."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio

from taskhand.backends.factory import Clock, OpenContext
from taskhand.backends.registry import find_factory
from taskhand.config.connection_settings import DEFAULT_CONNECTION, ConnectionSettings
from taskhand.config.data_files import journal_path, store_location
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.service.app_context import AppContext, CallTime, ConnectionInfo, OwnCredentials, Surface, WritePolicy
from taskhand.service.change_announcements import TaskUpdates
from taskhand.service.connections import Connections
from taskhand.service.lazy import Lazy
from taskhand.state import clock_of, locate_journal, open_budgets, open_event_store, open_owned_journal

# A backend is imported only if it is chosen, so that a start is quick.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from taskhand.backends.base import Backend
    from taskhand.backends.factory import Budgets, WebhookSupport
    from taskhand.backends.local.backend import LocalBackend
    from taskhand.call.observers import RequestObserver
    from taskhand.domain.own_credential import OAuthClient, OwnToken
    from taskhand.domain.webhook import WebhookAdmin
    from taskhand.events.sql_event_store import SqlEventStore
    from taskhand.http.upstream import Runtime
    from taskhand.journal.journal_owner import JournalOwner
    from taskhand.journal.sql_journal import SqlJournal
    from taskhand.vault.credential_link import Link
    from taskhand.vault.links_of_persons import Links
    from taskhand.vault.personal_connections import ConnectionPool

__all__ = [
    "open_app",
    "open_as_person",
    "open_connection",
    "open_connections",
    "open_journal",
    "open_local_store",
    "open_oauth_client",
    "open_webhook_admin",
]

_log = logging.getLogger(__name__)

_CLOSING_S = 0.3


@asynccontextmanager
async def open_connections(
    connections: Sequence[ConnectionSettings],
    clock: Clock | None = None,
    runtime: "Runtime | None" = None,
    *,
    observe: "Callable[[str], RequestObserver] | None" = None,
    links: "Links | None" = None,
) -> AsyncIterator[Connections]:
    """Open the AppContext of each connection, by name; all are closed at the end.

    `observe` returns the observer of the requests to the connection of a name; the rest is as in `open_connection`.
    With several connections, one without a usable credential is refused to its callers, and the others work.
    """
    is_named = len(connections) > 1
    async with AsyncExitStack() as stack:
        opened = {}
        for connection in connections:
            observed = _with_observer(runtime, observe(connection.name)) if observe else runtime
            problem = _find_problem(connection, links) if is_named else None
            app = await stack.enter_async_context(
                open_connection(connection, clock, observed, links=links, problem=problem)
            )
            opened[connection.name] = _with_name(app, connection) if is_named else app
        yield Connections(opened)


def _with_name(app: AppContext, connection: ConnectionSettings) -> AppContext:
    """The AppContext of one of several connections."""
    info = replace(app.connection, name=connection.name, description=connection.description)
    return replace(app, connection=info)


def _find_problem(connection: ConnectionSettings, links: "Links | None") -> OperatorError | None:
    """Why the credential or the app of a connection cannot be used, with the repair in a server with other connections.

    OperatorError if not even the backend is configured.
    """
    find_factory(connection.settings.backend)
    try:
        connection.settings.check_backend()
        _check_app(connection, links)
    except OperatorError as error:
        _log.warning("connection %s cannot be used, the others are served: %s", connection.name, error.message)
        step = f"Tell the person: {error.next_step or 'Correct it.'} Then restart Taskhand; the other connections work."
        return OperatorError(error.message, code=error.code, next_step=step)
    return None


def _with_observer(runtime: "Runtime | None", observer: "RequestObserver") -> "Runtime":
    """The same runtime with an observer."""
    from taskhand.http.upstream import Runtime

    return replace(runtime or Runtime(), observer=observer)


def open_app(
    settings: Settings, clock: Clock | None = None, runtime: "Runtime | None" = None, *, links: "Links | None" = None
) -> AbstractAsyncContextManager[AppContext]:
    """Open the AppContext of the only connection, which has these settings; otherwise as `open_connection`."""
    return open_connection(ConnectionSettings.of(settings), clock, runtime, links=links)


@asynccontextmanager
async def open_connection(
    connection: ConnectionSettings,
    clock: Clock | None = None,
    runtime: "Runtime | None" = None,
    *,
    links: "Links | None" = None,
    problem: OperatorError | None = None,
) -> AsyncIterator[AppContext]:
    """Open the AppContext of a connection; its backend and its journal are closed at the end.

    A test harness passes its own `clock`, and the `runtime` in which HTTP requests wait. With `links` it uses the
    caller's own credential if the caller has linked one. A `problem` is why the credential of the settings cannot be
    used: nothing is sent with it. Without a `problem`, OperatorError if it cannot be used.
    """
    settings = connection.settings
    clock = clock or clock_of(settings)
    if problem is None:
        settings.check_backend()
        _check_app(connection, links)
    async with AsyncExitStack() as stack:
        budgets, updates = _open_budgets(connection), TaskUpdates()
        if budgets is not None:
            stack.push_async_callback(budgets.aclose)
        context = replace(_open_context(settings, clock, stack, runtime), budgets=budgets)
        context = replace(context, on_foreign_write=updates.on_foreign_write, people_may_link=links is not None)
        # The adapter knows what the CRM can do. No CRM has issued the placeholder, and nothing is sent with it.
        usable = settings.with_credential("none") if problem else settings
        backend = await _open_backend(replace(connection, settings=usable), context)
        stack.push_async_callback(_close, backend)
        store = cast("LocalBackend", backend) if _is_built_in(settings) else None
        locate_journal(settings)  # an unusable place is reported at start
        journal: Lazy[SqlJournal] = Lazy(partial(open_journal, connection, clock, store))
        stack.push_async_callback(_close_made, journal)
        events: Lazy[SqlEventStore] = Lazy(partial(open_event_store, settings))
        stack.push_async_callback(_close_made, events)
        if problem:
            from taskhand.service.unavailable_backend import UnavailableBackend

            backend = UnavailableBackend(backend, problem)
        yield AppContext(
            backend,
            journal,
            clock,
            settings.default_timezone,
            WritePolicy(
                settings.plan_over, same_within=timedelta(seconds=settings.duplicate_s), asks=settings.ask == "auto"
            ),
            Surface(settings.read_only, settings.tools, settings.answers, settings.ui == "auto"),
            CallTime(settings.call_s, runtime.monotonic if runtime else time.monotonic),
            _connection_info(connection, problem),
            updates=updates,
            open_events=events.get,
            own_credentials=OwnCredentials(_own_backends(connection, context, links, journal)),
        )


def _connection_info(connection: ConnectionSettings, problem: OperatorError | None) -> ConnectionInfo:
    settings = connection.settings
    factory = find_factory(settings.backend)
    me_field = "user" if _is_built_in(settings) else factory.me_field
    return ConnectionInfo(
        backend=factory.name,
        title=factory.title,
        name_in_files=connection.name_in_files,
        link_name=connection.name,
        configured_me=settings.value(me_field) if me_field else None,
        problem=problem,
    )


def _check_app(connection: ConnectionSettings, links: "Links | None") -> None:
    """OperatorError for an incomplete OAuth app, if people link credentials."""
    if links is not None and find_factory(connection.settings.backend).app:
        from taskhand.config.oauth_app import has_app

        has_app(connection)


def _own_backends(
    connection: ConnectionSettings, context: OpenContext, links: "Links | None", journal: "Lazy[SqlJournal]"
) -> "ConnectionPool[Backend] | None":
    """The backends of a CRM connection that are opened with persons' own credentials; None without a vault."""
    if links is None or _is_built_in(connection.settings):
        return None
    from taskhand.vault.oauth_grant import renew_link
    from taskhand.vault.personal_connections import ConnectionPool

    budgets = context.budgets
    counts_by_app = find_factory(connection.settings.backend).counts_by_app

    def open_with(link: "Link", own_token: "OwnToken") -> "AbstractAsyncContextManager[Backend]":
        of_person = budgets and budgets.of_person(link.rate_budget(counts_by_app=counts_by_app))
        opened = replace(context, own_token=own_token, budgets=of_person)
        return open_as_person(connection, link.credential.access_token, opened)

    def notice(link: "Link") -> None:
        journal.get().mask_own(link.person, [link.credential.access_token, link.credential.refresh_token or ""])

    open_client = partial(open_oauth_client, connection, context.clock, context.runtime)
    own_backends = ConnectionPool(
        links, connection.name, open_with, renew=partial(renew_link, open_client=open_client), notice=notice
    )
    context.stack.push_async_callback(own_backends.aclose)
    return own_backends


def _open_budgets(connection: ConnectionSettings) -> "Budgets | None":
    """The rate budgets of a CRM connection that all replicas share; None if the state is stored in files."""
    settings = connection.settings
    if _is_built_in(settings):
        return None
    return open_budgets(settings, _account_name(connection))


@asynccontextmanager
async def open_as_person(
    connection: ConnectionSettings, credential: str, context: OpenContext | None = None
) -> AsyncIterator["Backend"]:
    """The backend of a connection with another credential; its error texts name no setting."""
    factory = find_factory(connection.settings.backend)
    settings = connection.settings.with_credential(credential)
    keys = {**connection.keys, **dict.fromkeys(map(Settings.variable, factory.credentials), "the own credential")}
    async with AsyncExitStack() as stack:
        context = replace(context or _open_context(settings, clock_of(settings)), stack=stack, uses_own_credential=True)
        backend = await _open_backend(replace(connection, settings=settings, keys=keys), context)
        stack.push_async_callback(_close, backend)
        yield backend


@asynccontextmanager
async def open_oauth_client(
    connection: ConnectionSettings, clock: Clock | None = None, runtime: "Runtime | None" = None
) -> AsyncIterator["OAuthClient | None"]:
    """The client of the operator's OAuth app for a connection; None without one.

    OperatorError for an incomplete one; the error names the connection's own keys.
    """
    from taskhand.config.oauth_app import has_app

    settings, is_there = connection.settings, has_app(connection)
    factory = find_factory(settings.backend)
    async with AsyncExitStack() as stack:
        context = _open_context(settings, clock or clock_of(settings), stack, runtime)
        context = replace(context, setting_names=connection.keys)
        opens = factory.oauth_client if is_there else None
        yield await opens(settings.of_backend(factory), context) if opens else None


@asynccontextmanager
async def open_webhook_admin(
    connection: ConnectionSettings, support: "WebhookSupport[Any]"
) -> AsyncIterator["WebhookAdmin | None"]:
    """The subscriptions of a connection at its CRM; None if the settings do not let Taskhand manage them.

    OperatorError if the connection has no credential.
    """
    settings = connection.settings
    settings.check_backend()
    async with AsyncExitStack() as stack:
        context = replace(_open_context(settings, clock_of(settings), stack), setting_names=connection.keys)
        yield await support.open(settings.of_backend(find_factory(settings.backend)), context)


async def _open_backend(connection: ConnectionSettings, context: OpenContext) -> "Backend":
    """The backend of a connection; its error texts name the connection's own keys."""
    factory = find_factory(connection.settings.backend)
    own_settings = connection.settings.of_backend(factory)
    try:
        backend: Backend = await factory.open(own_settings, replace(context, setting_names=connection.keys))
    except OperatorError as error:
        raise connection.reword(error) from None
    backend.remedies = {subject: connection.in_own_words(text) for subject, text in backend.remedies.items()}
    return backend


async def _close(file: "Backend | SqlJournal | SqlEventStore") -> None:
    """Close it, even in a cancelled scope; do not wait for a file that another process has locked."""
    with anyio.move_on_after(_CLOSING_S, shield=True):
        await file.aclose()


async def _close_made(file: "Lazy[SqlJournal] | Lazy[SqlEventStore]") -> None:
    if file.made is not None:
        await _close(file.made)


def open_journal(
    connection: ConnectionSettings, clock: Clock | None = None, store: "LocalBackend | None" = None
) -> "SqlJournal":
    """The journal of a connection's store or account; it is opened at the first use.

    `store` is the built-in store, if it is open already.
    """
    owner = _journal_owner(connection, clock, store)
    return open_owned_journal(connection.settings, owner, clock or clock_of(connection.settings))


def _journal_owner(connection: ConnectionSettings, clock: Clock | None, store: "LocalBackend | None") -> "JournalOwner":
    """The store or the CRM account whose changes are in the journal: their task ids are valid only there.

    A named connection has an owner of its own: otherwise two accounts with tokens could not be distinguished.
    """
    from taskhand.journal.journal_owner import AccountOwner, DatabaseOwner, StoreOwner, UnknownAccountOwner

    settings, path = connection.settings, journal_path(connection.settings)
    if not _is_built_in(settings):
        account_name = _account_name(connection)
        try:
            settings.check_backend()
        except OperatorError as error:
            return UnknownAccountOwner(path, account_name, error)
        return AccountOwner(path, account_name)
    local_store = store or open_local_store(settings, clock)
    if local_store.path is None:
        return DatabaseOwner(local_store, path, closes=store is None)
    return StoreOwner(local_store, local_store.path, path, is_beside=settings.journal is None, closes=store is None)


def _account_name(connection: ConnectionSettings) -> str:
    """The name of a connection's account in the paths and keys of stored data."""
    factory = find_factory(connection.settings.backend)
    account = factory.account(connection.settings.of_backend(factory)) if factory.account else ""
    suffix = f" {connection.name}" if connection.name != DEFAULT_CONNECTION else ""
    return f"{factory.name} {account}{suffix}"


def _is_built_in(settings: Settings) -> bool:
    return find_factory(settings.backend).account is None


def _open_context(
    settings: Settings, clock: Clock, stack: AsyncExitStack | None = None, runtime: "Runtime | None" = None
) -> OpenContext:
    return OpenContext(
        clock=clock,
        timezone=settings.default_timezone,
        store=store_location(settings),
        user=settings.user,
        language=settings.language,
        sequential_ids=settings.ids == "sequential",
        runtime=runtime,
        stack=stack or AsyncExitStack(),
    )


def open_local_store(settings: Settings, clock: Clock | None = None) -> "LocalBackend":
    """The built-in store; it is opened at the first use."""
    from taskhand.backends.local.factory import open_store

    return open_store(_open_context(settings, clock or clock_of(settings)))
