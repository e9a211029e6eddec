"""The application context: what every use case works with."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import anyio

from taskhand.backends.base import Backend
from taskhand.call.deadline import call_deadline
from taskhand.domain.errors import OperatorError
from taskhand.domain.plan import PLAN_LIFETIME
from taskhand.domain.principal import ANYONE, MEMBER, Principal
from taskhand.domain.reference_time import Reference
from taskhand.service.change_announcements import TaskUpdates

if TYPE_CHECKING:
    from taskhand.events.event_store import EventStore
    from taskhand.journal.journal import Journal
    from taskhand.service.events.feed_demand import FeedDemand
    from taskhand.service.lazy import Lazy
    from taskhand.service.link_offers import OpenOffers
    from taskhand.service.own_credential_backend import OwnBackends
    from taskhand.service.task_locks import TaskLocks

__all__ = ["AppContext", "CallTime", "ConnectionInfo", "ConnectionState", "OwnCredentials", "Surface", "WritePolicy"]

_MAX_PERSONS: Final = 10_000
"""Maximum number of persons whose configured member is remembered."""


@dataclass(frozen=True, slots=True)
class WritePolicy:
    """The changes that stop at a plan, and what counts as a duplicate.

    A bulk change of more than `plan_over` tasks stops at a plan, which expires after `plan_for`. A create that is
    identical to one by the same caller within `same_within` returns that task (zero: never). `asks` is whether a person
    may be asked through the client.
    """

    plan_over: int = 10
    plan_for: timedelta = PLAN_LIFETIME
    same_within: timedelta = timedelta(minutes=2)
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Surface:
    """The offered tools, the answers of writes, and the board.

    `only_reads` removes every tool that writes. `tools` selects the offered tools as TASKHAND_TOOLS does (None: all).
    `answers` is the size of a write's answer: a row, or the whole task. `shows_board` is whether hosts that show pages
    are given the board.
    """

    only_reads: bool = False
    tools: str | None = None
    answers: Literal["lean", "whole"] = "lean"
    shows_board: bool = True


@dataclass(frozen=True, slots=True)
class CallTime:
    """The time that a call may take: it is answered within `limit_s` seconds, which `monotonic` measures.

    Progress is reported every `write_tick_s` seconds by a bulk write, and every `read_tick_s` by a read.
    """

    limit_s: float = 45.0
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = anyio.sleep
    write_tick_s: float = 1.0
    read_tick_s: float = 1.0


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """The names of a CRM account, and whether it can be used.

    `name` is None if there is only one. `description` says what it is. `backend` is the value of TASKHAND_BACKEND, and
    `title` the name in sentences.
    `name_in_files` is its name in people.toml, if the configuration has several. `link_name` is its name in links and
    in the policy, which also the only connection has. `configured_me` is the person of `me` by the settings. `problem`
    is the reason why the shared credential cannot be used.
    """

    name: str | None = None
    description: str | None = None
    backend: str = "local"
    title: str | None = None
    name_in_files: str | None = None
    link_name: str = "default"
    configured_me: str | None = None
    problem: OperatorError | None = None

    @property
    def member_key(self) -> str:
        """The key of a person's member id in people.toml."""
        return self.name or self.name_in_files or MEMBER


@dataclass(frozen=True, slots=True)
class OwnCredentials:
    """People's own credentials for a connection.

    `backends` opens the connection with them, None if nobody can link one. `offers` has the pages for linking, None if
    there are none. `is_used` returns whether a request now uses the caller's own credential, None if none can.
    """

    backends: "OwnBackends | None" = None
    offers: "OpenOffers | None" = None
    is_used: Callable[[], Awaitable[bool]] | None = None


