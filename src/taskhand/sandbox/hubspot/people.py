"""Owners and their endpoints: https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import not_found
from taskhand.sandbox.hubspot.paging import offset_page, read_limit
from taskhand.sandbox.hubspot.reply import JsonResponse

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext

PAGE = 100
MAX_PAGE = 500


@dataclass(frozen=True)
class Owner:
    """A user or a queue that can own records."""

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


def list_owners(ctx: RequestContext) -> JsonResponse:
    """`GET /crm/v3/owners`: a page of active or archived owners; `email` must match exactly."""
    email = ctx.query.get("email")
    rows = [
        render_owner(owner)
        for owner in _active_or_archived(ctx)
        if email is None or owner.email.casefold() == email.casefold()
    ]
    return JsonResponse(200, offset_page(ctx, rows, read_limit(ctx, "limit", PAGE, MAX_PAGE)))


def get_owner(ctx: RequestContext) -> JsonResponse:
    """`GET /crm/v3/owners/{id}`: by id or by `userId`."""
    sent = ctx.values["id"]
    by_user = ctx.query.get("idProperty") == "userId"
    for owner in _active_or_archived(ctx):
        if sent == (str(owner.user_id) if by_user else owner.id):
            return JsonResponse(200, render_owner(owner))
    raise not_found(sent, ctx.spec_variant)


def _active_or_archived(ctx: RequestContext) -> list[Owner]:
    wants_archived = ctx.flag("archived")
    return [owner for owner in ctx.store.owners if owner.archived == wants_archived]


def render_owner(owner: Owner) -> dict[str, Any]:
    """Write the owner object."""
    user = {} if owner.archived else {"userId": owner.user_id}
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
