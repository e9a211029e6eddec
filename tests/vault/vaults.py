"""A vault for tests: its keys, its file, and the links of two persons."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import anyio.lowlevel

from fixed_clock import NOW, FixedClock
from taskhand.vault.cipher import Cipher
from taskhand.vault.credential_link import Link, LinkedMember, LinkKind, OwnCredential
from taskhand.vault.links_of_persons import Links
from taskhand.vault.sqlite import SqliteLinkStore
from taskhand.vault.vault_key import make_vault_key, read_vault_keys

__all__ = ["KEY", "OLD_KEY", "SECRETS", "cipher_of", "link_of", "links_at", "rows"]

KEY = make_vault_key(lambda size: "1a" * size)
OLD_KEY = make_vault_key(lambda size: "2b" * size)
Sleep = Callable[[float], Awaitable[object]]
SECRETS = ("access-of-", "refresh-of-")
"""How the secrets of these links begin."""


def links_at(path: Path, *keys: str, clock: FixedClock | None = None, sleep: Sleep | None = None) -> Links:
    """The links in that file, as one process has them."""
    return Links(SqliteLinkStore(path), cipher_of(*keys or (KEY,)), clock or FixedClock(), sleep or _no_sleep)


def link_of(person: str, connection: str = "north", *, kind: LinkKind = "oauth", minutes: float | None = 30) -> Link:
    """A link of a person, whose tokens bear the person's name."""
    expires_at = None if minutes is None else NOW + timedelta(minutes=minutes)
    given = OwnCredential(f"access-of-{person}", f"refresh-of-{person}", expires_at, frozenset({"tasks.read", "tasks"}))
    return Link(person, connection, kind, given, NOW, LinkedMember("17", f"{person} in the CRM"))


@contextmanager
def rows(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as somebody else changes it."""
    with closing(sqlite3.connect(path)) as other, other:
        yield other


async def _no_sleep(_: float) -> None:
    """Let others go on, and let no time pass."""
    await anyio.lowlevel.checkpoint()


def cipher_of(*keys: str) -> Cipher:
    """A cipher that encrypts with the first of these keys and decrypts with any."""
    return Cipher(read_vault_keys(keys))
