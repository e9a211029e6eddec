"""The rules for the id of a person; pure. Keys, the policy and the settings use the same id for the same person."""

import re
import unicodedata
from typing import Final

from taskhand.domain.hidden_characters import HIDDEN
from taskhand.domain.principal import is_token_person

__all__ = ["flaw_of_person"]

_MAX_LENGTH: Final = 200
_ODD: Final = re.compile(r"[\s,;:<>()\[\]{}\"`\\*?!=$]")
"""Characters that neither an e-mail address nor an id has; a shell or a list may leave them in the text."""


def flaw_of_person(name: str) -> str | None:
    """Why a text is neither an id nor an e-mail address, as "it ..."; None for one that is."""
    if is_token_person(name):
        return None
    local, at, domain = name.partition("@")
    if not any(map(str.isalnum, name)):
        return "it has neither a letter nor a digit"
    if len(name) > _MAX_LENGTH:
        return f"it has more than {_MAX_LENGTH} characters"
    if HIDDEN.search(name) or unicodedata.normalize("NFKC", name) != name:
        return "it has characters that look like others, or are invisible"
    if match := _ODD.search(name):
        return f"it has {match[0]!r} in it"
    if name.startswith("-"):
        return "it begins like an option"
    if at and (not local or "@" in domain or not all(domain.split("."))):
        return "it is no e-mail address"
    return None
