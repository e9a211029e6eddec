"""Faults that mix persons up, each put in by hand: a test that sees none of them would see no real one either."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest

from taskhand.backends.remote import http_client
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.domain.errors import LinkRequired
from taskhand.domain.principal import Principal
from taskhand.http import attempt
from taskhand.http.client import Client
from taskhand.http.request import Request
from taskhand.server.access import Access
from taskhand.service import app_context, crash_recovery
from taskhand.service.own_credential_backend import _Choice
from taskhand.service.personal_backend import _PersonalAccount
from taskhand.vault import personal_connections
from taskhand.vault.credential_link import Link
from taskhand.vault.personal_connections import ConnectionPool

__all__ = ["FAULTS", "Fault"]

Fault = Callable[[pytest.MonkeyPatch], None]


def _share_the_client(patch: pytest.MonkeyPatch) -> None:
    """One HTTP client for all credentials of one CRM."""
    made: dict[str, Any] = {}
    real = http_client.open_client

    async def share(context: Any, upstream: Any, *given: Any, **named: Any) -> Any:
        if upstream.base_url not in made:
            made[upstream.base_url] = await real(context, upstream, *given, **named)
        return made[upstream.base_url]

    patch.setattr(http_client, "open_client", share)


def _share_the_pool(patch: pytest.MonkeyPatch) -> None:
    """One pool of connections for all credentials."""
    made: dict[Any, Any] = {}
    real = attempt.open_transport
    patch.setattr(attempt, "open_transport", lambda origin: made.setdefault(origin, real(origin)))


def _share_flights(patch: pytest.MonkeyPatch) -> None:
    """Equal reads at one moment are sent once, whoever asks."""
    flights: dict[str, list[Any]] = {}
    real = Client.send

    async def send(self: Client, request: Request) -> Any:
        name = f"{request.path.raw}?{request.query}"
        if request.method != "GET":
            return await real(self, request)
        if name in flights:
            event, *found = flights[name]
            await event.wait()
            if len(flight := flights.get(name, [event, *found])) > 1:
                return flight[1]
        flights[name] = flight = [anyio.Event()]
        try:
            flight.append(await real(self, request))
            return flight[1]
        finally:
            flight[0].set()

    patch.setattr(Client, "send", send)


def _share_caches(patch: pytest.MonkeyPatch) -> None:
    """What was fetched a moment ago is anybody's."""
    kept: dict[float, dict[Any, Any]] = {}
    real = TtlCache.__init__

    def make(self: Any, keep_s: float, clock: Any) -> None:
        real(self, keep_s, clock)
        self._values = kept.setdefault(keep_s, {})

    patch.setattr(TtlCache, "__init__", make)


def _share_recent_writes(patch: pytest.MonkeyPatch) -> None:
    """What one has written a moment ago is in the lists of all."""
    written: dict[str, Any] = {}
    real = RecentWrites.__init__

    def make(self: Any, *given: Any, **named: Any) -> None:
        real(self, *given, **named)
        self._written = written

    patch.setattr(RecentWrites, "__init__", make)
    patch.setattr(RecentWrites, "all", lambda self: iter(self._written.items()))


def _share_openings(patch: pytest.MonkeyPatch) -> None:
    """What is open for one person is used for the next."""

    async def open_any(self: Any, link: Link) -> Any:
        async with self._opening:
            opened = next(iter(self._kept.values()), None) or await self._open_new(link)
            self._kept.setdefault(link.name, opened)
            opened.users += 1
            return opened

    patch.setattr(ConnectionPool, "_open", open_any)


def _share_backends(patch: pytest.MonkeyPatch) -> None:
    """The backend of the first caller is everybody's."""
    made: dict[Any, Any] = {}
    real = app_context._backend_of  # noqa: SLF001  the fault is in there
    patch.setattr(
        app_context, "_backend_of", lambda app, caller: made.setdefault(app.connection.name, real(app, caller))
    )


def _share_members(patch: pytest.MonkeyPatch) -> None:
    """`me` is who it was for the first caller."""
    made: list[str] = []
    real = _PersonalAccount.me

    async def me(self: Any) -> str | None:
        if (found := await real(self)) is not None:
            made.append(found)
        return made[0] if made else None

    patch.setattr(_PersonalAccount, "me", me)


def _remember_the_caller(patch: pytest.MonkeyPatch) -> None:
    """Who calls is who called first over HTTP, as where a connection is taken for a person."""
    seen: list[Principal] = []
    real = Access.holder

    def holder(self: Access, token: Any) -> Principal:
        seen.append(real(self, token))
        return seen[0]

    patch.setattr(Access, "holder", holder)


def _fall_back(patch: pytest.MonkeyPatch) -> None:
    """Where a person's credential is accepted no longer, the shared one is used."""
    real = _Choice.backend

    @asynccontextmanager
    async def backend(self: Any) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            try:
                found = await stack.enter_async_context(real(self))
            except LinkRequired:
                found = self.shared
            yield found

    patch.setattr(_Choice, "backend", backend)


def _recover_as_nobody(patch: pytest.MonkeyPatch) -> None:
    """What a dead process left open is looked at with the shared credential."""
    patch.setattr(crash_recovery, "_of_maker", lambda app, _: app)


def _reject_all(patch: pytest.MonkeyPatch) -> None:
    """A credential that is not accepted ends the links of all."""
    real = ConnectionPool._reject  # noqa: SLF001  the fault is in there

    async def reject(self: Any, token: Any) -> Any:
        for opened in list(self._kept.values()):
            await self._links.end(opened.link)
        return await real(self, token)

    patch.setattr(ConnectionPool, "_reject", reject)


def _renew_with_anothers(patch: pytest.MonkeyPatch) -> None:
    """A token that was renewed is put in the place of another person's."""
    seen: list[Link] = []
    real = personal_connections._LiveToken.replace_by  # noqa: SLF001  the fault is in there

    def replace_by(self: Any, link: Link) -> None:
        seen.append(link)
        real(self, seen[0])

    patch.setattr(personal_connections._LiveToken, "replace_by", replace_by)  # noqa: SLF001  as above


FAULTS: dict[Fault, int] = {
    _share_the_client: 2,
    _share_the_pool: 2,
    _share_flights: 2,
    _share_caches: 2,
    _share_recent_writes: 2,
    _share_openings: 2,
    _share_backends: 2,
    _share_members: 2,
    _remember_the_caller: 2,
    _fall_back: 2,
    _recover_as_nobody: 2,
    _reject_all: 2,
    _renew_with_anothers: 3,
}
"""Each fault, and how many persons with own credentials it takes to see it."""
