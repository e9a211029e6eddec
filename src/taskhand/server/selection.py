"""Which tools are offered, and what is said of a call of another one; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from taskhand.domain.errors import CallerError, Candidate, OperatorError, TaskhandError
from taskhand.server.tool import Tool

__all__ = ["Offer", "offer"]

_GROUPS = ("read", "write", "all")


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools that this server offers, in their usual order, out of all that there are.

    `only_reads` is whether it was told to leave out all that write.
    """

    tools: tuple[Tool[Any], ...]
    known: tuple[Tool[Any], ...]
    only_reads: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those offered."""
        return tuple(tool.name for tool in self.tools)

    @property
    def writing(self) -> tuple[str, ...]:
        """The names of those offered that do more than read."""
        return tuple(tool.name for tool in self.tools if tool.kind != "read")

    def refusal(self, name: str) -> TaskhandError | None:
        """Why a tool of this name is not called: it is not there, or not offered; None for one that is."""
        if name in self.names:
            return None
        tool = next((tool for tool in self.known if tool.name == name), None)
        if tool is None:
            return _no_such(name, self.names)
        if self.only_reads and tool.kind != "read":
            return OperatorError(
                f"{name} writes, and this server only reads; nothing was written.",
                code="read_only",
                next_step="Say so to the person: whoever runs Taskhand can change TASKHAND_READ_ONLY.",
            )
        return OperatorError(
            f"{name} is not enabled on this server.",
            code="tool_not_enabled",
            next_step="Say so to the person: whoever runs Taskhand can enable it with TASKHAND_TOOLS.",
        )


def offer(known: Sequence[Tool[Any]], chosen: str | None, *, only_reads: bool) -> Offer:
    """The tools that a configuration offers.

    `chosen` has names and the groups `read`, `write` (all others) and `all` with commas between; `-` before one leaves
    it out, wherever it stands, and where nothing but that is said, out of all. OperatorError for a name that no tool
    has, and where no tool is left.
    """
    items = [item.strip() for item in (chosen or "").split(",") if item.strip()]
    left_out = [_of(item[1:].strip(), known) for item in items if item.startswith("-")]
    named = [_of(item, known) for item in items if not item.startswith("-")] or [_of("all", known)]
    names = set[str]().union(*named).difference(*left_out)
    tools = tuple(tool for tool in known if tool.name in names and (tool.kind == "read" or not only_reads))
    if not tools:
        both = "TASKHAND_TOOLS and TASKHAND_READ_ONLY leave" if only_reads else "TASKHAND_TOOLS leaves"
        raise OperatorError(f"{both} no tool to offer.", next_step="Name at least one, or one of read, write and all.")
    return Offer(tools, tuple(known), only_reads)


def _of(item: str, known: Sequence[Tool[Any]]) -> frozenset[str]:
    """The names that an item stands for."""
    by_group = {
        "all": frozenset(tool.name for tool in known),
        "read": frozenset(tool.name for tool in known if tool.kind == "read"),
        "write": frozenset(tool.name for tool in known if tool.kind != "read"),
    }
    word = item.casefold()
    if word in by_group:
        return by_group[word]
    if word in by_group["all"]:
        return frozenset({word})
    names = [*_GROUPS, *by_group["all"]]
    near = get_close_matches(word, names, n=3) or [*_GROUPS, *(tool.name for tool in known)]
    raise OperatorError(
        f"TASKHAND_TOOLS names {item[:60]!r}, which is no tool.",
        candidates=[Candidate(name) for name in near],
        next_step=f"Use one of: {', '.join(near)}.",
    )


def _no_such(name: str, names: Sequence[str]) -> CallerError:
    near = get_close_matches(name, names, n=3)
    return CallerError(
        f"There is no tool {name[:60]!r}.",
        code="unknown_tool",
        candidates=[Candidate(other) for other in near or names],
        next_step=f"Call {near[0]}." if near else "Call one of the candidates.",
    )
