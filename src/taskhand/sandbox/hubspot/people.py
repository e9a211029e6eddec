"""Owners, and their endpoints (§7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import missing
from taskhand.sandbox.hubspot.paging import offset_page, whole

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext

PAGE = 100  # §7 SPEC: default
MOST = 500  # §7 MEM, 3P


@dataclass(frozen=True)
class Owner:
    """A user, or a queue, that records can belong to."""

    id: str
    email: str
    first_name: str
    last_name: str
    user_id: int
    created_at: str
    updated_at: str
    type: str = "PERSON"
    archived: bool = False
    teams: tuple[tuple[str, str], ...] = ()


def list_owners(ctx: RequestContext) -> dict[str, Any]:
    """`GET /crm/v3/owners`: the active ones, or the archived ones; `email` to the letter (§7 MEM)."""
    email = ctx.query.get("email")
    rows = [shown(owner) for owner in _side(ctx) if email is None or owner.email.casefold() == email.casefold()]
    return offset_page(ctx, rows, whole(ctx, "limit", PAGE, MOST))


def get_owner(ctx: RequestContext) -> dict[str, Any]:
    """`GET /crm/v3/owners/{id}`: by id, or by `userId` (§7 SPEC)."""
    sent = ctx.values["id"]
    by_user = ctx.query.get("idProperty") == "userId"
    for owner in _side(ctx):
        if sent == (str(owner.user_id) if by_user else owner.id):
            return shown(owner)
    raise missing(sent, ctx.spec_variant)


def _side(ctx: RequestContext) -> list[Owner]:
    wants_archived = ctx.flag("archived")
    return [owner for owner in ctx.store.owners if owner.archived == wants_archived]


def shown(owner: Owner) -> dict[str, Any]:
    """Write an owner (§7 SPEC)."""
    user = {} if owner.archived else {"userId": owner.user_id}  # §7: `userIdIncludingInactive` says what `userId` omits
    body: dict[str, Any] = {
        "id": owner.id,
        "email": owner.email,
        "type": owner.type,
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        **user,
        "userIdIncludingInactive": owner.user_id,
        "createdAt": owner.created_at,
        "updatedAt": owner.updated_at,
        "archived": owner.archived,
    }
    teams = [{"id": team, "name": name, "primary": n == 0} for n, (team, name) in enumerate(owner.teams)]
    return body | ({"teams": teams} if teams else {})
