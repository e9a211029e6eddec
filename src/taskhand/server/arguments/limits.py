"""The limits of every argument: the items of a list, the characters of a text and the size of a number; pure."""

from collections.abc import Sequence
from typing import Final

__all__ = ["MAX_TEXT", "NUMBER_BOUND", "describe_excess"]

NUMBER_BOUND: Final = 10**15
"""No argument takes a number of this size."""
_MAX_ITEMS: Final = 2_000
"""Maximum number of items of a list in any argument."""
MAX_TEXT: Final = 10_000
"""Maximum length of a text in characters."""
_LIMITED_ELSEWHERE: Final = frozenset({"title", "description", "properties", "cursor"})
"""The rules of the body limit a task's texts; a cursor that no list gave is refused as such."""


def describe_excess(name: str, count: int, texts: Sequence[str]) -> str | None:
    """The error text for too many values (`count`), or for a text that is too long; None if all are within the limits.

    `texts` is empty if the argument takes none: a text for such an argument is refused by its type.
    """
    if count > _MAX_ITEMS:
        return f"{name} has {count} items; send at most {_MAX_ITEMS}."
    longest = max(map(len, texts), default=0)
    if longest > MAX_TEXT and name.rpartition(".")[2] not in _LIMITED_ELSEWHERE:
        return f"{name} has {longest} characters; send at most {MAX_TEXT}."
    return None
