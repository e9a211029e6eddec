"""A backend that uses the caller's own credential, if the caller has linked one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from taskhand.backends.base import Backend
from taskhand.domain.errors import LinkBroken, LinkRequired, NotAllowed
from taskhand.domain.principal import Principal
from taskhand.service.forwarding_backend import ForwardingBackend

__all__ = ["OwnBackend", "OwnBackends", "describe_credential", "with_own_credential"]

_NO_VAULT: Final = "It needs your own credential, and nobody can link one here: tell the operator of Taskhand."

ForCaller = Callable[[Backend, str | None], Backend]
"""Returns the backend for the caller; the text is the caller's member id, if the CRM reports it."""


class OwnBackend(Protocol):
    """A backend that was opened with a person's own credential."""

    @property
    def value(self) -> Backend:
        """The backend."""
        ...

    @property
    def member_id(self) -> str | None:
        """The person's member id, if the CRM reports it."""
        ...


class OwnBackends(Protocol):
    """The backends that are opened with persons' own credentials, for one connection."""

    @property
    def connection(self) -> str:
        """The connection's name."""
        ...

    def lease(self, names: Sequence[str]) -> AbstractAsyncContextManager[OwnBackend | None]:
        """The backend of the person with these names, open inside; None if nothing is linked.

        LinkRequired if it has to be linked again, LinkBroken if it cannot be decrypted.
        """
        ...

    async def is_linked(self, names: Sequence[str]) -> bool:
        """Whether the person with these names has linked one; errors as of `lease`."""
        ...

    async def aclose(self) -> None:
        """Close all that is open."""
        ...


def with_own_credential(
    shared: Backend, own_backends: OwnBackends | None, principal: Principal, connection: str, for_caller: ForCaller
) -> tuple[Backend, Callable[[], Awaitable[bool]]]:
    """The backend for one caller: with the caller's own credential, else with the shared one if that is allowed.

    The second function returns whether requests now use the own credential. `own_backends` is None if nobody can link
    one. `connection` is the name in errors.
    """
    choice = _Choice(shared, own_backends, principal, connection, for_caller)
    return _CallersBackend(choice), choice.is_own


async def describe_credential(own_backends: OwnBackends | None, principal: Principal, connection: str) -> str | None:
    """A sentence on the credential that a person's calls use at the CRM; None if callers are not known.

    `own_backends` is None if nobody can link one; for a person who must use one the sentence says so.
    """
    if principal.person is None:
        return None
    if own_backends is None:
        return _NO_VAULT if principal.rules.needs_own(connection) else None
    try:
        is_linked = await own_backends.is_linked(principal.person.names)
    except LinkRequired:
        return "Link your own credential again: the earlier one is no longer accepted."
    except LinkBroken:
        return "Link your own credential again: the earlier one cannot be read."
    if is_linked:
        return "Used with your own credential."
    if principal.rules.needs_own(connection):
        return "Link your own credential first."
    return "Used with the shared credential."


class _Choice:
    """Chooses the credential for each request of one caller.

    Within a call, the shared credential never replaces one that the person unlinked or has to link again.
    """

    def __init__(
        self,
        shared: Backend,
        own_backends: OwnBackends | None,
        principal: Principal,
        connection: str,
        for_caller: ForCaller,
    ) -> None:
        self.shared = for_caller(shared, None)
        self._own = own_backends
        self._principal = principal
        self._connection = connection
        self._for_caller = for_caller
        self._opened: Backend | None = None
        self._own_backend = self.shared
        """The opened backend as the caller uses it."""

    @asynccontextmanager
    async def backend(self) -> AsyncIterator[Backend]:
        """The backend for a request now."""
        person = self._principal.person
        if self._own is None or person is None:
            self._check_shared()
            yield self.shared
            return
        async with self._own.lease(person.names) as lease:
            if lease is None:
                self._check_shared()
                yield self.shared
                return
            if self._opened is not lease.value:
                self._opened, self._own_backend = lease.value, self._for_caller(lease.value, lease.member_id)
            yield self._own_backend

    async def is_own(self) -> bool:
        """Whether requests now have the caller's own credential; then all later ones of the caller have it too."""
        async with self.backend() as backend:
            return backend is not self.shared

    def _check_shared(self) -> None:
        """LinkRequired or NotAllowed if the shared credential is not for this caller."""
        person = self._principal.person
        if self._opened is None and not self._principal.rules.needs_own(self._connection):
            return
        if person is None:
            raise NotAllowed.by("own_credential", "Unknown callers may not use this connection.")
        if self._opened is not None:
            raise LinkRequired.of_unlinked(self._connection)
        raise LinkRequired.first(self._connection, person.shown_name, has_vault=self._own is not None)


class _CallersBackend(ForwardingBackend):
    """The backend of a caller; each request has the caller's credential at that time."""

    def __init__(self, choice: _Choice) -> None:
        super().__init__(choice.shared, self._open_chosen)
        self._choice = choice

    @asynccontextmanager
    async def _open_chosen(self) -> AsyncIterator[Backend]:
        async with self._choice.backend() as backend:
            self.follow(backend)
            yield backend
