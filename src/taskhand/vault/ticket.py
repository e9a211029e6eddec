"""A ticket: it lets one person open one page, to link a credential for one connection; pure.

The text is 32 random bytes and stands in the page's address. What is kept is its hash, which is also the id of the
ticket: whoever knows the id can open nothing.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from taskhand.domain.principal import Person
from taskhand.vault.sealed_link import to_text

__all__ = ["Errand", "Ticket", "hash_secret"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """For whom and for what it is, and how far its page has come.

    `browser` is the hash of the cookie of the browser that has begun: no other goes on. `proved_at` is when the person
    has proved there who they are. `tries` is how often something was begun or sent. Once `used_at` is set it opens
    nothing more; with `linked_at` the person has linked. `mark` is made of what is `bound` with the vault's key:
    without it nobody who can write where tickets are kept opens a page. `refusal` is
    why the page has refused the last try, and `turned_away_at` when it has refused another browser.
    """

    id: str
    person: Person
    connection: str
    made_at: datetime
    expires_at: datetime
    browser: str | None = None
    tries: int = 0
    proved_at: datetime | None = None
    used_at: datetime | None = None
    linked_at: datetime | None = None
    mark: str | None = None
    refusal: str | None = None
    turned_away_at: datetime | None = None

    @property
    def bound(self) -> bytes:
        """For whom and for what it is, until when, and which browser has proved that it is the person's."""
        proved_at = to_text(self.proved_at) if self.proved_at else None
        whose = (self.person.id, self.person.email, self.connection)
        return json.dumps(
            ["taskhand ticket", self.id, *whose, to_text(self.expires_at), self.browser, proved_at]
        ).encode("ascii")

    def is_open(self, now: datetime) -> bool:
        """Whether its page can still be used."""
        return self.used_at is None and now < self.expires_at

    def may_go_on(self, browser: str) -> bool:
        """Whether a browser may go on: it has begun, or none has."""
        return self.browser in {None, browser}


@dataclass(frozen=True, slots=True)
class Errand:
    """What the page has to know when a browser comes back from where it was sent: kept encrypted meanwhile.

    `kind` is what it was sent for. `ticket` is the ticket's text, `verifier` that of PKCE, `nonce` that of a sign-in.
    """

    kind: str
    ticket: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(default="", repr=False)
    language: str = ""

    def to_bytes(self) -> bytes:
        """The errand as it is sealed."""
        return json.dumps([self.kind, self.ticket, self.verifier, self.nonce, self.language]).encode("ascii")

    @classmethod
    def of_bytes(cls, text: bytes) -> "Errand":
        """The errand that was sealed."""
        return cls(*json.loads(text))


def hash_secret(text: str) -> str:
    """The hash that is kept of a random text. It is long, so that nobody can try all of them."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
