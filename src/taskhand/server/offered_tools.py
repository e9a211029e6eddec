"""Which tools a server offers, and the error for a call of any other; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from taskhand.domain.errors import CallerError, Candidate, OperatorError, TaskhandError
from taskhand.server.tool import Tool

__all__ = ["OfferedTools", "choose_tools"]

_GROUPS = ("read", "write", "all")


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """The tools that this server offers, by name in the order of the table.

    `left_out` are the other tools of the table; `only_reads` is whether the server leaves out every tool that writes.
    """

    by_name: Mapping[str, Tool[Any]]
    left_out: Mapping[str, Tool[Any]]
    only_reads: bool = False

    @property
    def tools(self) -> tuple[Tool[Any], ...]:
        """The offered tools."""
        return tuple(self.by_name.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the offered tools."""
        return tuple(self.by_name)

    def reason_not_offered(self, name: str) -> TaskhandError | None:
        """The error for a call of this tool; None where the tool is offered."""
        return None if name in self.by_name else self.refusal(name)

    def refusal(self, name: str) -> TaskhandError:
        """The error for a call of a tool that is not offered: no such tool, or left out by the configuration."""
        tool = self.left_out.get(name)
        if tool is None:
            return _unknown_tool(name, self.names)
        if self.only_reads and tool.writes:
            return OperatorError(
                f"{name} writes, and this server only reads; nothing was written.",
                code="read_only",
                next_step="Tell the person: whoever runs Taskhand can change TASKHAND_READ_ONLY.",
            )
        return OperatorError(
            f"{name} is not enabled on this server.",
            code="tool_not_enabled",
            next_step="Tell the person: whoever runs Taskhand can enable it with TASKHAND_TOOLS.",
        )


def choose_tools(table: Sequence[Tool[Any]], chosen: str | None, *, only_reads: bool) -> OfferedTools:
    """The tools of the table that a configuration offers.

    `chosen` is a comma-separated list of tool names and of the groups `read`, `write` (every tool that is not a read)
    and `all`. `-` before an item leaves it out, wherever it stands; a list of such items alone leaves them out of all.
    OperatorError for an unknown name, and where no tool is left.
    """
    items = [item.strip() for item in (chosen or "").split(",") if item.strip()]
    left_out = [_names_in(item[1:].strip(), table) for item in items if item.startswith("-")]
    taken = [_names_in(item, table) for item in items if not item.startswith("-")] or [_names_in("all", table)]
    names = set[str]().union(*taken).difference(*left_out)
    offered = {tool.name: tool for tool in table if tool.name in names and not (only_reads and tool.writes)}
    if not offered:
        settings = "TASKHAND_TOOLS and TASKHAND_READ_ONLY leave" if only_reads else "TASKHAND_TOOLS leaves"
        raise OperatorError(
            f"{settings} no tool to offer.", next_step="Name at least one tool, or one of read, write and all."
        )
    others = {tool.name: tool for tool in table if tool.name not in offered}
    return OfferedTools(offered, others, only_reads)


def _names_in(item: str, table: Sequence[Tool[Any]]) -> frozenset[str]:
    """The tool names that one item of the list stands for."""
    groups = {
        "all": frozenset(tool.name for tool in table),
        "read": frozenset(tool.name for tool in table if not tool.writes),
        "write": frozenset(tool.name for tool in table if tool.writes),
    }
    word = item.casefold()
    if word in groups:
        return groups[word]
    if word in groups["all"]:
        return frozenset({word})
    near = get_close_matches(word, [*_GROUPS, *groups["all"]], n=3) or [*_GROUPS, *(tool.name for tool in table)]
    raise OperatorError(
        f"TASKHAND_TOOLS names {item[:60]!r}, which is not a tool.",
        candidates=[Candidate(name) for name in near],
        next_step=f"Use one of: {', '.join(near)}.",
    )


def _unknown_tool(name: str, names: Sequence[str]) -> CallerError:
    near = get_close_matches(name, names, n=3)
    return CallerError(
        f"There is no tool {name[:60]!r}.",
        code="unknown_tool",
        candidates=[Candidate(other) for other in near or names],
        next_step=f"Call {near[0]}." if near else "Call one of the candidates.",
    )
