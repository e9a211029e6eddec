"""Texts of JSON with comments as people and programs write them, for property tests."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

__all__ = ["is_subsequence", "jsonc_texts", "values"]

_NAMES = st.sampled_from(["a", "b", "mcpServers", "servers", "it's", 'q"', "ñandú", "//", "x"])

values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.sampled_from(["", "/* no */", "// no", '"', "\\", "é\n", "},"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)
"""Any JSON, with strings that look like something else."""


@st.composite
def jsonc_texts(draw: st.DrawFn) -> str:
    """A text whose root is an object, in one of many hands."""
    root = draw(st.dictionaries(_NAMES, values, max_size=4))
    for key in draw(st.sets(st.sampled_from(["mcpServers", "servers"]))):
        root[key] = draw(st.dictionaries(_NAMES, values, max_size=3))
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    unit = draw(st.sampled_from(["  ", "    ", "\t", ""]))
    written = _Hand(lambda often: draw(st.integers(0, 9)) < often, unit, draw(st.integers(0, 9)) < 7)
    text = written.space() + written.value(root, 0) + written.space()
    return text.replace("\n", line_end)


class _Hand:
    """Somebody's way of writing JSON: comments here and there, a trailing comma now and then."""

    def __init__(self, chance: Callable[[int], bool], unit: str, lines: bool) -> None:  # noqa: FBT001
        self._chance = chance
        self._unit = unit
        self._lines = lines

    def space(self) -> str:
        """What may stand between two tokens."""
        if self._chance(8):
            return ""
        return " /* c */ " if self._chance(5) else ' // "c" }\n'

    def value(self, value: Any, depth: int) -> str:
        """A value as this hand writes it."""
        if isinstance(value, dict):
            return self._between("{}", [self._member(name, inner, depth) for name, inner in value.items()], depth)
        if isinstance(value, list):
            return self._between("[]", [self.value(item, depth + 1) for item in value], depth)
        return json.dumps(value, ensure_ascii=self._chance(5))

    def _member(self, name: str, value: Any, depth: int) -> str:
        return f"{json.dumps(name)}{self.space()}: {self.space()}{self.value(value, depth + 1)}"

    def _between(self, brackets: str, parts: list[str], depth: int) -> str:
        if not parts:
            return brackets[0] + self.space() + brackets[1]
        broken = self._lines and self._chance(9)
        before = "\n" + self._unit * (depth + 1) if broken else self.space()
        after = "\n" + self._unit * depth if broken else self.space()
        last = self.space() + ("," + self.space() if self._chance(2) else "")
        return brackets[0] + ",".join(before + part + self.space() for part in parts) + last + after + brackets[1]


def is_subsequence(part: list[str], whole: list[str]) -> bool:
    """Whether a list is another one without some of its items."""
    rest = iter(whole)
    return all(one in rest for one in part)
