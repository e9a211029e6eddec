"""A link: a person's own credential for a connection, and what may be known of it without the credential; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from taskhand.domain.own_credential import OwnCredential
from taskhand.domain.principal import Person

__all__ = ["Link", "LinkKind", "LinkState", "LinkedMember", "ListedLink", "OwnCredential"]

LinkKind = Literal["oauth", "key", "operator"]
"""Where a credential is from: the CRM gave it out to the person's consent, the person has pasted a key on the page, or
whoever runs Taskhand has linked one, which is for whoever has the person's verified e-mail address too."""

LinkState = Literal[
    "linked",
    "ended",  # the CRM accepts it no longer: the person has to link again
    "broken",  # it cannot be decrypted
    "locked",  # there is no key here to try
]

_EARLY: Final = timedelta(minutes=5)
_SHARE: Final = 0.2
_MARGIN: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class LinkedMember:
    """Who a person is in the CRM, as the CRM said when the person linked."""

    id: str | None = None
    name: str | None = None

    @property
    def shown_name(self) -> str | None:
        """Who it is, in a row; None if the CRM did not say."""
        return f"{self.name} ({self.id})" if self.name and self.id else self.name or self.id


@dataclass(frozen=True, slots=True)
class Link:
    """A person's own credential for a connection.

    `linked_at` is when the person gave it, `saved_at` when it was written last. `generation` counts all that was ever
    saved for the person and the connection. `last_used_at` may lag behind by a minute. `email` is the person's verified
    address, if it is not the id and was known when the person linked.
    """

    person: str
    connection: str
    kind: LinkKind
    credential: OwnCredential
    linked_at: datetime
    member: LinkedMember = LinkedMember()
    last_used_at: datetime | None = None
    saved_at: datetime | None = None
    generation: int = 0
    email: str | None = None

    @property
    def name(self) -> tuple[str, str]:
        """What no other link has: the person and the connection."""
        return self.person, self.connection

    def is_good(self, now: datetime) -> bool:
        """Whether a request that is sent now arrives before the credential expires."""
        expires_at = self.credential.expires_at
        return expires_at is None or now + _MARGIN < expires_at

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for the next credential: five minutes before the end, or the last fifth of a short one."""
        expires_at = self.credential.expires_at
        if expires_at is None:
            return False
        lifetime = expires_at - self.saved_at if self.saved_at else _EARLY / _SHARE
        return now >= expires_at - max(_MARGIN, min(_EARLY, lifetime * _SHARE))


@dataclass(frozen=True, slots=True)
class ListedLink:
    """What anyone who runs the server may know of a link. `flaw` says why it is broken, as "it ...".

    `email` is as in Link.
    """

    person: str
    connection: str
    kind: str
    state: LinkState
    member: LinkedMember
    linked_at: datetime | None
    last_used_at: datetime | None
    expires_at: datetime | None
    scopes: frozenset[str]
    flaw: str | None = None
    email: str | None = None

    @property
    def whose(self) -> Person:
        """The person, as far as the link tells."""
        return Person(self.person, self.email or Person.named(self.person).email)

    def to_json(self) -> Mapping[str, object]:
        """The link for programs."""
        return {
            "person": self.person,
            "email": self.email,
            "connection": self.connection,
            "kind": self.kind,
            "state": self.state,
            "member_id": self.member.id,
            "member_name": self.member.name,
            "linked_at": _to_text(self.linked_at),
            "last_used_at": _to_text(self.last_used_at),
            "expires_at": _to_text(self.expires_at),
            "scopes": sorted(self.scopes),
            "flaw": self.flaw,
        }


def _to_text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
