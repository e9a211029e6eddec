"""A bounded pool of connections to one CRM, each opened with the credential of one person."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import anyio

from taskhand.domain.errors import LinkRequired, OperatorError, TaskhandError, UpstreamError
from taskhand.domain.own_credential import OwnCredential, OwnToken
from taskhand.vault.credential_link import Link
from taskhand.vault.links_of_persons import Links
from taskhand.vault.token_refresh import Renew

__all__ = ["ConnectionPool", "PooledConnection"]

_T = TypeVar("_T")

_MAX_KEPT: Final = 64
"""Maximum pooled connections; above it, idle ones are closed."""


class _LiveToken:
    """The current credential of one pooled connection."""

    def __init__(self, link: Link, reject: "Callable[[_LiveToken], Awaitable[TaskhandError | None]]") -> None:
        self.link = link
        self.renewed: OwnCredential | None = None
        self._reject = reject

    def replace_by(self, link: Link) -> None:
        """Use the credential of the renewed link from the next request on."""
        self.link, self.renewed = link, link.credential

    async def reject(self, sent: OwnCredential | None, *, again: bool) -> TaskhandError | None:
        """Renew the rejected credential, once for all requests that were sent with it.

        A CRM may refuse a credential that it issued a moment ago, so only a refused renewal ends the link.
        """
        if again:
            return UpstreamError(
                f"Your own credential for {self.link.connection} was renewed, and the CRM does not accept it yet.",
                next_step=f"Send the same call again in a moment. If that does not help, tell the person to link "
                f"{self.link.connection} again.",
                retryable=True,
            )
        return None if sent is not self.renewed else await self._reject(self)


@dataclass(eq=False, slots=True)
class PooledConnection(Generic[_T]):
    """A connection opened with a link; `users` counts the calls that use it, `is_kept` is whether it is in the pool."""

    value: _T
    token: _LiveToken
    stack: AsyncExitStack
    users: int = 0
    is_kept: bool = True

    @property
    def link(self) -> Link:
        """The link after its last renewal."""
        return self.token.link

    @property
    def member_id(self) -> str | None:
        """The person's id in the CRM, if known."""
        return self.link.member.id

    async def close_if_unused(self) -> None:
        """Close the connection if it is unused and out of the pool, also in a cancelled scope."""
        if not self.is_kept and not self.users:
            with anyio.CancelScope(shield=True):
                await self.stack.aclose()


def _ignore(_: Link) -> None:
    """The default `notice`: do nothing."""


async def _cannot_renew(link: Link) -> OwnCredential:
    """The default `renew`: a pasted credential cannot be renewed. Raises LinkRequired."""
    raise LinkRequired.again(link.connection)