@dataclass(slots=True)
class ConnectionState:
    """What all callers of a connection share; `names_by_credential` is by the person whose credential reads them."""

    locks: "TaskLocks | None" = None
    feed_demand: "FeedDemand | None" = None
    members_by_person: dict[str, Mapping[str, str]] = field(default_factory=dict)
    names_by_credential: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class AppContext:
    """The backend, its journal, the clock, the write policy and the surface, for one caller.

    `clock` returns aware datetimes. `timezone` is the IANA zone of a dueTime that comes without one. `principal` is the
    caller. `updates` notifies subscribers of changed tasks. `open_events` returns the feeds of changes, which it opens
    once.
    """

    backend: Backend
    lazy_journal: "Lazy[Journal]"
    clock: Callable[[], datetime]
    timezone: str | None = None
    policy: WritePolicy = WritePolicy()
    surface: Surface = Surface()
    call_time: CallTime = CallTime()
    connection: ConnectionInfo = ConnectionInfo()
    principal: Principal = ANYONE
    updates: TaskUpdates = field(default_factory=TaskUpdates, repr=False)
    open_events: "Callable[[], EventStore] | None" = field(default=None, repr=False)
    own_credentials: OwnCredentials = field(default=OwnCredentials(), repr=False)
    _shared: "AppContext | None" = field(default=None, repr=False)
    _state: ConnectionState = field(default_factory=ConnectionState, repr=False)

    @property
    def journal(self) -> "Journal":
        """The journal, which is opened at its first use."""
        return self.lazy_journal.get()

    @property
    def feed_demand(self) -> "FeedDemand":
        """The demand for the feed of this connection, shared by all callers."""
        if self._state.feed_demand is None:
            from taskhand.service.events.feed_demand import FeedDemand  # noqa: PLC0415  no start waits for it

            self._state.feed_demand = FeedDemand()
        return self._state.feed_demand

    def end_demand(self) -> None:
        """Stop the poller of the feed."""
        if self._state.feed_demand is not None:
            self._state.feed_demand.end()

    @property
    def reference(self) -> Reference:
        """The moment and the zone from which dates in words are counted."""
        return Reference(self.clock(), self.timezone)

    @property
    def events(self) -> "EventStore | None":
        """The feeds of changes in the CRM; None if they cannot be stored."""
        return self.open_events() if self.open_events else None

    def of_principal(self, principal: Principal) -> "AppContext":
        """This application for another caller, with the same locks, caches and journal."""
        if principal == self.principal:
            return self
        if principal.person is not None and principal.members and len(self._state.members_by_person) < _MAX_PERSONS:
            self._state.members_by_person[principal.person.id] = principal.members
        backend, uses_own = _backend_of(self.shared, principal)
        credentials = replace(self.own_credentials, is_used=uses_own)
        return replace(self, principal=principal, backend=backend, own_credentials=credentials, _shared=self.shared)

    @property
    def last_names(self) -> Mapping[str, str]:
        """The last known names of people, by id, for callers that use the same credential."""
        return self._state.names_by_credential.get(self._reader_of_names, {})

    def remember_names(self, names: Mapping[str, str]) -> None:
        """Cache the names of people, for answers while the CRM does not return them."""
        if len(self._state.names_by_credential) < _MAX_PERSONS:
            self._state.names_by_credential.setdefault(self._reader_of_names, {}).update(names)

    @property
    def _reader_of_names(self) -> str:
        """The id of the person whose credential reads names; empty if all callers share one."""
        return self.principal.subject or "" if self.own_credentials.backends is not None else ""

    def lines_of(self, person: str) -> Mapping[str, str]:
        """The lines of people.toml for the person with this id, for the connections that the person has used."""
        return self._state.members_by_person.get(person, {})

    @property
    def shared(self) -> "AppContext":
        """This application without a caller, for work on behalf of every caller, such as recovery."""
        return self._shared or self

    async def uses_own_credential(self) -> bool:
        """Whether a request now uses the caller's own credential; raises the errors of a request."""
        is_used = self.own_credentials.is_used
        return is_used is not None and await is_used()

    def call_deadline(self) -> AbstractContextManager[None]:
        """Apply the call's deadline, less the time that it takes to answer."""
        return call_deadline(self.call_time.limit_s, self.call_time.monotonic)

    async def aclose(self) -> None:
        """Close the backend and the journal after pending writes; cancellation ends the wait for them."""
        self.end_demand()
        if self.own_credentials.backends is not None:
            await self.own_credentials.backends.aclose()
        await self.backend.aclose()
        if self.lazy_journal.made is not None:
            await self.lazy_journal.made.aclose()

    def lock(self, name: str) -> AbstractAsyncContextManager[None]:
        """Hold the lock of this name (a task id or the scope of a claim), ignoring case; one holder at a time.

        CallerError if another call, here or at another replica, holds it for as long as this one may wait.
        """
        return self.lock_all([name])

    def lock_all(self, names: Iterable[str]) -> AbstractAsyncContextManager[None]:
        """Hold the locks of all these names; otherwise as `lock`. Two calls never deadlock."""
        if self._state.locks is None:
            from taskhand.service.task_locks import TaskLocks  # noqa: PLC0415  no start waits for it

            self._state.locks = TaskLocks(
                self.journal.locks, self.updates, self.call_time.limit_s, self.call_time.sleep
            )
        return self._state.locks.hold(names, self._writer)

    @property
    def _writer(self) -> str | None:
        """The id of the person who writes, empty for none; None if all callers share one credential."""
        if self.own_credentials.backends is None:
            return None
        return self.principal.person.id if self.principal.person else ""


def _backend_of(app: AppContext, principal: Principal) -> tuple[Backend, Callable[[], Awaitable[bool]] | None]:
    """The backend as this caller uses it, and a function that returns whether the caller's own credential is used."""
    uses_own, own = None, app.own_credentials.backends
    has_credential = app.backend.account.accessed == "credential"
    if (own is not None and principal.person is not None) or (
        principal.rules.needs_own(app.connection.link_name) and has_credential
    ):
        from taskhand.service.own_credential_backend import with_own_credential  # noqa: PLC0415  few servers have a vault

        for_caller = partial(_as_person, app, principal)
        backend, uses_own = with_own_credential(app.backend, own, principal, app.connection.link_name, for_caller)
    else:
        backend = _as_person(app, principal, app.backend)
    if principal.rules.own_tasks_only:
        from taskhand.service.own_tasks import OwnTasksBackend  # noqa: PLC0415  few callers have this rule

        backend = OwnTasksBackend(backend)
    return backend, uses_own


def _as_person(app: AppContext, principal: Principal, backend: Backend, member: str | None = None) -> Backend:
    """The backend with the caller as `me`: the `member` that the CRM reports, else the member in people.toml."""
    if principal.person is None:
        return backend
    from taskhand.service.personal_backend import PersonalBackend  # noqa: PLC0415  many servers ask nobody

    key = app.connection.member_key
    return PersonalBackend(backend, principal.person, key, member or principal.members.get(key))
