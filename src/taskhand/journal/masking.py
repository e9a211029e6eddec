"""Masking of what the journal keeps: credentials are masked and long arguments are cut; pure.

Arguments of any type and size are accepted, because refused calls are journaled too.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from taskhand.journal.change_rows import Entry
from taskhand.journal.journal import MASK, Opening, Result

__all__ = ["MASK", "Masking"]

_MAX_LENGTH: Final = 200
"""Characters of a text that are kept."""
_MAX_ITEMS: Final = 2_000
"""Items of a list or object that are kept: more than a bulk may name."""
_MAX_DEPTH: Final = 12
_MIN_SECRET: Final = 4
"""A shorter configured value would be found in ordinary words."""

_MAX_PERSONS: Final = 256
_MAX_OF_PERSON: Final = 4
"""Maximum number of masked credentials of one person: two tokens, and the two before."""

_LOOKED_AT: Final = 4_000
"""Characters of a text to be cut that are searched for credentials."""

_NUMBERED: Final = r"(?=[\w+/=.~-]{0,200}\d)"
"""The following characters include a digit: a credential nearly always does, the next word of a sentence hardly ever.

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


_MIN_CREDENTIAL: Final = len("://u:p@")
"""Characters below which a text cannot match; most names of arguments are shorter, and the search takes time."""


class Masking:
    """Masks credentials in arguments and cuts long values; `secrets` are the values configured as credentials."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= _MIN_SECRET}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None
        self._is_in_repr = not any(map(_is_quoted_in_repr, known))
        self._of_persons: dict[str, tuple[str, ...]] = {}
        self._further: tuple[str, ...] = ()

    def add(self, person: str, secrets: Sequence[str]) -> None:
        """Also mask a person's current credentials and the previous ones."""
        own = tuple(secret for secret in secrets if len(secret) >= _MIN_SECRET)
        former = self._of_persons.pop(person, ())
        is_known = former[: len(own)] == own
        self._of_persons[person] = former if is_known else (*own, *former)[:_MAX_OF_PERSON]
        if is_known:
            return
        self._is_in_repr = self._is_in_repr and not any(map(_is_quoted_in_repr, own))
        if len(self._of_persons) > _MAX_PERSONS:
            self._of_persons.pop(next(iter(self._of_persons)))
        self._further = tuple(secret for several in self._of_persons.values() for secret in several)

    def mask(self, text: str) -> str:
        """The text with every credential in it replaced by MASK."""
        known = self._without_known(text)
        return known if len(known) < _MIN_CREDENTIAL else _CREDENTIALS.sub(MASK, known)

    def mask_opening(self, opening: Opening) -> Opening:
        """The opening without credentials: any text that the caller chose may contain one."""
        mask, caller = self.mask, opening.caller
        name, version = caller.name and mask(caller.name), caller.version and mask(caller.version)
        if (name, version) != (caller.name, caller.version):
            caller = replace(caller, name=name, version=version)
        arguments, reason = self.mask_value(opening.arguments), opening.reason and mask(opening.reason)
        if (caller, arguments, reason) == (opening.caller, opening.arguments, opening.reason):
            return opening
        return replace(opening, caller=caller, arguments=arguments, reason=reason)

    def mask_result(self, result: Result) -> Result:
        """A result without credentials: the task id of a refused call may be any text."""
        if result.outcome != "refused" or result.task_id is None:
            return result
        return replace(result, task_id=self.mask(result.task_id))

    def mask_entries(self, entries: Sequence[Entry]) -> list[Entry]:
        """The rows without configured keys, which may be in the text of a task too."""
        kept = [(entry, self.without_keys(entry.value)) for entry in entries]
        return [entry if value is entry.value else entry._replace(value=value) for entry, value in kept]

    def without_keys(self, value: Any) -> Any:
        """JSON with every configured credential in its texts masked; the rest stays unchanged."""
        if self._secrets is None and not self._further:
            return value
        if self._is_in_repr and self._without_known(text := repr(value)) == text:
            return value  # by far the most frequent case, and looking through the whole takes ten times as long
        return _mask_texts(self._without_known, value)

    def _without_known(self, text: str) -> str:
        """The text with every credential that is known masked. One of `further` is found faster without a pattern."""
        known = self._secrets.sub(MASK, text) if self._secrets else text
        for secret in self._further:
            known = known.replace(secret, MASK)
        return known

    def mask_value(self, value: Any, depth: int = 0) -> Any:
        """A value as JSON, with credentials masked and long parts cut; a note says how much was cut."""
        match value:
            case None | bool() | int():
                return value
            case float():
                return value if math.isfinite(value) else str(value)
            case str():
                return self._mask_and_cut(value)
            case _ if depth > _MAX_DEPTH:
                return "… (deeper)"
            case Mapping():
                names, more = list(value)[:_MAX_ITEMS], len(value) - _MAX_ITEMS
                masked = {self._mask_and_cut(str(name)): self.mask_value(value[name], depth + 1) for name in names}
                return masked | {"…": _describe_rest(more, "names")} if more > 0 else masked
            case list() | tuple():
                items = [self.mask_value(item, depth + 1) for item in value[:_MAX_ITEMS]]
                more = len(value) - _MAX_ITEMS
                return [*items, _describe_rest(more, "items")] if more > 0 else items
            case _:
                return self._mask_and_cut(str(value))

    def _mask_and_cut(self, text: str) -> str:
        # Masked before it is cut: half a credential would not be recognised.
        whole = self.mask(text[:_LOOKED_AT])
        rest = len(whole) - _MAX_LENGTH + max(0, len(text) - _LOOKED_AT)
        return f"{whole[:_MAX_LENGTH]}{_describe_rest(rest, 'characters')}" if rest > 0 else whole


def _is_quoted_in_repr(secret: str) -> bool:
    return bool(set("\\'\"") & set(secret))


def _describe_rest(count: int, unit: str) -> str:
    return f"… ({count:,} more {unit})"


def _mask_texts(mask: Callable[[str], str], value: Any) -> Any:
    match value:
        case str():
            return mask(value)
        case dict():
            return {name: _mask_texts(mask, item) for name, item in value.items()}
        case list() | tuple():
            return [_mask_texts(mask, item) for item in value]
        case _:
            return value
