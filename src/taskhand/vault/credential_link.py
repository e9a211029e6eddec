"""A link: a person's own credential for a connection, and its description without the credential; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from taskhand.domain.own_credential import OwnCredential
from taskhand.domain.principal import Person

__all__ = ["EXPIRY_MARGIN", "Link", "LinkKind", "LinkState", "LinkedMember", "ListedLink", "OwnCredential"]

LinkKind = Literal["oauth", "key", "operator"]
"""The source of a credential.

`oauth`: the CRM issued it with the person's consent. `key`: the person pasted a key on the page. `operator`: an
operator of Taskhand linked it, also for the holder of the person's verified e-mail address.
"""

LinkState = Literal[
    "linked",
    "ended",  # the CRM rejects it: the person has to link again
    "broken",  # it cannot be decrypted
    "locked",  # this process has no key to decrypt it
]

EXPIRY_MARGIN: Final = timedelta(seconds=10)
"""How long before its end a credential counts as expired, because a request takes time to arrive."""


@dataclass(frozen=True, slots=True)
class LinkedMember:
    """The person's member id and name in the CRM, as the CRM gave them at linking."""

    id: str | None = None
    name: str | None = None

    @property
    def shown_name(self) -> str | None:
        """The member's name and id in one text; None if the CRM gave neither."""
        return f"{self.name} ({self.id})" if self.name and self.id else self.name or self.id


@dataclass(frozen=True, slots=True)
class Link:
    """A person's own credential for a connection.

    `linked_at` is when the person gave it, `saved_at` when it was last written. `generation` counts the credentials
    ever saved for this person and connection. `last_used_at` may lag by a minute. `email` is the person's verified
    address, if it is not the id and was known at linking.
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
        """The unique key of the link: the person and the connection."""
        return self.person, self.connection

    def rate_budget(self, *, counts_by_app: bool) -> str:
        """The name of the rate budget of its requests: one for all persons if the CRM counts by OAuth app."""
        return f"{self.kind} {'' if counts_by_app and self.kind == 'oauth' else self.person}"

    def is_good(self, now: datetime) -> bool:
        """Whether a request sent now arrives before the credential expires."""
        expires_at = self.credential.expires_at
        return expires_at is None or now + EXPIRY_MARGIN < expires_at


@dataclass(frozen=True, slots=True)
class ListedLink:
    """The description of a link that operators may see. `flaw` says why it is broken, as "it ...".

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
    def owner(self) -> Person:
        """The person, as far as the link identifies them."""
        return Person(self.person, self.email or Person.parse(self.person).email)

    def to_json(self) -> Mapping[str, object]:
        """The link as JSON."""
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
