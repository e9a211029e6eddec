"""The HubSpot account of the tasks: statuses, owners, contacts, deals, properties, time zone, token and health."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from taskhand.backends.hubspot.client import MAX_INPUTS, HubSpotClient, next_page
from taskhand.backends.hubspot.contact_search import company_of, contact_of, find_contacts, with_companies
from taskhand.backends.hubspot.factory import HubSpotSettings
from taskhand.backends.hubspot.fields.due import Zones
from taskhand.backends.hubspot.fields.links import KINDS, LINKS
from taskhand.backends.hubspot.fields.statuses import TaskStatuses
from taskhand.backends.hubspot.mapping import AccountData, Record, id_text, records_in
from taskhand.backends.hubspot.properties.definitions import PropertyDefinition, definitions_in
from taskhand.backends.remote.account import CrmAccount
from taskhand.backends.remote.parsing import JsonObject, filled_text, full_name, rows_in, value_at
from taskhand.backends.remote.ttl_cache import CachedValue, TtlCache
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import CallerError, Forbidden, NotFound, OperatorError, TaskhandError
from taskhand.domain.task import Contact, Deal, DealList, Member
from taskhand.domain.task_type_lookup import KnownType
from taskhand.domain.time_zones import known_zone
from taskhand.http.health_checks import check_upstream, find_refused_reads, report_scopes
from taskhand.http.response_body import Reply

__all__ = ["Account", "member_of"]

_NAMES: Final[tuple[str, ...]] = ("id", "userId", "email")
"""The fields of an owner by one of which a person is configured; the id of one may be the user id of another."""
_STATUSES_KEPT_S: Final = 300.0
_NEW_STATUSES_S: Final = 10.0
"""Maximum age of cached statuses for a list of them, and for a task whose status is not among them."""
_PEOPLE_KEPT_S: Final = 60.0
_MAX_PAGES: Final = 100
_WRITE: Final = "crm.objects.contacts.write"
_LACKING: Final[Mapping[str, str]] = {
    "crm.objects.companies.read": "find_contacts cannot search companies",
    "crm.objects.deals.read": "deals are not shown, found or filtered by",
}
"""Scopes that only some features need, and the feature that a token without each of them lacks."""
_ADD: Final = "Add {} to the app or the key in HubSpot, and use the token that it then has."
_TYPE_ID: Final = re.compile(r"2-[0-9]{1,20}", re.ASCII)


class Account(CrmAccount):
    """Fetches the account's data when they are first needed, and caches them."""

    def __init__(
        self, client: HubSpotClient, settings: HubSpotSettings, timezone: str | None, monotonic: Callable[[], float]
    ) -> None:
        """Instants are shown in the IANA `timezone`; days are in it too if the account's own zone cannot be read."""
        self._client = client
        self._token = settings.hubspot_access_token
        self._timezone = timezone
        self._zones: Zones | None = None
        self._statuses = CachedValue(self._read_statuses, _STATUSES_KEPT_S, monotonic)
        self._definitions = CachedValue(self._read_definitions, _STATUSES_KEPT_S, monotonic)
        self._custom_objects = CachedValue(client.custom_objects, _STATUSES_KEPT_S, monotonic)
        self._people: TtlCache[bool, tuple[JsonObject, ...]] = TtlCache(_PEOPLE_KEPT_S, monotonic)
        self._user = settings.hubspot_user_id
        self._token_user: str | None = None
        self.data = AccountData(Zones(None), TaskStatuses({}), id_property=client.id_property)
        """The data that tasks are read with, as far as they were fetched."""

    async def prepare(self, records: Iterable[Record] = ()) -> None:
        """Fetch the zones and statuses that tasks are read with.

        The statuses are fetched again if one of these records has an unknown status, which may be a new one.
        """
        zones, statuses = await self.zones(), await self.all_statuses()
        if not all(statuses.knows(record.properties) for record in records):
            statuses = await self.all_statuses(newest=True)
        self.data = replace(self.data, zones=zones, statuses=statuses)

    async def all_statuses(self, *, newest: bool = False) -> TaskStatuses:
        """All statuses that a task may have, also those that cannot be chosen; `newest`: at most ten seconds old."""
        return await self._statuses.get(most_s=_NEW_STATUSES_S if newest else None)

    async def zones(self) -> Zones:
        """The zones of instants and of days; days are in the account's zone if the token may read it."""
        if self._zones is None:
            try:
                own = known_zone(str((await self._client.account()).object.get("timeZone")))
            except (OperatorError, CallerError):
                own = None
            self._zones = Zones(self._timezone, own)
        return self._zones

    async def members(self) -> tuple[Member, ...]:
        """The owners who are people, without those archived."""
        return tuple(filter(None, map(member_of, await self._owners(archived=False))))

    async def former_members(self) -> tuple[Member, ...]:
        """The archived owners who are people."""
        return tuple(filter(None, map(member_of, await self._owners(archived=True))))

    async def me(self) -> str | None:
        """The id of the owner who is configured, made the private app or consented to the OAuth app; else None."""
        user, names = self._user, _NAMES
        if user is None:
            try:
                user, names = await self._user_of_token(), ("userId",)
            except (OperatorError, CallerError):
                return None
        if user is None:
            return None
        people = await self._owners(archived=False)
        found = (
            owner for name in names for owner in people if str(owner.get(name) or "").casefold() == user.casefold()
        )
        return next((str(owner.get("id")) for owner in found), None)

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts and companies by their names."""
        return await find_contacts(self._client, query, limit)

    async def find_deals(self, query: str | None, limit: int) -> DealList:
        """Deals by a part of their names; without a query those changed last."""
        answer = await self._client.find("deals", query, limit)
        return DealList(tuple(map(deal_of, records_in(answer))), complete=next_page(answer) is None)

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact | Deal]:
        """Contacts with their companies, companies or deals, by id, up to 100; `field` is the edit's field for them."""
        kind = next(link_kind for link_kind in KINDS if LINKS[link_kind].field == field)
        wanted = [linked_id for linked_id in ids if linked_id.isascii() and linked_id.isdecimal()][:MAX_INPUTS]
        records = records_in(await self._client.by_id(kind, wanted)) if wanted else []
        if kind == "deals":
            return {record.id: deal_of(record) for record in records}
        linked = tuple(map(company_of if kind == "companies" else contact_of, records))
        named = await with_companies(self._client, linked)
        return {record.id: contact for record, contact in zip(records, named, strict=True)}

    async def upstream_account(self) -> str | None:
        """The id of the token's portal; None if HubSpot does not give it."""
        return id_text((await self._client.account()).object.get("portalId"))

    async def probe(self) -> Reply:
        """The details of the account."""
        return await self._client.account()

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """The results for reachability, the token, its scopes, and the rate of ten seconds and of the day."""
        headers: dict[str, str] = {}

        async def probe() -> None:
            headers.update((await self._client.account()).headers)

        scopes = partial(self._check_scopes, writes=writes)
        *others, rate = await check_upstream(self._client.http, probe, scopes, rate="HUBSPOT_RATE")
        # These headers are not sent to OAuth apps.
        left, most = (headers.get(f"x-hubspot-ratelimit-daily{suffix}", "") for suffix in ("-remaining", ""))
        day = f" {left} of the day's {most} requests are left." if left.isdigit() and most.isdigit() else ""
        return (*others, replace(rate, found=f"{rate.found}{day}"))

    async def definitions(self) -> Mapping[str, PropertyDefinition]:
        """The definitions of task properties, by name."""
        return await self._definitions.get()

    async def prepare_values(self, names: Collection[str]) -> None:
        """Fetch the definitions of properties if names are given; without them, values are shown as HubSpot's."""
        if names:
            with suppress(OperatorError, CallerError):
                self.data = replace(self.data, definitions=await self.definitions())

    async def _read_definitions(self) -> Mapping[str, PropertyDefinition]:
        return definitions_in(await self._client.property_definitions())

    async def custom_objects(self) -> Mapping[str, str]:
        """The names of custom objects, by the ids of their types; NotFound if the account has no custom objects."""
        return _custom_objects_in(await self._custom_objects.get())

    async def task_types(self) -> tuple[KnownType, ...]:
        """The account's task types; none if they cannot be read."""
        try:
            definition = (await self.definitions()).get("hs_task_type")
        except (OperatorError, NotFound):
            return ()
        options = definition.options if definition is not None else {}
        return tuple(KnownType(value, label) for value, label in options.items())

    async def read_owners(self, *, newest: bool = False) -> None:
        """Read the owners if none are known or `newest` is set; if that fails, the known owners stay."""
        if newest or not self.data.owners:
            with suppress(TaskhandError):
                await self._owners(archived=False)

    async def _read_statuses(self) -> TaskStatuses:
        """The stages of the task pipeline; the options of the status property if no pipeline exists or can be read."""
        can_read = True
        try:
            with suppress(CallerError):  # of an account without pipelines of tasks
                if (statuses := TaskStatuses.of_pipelines(await self._client.pipelines())) is not None:
                    return statuses
        except Forbidden:
            can_read = False
        return TaskStatuses.of_options(await self._client.status_property(), complete=can_read)

    async def _owners(self, *, archived: bool) -> tuple[JsonObject, ...]:
        return await self._people.get(archived, partial(self._read_owners, archived=archived))

    async def _read_owners(self, *, archived: bool) -> tuple[JsonObject, ...]:
        owners: list[JsonObject] = []
        after: str | None = None
        for _ in range(_MAX_PAGES):
            page = await self._client.owners(after, archived=archived)
            owners += [row for row in rows_in("HubSpot", page, "results") if row.get("type") != "QUEUE"]
            after = next_page(page)
            if after is None:
                break
        matching = tuple(owner for owner in owners if (owner.get("archived") is True) == archived)
        if not archived:
            ids = {str(owner["userId"]): str(owner.get("id")) for owner in matching if owner.get("userId")}
            self.data = replace(self.data, owners=ids)
        return matching

    async def _user_of_token(self) -> str | None:
        """The user id of the token's user; None if HubSpot does not give it."""
        if self._token_user is None:
            self._token_user = id_text((await self._token_info()).get("userId"))
        return self._token_user

    async def _token_info(self) -> JsonObject:
        """The user and the scopes of the token; empty if HubSpot does not give them."""
        return await self._client.token_info(self._token.get_secret_value()) if self._token else {}

    async def _check_scopes(self, *, writes: bool) -> CheckResult:
        """The result for the scopes: reads are tried, and the token is looked up.

        The scopes are known only of tokens of a private app or of the operator's OAuth app.
        """
        reads = {"tasks": self._client.first_task, "owners": lambda: self._client.owners(None)}
        if (denied := await find_refused_reads(reads, "HubSpot")) is not None:
            return replace(denied, remedy=_ADD.format("the scope")) if denied.remedy else denied
        try:
            granted = (await self._token_info()).get("scopes")
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


def member_of(json: JsonObject) -> Member | None:
    """An owner (https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide); None without an id."""
    owner_id, email = id_text(json.get("id")), filled_text(json.get("email"))
    name = full_name(json, "firstName", "lastName")
    return Member(id=owner_id, name=name or email or owner_id, email=email) if owner_id else None


def deal_of(record: Record) -> Deal:
    """A deal with its name."""
    return Deal(id=record.id, name=filled_text(record.properties.get("dealname")) or "")


def _custom_objects_in(json: JsonObject) -> Mapping[str, str]:
    """The names of custom objects, by the ids of their types: `2-` and the id of the schema.

    https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/schemas/get-schemas
    """
    object_types: dict[str, str] = {}
    for row in rows_in("HubSpot", json, "results"):
        own = str(row.get("id") or "")
        type_id = filled_text(row.get("objectTypeId")) or (f"2-{own}" if own.isdecimal() else own)
        if _TYPE_ID.fullmatch(type_id) and row.get("archived") is not True:
            label = filled_text(value_at(row, "labels", "plural")) or filled_text(row.get("name"))
            object_types[type_id] = label or type_id
    return object_types
