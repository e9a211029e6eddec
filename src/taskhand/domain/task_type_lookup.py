"""Resolve a type of task given by its value, its label or whole words of one; pure.

One match is used, several become candidates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from taskhand.domain.errors import Ambiguous, CallerError, Candidate
from taskhand.domain.name_matching import Match, alphanumeric_words, nearest_first

__all__ = ["KnownType", "match_task_type"]

_MAX_CANDIDATES: Final = 30


@dataclass(frozen=True, slots=True)
class KnownType:
    """A type that tasks of the CRM can have: its value, and its label for people."""

    value: str
    label: str


def match_task_type(value: str, known_types: Sequence[KnownType]) -> tuple[str, tuple[Match, ...]]:
    """The value of the type, and the name that was resolved; as it was given if no type is known.

    Ambiguous (code `ambiguous_task_type`), CallerError (code `unknown_task_type`).
    """
    text = value.strip()
    if not known_types or any(known_type.value == text for known_type in known_types):
        return text, ()
    words = alphanumeric_words(text)
    matches = _matching(known_types, lambda name: "".join(alphanumeric_words(name)) == "".join(words)) or _matching(
        known_types, lambda name: {*words}.issubset(alphanumeric_words(name))
    )
    if len(matches) == 1 and words:
        return matches[0].value, (Match("taskType", value, matches[0].value, matches[0].label),)
    if matches and words:
        raise Ambiguous(
            f"{len(matches)} types match taskType {text[:60]!r}.",
            code="ambiguous_task_type",
            candidates=_candidates(matches),
            next_step="Send taskType as the candidate that is meant.",
        )
    raise CallerError(
        f"There is no taskType {text[:60]!r} here.",
        code="unknown_task_type",
        candidates=_candidates(nearest_first(text, known_types, lambda known_type: known_type.label)),
        next_step="Send taskType as one of the candidates.",
    )


def _matching(known_types: Sequence[KnownType], matches: Callable[[str], bool]) -> list[KnownType]:
    return [known_type for known_type in known_types if matches(known_type.value) or matches(known_type.label)]


def _candidates(types: Sequence[KnownType]) -> list[Candidate]:
    return [Candidate(known_type.value, known_type.label) for known_type in types[:_MAX_CANDIDATES]]
