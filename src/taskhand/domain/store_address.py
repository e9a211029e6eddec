"""The address of a PostgreSQL database in which the built-in store is, as a value."""

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["StoreAddress", "is_address"]

_SCHEME: Final = re.compile(r"\s*postgres(?:ql)?://", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether a text is the address of a database, and no path."""
    return _SCHEME.match(text) is not None


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """An address: `postgresql://USER:PASSWORD@HOST/DATABASE`. Who signs in is in no text of it."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        """The address without who signs in."""
        return re.sub(r"://.*@", "://***@", self.url.partition("?")[0])
