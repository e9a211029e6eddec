"""What is opened with persons' own credentials for one connection: each person's apart, and a bounded number kept."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import anyio

from taskhand.domain.errors import LinkRequired, OperatorError, TaskhandError, UpstreamError
from taskhand.domain.own_credential import OwnCredential, OwnToken
from taskhand.vault.link import Link
from taskhand.vault.links import Links
from taskhand.vault.refresh import Renew

__all__ = ["ConnectionPool", "PooledConnection"]

_T = TypeVar("_T")

_MAX_KEPT: Final = 64
"""Persons whose openings are kept for their next call."""


class _LiveToken:
    """The credential of one opening, and the one that took its place since."""

    def __init__(self, link: Link, reject: "Callable[[_LiveToken], Awaitable[TaskhandError | None]]") -> None:
        self.link = link
        self.renewed: OwnCredential | None = None
        self._reject = reject

    def replace_by(self, link: Link) -> None:
        """Use the credential of the renewed link from the next request on."""
        self.link, self.renewed = link, link.credential

    async def reject(self, sent: OwnCredential | None, *, again: bool) -> TaskhandError | None:
        """Have it renewed, once for all requests that were sent with it.

        A CRM may refuse what it gave out a moment ago: only that it renews it no longer ends the link.
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
    """What was opened with a link. `users` is how many use it now; `is_kept` is whether the next call gets it too."""

    value: _T
    token: _LiveToken
    stack: AsyncExitStack
    users: int = 0
    is_kept: bool = True

    @property
    def link(self) -> Link:
        """The link as it was renewed last."""
        return self.token.link

    @property
    def member_id(self) -> str | None:
        """Who the person is in the CRM, if the CRM has told."""
        return self.link.member.id

    async def close_if_unused(self) -> None:
        """Close it once nobody uses it or will, also in a cancelled scope."""
        if not self.is_kept and not self.users:
            with anyio.CancelScope(shield=True):
                await self.stack.aclose()


def _ignore(_: Link) -> None:
    """Nobody wants to know."""


async def _cannot_renew(link: Link) -> OwnCredential:
    """Nothing renews a credential that was pasted: it lasts until the CRM accepts it no longer."""
    raise LinkRequired.again(link.connection)


class ConnectionPool(Generic[_T]):
    """Opens the connection of this name with the credential of whoever calls, at first use."""

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
        """`open_with` opens it with a link's credential; of `most` persons it stays open for their next call.

        `renew` asks the CRM for the next credential, with which it stays open. `notice` is told of each link whose
        credential goes on requests.
        """
        self.connection: Final = connection
        self._links = links
        self._open_with = open_with
        self._renew = renew
        self._notice = notice
        self._most = most
        self._kept: OrderedDict[tuple[str, str], PooledConnection[_T]] = OrderedDict()
        """By the link's name, the one that was used last at the end."""
        self._opening = anyio.Lock()

    @asynccontextmanager
    async def lease(self, names: Sequence[str]) -> AsyncIterator[PooledConnection[_T] | None]:
        """What is opened with the own credential of the person with these names; None if nothing is linked.

        The first name is the id. The others are e-mail addresses: of what is linked under one, only that counts which
        whoever runs Taskhand has linked for it, as equal addresses may be of two persons. It stays open inside.

        LinkRequired if it has to be linked again, LinkBroken if it cannot be decrypted.
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
        """Whether the person with these names has linked a credential; nothing is opened. Errors as of `lease`."""
        for name in names:
            if await self._counts(name, names) and await self._links.find(name, self.connection) is not None:
                return True
        return False

    async def aclose(self) -> None:
        """Close all that is open."""
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
        """Whether what is linked under a name is for the person with these names."""
        return name == names[0] or await self._links.may_be_by_email(name, self.connection)

    async def _open(self, link: Link) -> PooledConnection[_T]:
        """What is open with this very link, else a new one in the place of what its person had before.

        It has one user more.
        """
        async with self._opening:
            opened = self._kept.pop(link.name, None)
            if opened is not None and opened.link.generation < link.generation:
                if _is_renewed(opened.link, link):
                    opened.token.replace_by(link)
                else:
                    await self._drop(opened)
                    opened = None
            if opened is None:
                opened = await self._open_new(link)
            self._kept[link.name] = opened
            opened.users += 1
            return opened

    async def _close_oldest(self) -> None:
        """Close what nobody uses, the longest unused first, if there is more than is kept."""
        for name in [name for name, one in self._kept.items() if not one.users]:
            if len(self._kept) <= self._most:
                return
            await self._drop(self._kept.pop(name))

    async def _open_new(self, link: Link) -> PooledConnection[_T]:
        token = _LiveToken(link, self._reject)
        async with AsyncExitStack() as stack:
            value = await stack.enter_async_context(self._open_with(link, token))
            return PooledConnection(value, token, stack.pop_all())

    async def _reject(self, token: _LiveToken) -> TaskhandError | None:
        """Renew what the CRM does not accept any more; if that cannot be, it is closed after this call.

        The link ends if its grant is gone, unless the person has linked again since.
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
        """Let the next call open another; what is open with this link is closed after the calls that use it."""
        if (opened := self._kept.get(link.name)) is not None and opened.link.generation == link.generation:
            self._kept.pop(link.name).is_kept = False

    async def _drop(self, opened: PooledConnection[_T]) -> None:
        opened.is_kept = False
        await opened.close_if_unused()


def _is_renewed(link: Link, newer: Link) -> bool:
    """Whether the newer one is the next credential of the same grant, and not what the person has linked since."""
    known = (link.linked_at, link.kind, link.member)
    return link.kind == "oauth" and known == (newer.linked_at, newer.kind, newer.member)
