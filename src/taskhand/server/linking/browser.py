"""The browser in front of a page: known by a cookie, from which the token of every form is made; pure."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

__all__ = ["Browser", "is_from_elsewhere"]

_BYTES: Final = 32
_LENGTH: Final = len(token_urlsafe(_BYTES))
_FOREIGN: Final = frozenset({"cross-site", "same-site"})


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser by the text of its cookie; `is_new` is whether it had none. `id` is what is kept of it."""

    text: str = field(repr=False)
    is_new: bool = False

    @classmethod
    def of(cls, headers: Headers, base: str) -> "Browser":
        """The browser that has sent these headers."""
        found = cookie_parser(headers.get("cookie", "")).get(_cookie_name(base), "")
        is_good = len(found) == _LENGTH and found.isascii()
        return cls(found) if is_good else cls(token_urlsafe(_BYTES), is_new=True)

    @property
    def id(self) -> str:
        """The hash of the cookie."""
        return sha256(self.text.encode()).hexdigest()

    def token_for(self, ticket_id: str) -> str:
        """The token of the forms of one ticket: nobody who does not have the cookie can make it."""
        return hmac.new(self.text.encode(), f"taskhand form {ticket_id}".encode(), sha256).hexdigest()

    def has_sent(self, token: str, ticket_id: str) -> bool:
        """Whether a form with this token is from a page that this browser was shown."""
        return not self.is_new and hmac.compare_digest(token.encode(), self.token_for(ticket_id).encode())

    def cookie(self, base: str) -> str:
        """The header that sets the cookie. It is sent at links from other sites too, as the CRM's answer is one."""
        is_secure = _is_secure(base)
        return f"{_cookie_name(base)}={self.text}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if is_secure else ''}"


def is_from_elsewhere(headers: Headers, base: str) -> bool:
    """Whether a form says of itself that another site has sent it. A page that sends no referrer has Origin `null`."""
    if headers.get("sec-fetch-site") in _FOREIGN:
        return True
    return headers.get("origin", "null") not in {"null", base}


def _cookie_name(base: str) -> str:
    """A name that no other host and no unencrypted page can set, where there is https."""
    return "__Host-taskhand-link" if _is_secure(base) else "taskhand-link"


def _is_secure(base: str) -> bool:
    return urlsplit(base).scheme == "https"
