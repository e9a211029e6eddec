"""The token and its scopes."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING

from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import expired_token, missing_scopes, unauthorized, wrong_form

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskhand.sandbox.hubspot.spec_variant import SpecVariant
    from taskhand.sandbox.messages import Request

EXPIRED_AGO = dt.timedelta(seconds=75)
BEARER = "bearer "
READ, WRITE = "crm.objects.contacts.read", "crm.objects.contacts.write"  # tasks have no scopes of their own
SCOPES = (
    READ,
    WRITE,
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.tickets.read",
    "crm.objects.tickets.write",
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.schemas.custom.read",
    "crm.objects.owners.read",
    "oauth",
)
OWNERS = ("crm.objects.owners.read", "automation")  # any of them suffices
SCHEMAS = ("crm.schemas.custom.read",)
PROPERTIES = (READ, WRITE, "crm.objects.tasks.read", "crm.objects.companies.read", "crm.objects.deals.read")


def check_token(request: Request, token: str | None, now: dt.datetime, spec_variant: SpecVariant) -> None:
    """Refuse a request without this token: 401. A token of None accepts every request."""
    if token is None:
        return
    sent = request.header("authorization") or ""
    text = sent[len(BEARER) :] if sent.lower().startswith(BEARER) else ""
    if not secrets.compare_digest(text.encode(), token.encode()):
        if text and spec_variant.unknown_credentials == "expired":
            raise expired_token("20543 day(s)", "1970-01-01T00:00:00Z")
        if spec_variant.unknown_credentials == "wrong_form":
            raise wrong_form()
        raise unauthorized()
    if spec_variant.credentials == "expired":
        raise expired_token(f"{EXPIRED_AGO.seconds} second(s)", format_instant(now - EXPIRED_AGO))


def scopes_for_links(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the scopes for links to these object types; that deals and tickets need their own is inferred."""
    return [scopes_for(name, writes=False) for name in names if name in {"deals", "tickets"}]


def check_scopes(needed: tuple[str, ...], granted: frozenset[str], spec_variant: SpecVariant) -> None:
    """Refuse a token that has none of the `needed` scopes: 403."""
    if needed and not granted.intersection(needed):
        raise missing_scopes(needed, spec_variant)


def granted_scopes(scopes: Iterable[str], spec_variant: SpecVariant) -> frozenset[str]:
    """Return the scopes without those that the spec variant removes."""
    return frozenset(scopes) - {name.strip() for name in spec_variant.missing_scopes.split(",")}


def scopes_for(object_type: str, *, writes: bool) -> tuple[str, ...]:
    """Return the scope for an object type."""
    family = {"tasks": "contacts", "vehicles": "custom"}.get(object_type, object_type)
    return (f"crm.objects.{family}.{'write' if writes else 'read'}",)
