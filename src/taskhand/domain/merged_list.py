"""A list over several connections: its rows in one order, and a cursor that says how far each has come; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from heapq import merge
from typing import Any, TypeVar

from taskhand.domain.cursor import decode_cursor, encode_cursor, list_fingerprint, other_cursor_error

__all__ = ["ConnectionPage", "MergedCursor", "merge_rows"]

_T = TypeVar("_T")

_AT_END, _AT_BEGINNING = 0, 1
"""How a cursor encodes the start and the end of a list."""


def merge_rows(
    rows: Mapping[str, Sequence[_T]], key: Callable[[_T], Any], *, descends: bool = False
) -> Iterator[tuple[str, _T]]:
    """The rows of all connections, each with its connection; rows of one connection keep their order.

    Rows with equal keys are in the order of the connections.
    """
    named = [[(name, row) for row in own_rows] for name, own_rows in rows.items()]
    return merge(*named, key=lambda entry: key(entry[1]), reverse=descends)


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """The page of one connection: the positions behind its rows, in their order, and whether more follow."""

    positions: Sequence[tuple[str, ...]]
    more: bool


@dataclass(frozen=True, slots=True)
class MergedCursor:
    """The position in each connection where a list continues: after a row, at the start (`()`), at the end (None).

    `of` identifies the list: lists with different filters have different values.
    """

    of: str
    by_name: Mapping[str, tuple[str, ...] | None]

    @classmethod
    def of_list(cls, names: Sequence[str], query: object, cursor: str | None) -> "MergedCursor":
        """The positions at which a page begins: the first page, or the page of a cursor.

        `query` are the other arguments of the list. CallerError for the cursor of another list, or of other
        connections, whose rows would be missing unnoticed, or come twice.
        """
        fingerprint = list_fingerprint(query)
        if cursor is None:
            return cls(fingerprint, dict.fromkeys(names, ()))
        positions = _read(cursor)
        if positions is None or positions.of != fingerprint or not positions.unfinished:
            raise other_cursor_error(is_filtered=True)
        if positions.by_name.keys() != set(names):
            message = "cursor is of other connections than those that are yours now."
            raise other_cursor_error(message, is_filtered=True)
        return replace(positions, by_name={name: positions.by_name[name] for name in names})

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The connections that may have more."""
        return tuple(name for name, position in self.by_name.items() if position is not None)

    @property
    def others_ended(self) -> bool:
        """Whether there are connections that have no more."""
        return len(self.unfinished) < len(self.by_name)

    def after(
        self, shown: Iterable[str], parts: Mapping[str, ConnectionPage], *, may_be_back: bool = False
    ) -> str | None:
        """The cursor of the next page, if rows of these connections were `shown`; None if nothing follows.

        A connection without a part stays where it is. `may_be_back` is whether one of these may have more by then.
        """
        counts, moved = Counter(shown), dict(self.by_name)
        for name, part in parts.items():
            if counts[name] == len(part.positions) and not (part.more and part.positions):
                moved[name] = None
            elif counts[name]:
                moved[name] = part.positions[counts[name] - 1]
        follows = may_be_back or any(moved[name] is not None for name in parts)
        return replace(self, by_name=moved).cursor() if follows else None

    def cursor(self) -> str:
        """An opaque text for them."""
        written = {
            name: _AT_END if position is None else list(position) or _AT_BEGINNING
            for name, position in self.by_name.items()
        }
        return encode_cursor([self.of, written])


def _read(cursor: str) -> MergedCursor | None:
    """The positions in a cursor as it was sent; None if it cannot be parsed."""
    match decode_cursor(cursor):
        case [str(of), dict(written)]:
            with suppress(ValueError):
                return MergedCursor(of, {name: _position(value) for name, value in written.items()})
    return None


def _position(written: object) -> tuple[str, ...] | None:
    """One position in a cursor; ValueError for anything else."""
    if isinstance(written, int) and written in (_AT_END, _AT_BEGINNING):
        return None if written == _AT_END else ()
    if isinstance(written, list) and written and all(isinstance(value, str) for value in written):
        return tuple(written)
    raise ValueError(written)
