"""An id or e-mail as mail programs write it, with a name: `Ana Soto <ana@example.com>`; pure."""

import re
from typing import Final, NamedTuple

from taskhand.domain.text import strip_hidden

__all__ = ["Address", "split_address"]

_ADDRESS: Final = re.compile(
    r"(?:(?P<name>[^<>()\[\]]*)[<(\[]\s*)?(?:mailto:\s*)?(?P<of>[^<>()\[\]\s]+)\s*[>)\]]?", re.IGNORECASE
)
_AROUND_NAME: Final = " \t\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb,;:-"


class Address(NamedTuple):
    """The id or e-mail `of` somebody, and the name before it, which may be blank."""

    name: str
    of: str


def split_address(text: str) -> Address | None:
    """The parts of an address in brackets, or after `mailto:`; None for a text that has another form."""
    found = _ADDRESS.fullmatch(strip_hidden(text).strip())
    return found and Address((found["name"] or "").strip(_AROUND_NAME), found["of"])
