"""HubSpot's endpoints: one method for each request, JSON in and out.

In version `v3`, objects, owners and properties are v3 and associations are v4; a dated version applies to all of them.
The addresses of the account and of the token do not depend on the version.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from taskhand.backends.hubspot.fields.links import KINDS, LINKS, Kind, linked_ids
from taskhand.backends.hubspot.mapping import PROPERTIES
from taskhand.backends.remote.deletion import check_deleted
from taskhand.backends.remote.parsing import JsonObject, rows_in, value_at
from taskhand.domain.errors import OperatorError
from taskhand.http.client import Client
from taskhand.http.rate_limiter import Rate
from taskhand.http.response_body import Reply
from taskhand.http.retry import RequestKind
from taskhand.http.url_path import Path

__all__ = ["MAX_INPUTS", "MAX_PAIRS", "SEARCH_RATE", "HubSpotClient", "association_types", "next_page"]

MAX_INPUTS: Final = 100
"""Inputs of one batch request."""
MAX_PAIRS: Final = 1_000
"""Inputs of one batch request for links: HubSpot reads up to 1,000 and creates up to 2,000."""
SEARCH_RATE: Final = Rate(5, 1.0)
"""The limit of searches, which all apps of an account share: five a second."""

_VERSION: Final = re.compile(r"v3|20\d{2}-\d{2}(-beta)?", re.ASCII)
_FOUND_PROPERTIES: Final[Mapping[Kind, Sequence[str]]] = {
    "contacts": ("firstname", "lastname", "email", "phone", "mobilephone", "associatedcompanyid"),
    "companies": ("name", "domain", "phone"),
    "deals": ("dealname",),
}
_CHANGED: Final[Mapping[Kind, str]] = {
    "contacts": "lastmodifieddate",
    "companies": "hs_lastmodifieddate",
    "deals": "hs_lastmodifieddate",
}
_NO_PARAMS: Final[Mapping[str, str]] = MappingProxyType({})


class HubSpotClient:
    """Sends requests through `http`, and searches through `searching`, which has a rate budget of its own.

    `version` is `v3` or dated, such as `2026-03`. `id_property` names a unique property whose values are the ids of
    tasks; None for HubSpot's own ids. Errors are those of the HTTP client; OperatorError for an invalid version.
    """

    def __init__(
        self,
        http: Client,
        searching: Client,
        *,
        version: str = "v3",
        id_property: str | None = None,
        introspect: Callable[[str], Awaitable[JsonObject]] | None = None,
    ) -> None:
        """`introspect` looks up a token with the operator's OAuth app; None without such an app."""
        if not _VERSION.fullmatch(version):
            raise OperatorError(
                "HUBSPOT_API_VERSION is neither v3 nor a dated version.",
                next_step="Set it to v3, or to one such as 2026-03.",
            )
        self.http = http
        self._searching = searching
        self._version = version
        self.id_property = id_property
        self._introspect = introspect

    async def task(
        self, task_id: str, id_property: str | None, kinds: Sequence[Kind] = KINDS, also: Collection[str] = ()
    ) -> Reply:
        """GET one task with its links; `also` has the names of further properties to read."""
        params = {"properties": ",".join(self.properties(also)), "associations": ",".join(kinds)} | _by(id_property)
        return await self.http.get(self._task(task_id), params=params, expect="object")

    async def create(self, body: JsonObject) -> Reply:
        """POST one task."""
        return await self.http.post(self._tasks(), json=body, expect="object", kind=RequestKind.CREATE)

    async def update(self, task_id: str, properties: dict[str, str], id_property: str | None) -> Reply:
        """PATCH one task; the response holds the properties that changed, not the whole task."""
        json, params = {"properties": properties}, _by(id_property)
        return await self.http.patch(self._task(task_id), json=json, params=params, expect="object")

    async def archive(self, record_id: str) -> None:
        """DELETE one task by HubSpot's own id, into the recycling bin; OutcomeUnknown for any success but a 204."""
        check_deleted(self.http, await self.http.delete(self._task(record_id), expect="object or nothing"), 204)

    async def update_many(self, inputs: list[JsonObject]) -> JsonObject:
        """POST batch/update (https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks)."""
        path, json = self._tasks("/batch/update"), {"inputs": [item | _by(self.id_property) for item in inputs]}
        return (await self.http.post(path, json=json, expect="object", kind=RequestKind.WRITE)).object

    async def create_many(self, inputs: list[JsonObject]) -> JsonObject:
        """POST batch/create (https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/create-tasks)."""
        path, json = self._tasks("/batch/create"), {"inputs": inputs}
        return (await self.http.post(path, json=json, expect="object", kind=RequestKind.CREATE)).object

    async def read_many(
        self,
        ids: Sequence[str],
        names: Sequence[str],
        *,
        id_property: str | None = None,
        histories: Sequence[str] = (),
        archived: bool = False,
    ) -> JsonObject:
        """POST batch/read of up to 100 tasks, 50 with `histories`: their properties in `names`, without links.

        `id_property` is the unique property whose values the ids are, None for HubSpot's own ids. With `archived`,
        deleted tasks are read.
        """
        by = _by(id_property)
        body = {"inputs": _ids(ids), "properties": list(names), "propertiesWithHistory": list(histories), **by}
        return await self._read(self._tasks("/batch/read"), body, {"archived": "true"} if archived else _NO_PARAMS)

    async def deleted_tasks(self, after: str | None) -> JsonObject:
        """GET a page of deleted tasks, ordered by id, with their titles and owners."""
        names = ["hs_task_subject", "hubspot_owner_id", *filter(None, [self.id_property])]
        params = {"archived": "true", "limit": "100", "properties": ",".join(names)}
        return await self._get(self._tasks(), params | ({"after": after} if after else {}))

    async def search(self, body: JsonObject) -> JsonObject:
        """POST a search for tasks (https://developers.hubspot.com/docs/api-reference/crm-search-v3/guide)."""
        return await self._search("tasks", body)

    async def find(self, kind: Kind, query: str | None, limit: int) -> JsonObject:
        """POST a search for contacts, companies or deals by name, e-mail, domain or phone, or for the last changed."""
        newest = [{"propertyName": _CHANGED[kind], "direction": "DESCENDING"}]
        by: JsonObject = {"sorts": newest} if query is None else {"query": query}
        return await self._search(kind, {**by, "limit": limit, "properties": [*_FOUND_PROPERTIES[kind]]})

    async def contacts_of(self, companies: Sequence[str], limit: int) -> JsonObject:
        """POST a search for the contacts of these companies, up to 100 ids."""
        by = {"propertyName": "associatedcompanyid", "operator": "IN", "values": list(companies)}
        search = {"filterGroups": [{"filters": [by]}], "limit": limit, "properties": [*_FOUND_PROPERTIES["contacts"]]}
        return await self._search("contacts", search)

    async def by_id(self, kind: Kind, ids: Sequence[str]) -> JsonObject:
        """POST batch/read of contacts, companies or deals, up to 100 ids, with their names."""
        body = {"inputs": _ids(ids), "properties": [*_FOUND_PROPERTIES[kind]]}
        return await self._read(Path.of(f"{self._base('objects')}/{kind}/batch/read"), body)

    async def links(self, kind: str, ids: Sequence[str]) -> JsonObject:
        """POST batch/read of associations, up to 1,000 tasks."""
        return await self._read(self._pairs(kind, "read"), {"inputs": _ids(ids)})

    async def link(self, kind: Kind, pairs: Sequence[tuple[str, str]]) -> None:
        """Link pairs of a task's id and another record's id; a single pair is a PUT, which may be repeated.

        OutcomeUnknown for a success without the documented results.
        """
        if len(pairs) == 1:
            path = self._pair(f"default/{kind}", *pairs[0])
            reply = await self.http.put(path, expect="object", kind=RequestKind.REPLAY)
        else:
            types = association_types(kind)
            inputs = [{"from": {"id": from_id}, "to": {"id": other}, "types": types} for from_id, other in pairs]
            path = self._pairs(kind, "create")
            reply = await self.http.post(path, json={"inputs": inputs}, expect="object")
        if not reply.object.get("results"):
            raise self.http.invalid(reply, "with something that does not confirm the link")

    async def link_as(self, kind: str, task_id: str, other_id: str, types: list[JsonObject]) -> None:
        """PUT one link with its types; the request may be repeated."""
        await self.http.put(self._pair(kind, task_id, other_id), json=types, kind=RequestKind.REPLAY)

    async def unlink(self, kind: Kind, pairs: Sequence[tuple[str, str]]) -> None:
        """Remove every association of each pair; a single pair is a DELETE, which may be repeated."""
        if len(pairs) == 1:
            await self.http.delete(self._pair(kind, *pairs[0]), expect="nothing", kind=RequestKind.REPLAY)
            return
        inputs = [{"from": {"id": from_id}, "to": [{"id": other}]} for from_id, other in pairs]
        await self.http.post(self._pairs(kind, "archive"), json={"inputs": inputs})

    async def tasks_of(self, kind: Kind, other_id: str) -> tuple[str, ...]:
        """GET the ids of the tasks of a contact, company or deal."""
        path = Path.of(f"{self._base('objects', 'v4')}/{kind}/{{id}}/associations/tasks", id=other_id)
        return linked_ids(rows_in("HubSpot", await self._get(path, {"limit": "500"}), "results"))

    async def first_task(self) -> JsonObject:
        """GET a list of one task."""
        return await self._get(self._tasks(), {"limit": "1"})

    async def owners(self, after: str | None, *, archived: bool = False) -> JsonObject:
        """GET a page of owners (https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide)."""
        params = {"limit": "100", "archived": str(archived).lower()} | ({"after": after} if after else {})
        return await self._get(Path.of(self._base("owners")), params)

    async def pipelines(self) -> JsonObject:
        """GET the task pipelines, whose stages are the statuses; recorded, not documented for tasks."""
        return await self._get(Path.of(f"{self._base('pipelines')}/tasks"))

    async def status_property(self) -> JsonObject:
        """GET the property whose options are the statuses if there is no pipeline."""
        return await self._get(Path.of(f"{self._base('properties')}/tasks/hs_task_status"))

    async def property_definitions(self) -> JsonObject:
        """GET the definitions of all task properties."""
        return await self._get(Path.of(f"{self._base('properties')}/tasks"))

    async def custom_objects(self) -> JsonObject:
        """GET the schemas of custom objects."""
        return await self._get(Path.of(f"/crm-object-schemas/{self._version}/schemas"))

    async def account(self) -> Reply:
        """GET the account's details (https://developers.hubspot.com/docs/api-reference/account-info-v3/guide)."""
        return await self.http.get(Path.of("/account-info/v3/details"), expect="object")

    async def token_info(self, token: str) -> JsonObject:
        """`userId` and `scopes` of a token of a private app or of the operator's OAuth app; empty for other tokens.

        The token is only in the request body. A token of another app is not sent: the response would repeat it.
        """
        if not token.startswith("pat-"):
            info = await self._introspect(token) if self._introspect else {}
            return {"userId": info.get("user_id"), "scopes": info.get("scopes")} if info.get("active") else {}
        return await self._read(Path.of("/oauth/v2/private-apps/get/access-token-info"), {"tokenKey": token})

    async def _get(self, path: Path, params: Mapping[str, str] = _NO_PARAMS) -> JsonObject:
        return (await self.http.get(path, params=params, expect="object")).object

    async def _read(self, path: Path, body: JsonObject, params: Mapping[str, str] = _NO_PARAMS) -> JsonObject:
        return (await self.http.post(path, json=body, params=params, expect="object", kind=RequestKind.READ)).object

    async def _search(self, kind: str, body: JsonObject) -> JsonObject:
        path = Path.of(f"{self._base('objects')}/{kind}/search")
        return (await self._searching.post(path, json=body, expect="object", kind=RequestKind.READ)).object

    def properties(self, also: Collection[str] = ()) -> list[str]:
        """The names of the properties that a task is read with, and those in `also`."""
        own = [self.id_property] if self.id_property else []
        return list(dict.fromkeys([*PROPERTIES, *own, *sorted(also)]))

    def _base(self, family: str, older: str = "v3") -> str:
        return f"/crm/{older}/{family}" if self._version == "v3" else f"/crm/{family}/{self._version}"

    def _pair(self, kind: str, task_id: str, other_id: str) -> Path:
        template = f"{self._base('objects', 'v4')}/tasks/{{id}}/associations/{kind}/{{other}}"
        return Path.of(template, id=task_id, other=other_id)

    def _pairs(self, kind: str, verb: str) -> Path:
        return Path.of(f"{self._base('associations', 'v4')}/tasks/{kind}/batch/{verb}")

    def _tasks(self, rest: str = "", **values: str) -> Path:
        return Path.of(f"{self._base('objects')}/tasks{rest}", **values)

    def _task(self, task_id: str) -> Path:
        return self._tasks("/{id}", id=task_id)


def _by(id_property: str | None) -> dict[str, str]:
    """The parameter for ids that are values of a unique property; none for HubSpot's own ids."""
    return {"idProperty": id_property} if id_property else {}


def _ids(ids: Sequence[str]) -> list[JsonObject]:
    return [{"id": record_id} for record_id in ids]


def next_page(answer: JsonObject) -> str | None:
    """The cursor of the next page, `paging.next.after`; None after the last page."""
    after = value_at(answer, "paging", "next", "after")
    return str(after) if after else None


def association_types(kind: Kind) -> list[JsonObject]:
    """The `types` of a new association of a task."""
    return [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": LINKS[kind].type_id}]
