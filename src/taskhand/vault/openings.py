"""What is opened with persons' own credentials for one connection: each person's apart, and a bounded number kept."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

import anyio

from taskhand.domain.errors import LinkRequired, OperatorError, TaskhandError
from taskhand.vault.link import Link, OwnCredential
from taskhand.vault.links import Links

__all__ = ["Opened", "Openings", "Rejected"]

_T = TypeVar("_T")

Rejected = Callable[[], Awaitable[TaskhandError]]
"""Tells that the CRM does not accept the credential of a link; the error for its person."""

_MOST: Final = 64
"""Persons whose openings are kept for their next call."""


@dataclass(eq=False, slots=True)
class Opened(Generic[_T]):
    """What was opened with a link. `users` is how many use it now; `is_kept` is whether the next call gets it too."""

    value: _T
    link: Link
    stack: AsyncExitStack
    users: int = 0
    is_kept: bool = True

    @property
    def member_id(self) -> str | None:
        """Who the person is in the CRM, where the CRM has told."""
        return self.link.member.id

    async def close_if_unused(self) -> None:
        """Close it once nobody uses it or will, also in a cancelled scope."""
        if not self.is_kept and not self.users:
            with anyio.CancelScope(shield=True):
                await self.stack.aclose()


class Openings(Generic[_T]):
    """Opens the connection of this name with the credential of whoever calls, at first use."""

    def __init__(
        self,
        links: Links,
        connection: str,
        open_with: Callable[[Link, Rejected], AbstractAsyncContextManager[_T]],
        most: int = _MOST,
    ) -> None:
        """`open_with` opens it with a link's credential; of `most` persons it stays open for their next call."""
        self.connection: Final = connection
        self._links = links
        self._open_with = open_with
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Opened[_T]] = OrderedDict()
        """By the link's name, the one that was used last at the end."""
        self._opening = anyio.Lock()

    @asynccontextmanager
    async def lease(self, names: Sequence[str]) -> AsyncIterator[Opened[_T] | None]:
        """What is opened with the own credential of the person with these names; None where nothing is linked.

        It stays open inside. LinkRequired where it has to be linked again, LinkBroken where it cannot be decrypted.
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

    async def aclose(self) -> None:
        """Close all that is open."""
        while self._kept:
            _, opened = self._kept.popitem()
            opened.is_kept, opened.users = False, 0
            await opened.close_if_unused()

    async def _find(self, names: Sequence[str]) -> Link | None:
        for name in names:
            if (link := await self._links.fresh(name, self.connection, _cannot_renew)) is not None:
                return link
        return None

    async def _open(self, link: Link) -> Opened[_T]:
        """What is open with this very link, else a new one in the place of what its person had before.

        It has one user more.
        """
        async with self._opening:
            opened = self._kept.pop(link.name, None)
            if opened is not None and opened.link.generation < link.generation:
                opened.is_kept = False
                await opened.close_if_unused()
                opened = None
            if opened is None:
                opened = await self._open_new(link)
            self._kept[link.name] = opened
            opened.users += 1
            return opened

    async def _close_oldest(self) -> None:
        """Close what nobody uses, the longest unused first, where there is more than is kept."""
        for name in [name for name, one in self._kept.items() if not one.users]:
            if len(self._kept) <= self._most:
                return
            opened = self._kept.pop(name)
            opened.is_kept = False
            await opened.close_if_unused()

    async def _open_new(self, link: Link) -> Opened[_T]:
        async with AsyncExitStack() as stack:
            value = await stack.enter_async_context(self._open_with(link, partial(self._reject, link)))
            return Opened(value, link, stack.pop_all())

    async def _reject(self, link: Link) -> TaskhandError:
        """End the link, unless the person has linked again since; what is open with it is closed after this call."""
        if (opened := self._kept.get(link.name)) is not None and opened.link.generation == link.generation:
            self._kept.pop(link.name).is_kept = False
        try:
            await self._links.fresh(*link.name, _cannot_renew, rejected=link)
        except OperatorError as error:
            return error if isinstance(error, LinkRequired) else LinkRequired.again(link.connection)
        return OperatorError(
            f"Your own credential for {link.connection} was replaced during this call.",
            code="link_required",
            next_step="Send the same call again.",
            retryable=True,
        )


async def _cannot_renew(link: Link) -> OwnCredential:
    """A credential that was pasted lasts until the CRM accepts it no longer; nothing renews it."""
    raise LinkRequired.again(link.connection)
