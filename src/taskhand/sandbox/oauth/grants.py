"""The grants of people to apps, with the codes and tokens that were issued for them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

Kind = Literal["code", "access_token", "refresh_token"]


class OAuthUser(NamedTuple):
    """A person who can sign in."""

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class App:
    """A registered app. Without `redirect_uris` it may name any address."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] = ()


@dataclass(eq=False)
class Grant:
    """The consent of a person to an app; `challenge` is the hash of the code verifier."""

    user: OAuthUser
    client_id: str
    scopes: tuple[str, ...]
    redirect_uri: str = ""
    challenge: str | None = None
    is_ended: bool = False


@dataclass(eq=False)
class Issued:
    """A code or token; `ends` is None if it never expires. An exchange or a rotation uses it up."""

    kind: Kind
    grant: Grant
    ends: dt.datetime | None
    is_used: bool = False
    is_revoked: bool = False

    def has_expired(self, now: dt.datetime) -> bool:
        """Whether it has expired."""
        return self.ends is not None and self.ends <= now

    def is_good(self, now: dt.datetime) -> bool:
        """Whether it is neither expired nor revoked; it may be used up."""
        return not (self.has_expired(now) or self.is_revoked or self.grant.is_ended)


class Grants:
    """All codes and tokens of one sandbox."""

    def __init__(self) -> None:
        self._issued: dict[str, Issued] = {}

    def __iter__(self) -> Iterator[Grant]:
        return iter(dict.fromkeys(token.grant for token in self._issued.values()))

    def issue(self, kind: Kind, grant: Grant, ends: dt.datetime | None, size: int = 32) -> str:
        """Return a new code or token, made of `size` random bytes."""
        text = secrets.token_urlsafe(size)
        self._issued[text] = Issued(kind, grant, ends)
        return text

    def find(self, text: str, *kinds: Kind) -> Issued | None:
        """Return the code or token with this text, valid or not."""
        token = self._issued.get(text)
        return token if token is not None and token.kind in kinds else None

    def end_access(self, user: str | None = None) -> None:
        """End the access tokens of a user, or all, before their time; refresh tokens stay."""
        for token in self._issued.values():
            if token.kind == "access_token" and user in {None, token.grant.user.id}:
                token.is_revoked = True

    def end(self, user: str | None = None) -> None:
        """End the grants of a user, or all, with their codes and tokens."""
        for grant in self:
            grant.is_ended = grant.is_ended or user in {None, grant.user.id}
