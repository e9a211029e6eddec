"""Who calls: the principal behind a request, by its credential or by the settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser

from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.domain.principal import SCOPES, Person, Principal, Scope
from taskhand.domain.text import plain
from taskhand.journal.journal import Caller

__all__ = ["EVERYONE", "Access", "Memberships", "to_caller"]


Memberships = Mapping[str, Mapping[str, str]]
"""Who each person is in each connection, as `Principal.members`, by the person's id."""


def _no_policy() -> Policy:
    return NO_POLICY


def _no_memberships() -> Memberships:
    return {}


@dataclass(frozen=True, slots=True)
class Access:
    """Who calls, and by which rules.

    `policy` returns the policy that is in force now, and `memberships` who the persons are now. `person` calls, with
    these `scopes`, where the transport asks nobody who it is.
    """

    policy: Callable[[], Policy] = _no_policy
    person: Person | None = None
    scopes: frozenset[Scope] = SCOPES
    memberships: Callable[[], Memberships] = _no_memberships

    def principal(self, ctx: ServerRequestContext[Any, Any]) -> Principal:
        """The principal of this request: the holder of its credential, else the person of the settings."""
        user = ctx.request.scope.get("user") if ctx.request is not None else None
        if not isinstance(user, AuthenticatedUser):
            return self.configured
        token = user.access_token
        person = Person.named(token.subject or token.client_id)
        granted = frozenset(scope for scope in SCOPES if scope in token.scopes)
        return self._principal_of(person, granted)

    @property
    def configured(self) -> Principal:
        """The principal where the transport asks nobody."""
        return self._principal_of(self.person, self.scopes)

    def _principal_of(self, person: Person | None, scopes: frozenset[Scope]) -> Principal:
        """The principal by what is in force now."""
        rules = self.policy().rules_for(person.id if person else None)
        return Principal(person, scopes, rules, self.memberships().get(person.id, {}) if person else {})


def to_caller(ctx: ServerRequestContext[Any, Any], principal: Principal) -> Caller:
    """The person, and the client by the name that it gives itself, without hidden characters."""
    params = ctx.session.client_params
    info = params.client_info if params else None
    name, version = (plain(info.name)[:100], plain(info.version)[:40]) if info else (None, None)
    return Caller(name, version, principal.subject)


EVERYONE: Final = Access()
"""Nobody is asked, and everyone may do everything."""
