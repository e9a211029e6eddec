"""Patterns of tool calls, by which a scenario allows and forbids calls; pure.

A pattern is a tool's name, or `reads`, `writes` or `*`, followed by conditions on the arguments: `filter` or
`changes.priority` matches a call with that argument, `mode=add` a call with that value of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskhand.server.tools import TOOLS
from taskhand.testing.recorded_calls import Called

__all__ = ["CallPattern"]

_READS = frozenset(tool.name for tool in TOOLS if tool.kind == "read")
_WRITES = frozenset(tool.name for tool in TOOLS) - _READS
_WORDS = {"reads": _READS, "writes": _WRITES, "*": _READS | _WRITES}


@dataclass(frozen=True, slots=True)
class CallPattern:
    """One pattern; `text` is its source, `words` are its conditions."""

    text: str
    tools: frozenset[str]
    words: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "CallPattern":
        """Parse a pattern; ValueError if no such tool exists."""
        first, *words = text.split() or [""]
        tools = _WORDS.get(first, frozenset({first}))
        if not tools <= _WORDS["*"]:
            raise ValueError(
                f"there is no tool {first!r}; there are reads, writes, *, {', '.join(sorted(_WORDS['*']))}"
            )
        return cls(text, tools, tuple(words))

    def fits(self, called: Called) -> bool:
        """Whether the pattern matches a call."""
        return called.tool in self.tools and all(_has_argument(called.arguments, word) for word in self.words)


def _has_argument(arguments: Mapping[str, Any], word: str) -> bool:
    path, equals, wanted = word.partition("=")
    found: Any = arguments
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return False
        found = found[name]
    return not equals or _text(found) == wanted


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
