"""Close's endpoints: one method a request, JSON in and out. Every path ends with a slash.

Source: https://developer.close.com/api/resources/tasks and https://developer.close.com/api/overview.
"""

from base64 import b64encode
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from taskhand.backends.close.paging import PAGE, Page
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.errors import NotFound, OperatorError, UpstreamError
from taskhand.http.client import Client
from taskhand.http.path import Path
from taskhand.http.reply import Json, Reply
from taskhand.http.retry import posix_time

__all__ = ["CHUNK", "CloseClient", "credential", "explain", "offset_on"]

CHUNK: Final = 100
"""Most ids in one request; the cap of a bulk update is not documented."""

_ELSEWHERE: Final = "A page that is not there was answered, and not in the way of Close."
_CHECK: Final = "Whoever runs Taskhand should check CLOSE_BASE_URL, which is https://api.close.com/api/v1 by default."

_TASKS: Final = Path.of("/task/")
_USERS: Final = Path.of("/user/")
_ME: Final = Path.of("/me/")
_SEARCH: Final = Path.of("/data/search/")

_LONGEST_QUERY: Final = 1_800
"""Characters: a URL of up to 2,000 is recommended, and the base has its share."""

_ARGUMENTS: Final = {
    "text": "title",
    "date": "dueDate",
    "due_date": "dueDate",
    "is_dateless": "dueDate",
    "is_complete": "newStatusName",
    "assigned_to": "responsibleIds",
    "priority": "priority",
    "lead": "aiCustomerId",
    "lead_id": "aiCustomerId",
    "contact": "aiContactId",
    "contact_id": "aiContactId",
}
"""The contract's names of the fields that Close may refuse; it says `lead` where `lead_id` was sent."""


class CloseClient:
    """Speaks to Close through `client`; errors are the client's. `zone` is the IANA zone that days are meant in."""

    def __init__(self, client: Client, zone: str | None) -> None:
        self.client = self._client = client
        self._zone = zone

    async def tasks(self, params: Mapping[str, str], skip: int, day: date) -> Page:
        """GET /task/, one page, seen from `day`."""
        query = {**params, "_limit": str(PAGE), "_skip": str(skip)}
        return self._page(
            await _at_close(self._client.get(_TASKS, params=query, headers=self._on(day), expect="object"))
        )

    async def tasks_by_id(self, ids: Sequence[str], day: date) -> list[JsonObject]:
        """GET /task/ of up to 100 ids, of every type; as a POST that says it is a GET where the URL would be too long.

        Those that are not there are not in the answer.
        """
        query = {"id__in": _joined(ids), "_type": "all", "_limit": str(CHUNK)}
        if len(urlencode(query)) <= _LONGEST_QUERY:
            reply = await _at_close(self._client.get(_TASKS, params=query, headers=self._on(day), expect="object"))
        else:
            headers = {**self._on(day), "x-http-method-override": "GET"}
            reply = await _at_close(
                self._client.post(_TASKS, json={"_params": query}, headers=headers, expect="object", reads=True)
            )
        return list(self._page(reply).rows)

    async def task(self, task_id: str, day: date) -> Reply:
        """GET /task/{id}/."""
        return await _at_close(self._client.get(_path(task_id), headers=self._on(day), expect="object"))

    async def create(self, body: Mapping[str, Any], day: date) -> Reply:
        """POST /task/."""
        return await _at_close(self._client.post(_TASKS, json=body, headers=self._on(day), expect="object"))

    async def update(self, task_id: str, body: Mapping[str, Any], day: date) -> Reply:
        """PUT /task/{id}/: what is left out stays."""
        return await _at_close(self._client.put(_path(task_id), json=body, headers=self._on(day), expect="object"))

    async def delete(self, task_id: str, day: date) -> Reply:
        """DELETE /task/{id}/: for good. Both an empty answer and an empty object are documented."""
        return await _at_close(self._client.delete(_path(task_id), headers=self._on(day), expect="object or nothing"))

    async def update_many(self, ids: Sequence[str], body: Mapping[str, Any], day: date) -> Reply:
        """PUT /task/ for up to 100 ids of every type (https://developer.close.com/api/resources/tasks/bulk-update).

        The filter goes in `_params` alone, as the query string may be ignored beside it. The answer says nothing of
        what was changed.
        """
        params = {"id__in": _joined(ids), "_type": "all"}
        return await _at_close(
            self._client.put(_TASKS, json={**body, "_params": params}, headers=self._on(day), expect="object")
        )

    async def users(self, skip: int) -> Page:
        """GET /user/, one page (https://developer.close.com/api/resources/users)."""
        query = {"_limit": str(PAGE), "_skip": str(skip)}
        return self._page(await _at_close(self._client.get(_USERS, params=query, expect="object")))

    async def me(self) -> Reply:
        """GET /me/: whose credential it is."""
        return await _at_close(self._client.get(_ME, expect="object"))

    async def search(self, body: Mapping[str, Any], cursor: str | None) -> tuple[list[JsonObject], str | None]:
        """POST /data/search/, which changes nothing (https://developer.close.com/api/advanced-filtering/search).

        One page, and the cursor of the next.
        """
        json = {**body, "cursor": cursor} if cursor else body
        reply = await _at_close(self._client.post(_SEARCH, json=json, expect="object", reads=True))
        following = reply.object.get("cursor")
        return list(self._page(reply).rows), following if isinstance(following, str) and following else None

    async def lead(self, lead_id: str) -> JsonObject:
        """GET /lead/{id}/, with its contacts (https://developer.close.com/api/resources/leads)."""
        path = Path.of("/lead/{id}/", id=lead_id)
        params = {"_fields": "id,display_name,contacts"}
        return (await _at_close(self._client.get(path, params=params, expect="object"))).object

    async def now(self) -> datetime | None:
        """The `Date` header of an answer (RFC 9110 §6.6.1), None where there is none."""
        return _date(await self.me())

    def invalid(self, reply: Reply, why: str) -> UpstreamError:
        """The error for an answer that is not what was asked for; `why` continues "... answered"."""
        return self._client.invalid(reply, why)

    def _on(self, day: date) -> dict[str, str]:
        return {"x-tz-offset": offset_on(day, self._zone)}

    def _page(self, reply: Reply) -> Page:
        rows = reply.object.get("data")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._client.invalid(reply, "without a list of what was asked for")
        more = reply.object.get("has_more", len(rows) >= PAGE)
        return Page(tuple(row for row in rows if isinstance(row, dict)), bool(more), _date(reply))


