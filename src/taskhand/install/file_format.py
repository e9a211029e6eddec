"""The protocol of the formats of hosts' files: find, set or remove one value, with the rest unchanged; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

__all__ = ["ArrayItem", "FileFormat", "Leaf", "Path", "Span", "Unparsable", "Unsuitable"]

Span = tuple[int, int]


class Unparsable(ValueError):
    """A text that is not in its format; `line` counts from 1."""

    def __init__(self, flaw: str, line: int) -> None:
        super().__init__(f"line {line}: {flaw}")
        self.line = line


class Unsuitable(ValueError):
    """The values of a text do not have the shape that a path needs."""


@dataclass(frozen=True, slots=True)
class ArrayItem:
    """A step of a path into an array: to the item whose `field` has this value."""

    field: str
    value: str


Path = Sequence[str | ArrayItem]
"""The path to a value: names of object members, and matches of array items."""


class Leaf(NamedTuple):
    """A string, number or other simple value in a text: the names and indices that lead to it, and its span."""

    path: tuple[str | int, ...]
    value: Any
    start: int
    end: int


class FileFormat(Protocol):
    """A module that edits texts of one format. All but `LANGUAGE` raise Unparsable for a text of another format."""

    @property
    def LANGUAGE(self) -> str:  # noqa: N802  a constant of a module
        """The name of the format at the head of a block in Markdown, and the ending of its files."""

    def find_value(self, text: str, path: Path, /) -> Any:
        """The value at a path; None if there is none. Unsuitable if the path does not fit the text."""

    def put_value(self, text: str, path: Path, value: object, /) -> str:
        """The text with `value` at the path; missing containers on the path are created.

        A text that has this value already is returned unchanged. Unsuitable if the path does not fit the text.
        """

    def remove_value(self, text: str, path: Path, /) -> str:
        """The text without the value at the path, if there is one. Unsuitable as in `put_value`."""

    def find_leaves(self, text: str, /) -> Sequence[Leaf]:
        """All simple values of the text."""

    def find_comments(self, text: str, /) -> Sequence[Span]:
        """The spans of all comments."""
