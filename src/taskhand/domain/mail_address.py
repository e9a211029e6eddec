"""An id or e-mail as mail programs write it, with a name: `Ana Soto <ana@example.com>`; pure."""

import re
from typing import Final, NamedTuple

from taskhand.domain.display_text import strip_hidden

__all__ = ["MailAddress", "split_address"]

_ADDRESS: Final = re.compile(
    r"(?:(?P<name>.*)[<(\[]\s*)?(?:mailto:\s*)?(?P<of>[^<>()\[\]\s]+)\s*[>)\]]?", re.IGNORECASE | re.DOTALL
)
_QUOTES: Final = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb"


class MailAddress(NamedTuple):
    """The id or e-mail `of` somebody, and the name before it, which may be blank, or in quotes."""

    name: str
    of: str

    @property
    def names(self) -> tuple[str, ...]:
        """The name as it is written, and without the quotes around it."""
        is_quoted = len(self.name) > 1 and self.name[0] in _QUOTES and self.name[-1] in _QUOTES
        return (self.name, self.name[1:-1]) if is_quoted else (self.name,)


def split_address(text: str) -> MailAddress | None:
    """The parts of an address in brackets, or after `mailto:`; None for a text that has another form."""
    match = _ADDRESS.fullmatch(strip_hidden(text).strip())
    return match and MailAddress((match["name"] or "").strip(), match["of"])
