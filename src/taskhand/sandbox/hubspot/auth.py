"""Who may call: the token, and the scopes it has."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING

from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import expired_token, missing_scopes, unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskhand.sandbox.hubspot.spec_variant import SpecVariant
    from taskhand.sandbox.messages import Request

AGO = dt.timedelta(seconds=75)
BEARER = "bearer "
READ, WRITE = "crm.objects.contacts.read", "crm.objects.contacts.write"  # tasks have none of their own
SCOPES = (
    READ,
    WRITE,
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.owners.read",
    "oauth",
)
OWNERS = ("crm.objects.owners.read", "automation")  # any one of them suffices
PROPERTIES = (READ, WRITE, "crm.objects.tasks.read", "crm.objects.companies.read", "crm.objects.deals.read")
OPEN: tuple[str, ...] = ()


def check_token(request: Request, token: str | None, now: dt.datetime, spec_variant: SpecVariant) -> None:
    """Refuse a call without this token; None lets every call through."""
    if token is None:
        return
    sent = request.header("authorization") or ""
    text = sent[len(BEARER) :] if sent.lower().startswith(BEARER) else ""
    if not secrets.compare_digest(text.encode(), token.encode()):
        if text and spec_variant.unknown_credentials == "expired":
            raise expired_token("20543 day(s)", "1970-01-01T00:00:00Z")
        raise unauthorized()
    if spec_variant.credentials == "expired":
        raise expired_token(f"{AGO.seconds} second(s)", format_instant(now - AGO))


def check_scopes(needed: Iterable[str], granted_scopes: frozenset[str], spec_variant: SpecVariant) -> None:
    """Refuse a token that has none of the scopes; where none is needed, every token has it."""
    wanted = tuple(needed)
    if wanted and not granted_scopes.intersection(wanted):
        raise missing_scopes(wanted, spec_variant)


def granted_scopes(scopes: Iterable[str], spec_variant: SpecVariant) -> frozenset[str]:
    """Give a token's scopes less those that the reading takes away."""
    return frozenset(scopes) - {name.strip() for name in spec_variant.missing_scopes.split(",")}


def scopes_for(kind: str, *, writes: bool) -> tuple[str, ...]:
    """Name the scope for one kind of record."""
    family = "contacts" if kind == "tasks" else kind
    return (f"crm.objects.{family}.{'write' if writes else 'read'}",)
