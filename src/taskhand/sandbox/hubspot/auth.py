"""The token and its scopes."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING

from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import expired_token, missing_scopes, unauthorized, wrong_form
from taskhand.sandbox.request_log import NOBODY, Holder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskhand.sandbox.hubspot.spec_variant import SpecVariant
    from taskhand.sandbox.messages import ReceivedRequest
    from taskhand.sandbox.oauth.grants import Issued

EXPIRED_AGO = dt.timedelta(seconds=75)
BEARER = "bearer "
READ, WRITE = "crm.objects.contacts.read", "crm.objects.contacts.write"  # tasks use the scopes of contacts
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


def read_bearer(request: ReceivedRequest) -> str:
    """Return the bearer token of a request, or an empty text."""
    sent = request.header("authorization") or ""
    return sent[len(BEARER) :] if sent.lower().startswith(BEARER) else ""


def find_holder(text: str, token: str, user_id: int, issued: Issued | None) -> Holder | None:
    """Return the holder of a token; `token` is the private app's, `issued` an OAuth token, valid or not."""
    if issued is not None:
        return Holder("oauth", issued.grant.user.id)
    if not text:
        return None
    return Holder("private_app", str(user_id)) if secrets.compare_digest(text.encode(), token.encode()) else NOBODY


def check_issued(issued: Issued, now: dt.datetime) -> None:
    """Refuse an expired or revoked OAuth token; the error for a revoked one is assumed."""
    if issued.ends is not None and issued.has_expired(now):
        ago = int((now - issued.ends).total_seconds())
        raise expired_token(f"{ago} second(s)", format_instant(issued.ends))
    if not issued.is_good(now):
        raise unauthorized()


def check_token(text: str, token: str, now: dt.datetime, spec_variant: SpecVariant) -> None:
    """Refuse any token but the private app's: 401."""
    if not secrets.compare_digest(text.encode(), token.encode()):
        if text and spec_variant.unknown_credentials == "expired":
            raise expired_token("20543 day(s)", "1970-01-01T00:00:00Z")
        if spec_variant.unknown_credentials == "wrong_form":
            raise wrong_form()
        raise unauthorized()
    if spec_variant.credentials == "expired":
        raise expired_token(f"{EXPIRED_AGO.seconds} second(s)", format_instant(now - EXPIRED_AGO))


def scopes_for_links(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the scopes for links to these object types; the separate scopes of deals and tickets are inferred."""
    return [scopes_for(name, writes=False) for name in names if name in {"deals", "tickets"}]


def require_scopes(needed: tuple[str, ...], granted: frozenset[str], spec_variant: SpecVariant) -> None:
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
