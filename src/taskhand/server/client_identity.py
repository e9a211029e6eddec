"""The caller of a request as the journal names it: the person, and the client by its own name."""

from typing import Any

from mcp.server import ServerRequestContext

from taskhand.domain.display_text import plain
from taskhand.domain.principal import Principal
from taskhand.journal.journal import Caller

__all__ = ["to_caller"]


def to_caller(ctx: ServerRequestContext[Any, Any], principal: Principal) -> Caller:
    """The person and the client's own name for itself, without hidden characters."""
    params = ctx.session.client_params
    info = params.client_info if params else None
    name, version = (plain(info.name)[:100], plain(info.version)[:40]) if info else (None, None)
    person = principal.person
    email = person.email if person and person.email != person.id else None
    return Caller(name, version, principal.subject, email)
