"""Users and the organization: https://developer.close.com/api/resources/users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.dates import format_instant
from taskhand.sandbox.close.errors import not_found, validation_error
from taskhand.sandbox.close.paging import render_page, select_fields

if TYPE_CHECKING:
    import datetime as dt

    from taskhand.sandbox.close.context import RequestContext

ORDERS = {"last_name,first_name": ("last_name", "first_name"), "first_name,last_name": ("first_name", "last_name")}


@dataclass(frozen=True)
class Organization:
    """The organization of the key."""

    id: str
    name: str
    lead_statuses: tuple[tuple[str, str], ...]  # pairs of id and label


@dataclass(frozen=True)
class User:
    """A user; a former member stays stored, because tasks still refer to them."""

    id: str
    first_name: str
    last_name: str
    email: str
    date_created: dt.datetime
    phone: str | None = None
    zone: str = "UTC"  # `last_used_timezone`
    active: bool = True

    @property
    def name(self) -> str:
        """The full name, as in `assigned_to_name`."""
        return f"{self.first_name} {self.last_name}"


def list_users(ctx: RequestContext) -> dict[str, Any]:
    """`GET /user/`: a page of the organization's members."""
    with_all = ctx.spec_variant.ex_members == "listed"
    users = [user for user in ctx.store.users.values() if user.active or with_all]
    return render_page(_sort_users(users, ctx), ctx, lambda user: _render_user(user, ctx))


def get_user(ctx: RequestContext) -> dict[str, Any]:
    """`GET /user/{id}/`."""
    user = ctx.store.users.get(ctx.values["id"])
    if user is None:
        raise not_found("User")
    return select_fields(_render_user(user, ctx), ctx)


def get_me(ctx: RequestContext) -> dict[str, Any]:
    """`GET /me/`: the credential's user, with memberships and organizations."""
    user = ctx.store.users[ctx.user_id]
    own = {
        "last_used_timezone": user.zone,
        "email_accounts": [],
        "phone_numbers": [user.phone] if user.phone else [],
        "memberships": [_membership_ids(user, ctx) | {"permissions_granted": []}],
        "organizations": [_render_organization(ctx)],
    }
    return select_fields(_render_user(user, ctx) | own, ctx)


def get_organization(ctx: RequestContext) -> dict[str, Any]:
    """`GET /organization/{id}/`: with present and former memberships."""
    if ctx.values["id"] != ctx.store.organization.id:
        raise not_found("Organization")
    expanded = [name.strip() for name in ctx.params.get("_expand", "").split(",")]
    members = {
        name: [_membership(user, ctx, nested=f"{name}__user" in expanded) for user in users]
        for name, users in _memberships(ctx).items()
    }
    return select_fields(_render_organization(ctx) | members, ctx)


def _sort_users(users: list[User], ctx: RequestContext) -> list[User]:
    order = ctx.params.get("_order_by")
    if order is None:
        return users
    if order not in ORDERS:  # the OpenAPI file has this enum; the error is assumed
        raise validation_error(_order_by=f"Input should be one of: {'; '.join(ORDERS)}")
    return sorted(users, key=lambda user: [getattr(user, name) for name in ORDERS[order]])


def _memberships(ctx: RequestContext) -> dict[str, list[User]]:
    users = list(ctx.store.users.values())
    return {
        "memberships": [user for user in users if user.active],
        "inactive_memberships": [user for user in users if not user.active],
    }


def _render_user(user: User, ctx: RequestContext) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "image": None,
        "organizations": [ctx.store.organization.id] if user.active else [],
        "date_created": format_instant(user.date_created),
        "date_updated": format_instant(user.date_created),
    }


def _render_organization(ctx: RequestContext) -> dict[str, Any]:
    own = ctx.store.organization
    statuses = [{"id": status_id, "label": label} for status_id, label in own.lead_statuses]
    return {"id": own.id, "name": own.name, "lead_statuses": statuses, "pipelines": []}


def _membership_ids(user: User, ctx: RequestContext) -> dict[str, Any]:
    return {
        "id": user.id.replace("user_", "memb_"),
        "organization_id": ctx.store.organization.id,
        "user_id": user.id,
        "role_id": "admin" if user.id == ctx.store.key_owner else "user",
    }


def _membership(user: User, ctx: RequestContext, *, nested: bool) -> dict[str, Any]:
    if nested:
        return _membership_ids(user, ctx) | {"user": _render_user(user, ctx)}
    return _membership_ids(user, ctx) | {
        "user_email": user.email,
        "user_first_name": user.first_name,
        "user_last_name": user.last_name,
        "user_full_name": user.name,
        "user_phone": user.phone,
    }
