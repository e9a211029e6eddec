"""The address of a PostgreSQL database as a value, and the passwords in its text; pure."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

__all__ = ["INSTALL_DRIVER", "StoreAddress", "is_address", "is_whole_address", "split_passwords"]

INSTALL_DRIVER: Final = (
    "Install Taskhand with the extra `postgres`: `pip install '.[postgres]'` in a folder that holds its source; "
    "docs/scaling.md has the other ways"
)
"""The remedy if the PostgreSQL driver is not installed, as the beginning of a sentence."""

_SCHEME: Final = r"(?i)\s*[a-z][a-z0-9+.-]+:/"

_PLAIN: Final = r"[^@/?#\s\x00-\x1f\x7f]"
_WHOLE: Final = (
    rf"postgres(?:ql)?://(?:[^:@/?#\s\x00-\x1f\x7f]*(?::(?P<password>{_PLAIN}*))?@)?"
    r"(?:\[[0-9a-fA-F:.%]+\]|[^:@/?#\[\]\s]*)(?::(?P<port>\d+))?"
    rf"(?:/{_PLAIN}*)?(?:\?(?P<query>[^#\s\x00-\x1f\x7f]*))?"
)
"""Narrower than what the driver reads: a password with a character that ends it never looks like another part.

It is compiled if there is an address: most starts have none.
"""
_QUERY: Final = r"(?:[^@=&]+=[^@=&]*|(?:user|password)=[^=&]*)(?:&|$)"
_ESCAPE: Final = r"%(?!00)[0-9a-fA-F]{2}"
_LAST_PORT: Final = 65_535


def is_address(text: str) -> bool:
    """Whether a text is the address of a database, or means to be one, and no path."""
    return re.match(_SCHEME, text) is not None


def is_whole_address(text: str) -> bool:
    """Whether an address of a database can be read, and its password has no character that would end it."""
    match = re.fullmatch(_WHOLE, text)
    if match is None or "%" in re.sub(_ESCAPE, "", text):
        return False
    port, query = match["port"], match["query"]
    if port is not None and not 0 < int(port) <= _LAST_PORT:
        return False
    return not re.sub(_QUERY, "", query or "") and _is_text(text)


def split_passwords(address: str) -> tuple[str, ...]:
    """The passwords in the address of a database, as written and percent-decoded; none if it cannot be parsed."""
    match = re.fullmatch(_WHOLE, address)
    if match is None:
        return ()
    named = (pair.partition("=") for pair in (match["query"] or "").split("&"))
    given = (match["password"], *(value for name, _, value in named if unquote(name) == "password"))
    return tuple(dict.fromkeys(spelled for password in given if password for spelled in (password, unquote(password))))


def _is_text(text: str) -> bool:
    try:
        unquote_to_bytes(text).decode()
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """An address: `postgresql://USER:PASSWORD@HOST/DATABASE`. Its texts never show the user name or the password."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        """The address without the user name and the password."""
        return re.sub(r"://.*@", "://***@", self.url.partition("?")[0])
