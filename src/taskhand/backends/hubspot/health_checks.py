"""What a look at HubSpot finds, and what to do where something is not well."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from taskhand.backends.remote.health_checks import find_refused_reads, report_scopes, run_checks
from taskhand.backends.hubspot.account import AccountSettings
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import TaskhandError

__all__ = ["REMEDIES", "HealthChecks"]

REMEDIES: Final[Mapping[str, str]] = {
    "statuses": "Let one of the options of the property hs_task_status be a finished one, in HubSpot.",
    "me": "Set HUBSPOT_USER_ID to the id of an owner, the id of a user, or an e-mail that list_team_members shows.",
}

_WRITE: Final = "crm.objects.contacts.write"
_COMPANIES: Final = "crm.objects.companies.read"
_ADD: Final = "Add {} to the app or the key in HubSpot, and use the token that it then has."


class HealthChecks:
    """Looks at the account of a token."""

    def __init__(self, wire: HubSpotClient, account: AccountSettings) -> None:
        self._wire = wire
        self._account = account
        self._headers: Mapping[str, str] = {}

    async def __call__(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """The way to HubSpot, the token, its scopes, and the rate of ten seconds and of the day."""

        async def may() -> CheckResult:
            return await self._scopes(writes=writes)

        *others, rate = await run_checks(self._wire.client, self._knock, may, rate="HUBSPOT_RATE")
        return (*others, replace(rate, found=f"{rate.found}{self._day()}"))

    async def _knock(self) -> None:
        """The account's details: every token may read them."""
        self._headers = (await self._wire.account_reply()).headers

    async def _scopes(self, *, writes: bool) -> CheckResult:
        """What can be read is tried; what else a token may do, HubSpot tells of that of a private app."""
        reads = {"tasks": self._wire.first_task, "owners": lambda: self._wire.owners(None)}
        if (found := await find_refused_reads(reads, "HubSpot")) is not None:
            return replace(found, remedy=_ADD.format("the scope")) if found.remedy else found
        granted = await self._granted()
        return report_scopes("HubSpot", reads, writes=writes) if granted is None else _told(granted, writes=writes)

    async def _granted(self) -> Collection[str] | None:
        """The scopes of a private app's token, None where HubSpot does not tell them."""
        token = self._account.token.get_secret_value() if self._account.token else ""
        if not token.startswith("pat-"):
            return None
        try:
            scopes = (await self._wire.token_info(token)).get("scopes")
        except TaskhandError:
            return None
        return [one for one in scopes if isinstance(one, str)] if isinstance(scopes, list) else None

    def _day(self) -> str:
        """What the headers say of the day; they are not sent to OAuth apps.

        https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
        """
        left, most = (self._headers.get(f"x-hubspot-ratelimit-daily{what}", "") for what in ("-remaining", ""))
        return f" Of the day's {most} requests {left} are left." if left.isdigit() and most.isdigit() else ""


def _told(granted: Collection[str], *, writes: bool) -> CheckResult:
    """The finding of a token whose scopes are known, and which can read tasks and owners."""
    if writes and _WRITE not in granted:
        return CheckResult(
            "scopes", "failed", f"The token lacks {_WRITE}: no task can be written.", _ADD.format(_WRITE)
        )
    if _COMPANIES not in granted:
        found = f"The token lacks {_COMPANIES}: find_contacts cannot look for companies."
        return CheckResult("scopes", "warning", found, _ADD.format(_COMPANIES))
    can = "read and write tasks" if _WRITE in granted else "read tasks"
    return CheckResult("scopes", "ok", f"It may {can}, and read owners, contacts and companies.")
