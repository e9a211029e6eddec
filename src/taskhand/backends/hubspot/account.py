"""What a HubSpot account has around its tasks: statuses, owners, a time zone, and whoever the token belongs to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import SecretStr

from taskhand.backends.hubspot.allday import AllDay
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.due import Zones
from taskhand.backends.hubspot.mapping import company_of, contact_of, member_of, statuses_of
from taskhand.backends.hubspot.record import JsonObject, Malformed, objects
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.domain.due import known_zone
from taskhand.domain.errors import CallerError, OperatorError, UpstreamError
from taskhand.domain.task import Contact, Member, Status, StatusChoice, StatusList

__all__ = ["Account", "AccountSettings", "next_page", "read"]

_T = TypeVar("_T")

_STATUSES_KEPT_S: Final = 300.0
_MOST_PAGES: Final = 100
_SOURCE: Final = "the options of hs_task_status in HubSpot"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What is configured of a HubSpot account.

    `timezone` is the IANA zone in which times are shown, and of days where the account's own cannot be read; `user`
    says who `me` is, as an owner's id, a user's id or an e-mail; without it a private app's `token` is asked. `keep_s`
    is how many seconds the owners are good for.
    """

    timezone: str | None = None
    user: str | None = None
    token: SecretStr | None = field(default=None, repr=False)
    keep_s: float = 60.0


@dataclass(frozen=True, slots=True)
class _Statuses:
    known: tuple[Status, ...]
    by_value: dict[str, Status]


class Account:
    """Reads them when they are first needed, and keeps them for a while."""

    def __init__(self, wire: HubSpotClient, account: AccountSettings, monotonic: Callable[[], float]) -> None:
        self._wire = wire
        self._account = account
        self._zones: Zones | None = None
        self._statuses: TtlCache[None, _Statuses] = TtlCache(_STATUSES_KEPT_S, monotonic)
        self._owners: TtlCache[None, tuple[JsonObject, ...]] = TtlCache(account.keep_s, monotonic)
        self._user: str | None = account.user
        self.all_day = AllDay()
        """Whether this account lets it be said that a task is all day."""

    async def statuses(self) -> StatusList:
        """Those that can be chosen, by position."""
        return StatusList((await self._status_options()).known, complete=True, source=_SOURCE)

    async def by_value(self) -> dict[str, Status]:
        """All statuses a task may have, hidden ones too, by their value."""
        return (await self._status_options()).by_value

    async def initial(self) -> str | None:
        """The value of the status that a new task starts in."""
        return next((one.id for one in (await self._status_options()).known if one.type == "initial"), None)

    async def value_of(self, choice: StatusChoice) -> StatusChoice:
        """The same choice with the value of its status; CallerError where there is none."""
        if choice.id is not None:
            return choice
        for status in (await self._status_options()).known:
            if choice.met_by(status):
                return StatusChoice.of(status)
        raise CallerError(
            "There is no such status in HubSpot.", code="unknown_status", next_step="Call list_statuses for the names."
        )

    async def zones(self) -> Zones:
        """In which zone instants are shown, and days are days: those of the account's own calendar."""
        if self._zones is None:
            self._zones = Zones(self._account.timezone, await self._own_zone())
        return self._zones

    async def members(self) -> tuple[Member, ...]:
        """The owners who are people, without those archived."""
        owners = await self._people()
        return tuple(read(member_of, owner) for owner in owners)

    async def me(self) -> str | None:
        """The owner who is configured, or who made the private app; None where neither is known."""
        if self._user is None:
            self._user = await self._maker()
        wanted = (self._user or "").casefold()
        for owner in await self._people() if wanted else ():
            if wanted in {str(owner.get(name)).casefold() for name in ("id", "userId", "email")}:
                return str(owner["id"])
        return None

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts, then the companies that none of them belongs to."""
        people = objects((await self._wire.search_contacts(query, limit)).get("results"))
        found = [read(lambda json: contact_of(json, _company_id(json)), json) for json in people]
        if len(found) < limit:
            theirs = {one.customer_id for one in found}
            companies = objects((await self._wire.search_companies(query, limit)).get("results"))
            found += [one for one in (read(company_of, json) for json in companies) if one.customer_id not in theirs]
        return tuple(found[:limit])

    async def _status_options(self) -> _Statuses:
        async def fetched() -> _Statuses:
            known, hidden = read(statuses_of, await self._wire.statuses())
            return _Statuses(known, {one.id: one for one in (*hidden, *known) if one.id})

        return await self._statuses.get(None, fetched)

    async def _people(self) -> tuple[JsonObject, ...]:
        async def fetched() -> tuple[JsonObject, ...]:
            owners: list[JsonObject] = []
            after: str | None = None
            for _ in range(_MOST_PAGES):
                page = await self._wire.owners(after)
                owners += objects(page.get("results"))
                after = next_page(page)
                if after is None:
                    break
            return tuple(one for one in owners if one.get("archived") is not True and one.get("type") != "QUEUE")

        return await self._owners.get(None, fetched)

    async def _own_zone(self) -> str | None:
        """The account's zone; none where the token may not ask, or where nobody here knows that zone."""
        try:
            return known_zone(str((await self._wire.account()).get("timeZone")))
        except (OperatorError, CallerError):
            return None

    async def _maker(self) -> str | None:
        """The user who made the private app; a token of another kind is not asked about: its answer would name it."""
        token = self._account.token.get_secret_value() if self._account.token else ""
        if not token.startswith("pat-"):
            return None
        try:
            user = (await self._wire.token_info(token)).get("userId")
        except (OperatorError, CallerError):
            return None
        return str(user) if isinstance(user, int | str) and user else None


def next_page(answer: JsonObject) -> str | None:
    """Where the next page goes on; None after the last."""
    paging = answer.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return str(after) if after else None


def read(reader: Callable[[Any], _T], json: object) -> _T:
    """A value out of an answer; UpstreamError when it is not what is documented."""
    try:
        return reader(json)
    except Malformed as error:
        raise UpstreamError(
            f"HubSpot answered {error}.", code="upstream_invalid", next_step="Tell whoever runs Taskhand."
        ) from None


def _company_id(json: JsonObject) -> str | None:
    properties = json.get("properties")
    company = properties.get("associatedcompanyid") if isinstance(properties, dict) else None
    return str(company) if company else None
