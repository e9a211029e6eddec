"""The priority of a task: the documented digits, their words, and the default of a new task, which is medium; pure."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.name_matching import fold

__all__ = [
    "DEFAULT_PRIORITY",
    "PRIORITY_WORDS",
    "AnyPriority",
    "NewPriority",
    "Priority",
    "check_priority",
    "filter_priority",
]

Priority = Literal["0", "1", "2"]

PRIORITY_WORDS = {"low": "0", "medium": "1", "high": "2"}
"""The documented priority digits, by the word that each stands for."""

_DIGITS_BY_WORD = PRIORITY_WORDS | {
    word: digit
    for words, digit in (("baja bajo", "0"), ("media medio normal", "1"), ("alta alto", "2"))
    for word in words.split()
}
"""The digits by every word that means one of them, folded."""

DEFAULT_PRIORITY: Priority = "1"
"""The priority of a new task that comes without one."""

_MEANINGS = {digit: word for word, digit in PRIORITY_WORDS.items()}
_NEW_MEANINGS = _MEANINGS | {DEFAULT_PRIORITY: f"{_MEANINGS[DEFAULT_PRIORITY]} (if left out)"}
AnyPriority = Annotated[
    # A plain str, so that a word reaches the rule that names the digit to send.
    str,
    Field(json_schema_extra={"enum": list(_MEANINGS), **field_notes(meanings=_MEANINGS, null_is_not_given=True)}),
]
"""A priority that may be left out."""
NewPriority = Annotated[
    str,
    Field(json_schema_extra={"enum": list(_MEANINGS), **field_notes(meanings=_NEW_MEANINGS, null_is_not_given=True)}),
]
"""The priority of a new task."""


def check_priority(value: object, allowed: Sequence[str]) -> None:
    """Refuse a priority that is not among the `allowed` digits; the error for a word names its digit."""
    if value in allowed:
        return
    word = fold(str(value))
    digit = _DIGITS_BY_WORD.get(word)
    digits = " or ".join(f'"{priority}"' for priority in allowed)
    next_step = f'For {word} send "{digit}".' if digit in allowed else f"Send {digits}."
    raise CallerError(
        f"priority {str(value)[:40]!r} is not one of {', '.join(allowed)}.",
        code="invalid_priority",
        candidates=[Candidate(d, w) for w, d in PRIORITY_WORDS.items() if d in allowed],
        next_step=next_step,
    )


def filter_priority(value: str, allowed: Sequence[str]) -> str:
    """The digit of a priority in a filter, which may be a word too; CallerError if it is not among the `allowed` ones.

    A write takes the documented digits only.
    """
    digit = _DIGITS_BY_WORD.get(fold(value), value)
    check_priority(digit if digit in allowed else value, allowed)
    return digit
