"""Rotates the vault's key: encrypts every link again with the first key, while servers run.

Each link is one transaction, so an interrupted rotation can be run again. A link that a server saves meanwhile is
checked once more.
"""

from dataclasses import dataclass, field

from taskhand.domain.errors import LinkBroken
from taskhand.vault.cipher import Cipher, no_key
from taskhand.vault.link_store import KeptLink, LinkStore
from taskhand.vault.sealed_link import open_link, reseal_link

__all__ = ["BrokenLink", "Rotation", "rotate_key"]


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """A link that cannot be decrypted, and its flaw, as "it ..."."""

    person: str
    connection: str
    flaw: str


@dataclass(slots=True)
class Rotation:
    """The counts of links encrypted with the first key now and before, and the links that could not be."""

    key_id: str
    resealed: int = 0
    before: int = 0
    broken: list[BrokenLink] = field(default_factory=list)


async def rotate_key(store: LinkStore, cipher: Cipher) -> Rotation:
    """Encrypt every link with the first key of the cipher. OperatorError without a key."""
    if cipher.key_id is None:
        raise no_key()
    done = Rotation(cipher.key_id)
    for link in await store.list_links() if await store.exists() else ():
        try:
            await _rotate_link(store, cipher, link, done)
        except LinkBroken as error:
            done.broken.append(BrokenLink(link.person, link.connection, error.flaw))
    return done


async def _rotate_link(store: LinkStore, cipher: Cipher, link: KeptLink, rotation: Rotation) -> None:
    while (row := link.row) is not None and row.ended_at is None:
        if row.sealed is not None and row.sealed.key_id == cipher.key_id:
            open_link(row, cipher)
            rotation.before += 1
            return
        if await store.reseal(reseal_link(row, cipher), row):
            rotation.resealed += 1
            return
        link = await store.find(link.person, link.connection)
