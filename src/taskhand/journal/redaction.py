"""Redaction of the arguments that the journal keeps: credentials are masked and long values are cut; pure.

Arguments of any type and size are accepted, because refused calls are journaled too.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from taskhand.journal.journal import MASK

__all__ = ["MASK", "Redaction"]

_LONGEST: Final = 200
"""Characters of a text that are kept."""
_MOST: Final = 2_000
"""Items of a list or object that are kept: more than a bulk may name."""
_DEEPEST: Final = 12
_SHORTEST_SECRET: Final = 4
"""A shorter configured value would be found in ordinary words."""

_LOOKED_AT: Final = 4_000
"""Characters of a text to be cut that are searched for credentials."""

_NUMBERED: Final = r"(?=[\w+/=.~-]{0,200}\d)"
"""What follows has a digit: a credential nearly always does, the next word of a sentence hardly ever.

Bounded, as is whatever else looks ahead: a hostile text is searched in linear time.
"""
_END: Final = r"(?![A-Za-z0-9])"

_CREDENTIALS: Final = re.compile(
    "|".join(
        (
            rf"\b(?i:bearer|basic)\s+{_NUMBERED}[\w+/=.~-]{{8,}}",  # an Authorization header
            rf"\bpat-{_NUMBERED}[\w-]{{8,}}",  # HubSpot's private apps
            rf"\bapi_{_NUMBERED}[\w.]{{12,}}",  # Close's API keys
            rf"\bsk-{_NUMBERED}[\w-]{{12,}}",  # model vendors' keys
            r"\beyJ[\w-]{5,300}\.[\w-]{5,}(?:\.[\w-]*)?",  # a JSON Web Token: each begins with {"
            rf"\bxox[a-z]-{_NUMBERED}[\w-]{{8,}}",  # Slack
            rf"\b(?:AKIA|ASIA)[A-Z0-9]{{16}}{_END}",  # Amazon's access keys
            r"\bgh[pousr]_\w{20,}",  # GitHub
            r"\bthk_[0-9a-f]{10}_[0-9a-f]{8,}",  # callers of Taskhand
            r"\bAIza[\w-]{30,}",  # Google's API keys
            r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)",  # user and password in an address
        )
    ),
    re.ASCII,
)


_SHORTEST_CREDENTIAL: Final = len("://u:p@")
"""Characters below which a text cannot match; most names of arguments are shorter, and the search takes time."""


class Redaction:
    """Masks credentials in arguments and cuts long values; `secrets` are the values configured as credentials."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None
        self._is_in_repr = not any(set("\\'\"") & set(one) for one in known)

    def mask(self, text: str) -> str:
        """The text with every credential in it replaced by MASK."""
        known = self._secrets.sub(MASK, text) if self._secrets else text
        return known if len(known) < _SHORTEST_CREDENTIAL else _CREDENTIALS.sub(MASK, known)

    def without_keys(self, value: Any) -> Any:
        """JSON with every configured credential in its texts masked; nothing else of it changes."""
        if self._secrets is None or (self._is_in_repr and not self._secrets.search(repr(value))):
            return value  # by far the most frequent case, and looking through the whole takes ten times as long
        return _substitute(self._secrets, value)

    def arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as JSON, with credentials masked and long values cut; a note names how much was cut."""
        return self._object(arguments, 0)

    def _value(self, value: object, depth: int) -> object:
        match value:
            case None | bool() | int():
                return value
            case float():
                return value if math.isfinite(value) else str(value)
            case str():
                return self._text(value)
            case _ if depth >= _DEEPEST:
                return "… (deeper)"
            case Mapping():
                return self._object(value, depth + 1)
            case list() | tuple():
                kept = [self._value(item, depth + 1) for item in value[:_MOST]]
                return [*kept, _rest(len(value) - _MOST, "items")] if len(value) > _MOST else kept
            case _:
                return self._text(str(value))

    def _object(self, value: Mapping[str, Any], depth: int) -> dict[str, Any]:
        kept = {self._text(str(name)): self._value(value[name], depth) for name in list(value)[:_MOST]}
        return kept | {"…": _rest(len(value) - _MOST, "names")} if len(value) > _MOST else kept

    def _text(self, text: str) -> str:
        # Masked before it is cut: half a credential would not be recognised.
        whole = self.mask(text[:_LOOKED_AT])
        rest = len(whole) - _LONGEST + max(0, len(text) - _LOOKED_AT)
        return f"{whole[:_LONGEST]}{_rest(rest, 'characters')}" if rest > 0 else whole


def _rest(count: int, what: str) -> str:
    return f"… ({count:,} more {what})"


def _substitute(secrets: re.Pattern[str], value: Any) -> Any:
    match value:
        case str():
            return secrets.sub(MASK, value)
        case dict():
            return {name: _substitute(secrets, item) for name, item in value.items()}
        case list() | tuple():
            return [_substitute(secrets, item) for item in value]
        case _:
            return value
