"""HubSpot's endpoints: one method a request, JSON in and out.

By the older version objects, owners and properties are v3 and associations v4; dated, all of them have that date. The
account and the token have one address whatever the version.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from taskhand.backends.hubspot.mapping import PROPERTIES
from taskhand.backends.hubspot.record import JsonObject, Kind
from taskhand.domain.errors import OperatorError, UpstreamError
from taskhand.http.client import Client
from taskhand.http.path import Path
from taskhand.http.reply import Reply
from taskhand.http.retry import posix_time

__all__ = ["HubSpotClient"]

_DATED: Final = re.compile(r"20\d{2}-\d{2}(-beta)?", re.ASCII)
_CONTACT_PROPERTIES: Final = ("firstname", "lastname", "email", "phone", "mobilephone", "associatedcompanyid")
_COMPANY_PROPERTIES: Final = ("name", "domain", "phone")


class HubSpotClient:
    """Speaks to HubSpot through `client`, and searches through `searching`, whose budget is its own.

    `version` is `v3` or dated, such as `2026-03`; `id_property` names a unique property that tasks go by. Errors are
    the clients'; OperatorError for a version that is none.
    """

    def __init__(
        self, client: Client, searching: Client, *, version: str = "v3", id_property: str | None = None
    ) -> None:
        self.client = self._client = client
        self._searching = searching
        _check(version)
        self._version = version
        self.id_property = id_property

    async def task(self, task_id: str, *, by_property: bool = True) -> Reply:
        """GET one task with its links (https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide)."""
        params = {"properties": ",".join(self._properties()), "associations": "contacts,companies"}
        by = self._by() if by_property else {}
        return await self._client.get(self._task(task_id), params=params | by, expect="object")

    async def create(self, body: JsonObject) -> Reply:
        """POST one task."""
        return await self._client.post(self._tasks(), json=body, expect="object")

    async def update(self, task_id: str, properties: dict[str, str], *, by_property: bool = True) -> Reply:
        """PATCH one task; the answer holds what changed, not the whole task."""
        params, json = self._by() if by_property else {}, {"properties": properties}
        return await self._client.patch(self._task(task_id), json=json, params=params, expect="object")

    async def archive(self, record_id: str) -> None:
        """DELETE one task, by HubSpot's own id: this request takes no other. It goes to the recycling bin."""
        await self._client.delete(self._task(record_id), expect="nothing")

    async def update_many(self, body: JsonObject) -> JsonObject:
        """POST batch/update (https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks)."""
        return (await self._client.post(self._tasks("/batch/update"), json=body, expect="object")).object

    async def read_many(self, ids: Sequence[str], *, by_property: bool) -> JsonObject:
        """POST batch/read, up to 100 ids; without their links."""
        by = self._by() if by_property else {}
        body = {"inputs": [{"id": one} for one in ids], "properties": self._properties(), "propertiesWithHistory": []}
        return (await self._client.post(self._tasks("/batch/read"), json=body | by, expect="object", reads=True)).object

    async def search(self, body: JsonObject) -> JsonObject:
        """POST search (https://developers.hubspot.com/docs/api-reference/crm-search-v3/guide)."""
        return (await self._searching.post(self._tasks("/search"), json=body, expect="object", reads=True)).object

    async def search_contacts(self, query: str, limit: int) -> JsonObject:
        """POST a search for contacts by a part of their name, e-mail or phone."""
        return await self._found("contacts", query, limit, _CONTACT_PROPERTIES)

    async def search_companies(self, query: str, limit: int) -> JsonObject:
        """POST a search for companies by a part of their name, domain or phone."""
        return await self._found("companies", query, limit, _COMPANY_PROPERTIES)

    async def links(self, kind: Kind, ids: Sequence[str]) -> JsonObject:
        """POST batch/read of associations, up to 1,000 tasks."""
        path = self._pairs(kind, "read")
        json = {"inputs": [{"id": one} for one in ids]}
        return (await self._client.post(path, json=json, expect="object", reads=True)).object

    async def link_many(self, kind: Kind, body: JsonObject) -> None:
        """POST batch/create of associations."""
        await self._client.post(self._pairs(kind, "create"), json=body)

    async def unlink_many(self, kind: Kind, body: JsonObject) -> None:
        """POST batch/archive of associations."""
        await self._client.post(self._pairs(kind, "archive"), json=body)

    async def link(self, task_id: str, kind: Kind, other_id: str) -> None:
        """PUT the default association: what is linked already stays so, hence it may be repeated."""
        template = f"{self._base('objects', 'v4')}/tasks/{{id}}/associations/default/{kind}/{{other}}"
        await self._client.put(Path.of(template, id=task_id, other=other_id), replay_safe=True)

    async def unlink(self, task_id: str, kind: Kind, other_id: str) -> None:
        """DELETE every association between the two."""
        template = f"{self._base('objects', 'v4')}/tasks/{{id}}/associations/{kind}/{{other}}"
        await self._client.delete(Path.of(template, id=task_id, other=other_id), expect="nothing", replay_safe=True)

    async def tasks_of(self, kind: Kind, other_id: str) -> JsonObject:
        """GET the ids of the tasks of a contact or company."""
        path = Path.of(f"{self._base('objects', 'v4')}/{kind}/{{id}}/associations/tasks", id=other_id)
        return (await self._client.get(path, params={"limit": "500"}, expect="object")).object

    async def owners(self, after: str | None) -> JsonObject:
        """GET a page of owners (https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide)."""
        params = {"limit": "100", "archived": "false"} | ({"after": after} if after else {})
        return (await self._client.get(Path.of(self._base("owners")), params=params, expect="object")).object

    async def statuses(self) -> JsonObject:
        """GET the property whose options the statuses are."""
        path = Path.of(f"{self._base('properties')}/tasks/hs_task_status")
        return (await self._client.get(path, expect="object")).object

    async def account(self) -> JsonObject:
        """GET the account's details (https://developers.hubspot.com/docs/api-reference/account-info-v3/guide)."""
        return (await self.account_reply()).object

    async def account_reply(self) -> Reply:
        """The same with the headers of the answer."""
        return await self._client.get(Path.of("/account-info/v3/details"), expect="object")

    async def first_task(self) -> JsonObject:
        """GET the first of all tasks: whether tasks can be read at all."""
        return (await self._client.get(self._tasks(), params={"limit": "1"}, expect="object")).object

    async def token_info(self, token: str) -> JsonObject:
        """POST a private app's token for what it is: it reads, and the token goes nowhere but in the body."""
        path = Path.of("/oauth/v2/private-apps/get/access-token-info")
        return (await self._client.post(path, json={"tokenKey": token}, expect="object", reads=True)).object

    async def date(self) -> datetime | None:
        """The `Date` header of an answer (RFC 9110 §6.6.1), None where there is none."""
        reply = await self._client.get(Path.of(self._base("owners")), params={"limit": "1"}, expect="object")
        moment = posix_time(reply.headers.get("date"))
        return None if moment is None else datetime.fromtimestamp(moment, UTC)

    def invalid(self, reply: Reply, why: str) -> UpstreamError:
        """The error for an answer that is not what was asked for; `why` continues "... answered"."""
        return self._client.invalid(reply, why)

    async def _found(self, kind: Kind, query: str, limit: int, properties: Sequence[str]) -> JsonObject:
        path = Path.of(f"{self._base('objects')}/{kind}/search")
        json = {"query": query, "limit": limit, "properties": list(properties)}
        return (await self._searching.post(path, json=json, expect="object", reads=True)).object

    def _base(self, family: str, older: str = "v3") -> str:
        return f"/crm/{older}/{family}" if self._version == "v3" else f"/crm/{family}/{self._version}"

    def _pairs(self, kind: Kind, verb: str) -> Path:
        return Path.of(f"{self._base('associations', 'v4')}/tasks/{kind}/batch/{verb}")

    def _tasks(self, rest: str = "") -> Path:
        return Path.of(f"{self._base('objects')}/tasks{rest}")

    def _task(self, task_id: str) -> Path:
        return Path.of(f"{self._base('objects')}/tasks/{{id}}", id=task_id)

    def _properties(self) -> list[str]:
        return [*PROPERTIES, self.id_property] if self.id_property else [*PROPERTIES]

    def _by(self) -> dict[str, str]:
        return {"idProperty": self.id_property} if self.id_property else {}


def _check(version: str) -> None:
    if version != "v3" and not _DATED.fullmatch(version):
        raise OperatorError(
            "HUBSPOT_API_VERSION is neither v3 nor a dated version.",
            next_step="Set it to v3, or to one such as 2026-03.",
        )
