"""Who calls: the principal behind a request, by its credential or by the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser

from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.domain.principal import SCOPES, Person, Principal, Scope

__all__ = ["EVERYONE", "Access"]


def _no_policy() -> Policy:
    return NO_POLICY


@dataclass(frozen=True, slots=True)
class Access:
    """Who calls, and by which rules.

    `policy` returns the policy that is in force now. `person` calls, with these `scopes`, where the transport asks
    nobody who it is.
    """

    policy: Callable[[], Policy] = _no_policy
    person: Person | None = None
    scopes: frozenset[Scope] = SCOPES

    def principal(self, ctx: ServerRequestContext[Any, Any]) -> Principal:
        """The principal of this request: the holder of its credential, else the person of the settings."""
        user = ctx.request.scope.get("user") if ctx.request is not None else None
        if not isinstance(user, AuthenticatedUser):
            return Principal(self.person, self.scopes, self.policy().rules_for(self.person.id if self.person else None))
        token = user.access_token
        person = Person.named(token.subject or token.client_id)
        granted = frozenset(scope for scope in SCOPES if scope in token.scopes)
        return Principal(person, granted, self.policy().rules_for(person.id))


EVERYONE: Final = Access()
"""Nobody is asked, and everyone may do everything."""
