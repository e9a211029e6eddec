"""The caller of a request: the principal by its credential or by the settings, and what it may see and use."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.types import CacheableResult

from taskhand.domain.errors import NotAllowed
from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.domain.principal import SCOPES, Person, Principal, Scope
from taskhand.server.offered_tools import OfferedTools
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections

__all__ = ["EVERYONE", "PAGES", "PAGE_TYPE", "Access", "CallerView", "Memberships", "ServerContext"]

PAGES: Final = "io.modelcontextprotocol/ui"
"""The protocol extension with which a host declares that it shows pages."""
PAGE_TYPE: Final = "text/html;profile=mcp-app"
_HOSTS_WITH_PAGES: Final = {
    "anthropic": "https://github.com/anthropics/claude-ai-mcp/issues/61",
    "claude-ai": "https://github.com/modelcontextprotocol/ext-apps/issues/671",
}
"""Hosts that show pages without declaring it in every connection, by the beginning of their names, with the source.

They keep the tool list that their first connection has read.
"""

Memberships = Mapping[str, Mapping[str, str]]
"""The members that each person is, by the person's id and the connection."""

_Listed = TypeVar("_Listed", bound=CacheableResult)


class Access(NamedTuple):
    """Identifies callers and their rules. `policy` and `memberships` return the current ones.

    `person` is the caller, with these `scopes`, if the transport does not authenticate callers.
    """

    policy: Callable[[], Policy] = lambda: NO_POLICY
    person: Person | None = None
    scopes: frozenset[Scope] = SCOPES
    memberships: Callable[[], Memberships] = dict

    def principal(self, ctx: ServerRequestContext[Any, Any]) -> Principal:
        """The principal of this request: the holder of its credential, else the person of the settings."""
        user = ctx.request.scope.get("user") if ctx.request is not None else None
        if not isinstance(user, AuthenticatedUser):
            return self.configured
        return self.holder(user.access_token)

    def holder(self, token: AccessToken) -> Principal:
        """The principal of a credential."""
        granted = frozenset(scope for scope in SCOPES if scope in token.scopes)
        return self._principal_of(_person_of(token), granted, may_gain_scopes=token.resource is not None)

    @property
    def configured(self) -> Principal:
        """The principal if the transport does not authenticate callers."""
        return self._principal_of(self.person, self.scopes)

    def mark_freshness(self, listed: _Listed) -> _Listed:
        """The list with its cache hint: if a policy can change it, a client must not cache it."""
        return listed if self.policy() == NO_POLICY else listed.model_copy(update={"ttl_ms": 0})

    def _principal_of(
        self, person: Person | None, scopes: frozenset[Scope], *, may_gain_scopes: bool = False
    ) -> Principal:
        """The principal under the current policy and memberships."""
        if person is None:
            return Principal(None, scopes, self.policy().rules_for())
        rules, memberships = self.policy().rules_for(*person.names, groups=person.groups), self.memberships()
        return Principal(person, scopes, rules, person.find_in(memberships) or {}, may_gain_scopes)


def _person_of(token: AccessToken) -> Person:
    """The person of a key, or of a token with the token's claims about the person."""
    person, claims = Person.parse(token.subject or token.client_id), token.claims or {}
    if token.resource is None:
        return person
    return replace(person, email=claims.get("email"), groups=frozenset(claims.get("groups", ())))


def _shows_pages(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether the client declares pages, or its host, named before a slash, shows them without declaring it."""
    capabilities, params = ctx.session.client_capabilities, ctx.session.client_params
    settings = (capabilities.extensions or {}).get(PAGES) if capabilities else None
    types = settings.get("mimeTypes") if settings else None
    if isinstance(types, list) and PAGE_TYPE in types:
        return True
    return params is not None and params.client_info.name.partition("/")[0].lower() in _HOSTS_WITH_PAGES


EVERYONE: Final = Access()
"""No authentication and no rules: everyone may do everything."""


class CallerView(NamedTuple):
    """What one caller is offered now; `connections` are those that it may use, of all `names`."""

    principal: Principal
    offered: OfferedTools
    connections: Connections
    names: tuple[str, ...]

    @property
    def has_several(self) -> bool:
        """Whether the server has several connections, so that addresses contain their names."""
        return len(self.names) > 1

    @property
    def may_read(self) -> bool:
        """Whether the caller may read any data of a connection."""
        return bool(self.connections.by_name) and "read" in self.principal.scopes

    def may_use(self, tool: str) -> bool:
        """Whether the caller may call this tool."""
        return bool(self.connections.by_name) and tool in self.offered.by_name

    def find(self, name: str | None) -> AppContext:
        """The connection of this name, or the only one.

        NotAllowed if the caller may not use it, CallerError if it is unknown.
        """
        if not self.connections.by_name or (name and name.casefold() in self._others):
            raise NotAllowed.by("connections", f"The connection {name or 'of this server'} is not yours to use.")
        return self.connections.first if name is None else self.connections.find(name)

    @property
    def _others(self) -> set[str]:
        return {name.casefold() for name in self.names if name not in self.connections.by_name}


class ServerContext(NamedTuple):
    """The connections of a server, its tools, the access to them, and whether hosts get the board."""

    connections: Connections
    offered: OfferedTools
    access: Access = EVERYONE
    has_board: bool = True

    def shows_board(self, ctx: ServerRequestContext[Any, Any]) -> bool:
        """Whether the client of this request gets the board: it shows pages."""
        return self.has_board and _shows_pages(ctx)

    def view(self, ctx: ServerRequestContext[Any, Any]) -> CallerView:
        """What the caller of this request may see and use under the current rules."""
        principal = self.access.principal(ctx)
        return self._view(principal, self.offered.for_principal(principal))

    def view_of(self, token: AccessToken) -> CallerView:
        """What the holder of a credential is shown, including tools whose scope it can still gain."""
        principal = self.access.holder(token)
        return self._view(principal, self.offered.shown_to(principal))

    def _view(self, principal: Principal, offered: OfferedTools) -> CallerView:
        return CallerView(principal, offered, self.connections.of_principal(principal), self.connections.names)

    def find_named(self, view: CallerView, name: str | None) -> AppContext:
        """The connection that a call names, even if the caller may not use it; else the caller's first one."""
        if name is not None:
            for own, app in self.connections.by_name.items():
                if own.casefold() == name.casefold():
                    return app.of_principal(view.principal)
        own_first = next(iter(view.connections), None)
        return self.connections.first.of_principal(view.principal) if own_first is None else own_first
