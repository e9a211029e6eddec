"""From settings to an app context: the one place that knows every part."""

import getpass
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING
from uuid import uuid4

import anyio

from taskhand.backends.base import Backend
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.service.app_context import AppContext, WritePolicy

# A backend is imported when it is chosen: start-up is a feature.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from taskhand.backends.local.backend import LocalBackend
    from taskhand.http.upstream import Runtime
    from taskhand.journal.sqlite import SqliteJournal

__all__ = ["journal", "journal_path", "local_backend", "open_app", "store_path"]

Clock = Callable[[], datetime]
"""What time it is, aware."""

_CLOSING_S = 0.3


@asynccontextmanager
async def open_app(
    settings: Settings, clock: Clock | None = None, runtime: "Runtime | None" = None
) -> AsyncIterator[AppContext]:
    """An app context for these settings; what its backend and its journal opened is closed at the end.

    A harness passes in its own `clock`, and the `runtime` in which requests wait and take time.
    """
    clock = clock or _clock(settings)
    async with AsyncExitStack() as stack:
        backend = await _backend(settings, stack, clock, runtime)
        stack.push_async_callback(_closed, backend)
        kept = journal(settings, clock)
        stack.push_async_callback(_closed, kept)
        yield AppContext(backend, kept, clock, settings.default_timezone, _terms(settings))


async def _closed(file: "Backend | SqliteJournal") -> None:
    """Close a file, also when what used it was cancelled; one that another process holds is not waited for."""
    with anyio.move_on_after(_CLOSING_S, shield=True):
        await file.aclose()


def journal(settings: Settings, clock: Clock | None = None) -> "SqliteJournal":
    """The journal of the place that these settings choose; its file is opened when it is first used."""
    from taskhand.journal.sqlite import SqliteJournal

    return SqliteJournal(
        journal_path(settings),
        place=_place(settings),
        clock=clock or _clock(settings),
        new_id=_numbered if settings.ids == "sequential" else lambda prefix, _: f"{prefix}_{token_hex(5)}",
        secrets=settings.secrets,
        keep_days=settings.journal_days,
    )


def _numbered(prefix: str, number: int) -> str:
    return f"{prefix}_{number:04}"


def _place(settings: Settings) -> str:
    """Where the tasks live, as the journal tells one place from another: ids of one mean nothing in another.

    An account is told by its key, in short and beyond recognition. The tokens of OAuth change by the hour: theirs is
    told by nothing, and accounts with such tokens need a journal each.
    """
    keys = {"vambe": settings.vambe_api_key, "close": settings.close_api_key, "hubspot": settings.hubspot_private_token}
    bases = {"vambe": settings.vambe_base_url, "close": settings.close_base_url, "hubspot": settings.hubspot_base_url}
    if settings.backend not in bases:
        return f"{settings.backend} {store_path(settings).absolute()}"
    key = keys[settings.backend]
    told = blake2b(key.get_secret_value().encode(), digest_size=6, person=b"taskhand").hexdigest() if key else "oauth"
    return f"{settings.backend} {bases[settings.backend]} {told}"


def _terms(settings: Settings) -> WritePolicy:
    return WritePolicy(
        plan_over=settings.plan_over,
        same_within=timedelta(seconds=settings.duplicate_s),
        asks=settings.ask == "auto",
        only_reads=settings.read_only,
        tools=settings.tools,
    )


async def _backend(settings: Settings, stack: AsyncExitStack, clock: Clock, runtime: "Runtime | None") -> Backend:
    match settings.backend:
        case "vambe":
            return await _vambe(settings, stack, clock, runtime)
        case "close":
            return await _close(settings, stack, clock, runtime)
        case "hubspot":
            return await _hubspot(settings, stack, clock, runtime)
        case "local":
            return local_backend(settings, clock)


def local_backend(settings: Settings, clock: Clock | None = None) -> "LocalBackend":
    """The embedded store; its file is opened when it is first used."""
    from taskhand.backends.local.backend import LocalBackend
    from taskhand.backends.local.directory import sequential_id

    return LocalBackend(
        store_path(settings),
        clock=clock or _clock(settings),
        new_id=sequential_id if settings.ids == "sequential" else lambda _: str(uuid4()),
        user=settings.user or _os_user(),
        timezone=settings.default_timezone,
    )


async def _vambe(settings: Settings, stack: AsyncExitStack, clock: Clock, runtime: "Runtime | None") -> Backend:
    from taskhand.backends.vambe.backend import Organisation, VambeBackend
    from taskhand.backends.vambe.catalogue import Catalogue, configured
    from taskhand.backends.vambe.wire import VambeWire, explain
    from taskhand.http.client import Client
    from taskhand.http.rate_limiter import Rate, RateLimiter
    from taskhand.http.upstream import Runtime, Upstream

    if settings.vambe_api_key is None:
        raise OperatorError(
            "Vambe is chosen and VAMBE_API_KEY is not set.",
            code="unauthorized",
            next_step="Set VAMBE_API_KEY (Vambe's developer section shows it), or TASKHAND_BACKEND to local.",
        )
    upstream = Upstream(
        name="Vambe",
        base_url=settings.vambe_base_url,
        auth={"x-api-key": settings.vambe_api_key.get_secret_value()},
        credential="VAMBE_API_KEY",
        variable="VAMBE_BASE_URL",
        explain=explain,
    )
    runtime = runtime or Runtime()
    limiter = RateLimiter(Rate(settings.vambe_rate), settings.vambe_in_flight, clock=runtime.clock, sleep=runtime.sleep)
    client = await stack.enter_async_context(Client(upstream, runtime=runtime, rate_limiter=limiter))
    organisation = Organisation(
        Catalogue(configured(settings.vambe_statuses) if settings.vambe_statuses else ()),
        user_id=settings.vambe_user_id,
        timezone=settings.default_timezone,
        due_at=settings.vambe_due_at,
        keep_s=settings.vambe_cache_s,
        in_hand=2 * settings.vambe_in_flight,
    )
    wire = VambeWire(client, settings.vambe_array_query)
    return VambeBackend(wire, organisation, clock=clock, monotonic=runtime.clock)


