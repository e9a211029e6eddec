"""What a server serves to one caller: the tools that it may use, and the connections that are its to use."""

from dataclasses import dataclass
from typing import Any

from mcp.server import ServerRequestContext

from taskhand.domain.errors import NotAllowed
from taskhand.domain.principal import Principal
from taskhand.server.access import EVERYONE, Access
from taskhand.server.offered_tools import OfferedTools
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections

__all__ = ["CallerView", "Served"]


@dataclass(frozen=True, slots=True)
class CallerView:
    """What one caller is offered now; `connections` are those that are its to use, of all `names`."""

    principal: Principal
    offered: OfferedTools
    connections: Connections
    names: tuple[str, ...]

    @property
    def has_several(self) -> bool:
        """Whether the server has several connections, so that addresses name theirs."""
        return len(self.names) > 1

    @property
    def may_read(self) -> bool:
        """Whether the caller may see anything of a connection."""
        return bool(self.connections.by_name) and "read" in self.principal.scopes

    def may_use(self, tool: str) -> bool:
        """Whether the caller may call this tool."""
        return bool(self.connections.by_name) and tool in self.offered.by_name

    def find(self, name: str | None) -> AppContext:
        """The connection of this name, the only one where the server has no other.

        NotAllowed for one that is not the caller's, CallerError for an unknown one.
        """
        if not self.connections.by_name or (name and name.casefold() in self._others):
            raise NotAllowed.by("connections", f"The connection {name or 'of this server'} is not yours to use.")
        return self.connections.first if name is None else self.connections.find(name)

    @property
    def _others(self) -> set[str]:
        return {name.casefold() for name in self.names if name not in self.connections.by_name}


@dataclass(frozen=True, slots=True)
class Served:
    """The connections of a server, the tools that it offers, and who calls."""

    connections: Connections
    offered: OfferedTools
    access: Access = EVERYONE

    def view(self, ctx: ServerRequestContext[Any, Any]) -> CallerView:
        """What the caller of this request may see and use, by the rules that are in force now."""
        principal = self.access.principal(ctx)
        return CallerView(
            principal,
            self.offered.for_principal(principal),
            self.connections.of_principal(principal),
            self.connections.names,
        )
