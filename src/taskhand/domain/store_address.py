"""The address of a PostgreSQL database, the password in it, and the built-in store's as a value; pure."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["StoreAddress", "is_address", "is_whole_address", "split_passwords"]

_SCHEME: Final = re.compile(r"\s*postgres(?:ql)?://", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether a text is the address of a database, and no path."""
    return _SCHEME.match(text) is not None


def is_whole_address(text: str) -> bool:
    """Whether an address of a database can be read, and its password has no character that would end it."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"postgresql", "postgres"} and parts.netloc.count("@") <= 1 and parts.port != 0
    except ValueError:
        return False


def split_passwords(address: str) -> tuple[str, ...]:
    """The password in the address of a database, as it is there and as it is meant."""
    parts = urlsplit(address)
    found = (parts.password, *parse_qs(parts.query).get("password", ()))
    return tuple(dict.fromkeys(spelled for one in found if one for spelled in (one, unquote(one))))


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """An address: `postgresql://USER:PASSWORD@HOST/DATABASE`. Who signs in is in no text of it."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        """The address without who signs in."""
        return re.sub(r"://.*@", "://***@", self.url.partition("?")[0])