async def _close(settings: Settings, stack: AsyncExitStack, clock: Clock, runtime: "Runtime | None") -> Backend:
    from taskhand.backends.close.backend import Account, CloseBackend
    from taskhand.backends.close.wire import CloseWire, credential, explain
    from taskhand.http.client import Client
    from taskhand.http.rate_limiter import Rate, RateLimiter
    from taskhand.http.upstream import Runtime, Upstream

    key, token = settings.close_api_key, settings.close_access_token
    variable, auth = credential(*(secret.get_secret_value() if secret else None for secret in (key, token)))
    upstream = Upstream(
        name="Close",
        base_url=settings.close_base_url,
        auth=auth,
        credential=variable,
        variable="CLOSE_BASE_URL",
        explain=explain,
    )
    runtime = runtime or Runtime()
    limiter = RateLimiter(Rate(settings.close_rate), settings.close_in_flight, clock=runtime.clock, sleep=runtime.sleep)
    client = await stack.enter_async_context(Client(upstream, runtime=runtime, rate_limiter=limiter))
    account = Account(settings.default_timezone, settings.close_task_types, settings.close_new_task_type)
    wire = CloseWire(client, account.timezone)
    return CloseBackend(wire, account, clock=clock, monotonic=runtime.clock, sleep=runtime.sleep)


async def _hubspot(settings: Settings, stack: AsyncExitStack, clock: Clock, runtime: "Runtime | None") -> Backend:
    from taskhand.backends.hubspot.backend import HubSpotBackend
    from taskhand.backends.hubspot.portal import Account
    from taskhand.backends.hubspot.refusal import explain, read_limits, wait_s
    from taskhand.backends.hubspot.wire import HubSpotWire
    from taskhand.http.client import Client
    from taskhand.http.rate_limiter import Rate, RateLimiter
    from taskhand.http.upstream import Runtime, Upstream

    token = settings.hubspot_access_token
    if token is None:
        raise OperatorError(
            "HubSpot is chosen and HUBSPOT_ACCESS_TOKEN is not set.",
            code="unauthorized",
            next_step="Set HUBSPOT_ACCESS_TOKEN, or TASKHAND_BACKEND to local.",
        )
    upstream = Upstream(
        name="HubSpot",
        base_url=settings.hubspot_base_url,
        auth={"authorization": f"Bearer {token.get_secret_value()}"},
        credential="HUBSPOT_ACCESS_TOKEN",
        variable="HUBSPOT_BASE_URL",
        read_headers=read_limits,
        read_wait=wait_s,
        explain=explain,
    )
    runtime = runtime or Runtime()
    calls = RateLimiter(Rate(settings.hubspot_rate, 10.0), clock=runtime.clock, sleep=runtime.sleep)
    # Searches have a limit of their own: five a second for the whole account.
    finds = RateLimiter(Rate(5, 1.0), 3, clock=runtime.clock, sleep=runtime.sleep)
    client = await stack.enter_async_context(Client(upstream, runtime=runtime, rate_limiter=calls))
    searching = await stack.enter_async_context(Client(upstream, runtime=runtime, rate_limiter=finds))
    version, id_property = settings.hubspot_api_version, settings.hubspot_id_property
    wire = HubSpotWire(client, searching, version=version, id_property=id_property)
    account = Account(timezone=settings.default_timezone, user=settings.hubspot_user_id, token=token)
    return HubSpotBackend(wire, account, clock=clock, monotonic=runtime.clock, sleep=runtime.sleep)


def _clock(settings: Settings) -> Clock:
    """The system's clock in its own zone, or the one that stands still."""
    frozen = settings.clock
    return (lambda: frozen) if frozen else (lambda: datetime.now().astimezone())


def journal_path(settings: Settings) -> Path:
    """The journal's file: beside the embedded store's, unless it is given."""
    if settings.journal:
        return _expanded("TASKHAND_JOURNAL", settings.journal)
    store = store_path(settings)
    return store.with_name(f"{store.stem}.journal.sqlite")


def _expanded(variable: str, path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise OperatorError(f"{variable} {path} names a user's folder that is not known.") from None


def store_path(settings: Settings) -> Path:
    """The embedded store's file."""
    if settings.db:
        return _expanded("TASKHAND_DB", settings.db)
    from platformdirs import user_data_path

    return user_data_path("taskhand", appauthor=False) / "tasks.sqlite"


def _os_user() -> str:
    """The name of the first member; a container without a user database still has somebody."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "user"
