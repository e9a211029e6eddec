"""The tools that a server offers, and the error for a call of any other tool; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from taskhand.domain.errors import CallerError, Candidate, NotAllowed, OperatorError, TaskhandError
from taskhand.domain.principal import SCOPES, Principal
from taskhand.server.tool import Tool

__all__ = ["OfferedTools", "choose_tools", "select_names"]

_GROUPS = ("read", "write", "all")
_SLIP = 0.85
"""The similarity of a mistyped name: two different tools, such as delete_task and create_task, have less."""


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """The tools that this server offers, by name in the order of the table.

    `left_out` are the other tools of the table; `only_reads` is whether the server leaves out every tool that writes.
    `forbidden` are those that the server offers to other callers, with the rule that forbids each.
    """

    by_name: Mapping[str, Tool[Any]]
    left_out: Mapping[str, Tool[Any]]
    only_reads: bool = False
    forbidden: Mapping[str, str] = field(default_factory=dict)

    @property
    def tools(self) -> tuple[Tool[Any], ...]:
        """The offered tools."""
        return tuple(self.by_name.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the offered tools."""
        return tuple(self.by_name)

    def shown_to(self, principal: Principal) -> "OfferedTools":
        """The tools that this caller is shown, also those whose scope it can gain: models never ask for hidden ones."""
        return self.for_principal(replace(principal, scopes=SCOPES) if principal.may_gain_scopes else principal)

    def for_principal(self, principal: Principal) -> "OfferedTools":
        """The tools that this caller may use: its scopes and the policy allow them."""
        if principal.scopes == SCOPES and principal.rules.tools is None:
            return self
        forbidden = {name: "scope" for name, tool in self.by_name.items() if tool.scope not in principal.scopes}
        if principal.rules.tools is not None:
            table = (*self.by_name.values(), *self.left_out.values())
            allowed = select_names(table, principal.rules.tools, "tools")
            forbidden |= {name: "tools" for name in self.by_name if name not in allowed}
        if not forbidden:
            return self
        allowed_tools = {name: tool for name, tool in self.by_name.items() if name not in forbidden}
        return replace(self, by_name=allowed_tools, forbidden=forbidden)

    def reason_not_offered(self, name: str) -> TaskhandError | None:
        """The error for a call of this tool; None if the tool is offered."""
        return None if name in self.by_name else self.refusal(name)

    def refusal(self, name: str) -> TaskhandError:
        """The error for a call of a tool that is not offered: unknown, forbidden, or left out by the settings."""
        if (rule := self.forbidden.get(name)) is not None:
            return NotAllowed.by(rule, f"{name} is not allowed to you; nothing was read or written.")
        tool = self.left_out.get(name)
        if tool is None:
            return _unknown_tool(name, self.names)
        if self.only_reads and tool.writes:
            return OperatorError(
                f"{name} writes, and this server only reads; nothing was written.",
                code="read_only",
                next_step="Tell the person: the operator of Taskhand can change TASKHAND_READ_ONLY.",
            )
        return OperatorError(
            f"{name} is not enabled on this server.",
            code="tool_not_enabled",
            next_step="Tell the person: the operator of Taskhand can enable it with TASKHAND_TOOLS.",
        )


def choose_tools(table: Sequence[Tool[Any]], chosen: str | None, *, only_reads: bool) -> OfferedTools:
    """The tools of the table that a configuration offers: those that `chosen` selects, or all.

    OperatorError for an unknown name, and if no tool is left.
    """
    names = select_names(table, chosen or "", "TASKHAND_TOOLS")
    offered = {tool.name: tool for tool in table if tool.name in names and not (only_reads and tool.writes)}
    if not offered:
        settings = "TASKHAND_TOOLS and TASKHAND_READ_ONLY leave" if only_reads else "TASKHAND_TOOLS leaves"
        raise OperatorError(
            f"{settings} no tool to offer.", next_step="Name at least one tool, or one of read, write and all."
        )
    others = {tool.name: tool for tool in table if tool.name not in offered}
    return OfferedTools(offered, others, only_reads)


def select_names(table: Sequence[Tool[Any]], chosen: str, setting: str) -> frozenset[str]:
    """The names of the tools that a list selects; OperatorError, which names the `setting`, for an unknown name.

    `chosen` is a comma-separated list of tool names and of the groups `read`, `write` (every tool that is not a read)
    and `all`. `-` before an item leaves it out, wherever it stands; a list of such items alone leaves them out of all.
    """
    items = [item.strip() for item in chosen.split(",") if item.strip()]
    left_out = [_names_in(item[1:].strip(), table, setting) for item in items if item.startswith("-")]
    taken = [_names_in(item, table, setting) for item in items if not item.startswith("-")]
    return frozenset().union(*(taken or [_names_in("all", table, setting)])).difference(*left_out)


def _names_in(item: str, table: Sequence[Tool[Any]], setting: str) -> frozenset[str]:
    """The tool names that one item of the list selects."""
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
        f"{setting} names {item[:60]!r}, which is not a tool.",
        candidates=[Candidate(name) for name in near],
        next_step=f"Use one of: {', '.join(near)}.",
    )


def _unknown_tool(name: str, names: Sequence[str]) -> CallerError:
    near = get_close_matches(name, names, n=1, cutoff=_SLIP)
    return CallerError(
        f"There is no tool {name[:60]!r}.",
        code="unknown_tool",
        candidates=[Candidate(other) for other in near or names],
        next_step=f"Call {near[0]}." if near else "Call one of the candidates.",
    )