async def _at_close(asked: Awaitable[Reply]) -> Reply:
    """The answer; UpstreamError where a 404 is not Close's own, so that something else answers at this address."""
    try:
        return await asked
    except NotFound as missing:
        if missing.message == _ELSEWHERE:
            raise UpstreamError(_ELSEWHERE, code="upstream_invalid", next_step=_CHECK) from None
        raise


def _date(reply: Reply) -> datetime | None:
    moment = posix_time(reply.headers.get("date"))
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


def _path(task_id: str) -> Path:
    return Path.of("/task/{id}/", id=task_id)


def _joined(ids: Sequence[str]) -> str:
    """Ids for `id__in`; ValueError for none (a bug of ours): an empty filter is every task of the organization."""
    if not ids or not all(ids) or len(ids) > CHUNK:
        raise ValueError(f"{len(ids)} ids are none, or more than fit")
    return ",".join(ids)


def offset_on(day: date, zone: str | None) -> str:
    """`x-tz-offset`, decimal hours, of a zone's noon on that day: daylight saving makes it differ from day to day."""
    offset = datetime.combine(day, time(12), ZoneInfo(zone or "UTC")).utcoffset()
    return f"{offset.total_seconds() / 3600:.4g}" if offset else "0"


def credential(api_key: str | None, access_token: str | None) -> tuple[str, dict[str, str]]:
    """Which variable holds the credential, and the header that carries it; OperatorError unless exactly one is set.

    Source: https://developer.close.com/api/overview/api-key-authentication: the key is a user name without a password.
    """
    if api_key and access_token:
        raise OperatorError(
            "CLOSE_API_KEY and CLOSE_ACCESS_TOKEN are both set, and may not belong to the same person.",
            code="unauthorized",
            next_step="Set one of them.",
        )
    if api_key:
        return "CLOSE_API_KEY", {"authorization": f"Basic {b64encode(f'{api_key}:'.encode()).decode()}"}
    if access_token:
        return "CLOSE_ACCESS_TOKEN", {"authorization": f"Bearer {access_token}"}
    raise OperatorError(
        "Close is chosen, and neither CLOSE_API_KEY nor CLOSE_ACCESS_TOKEN is set.",
        code="unauthorized",
        next_step="Set CLOSE_API_KEY (Close shows it under Settings, Developer), or TASKHAND_BACKEND to local.",
    )


def explain(status: int, json: Json) -> str | None:
    """The contract's fields that a refusal names under `field-errors`; nothing else of it is repeated.

    Of a 404, whether it is Close's own: `{"error": "Empty query: Task matching query does not exist."}`, or `errors`.
    """
    if status == HTTPStatus.NOT_FOUND:
        return None if _is_absence(json) else _ELSEWHERE
    errors = json.get("field-errors") if isinstance(json, dict) else None
    names = sorted({_ARGUMENTS[name] for name in errors if name in _ARGUMENTS}) if isinstance(errors, dict) else []
    return f"Close refused the value of {', '.join(names)}." if names else None


def _is_absence(json: Json) -> bool:
    said = json.get("error") if isinstance(json, dict) else None
    words = said.casefold() if isinstance(said, str) else ""
    return words.startswith("empty query") or "does not exist" in words or (isinstance(json, dict) and "errors" in json)
