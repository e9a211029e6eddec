"""Finds, saves, removes, lists and renews the links of all persons."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import anyio

from taskhand.domain.errors import LinkBroken, LinkRequired, OperatorError
from taskhand.domain.principal import Person
from taskhand.sqlite.last_uses import LastUses
from taskhand.vault.cipher import Cipher
from taskhand.vault.credential_link import Link, LinkedMember, ListedLink
from taskhand.vault.link_store import KeptLink, LinkStore
from taskhand.vault.sealed_link import SealedLink, describe_link, open_link, seal_link
from taskhand.vault.token_refresh import Refresher, Renew

__all__ = ["Links"]

_log = logging.getLogger(__name__)

_TRIES: Final = 10
_GONE: Final = "is missing from the store"
_OLD: Final = "is an earlier one that was put back"


class Links:
    """At most one link for each person and connection. A link is never used for another person.

    Every method raises OperatorError if the links cannot be read or written.
    """

    def __init__(
        self,
        store: LinkStore,
        cipher: Cipher,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        """If the cipher has no keys, links can be listed and removed, but not opened."""
        self._store = store
        self._cipher = cipher
        self._clock = clock
        self._seen: dict[tuple[str, str], int] = {}
        """The newest generation of each link that this process has seen; an older row was restored from a copy."""
        self._refresher = Refresher(store, self.find, self._seal, clock, sleep)
        self._uses = LastUses(store.note_uses, "links")

    async def find(self, person: str, connection: str) -> Link | None:
        """Find the person's own credential; None if nothing is linked.

        LinkRequired if the person has to link again, LinkBroken if the credential cannot be decrypted. After either
        error, a caller must not use another credential.
        """
        seen = self._seen.get((person, connection), 0)  # read before the row: a concurrent read may increase it
        kept_link = await self._store.find(person, connection) if await self._exists() else None
        if kept_link is None or (kept_link.row is None and kept_link.removed and kept_link.generation >= seen):
            return None
        try:
            link = self._open(kept_link, seen)
        except LinkBroken as error:
            _log.warning("the link of %s for %s cannot be used: it %s", person, connection, error.flaw)
            raise
        self._seen[link.name] = max(link.generation, self._seen.get(link.name, 0))
        return link

    async def may_be_by_email(self, email: str, connection: str) -> bool:
        """Whether a row under an e-mail address may be for the holder of that address; a link made on a page is not.

        A missing or damaged row may be either kind, and counts as broken for both.
        """
        if not await self._exists():
            return False
        kept_link = await self._store.find(email, connection)
        return not kept_link.removed if kept_link.row is None else kept_link.row.kind not in {"oauth", "key"}

    async def save(self, link: Link) -> Link:
        """Save a link, which replaces the person's former one; return the link as stored."""
        for _ in range(_TRIES):
            kept_link = await self._store.find(*link.name)
            generation = max(kept_link.generation, self._seen.get(link.name, 0)) + 1
            if await self._store.put(
                seal_link(link, self._cipher, generation, self._clock()), after=kept_link.generation
            ):
                saved = await self.find(*link.name)
                if saved is not None:
                    return saved
        raise OperatorError(
            "The link was not saved: other processes changed it at the same time.",
            code="store_busy",
            retryable=True,
            next_step="Try again.",
        )

    async def end(self, link: Link) -> None:
        """Mark a link whose credential the CRM rejects; no effect if a newer one was saved meanwhile."""
        await self._store.end(*link.name, generation=link.generation, at=self._clock())

    async def remove(self, person: str, connection: str) -> bool:
        """Remove a link, even a broken one; return whether it existed."""
        return await self._exists() and await self._store.remove(person, connection, self._clock())

    async def list(self, person: str | None = None) -> Sequence[ListedLink]:
        """Describe every link, or those of one person, by person and connection, without credentials."""
        seen = dict(self._seen)
        kept_links = await self._store.list_links() if await self._exists() else ()
        wanted = [link for link in kept_links if person in {None, link.person}]
        return [self._describe(link, seen.get((link.person, link.connection), 0)) for link in wanted]

    async def list_members(self, connection: str) -> Sequence[tuple[Person, str | None]]:
        """The persons who have linked a connection, with each one's member id in the CRM if the CRM gave it."""
        return [(link.owner, link.member.id) for link in await self.list() if link.connection == connection]

    async def fresh(self, person: str, connection: str, renew: Renew, *, rejected: Link | None = None) -> Link | None:
        """A link whose credential is valid for a request now; None if nothing is linked.

        A credential that expires soon, or that the CRM has `rejected`, is renewed first, by one caller at a time across
        all processes. LinkRequired and LinkBroken as for `find`; UpstreamError if it has expired and the renewal failed
        for now.
        """
        link = await self.find(person, connection)
        if link is None:
            return None
        link = await self._refresher.refresh_if_due(link, renew, rejected.generation if rejected else None)
        self._uses.note(link.name, self._clock(), link.last_used_at, link.linked_at)
        return link

    async def record_uses(self) -> None:
        """Write the times of last use in the background, until cancelled."""
        await self._uses.record()

    async def aclose(self) -> None:
        """Write the times of last use, and close the store after the work in progress."""
        await self._uses.write()
        await self._store.aclose()

    async def _exists(self) -> bool:
        """Whether the store exists. OperatorError if this process has seen links and the store is gone."""
        if await self._store.exists():
            return True
        if self._seen:
            raise OperatorError(
                "The store of the credentials that persons have linked is missing.",
                code="store_unavailable",
                next_step="Restore it, or restart Taskhand to begin with an empty one.",
            )
        return False

    def _seal(self, link: Link) -> SealedLink:
        return seal_link(link, self._cipher, link.generation + 1, self._clock())

    def _open(self, kept_link: KeptLink, seen: int) -> Link:
        if (flaw := _find_flaw(kept_link, seen)) is not None or kept_link.row is None:
            raise LinkBroken.at(kept_link.connection, flaw or _GONE)
        if kept_link.row.ended_at is not None:
            raise LinkRequired.again(kept_link.connection)
        return open_link(kept_link.row, self._cipher)

    def _describe(self, kept_link: KeptLink, seen: int) -> ListedLink:
        if kept_link.row is not None:
            return describe_link(kept_link.row, self._cipher, _find_flaw(kept_link, seen))
        nobody, nothing = LinkedMember(), frozenset[str]()
        return ListedLink(
            kept_link.person, kept_link.connection, "?", "broken", nobody, None, None, None, nothing, _GONE
        )


def _find_flaw(kept_link: KeptLink, seen: int) -> str | None:
    """The flaw of an unusable row, found before decryption; `seen` is the newest generation that this process knows."""
    if kept_link.row is None:
        return _GONE
    return None if kept_link.row.generation == kept_link.generation >= seen else _OLD
