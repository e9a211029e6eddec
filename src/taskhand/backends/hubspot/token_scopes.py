"""The scopes of a HubSpot token: those that tasks need, and the features, such as deals, that others need."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.errors import LackingScopes
from taskhand.backends.hubspot.fields.links import Kind
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import Forbidden, TaskhandError
from taskhand.http.health_checks import find_refused_reads, report_scopes

__all__ = ["DEALS", "check_scopes", "may_be_about_deals"]

_WRITE: Final = "crm.objects.contacts.write"
_LACKING: Final[Mapping[str, str]] = {
    "crm.objects.companies.read": "find_contacts cannot search companies",
    "crm.objects.deals.read": "deals are not shown, found or filtered by",
}
"""Scopes that only some features need, and the feature that a token without each of them lacks."""
DEALS: Final[Kind] = "deals"
"""Deals have a scope of their own: a token that reads tasks, by the scope of contacts, may not read deals."""
_ADD: Final = "Add {} to the app or the key in HubSpot, and use the token that it then has."


async def check_scopes(
    client: HubSpotClient, read_token: Callable[[], Awaitable[JsonObject]], *, writes: bool
) -> CheckResult:
    """The result for the scopes: reads are tried; `read_token` returns the user and the scopes, empty if unknown.

    The scopes are known only of tokens of a private app or of the operator's OAuth app.
    """
    reads = {"tasks": client.first_task, "owners": lambda: client.owners(None)}
    if (denied := await find_refused_reads(reads, "HubSpot")) is not None:
        return replace(denied, remedy=_ADD.format("the scope")) if denied.remedy else denied
    try:
        granted = (await read_token()).get("scopes")
    except TaskhandError:
        granted = None
    if not isinstance(granted, list):
        return report_scopes("HubSpot", reads, writes=writes)
    if writes and _WRITE not in granted:
        found = f"The token lacks {_WRITE}: no task can be written."
        return CheckResult("scopes", "failed", found, _ADD.format(_WRITE))
    if lacking := [scope for scope in _LACKING if scope not in granted]:
        found = " ".join(f"The token lacks {scope}: {_LACKING[scope]}." for scope in lacking)
        return CheckResult("scopes", "warning", found, _ADD.format(" and ".join(lacking)))
    can = "read and write tasks" if _WRITE in granted else "read tasks"
    return CheckResult("scopes", "ok", f"It may {can}, and read owners, contacts, companies and deals.")


def may_be_about_deals(error: Forbidden) -> bool:
    """Whether HubSpot may have refused a read for its links to deals: the error names their scope, or no scope."""
    lacking = error.explanation.scopes if isinstance(error.explanation, LackingScopes) else (DEALS,)
    return any(DEALS in scope for scope in lacking)
