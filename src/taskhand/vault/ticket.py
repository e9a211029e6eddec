"""A ticket lets one person open one page, to link a credential for one connection; pure.

The text is 32 random bytes in the page's address. Only its hash is stored, as the ticket's id, so a leaked id cannot
open the page.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from taskhand.domain.principal import Person
from taskhand.sql.connection import stored_instant

__all__ = ["Errand", "Ticket", "hash_secret"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """The person and connection of a page, and the progress of the person on it.

    `browser` is the hash of the cookie of the browser that began: all others are refused. `proved_at` is when the
    person proved their identity in it. `tries` counts the attempts to begin or submit. A ticket with `used_at` is
    closed; one with `linked_at` has led to a link. `bound_hmac` is an HMAC of `bound` under the vault's key, so
    write access to the store alone opens no page. `refusal` is the reason for which the page refused the last attempt.
    `turned_away_at` is when the page refused another browser.
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
    bound_hmac: str | None = None
    refusal: str | None = None
    turned_away_at: datetime | None = None

    @property
    def bound(self) -> bytes:
        """The bytes that the HMAC covers: id, person, connection, expiry, browser and time of the proof."""
        proved_at = stored_instant(self.proved_at) if self.proved_at else None
        whose = (self.person.id, self.person.email, self.connection)
        return json.dumps(
            ["taskhand ticket", self.id, *whose, stored_instant(self.expires_at), self.browser, proved_at]
        ).encode("ascii")

    def is_open(self, now: datetime) -> bool:
        """Whether the page can still be used."""
        return self.used_at is None and now < self.expires_at

    def may_go_on(self, browser: str) -> bool:
        """Whether this browser may use the page: it began, or no browser has."""
        return self.browser in {None, browser}


@dataclass(frozen=True, slots=True)
class Errand:
    """The state of a page while its browser is at another site; stored encrypted.

    `kind` is the purpose of the redirect. `ticket` is the ticket's text, `verifier` the PKCE code verifier, `nonce` the
    nonce of a sign-in.
    """

    kind: str
    ticket: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(default="", repr=False)
    language: str = ""

    def to_bytes(self) -> bytes:
        """Serialize the errand for encryption."""
        return json.dumps([self.kind, self.ticket, self.verifier, self.nonce, self.language]).encode("ascii")

    @classmethod
    def of_bytes(cls, text: bytes) -> "Errand":
        """Parse the decrypted bytes of an errand."""
        return cls(*json.loads(text))


def hash_secret(text: str) -> str:
    """Hash a random text for storage. The text is too long to be guessed, so a plain SHA-256 is enough."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