class ConnectionPool(Generic[_T]):
    """Opens the named connection with the caller's own credential, at first use, and reuses it."""

    def __init__(
        self,
        links: Links,
        connection: str,
        open_with: Callable[[Link, OwnToken], AbstractAsyncContextManager[_T]],
        *,
        renew: Renew = _cannot_renew,
        most: int = _MAX_KEPT,
        notice: Callable[[Link], None] = _ignore,
    ) -> None:
        """`open_with` opens a connection with a link's credential; above `most` connections, idle ones are closed.

        `renew` asks the CRM for the next credential of an open connection. `notice` is called with each link whose
        credential requests will carry.
        """
        self.connection: Final = connection
        self._links = links
        self._open_with = open_with
        self._renew = renew
        self._notice = notice
        self._most = most
        self._kept: OrderedDict[tuple[str, str], PooledConnection[_T]] = OrderedDict()
        """The connections by link name, the most recently used last."""
        self._opening = anyio.Lock()

    @asynccontextmanager
    async def lease(self, names: Sequence[str]) -> AsyncIterator[PooledConnection[_T] | None]:
        """Hold the connection of the person with these names during the `with`; None if the person has no link.

        The first name is the person's id. The others are e-mail addresses: a link under an address counts only if
        the operator made it, since two persons may have equal addresses.

        LinkRequired if the person must link again, LinkBroken if the link cannot be decrypted.
        """
        link = await self._find(names)
        if link is None:
            yield None
            return
        opened = await self._open(link)
        try:
            await self._close_oldest()
            yield opened
        finally:
            opened.users -= 1
            await opened.close_if_unused()

    async def is_linked(self, names: Sequence[str]) -> bool:
        """Whether the person with these names has linked a credential; opens nothing. Errors as in `lease`."""
        for name in names:
            if await self._counts(name, names) and await self._links.find(name, self.connection) is not None:
                return True
        return False

    async def aclose(self) -> None:
        """Close every connection."""
        while self._kept:
            _, opened = self._kept.popitem()
            opened.is_kept, opened.users = False, 0
            await opened.close_if_unused()

    async def _find(self, names: Sequence[str]) -> Link | None:
        for name in names:
            if not await self._counts(name, names):
                continue
            if (link := await self._links.fresh(name, self.connection, self._renew)) is not None:
                self._notice(link)
                return link
        return None

    async def _counts(self, name: str, names: Sequence[str]) -> bool:
        """Whether a link under `name` belongs to the person with these names."""
        return name == names[0] or await self._links.may_be_by_email(name, self.connection)

    async def _open(self, link: Link) -> PooledConnection[_T]:
        """The pooled connection of this link, else a new one that replaces the person's earlier one.

        Increments its `users`.
        """
        async with self._opening:
            opened = self._kept.pop(link.name, None)
            if opened is not None and opened.link.generation < link.generation:
                if _is_renewed(opened.link, link):
                    opened.token.replace_by(link)
                else:
                    await self._discard(opened)
                    opened = None
            if opened is None:
                opened = await self._open_new(link)
            self._kept[link.name] = opened
            opened.users += 1
            return opened

    async def _close_oldest(self) -> None:
        """Close idle connections, the least recently used first, until the pool is within its bound."""
        for name in [name for name, pooled in self._kept.items() if not pooled.users]:
            if len(self._kept) <= self._most:
                return
            await self._discard(self._kept.pop(name))

    async def _open_new(self, link: Link) -> PooledConnection[_T]:
        token = _LiveToken(link, self._reject)
        async with AsyncExitStack() as stack:
            value = await stack.enter_async_context(self._open_with(link, token))
            return PooledConnection(value, token, stack.pop_all())

    async def _reject(self, token: _LiveToken) -> TaskhandError | None:
        """Renew a credential that the CRM rejects; if that fails for good, the connection closes after this call.

        The link ends if its grant was revoked, unless the person has linked again since.
        """
        link = token.link
        try:
            newest = await self._links.fresh(*link.name, self._renew, rejected=link)
        except UpstreamError as error:
            return error
        except OperatorError as error:
            self._forget(link)
            return error
        if newest is not None and _is_renewed(link, newest):
            self._notice(newest)
            token.replace_by(newest)
            return None
        self._forget(link)
        return OperatorError(
            f"Your own credential for {link.connection} was replaced during this call.",
            code="link_required",
            next_step="Send the same call again.",
            retryable=True,
        )

    def _forget(self, link: Link) -> None:
        """Take the link's connection out of the pool; it closes after the calls that use it."""
        if (opened := self._kept.get(link.name)) is not None and opened.link.generation == link.generation:
            self._kept.pop(link.name).is_kept = False

    async def _discard(self, opened: PooledConnection[_T]) -> None:
        opened.is_kept = False
        await opened.close_if_unused()


def _is_renewed(link: Link, newer: Link) -> bool:
    """Whether `newer` is a renewal of the same grant, and not a new link by the person."""
    known = (link.linked_at, link.kind, link.member)
    return link.kind == "oauth" and known == (newer.linked_at, newer.kind, newer.member)
