"""The cookie that identifies the browser of a page, and the CSRF tokens of its forms, made from the cookie; pure."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

__all__ = ["Browser", "is_cross_site"]

_BYTES: Final = 32
_LENGTH: Final = len(token_urlsafe(_BYTES))
_FOREIGN: Final = frozenset({"cross-site", "same-site"})


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser by the text of its cookie; `is_new` is whether it sent none. Only `id` is stored."""

    text: str = field(repr=False)
    is_new: bool = False

    @classmethod
    def of(cls, headers: Headers, base: str) -> "Browser":
        """The browser that sent these headers; a new one if they have no valid cookie."""
        cookie = cookie_parser(headers.get("cookie", "")).get(_cookie_name(base), "")
        is_good = len(cookie) == _LENGTH and cookie.isascii()
        return cls(cookie) if is_good else cls(token_urlsafe(_BYTES), is_new=True)

    @property
    def id(self) -> str:
        """The SHA-256 hash of the cookie."""
        return sha256(self.text.encode()).hexdigest()

    def form_token(self, ticket_id: str) -> str:
        """The CSRF token of the forms of one ticket: an HMAC of the ticket's id under the cookie."""
        return hmac.new(self.text.encode(), f"taskhand form {ticket_id}".encode(), sha256).hexdigest()

    def accepts_token(self, token: str, ticket_id: str) -> bool:
        """Whether a form with this token comes from a page that was shown to this browser."""
        return not self.is_new and hmac.compare_digest(token.encode(), self.form_token(ticket_id).encode())

    def cookie(self, base: str) -> str:
        """The header that sets the cookie. SameSite is Lax, as the redirect from the CRM comes from another site."""
        is_secure = _is_secure(base)
        return f"{_cookie_name(base)}={self.text}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if is_secure else ''}"


def is_cross_site(headers: Headers, base: str) -> bool:
    """Whether the headers of a form show that another site sent it. A page without a referrer sends Origin `null`."""
    if headers.get("sec-fetch-site") in _FOREIGN:
        return True
    return headers.get("origin", "null") not in {"null", base}


def _cookie_name(base: str) -> str:
    """The cookie's name. With https its prefix keeps other hosts and unencrypted pages from setting it."""
    return "__Host-taskhand-link" if _is_secure(base) else "taskhand-link"


def _is_secure(base: str) -> bool:
    return urlsplit(base).scheme == "https"
