"""Splits many items into the chunks that one request or one statement takes; pure."""

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["chunks"]

_T = TypeVar("_T")


def chunks(items: Sequence[_T], most: int) -> list[Sequence[_T]]:
    """The items in chunks of at most `most`, in their order."""
    return [items[at : at + most] for at in range(0, len(items), most)]
