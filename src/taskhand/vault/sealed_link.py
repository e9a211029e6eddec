"""A link as stored: the credential encrypted, the other columns readable, and all of them authenticated; pure.

The tokens are the secret. The columns used with them are associated data of the encryption: a changed byte, a row moved
to another person or connection, and tokens copied into a later row are all detected.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast

from taskhand.domain.errors import LinkBroken
from taskhand.sql.connection import read_instant, stored_instant, stored_instant_or_none
from taskhand.vault.cipher import CannotOpen, Cipher, Sealed
from taskhand.vault.credential_link import Link, LinkedMember, LinkKind, LinkState, ListedLink, OwnCredential

__all__ = [
    "VERSION",
    "SealedLink",
    "damaged_link",
    "describe_link",
    "open_link",
    "reseal_link",
    "seal_link",
]

VERSION: Final = 1
"""The version of the encrypted format."""

_ALTERED: Final = "was altered in the store"


@dataclass(frozen=True, slots=True)
class SealedLink:
    """A row: texts as stored, instants in ISO 8601 in UTC, `scopes` separated by spaces.

    `sealed` is None once the CRM has rejected the credential (`ended_at`). `email` is only for lists, and is not
    authenticated: replicas of an older version, which do not know the column, must still be able to open the row.
    """

    person: str
    connection: str
    generation: int
    version: int
    kind: str
    member_id: str | None
    member_name: str | None
    scopes: str
    expires_at: str | None
    linked_at: str
    saved_at: str
    sealed: Sealed | None
    last_used_at: str | None = None
    ended_at: str | None = None
    email: str | None = None

    @property
    def associated(self) -> bytes:
        """The associated data that the secret is encrypted with."""
        bound = (self.version, self.person, self.connection, self.kind, self.generation)
        known = (self.member_id, self.member_name, self.scopes, self.expires_at, self.linked_at, self.saved_at)
        return json.dumps(["taskhand link", *bound, *known]).encode("ascii")


def damaged_link(person: str, connection: str, generation: int) -> SealedLink:
    """A row that stands for an unreadable one."""
    return SealedLink(person, connection, generation, VERSION, "?", None, None, "", None, "", "", sealed=None)


def seal_link(link: Link, cipher: Cipher, generation: int, now: datetime) -> SealedLink:
    """Seal a link as this generation, saved now. OperatorError without a key."""
    credential = link.credential
    row = SealedLink(
        link.person,
        link.connection,
        generation,
        VERSION,
        link.kind,
        link.member.id,
        link.member.name,
        " ".join(sorted(credential.scopes)),
        stored_instant_or_none(credential.expires_at),
        stored_instant(link.linked_at),
        stored_instant(now),
        sealed=None,
        last_used_at=stored_instant_or_none(link.last_used_at),
        email=link.email,
    )
    return _with_secret(row, cipher, json.dumps([credential.access_token, credential.refresh_token]).encode("ascii"))


def open_link(row: SealedLink, cipher: Cipher) -> Link:
    """Open the link in a row. LinkBroken, and no plaintext, if any column was altered."""
    secret = _open_secret(row, cipher)
    try:
        access_token, refresh_token = json.loads(secret)
        return Link(
            row.person,
            row.connection,
            cast("LinkKind", row.kind),
            OwnCredential(access_token, refresh_token, read_instant(row.expires_at), frozenset(row.scopes.split())),
            linked_at=datetime.fromisoformat(row.linked_at),
            member=LinkedMember(row.member_id, row.member_name),
            last_used_at=_read_instant_or_none(row.last_used_at),
            saved_at=datetime.fromisoformat(row.saved_at),
            generation=row.generation,
            email=row.email,
        )
    except ValueError:
        raise LinkBroken.at(row.connection, _ALTERED) from None


def reseal_link(row: SealedLink, cipher: Cipher) -> SealedLink:
    """Seal the row again with the first key. LinkBroken if it cannot be opened."""
    return _with_secret(row, cipher, _open_secret(row, cipher))


def describe_link(row: SealedLink, cipher: Cipher, flaw: str | None = None) -> ListedLink:
    """Describe a row, even a broken one; `flaw` is its flaw if the caller knows one already."""
    state: LinkState = "linked" if cipher.key_id else "locked"
    if row.ended_at is not None:
        state = "ended"
    elif flaw is None and cipher.key_id:
        flaw = _find_flaw(row, cipher)
    return ListedLink(
        row.person,
        row.connection,
        row.kind,
        "broken" if flaw else state,
        LinkedMember(row.member_id, row.member_name),
        linked_at=_read_instant_or_none(row.linked_at),
        last_used_at=_read_instant_or_none(row.last_used_at),
        expires_at=_read_instant_or_none(row.expires_at),
        scopes=frozenset(row.scopes.split()),
        flaw=flaw,
        email=row.email,
    )


def _with_secret(row: SealedLink, cipher: Cipher, secret: bytes) -> SealedLink:
    return replace(row, sealed=cipher.seal(secret, row.associated))


def _open_secret(row: SealedLink, cipher: Cipher) -> bytes:
    if row.version != VERSION:
        raise LinkBroken.at(row.connection, f"was encrypted in another way ({row.version}) than this Taskhand knows")
    if row.sealed is None:
        raise LinkBroken.at(row.connection, _ALTERED)
    try:
        return cipher.open(row.sealed, row.associated)
    except CannotOpen as error:
        if not error.key_is_missing:
            raise LinkBroken.at(row.connection, _ALTERED) from None
    raise LinkBroken.at(
        row.connection,
        f"is encrypted with the key {row.sealed.key_id}, which TASKHAND_VAULT_KEY does not have",
        "Tell the person: the operator of Taskhand can add that key; without it, the person has to link again.",
    )


def _find_flaw(row: SealedLink, cipher: Cipher) -> str | None:
    """The flaw of a row that cannot be opened, as "it ..."; None if it can be opened."""
    try:
        open_link(row, cipher)
    except LinkBroken as error:
        return error.flaw
    return None


def _read_instant_or_none(text: str | None) -> datetime | None:
    try:
        return read_instant(text)
    except ValueError:
        return None
