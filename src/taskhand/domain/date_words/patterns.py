"""Tables of phrases, and the search for the phrases that some words match; pure.

A phrase is written as words and slots. `[a]` may be left out, `(a b|c)` is one of several. A slot is a capital letter
that stands for any word of its kind, such as `W` for a weekday. `DAY` at the end is any other phrase for a day.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

__all__ = ["DAY", "Action", "PhraseMatch", "Table", "Word"]

DAY: Final = "DAY"

Word = Mapping[str, Any]
"""The possible roles of a word: each slot with its value there, and the word itself."""

Action = tuple[Any, ...]
"""The name of an action, and its first values, which precede those of the slots."""

_PARTS: Final = re.compile(r"[\[\]()|]|[^\s\[\]()|]+")


@dataclass(slots=True)
class _Node:
    """A node in a tree of phrases: the words that may follow, and the actions of phrases that end here."""

    following: dict[str, "_Node"] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)


class PhraseMatch(NamedTuple):
    """A phrase that some words match: its action, the values of its slots, and the words of its `DAY`."""

    action: Action
    values: tuple[Any, ...]
    day: Sequence[Word] | None


class Table:
    """A table of phrases, each with its action, as a tree of words."""

    def __init__(self, table: Mapping[str, Action]) -> None:
        self._root = _Node()
        for phrase, action in table.items():
            for words in _phrases_of(phrase):
                node = self._root
                for word in words:
                    node = node.following.setdefault(word, _Node())
                if action not in node.actions:
                    node.actions.append(action)

    def find(self, words: Sequence[Word]) -> Iterator[PhraseMatch]:
        """Each phrase that the words match."""
        return self._find(self._root, words, 0, ())

    def _find(self, node: _Node, words: Sequence[Word], at: int, values: tuple[Any, ...]) -> Iterator[PhraseMatch]:
        if at == len(words):
            yield from (PhraseMatch(action, values, None) for action in node.actions)
            return
        if DAY in node.following:
            yield from (PhraseMatch(action, values, words[at:]) for action in node.following[DAY].actions)
        for kind, value in words[at].items():
            if (following := node.following.get(kind)) is not None:
                yield from self._find(following, words, at + 1, (*values, value) if kind.isupper() else values)


def _phrases_of(phrase: str) -> Iterable[tuple[str, ...]]:
    """Every sequence of words that a phrase of a table stands for."""
    return _alternatives(_PARTS.findall(phrase))[0]


def _alternatives(parts: list[str]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The sequences of some parts up to the bracket that closes them, and the parts after it."""
    done, sequences = list[tuple[str, ...]](), [tuple[str, ...]()]
    while parts:
        part, *parts = parts
        if part in "])":
            return [*done, *sequences], parts
        if part == "|":
            done, sequences = [*done, *sequences], [tuple[str, ...]()]
        elif part in "[(":
            inner, parts = _alternatives(parts)
            inner = [*inner, ()] if part == "[" else inner
            sequences = [(*before, *after) for before in sequences for after in inner]
        else:
            sequences = [(*before, part) for before in sequences]
    return [*done, *sequences], parts
