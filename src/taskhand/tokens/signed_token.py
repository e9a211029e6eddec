"""Parses a signed token (JWS, RFC 7515) strictly; pure. Its content is not trusted before its signature is checked."""

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from taskhand.domain.strict_json import parse_strictly

__all__ = ["MAX_LENGTH", "RefusedToken", "SignedToken", "is_signed_token", "read_signed_token"]

MAX_LENGTH: Final = 12 * 1024
"""Maximum characters of a token; all headers of a request together may have 16 KiB."""
_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)")
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""The permitted values of `typ`: RFC 9068 has the last two; many issuers use the first, or none."""


class RefusedToken(Exception):
    """A token is refused.

    The reason is our own text and never quotes the token. `is_misconfigured` means that the issuer signed the token,
    and that it fails because of the operator's settings, here or at the issuer.
    """

    def __init__(self, reason: str, *, is_misconfigured: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_misconfigured = is_misconfigured


@dataclass(frozen=True, slots=True)
class SignedToken:
    """The parts of a token: `signed` holds the bytes that `signature` covers."""

    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The algorithm that the token names."""
        return str(self.header["alg"])

    @property
    def key_id(self) -> str | None:
        """The id of the key that the token names."""
        return self.header.get("kid")

    @property
    def is_access_token(self) -> bool:
        """Whether the header declares an access token."""
        return str(self.header.get("typ", "")).lower().endswith("at+jwt")


def is_signed_token(text: str) -> bool:
    """Whether a text has the form of a signed token; any other text is an opaque token."""
    return _COMPACT.fullmatch(text) is not None


def read_signed_token(text: str) -> SignedToken:
    """The parts of a token; RefusedToken for an oversized or malformed token, and for an unsupported header.

    Keys and addresses in the header (`jwk`, `jku`, `x5u`, `x5c`) are not read: a key comes from its issuer only.
    """
    if len(text) > MAX_LENGTH:
        raise RefusedToken("it is too large")
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        raise RefusedToken("it is no signed token")
    header = _object(_decode(parts[1]), "header")
    if "crit" in header:
        raise RefusedToken("its header has a critical extension that is not supported")
    if not isinstance(header.get("alg"), str):
        raise RefusedToken("it names no algorithm")
    if not isinstance(header.get("kid", ""), str):
        raise RefusedToken("it names no key")
    if "typ" in header and str(header["typ"]).lower() not in _TYPES:
        raise RefusedToken("it is another kind of token")
    if "cty" in header:
        raise RefusedToken("it has another token in it")
    signed = f"{parts[1]}.{parts[2]}".encode()
    return SignedToken(header, _object(_decode(parts[2]), "body"), signed, _decode(parts[3]))


def _decode(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise RefusedToken("it is malformed") from None


def _object(content: bytes, noun: str) -> dict[str, Any]:
    """The object in a part; RefusedToken for anything else, and for a duplicate name."""
    try:
        value = parse_strictly(content.decode("utf-8"), _pairs)
    except (ValueError, RecursionError):
        raise RefusedToken(f"its {noun} is malformed") from None
    if not isinstance(value, dict):
        raise RefusedToken(f"its {noun} is malformed")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; ValueError for a duplicate name, since parsers choose different values of it."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is there twice")
    return members
