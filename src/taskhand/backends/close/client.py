"""Close's HTTP API: one method for each request, JSON in and out. Every path ends with a slash.

Source: https://developer.close.com/api/resources/tasks and https://developer.close.com/api/overview.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final, Unpack
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from taskhand.backends.close.errors import NO_URL, PageTooLarge
from taskhand.backends.close.offset_paging import PAGE, OffsetPage
from taskhand.backends.remote.deletion import check_deleted
from taskhand.backends.remote.parsing import (
    JsonObject,
    broken_list,
    filled_text,
    id_of,
    invalid_answer,
    response_date,
    rows_in,
)
from taskhand.domain.errors import CallerError, NotFound, UpstreamError
from taskhand.http.client import Client
from taskhand.http.request import Request, RequestOptions
from taskhand.http.response_body import Reply
from taskhand.http.retry import RequestKind
from taskhand.http.url_path import Path

__all__ = ["CHUNK", "KEYS_OF_ORGANIZATION", "CloseClient", "offset_on"]

KEYS_OF_ORGANIZATION: Final = 3
"""The rate limit of an organization, as a multiple of the limit of one key:
https://developer.close.com/api/overview/rate-limits."""
CHUNK: Final = 100
"""Maximum ids in one request; the limit of a bulk update is not documented."""
_EVENTS: Final = 50
"""Rows in a page of the event log; the maximum that Close allows."""
_TASKS: Final = Path.of("/task/")
_NOTES: Final = Path.of("/activity/note/")
_MAX_QUERY: Final = 1_800
"""Maximum characters of a query string: Close recommends URLs of up to 2,000, of which the base takes a part."""


class CloseClient:
    """Sends requests through `http`, whose errors it raises; `zone` is the IANA zone that defines days."""

    def __init__(self, http: Client, zone: str | None) -> None:
        self.http = http
        self._zone = zone
        self._page_rows = PAGE
        """The number of rows to request in a page; fewer once Close has refused a page as too large."""

    async def tasks(self, params: Mapping[str, str], day: date, skip: int = 0) -> OffsetPage:
        """GET /task/: one page; `day` selects the UTC offset of the zone, by which Close computes days."""
        return await self._list(_TASKS, params, skip, day)

    async def tasks_by_id(self, ids: Sequence[str]) -> tuple[JsonObject, ...]:
        """GET /task/ of up to 100 ids of any type, without those that do not exist."""
        rows: list[JsonObject] = []
        page = OffsetPage((), more=True)
        while page.more:
            page = await self._list(_TASKS, _by_id(ids), len(rows))
            rows += page.rows
        return tuple(rows)

    async def task(self, task_id: str) -> Reply:
        """GET /task/{id}/."""
        return await self._send("GET", Path.of("/task/{id}/", id=task_id))

    async def create(self, body: Mapping[str, Any], day: date) -> Reply:
        """POST /task/."""
        return await self._send("POST", _TASKS, day, json=body, kind=RequestKind.CREATE)

    async def update(self, task_id: str, body: Mapping[str, Any], day: date) -> Reply:
        """PUT /task/{id}/: fields that are left out stay as they are."""
        return await self._send("PUT", Path.of("/task/{id}/", id=task_id), day, json=body)

    async def delete(self, task_id: str) -> Reply:
        """DELETE /task/{id}/, permanently."""
        return await self._delete(Path.of("/task/{id}/", id=task_id))

    async def update_many(self, ids: Sequence[str], body: Mapping[str, Any], day: date) -> None:
        """PUT /task/ for up to 100 ids of any type (https://developer.close.com/api/resources/tasks/bulk-update).

        The filter is only in `_params`: Close may ignore a query string beside it. OutcomeUnknown for a success without
        the documented `{"ok": true}`.
        """
        reply = await self._send("PUT", _TASKS, day, json={**body, "_params": _by_id(ids)})
        if reply.object.get("ok") is not True:
            raise self.http.invalid(reply, "with something that does not confirm the update")

    async def events(self, filters: Mapping[str, str], cursor: str | None) -> tuple[list[JsonObject], str | None]:
        """GET /event/ (https://developer.close.com/api/resources/events/list): newest first, with the next cursor."""
        params = {**filters, "_limit": str(_EVENTS), **({"_cursor": cursor} if cursor else {})}
        json = (await self._send("GET", Path.of("/event/"), params=params)).object
        return rows_in("Close", json, "data"), filled_text(json.get("cursor_next"))

    async def users(self, skip: int) -> OffsetPage:
        """GET /user/: one page (https://developer.close.com/api/resources/users)."""
        return await self._list(Path.of("/user/"), {}, skip)

    async def me(self) -> Reply:
        """GET /me/: the user of the credential."""
        return await self._send("GET", Path.of("/me/"))

    async def organization(self, organization_id: str) -> JsonObject:
        """GET /organization/{id}/, with former memberships (https://developer.close.com/api/resources/organizations)."""
        return await self._get(Path.of("/organization/{id}/", id=organization_id), "id,inactive_memberships")

    async def search(self, body: Mapping[str, Any], cursor: str | None) -> tuple[list[JsonObject], str | None]:
        """POST /data/search/ (https://developer.close.com/api/advanced-filtering/search), with the next cursor."""
        body = {**body, "cursor": cursor} if cursor else body
        json = (await self._send("POST", Path.of("/data/search/"), json=body, kind=RequestKind.READ)).object
        return rows_in("Close", json, "data"), filled_text(json.get("cursor"))

    async def lead(self, lead_id: str) -> JsonObject:
        """GET /lead/{id}/, with its contacts (https://developer.close.com/api/resources/leads)."""
        return await self._get(Path.of("/lead/{id}/", id=lead_id), "id,display_name,contacts")

    async def contact(self, contact_id: str) -> JsonObject:
        """GET /contact/{id}/, with its lead (https://developer.close.com/api/resources/contacts)."""
        fields = "id,lead_id,name,display_name,emails,phones"
        return await self._get(Path.of("/contact/{id}/", id=contact_id), fields)

    async def notes(self, lead_ids: Sequence[str], since: datetime, skip: int) -> OffsetPage:
        """GET /activity/note/: one page of the notes on these leads that were created at `since` or later.

        Source of this and the next three methods: https://developer.close.com/api/resources/activities/note.
        """
        params = {"lead_id": ",".join(lead_ids), "date_created__gte": since.isoformat(timespec="seconds")}
        return await self._list(_NOTES, params, skip)

    async def note(self, note_id: str) -> JsonObject:
        """GET /activity/note/{id}/."""
        return (await self._send("GET", Path.of("/activity/note/{id}/", id=note_id))).object

    async def create_note(self, lead_id: str, text: str) -> JsonObject:
        """POST /activity/note/."""
        reply = await self._send("POST", _NOTES, json={"lead_id": lead_id, "note": text}, kind=RequestKind.CREATE)
        if not id_of(reply.object) or "note" not in reply.object:
            raise self.http.invalid(reply, "with something that is not a note")
        return reply.object

    async def delete_note(self, note_id: str) -> None:
        """DELETE /activity/note/{id}/."""
        await self._delete(Path.of("/activity/note/{id}/", id=note_id))

    async def _delete(self, path: Path) -> Reply:
        """DELETE; Close documents an empty body and an empty object as the response: OutcomeUnknown for any other."""
        return check_deleted(self.http, await self._send("DELETE", path, expect="object or nothing"), 200, 204)

    async def _get(self, path: Path, fields: str) -> JsonObject:
        return (await self._send("GET", path, params={"_fields": fields})).object

    async def _list(self, path: Path, params: Mapping[str, str], skip: int, day: date | None = None) -> OffsetPage:
        """A page of a list. If the URL would be too long, it is a POST with `x-http-method-override: GET`."""
        rows = self._page_rows
        whole = {**params, "_limit": str(rows), "_skip": str(skip)}
        try:
            if len(urlencode(whole)) <= _MAX_QUERY:
                return _page(await self._send("GET", path, day, params=whole))
            override, kind = {"x-http-method-override": "GET"}, RequestKind.READ
            return _page(await self._send("POST", path, day, json={"_params": whole}, headers=override, kind=kind))
        except CallerError as refused:
            if not isinstance(refused.explanation, PageTooLarge) or rows == 1:
                raise
            self._page_rows = min(self._page_rows, refused.explanation.smaller_than(rows))
        return await self._list(path, params, skip, day)

    async def _send(self, method: str, path: Path, day: date | None = None, **options: Unpack[RequestOptions]) -> Reply:
        """Send a request that expects an object by default; `day` selects the UTC offset that is sent.

        UpstreamError `upstream_invalid` for an address that Close does not have.
        """
        if day is not None:
            options["headers"] = {**options.get("headers", {}), "x-tz-offset": offset_on(day, self._zone)}
        options.setdefault("expect", "object")
        try:
            return await self.http.send(Request.of(method, path, **options))
        except NotFound as missing:
            if missing.explanation is not NO_URL:
                raise
            step = "The operator of Taskhand should check CLOSE_BASE_URL; its default is https://api.close.com/api/v1."
            raise UpstreamError(NO_URL.sentence, code="upstream_invalid", next_step=step) from None


def _page(reply: Reply) -> OffsetPage:
    """A page of a list; InvalidAnswer if the response lacks `data` or `has_more`, or has no row though more follow."""
    rows, more = rows_in("Close", reply.object, "data"), reply.object.get("has_more")
    if not isinstance(more, bool):
        raise invalid_answer("Close", "without `has_more`")
    if more and not rows:
        raise broken_list("Close")
    return OffsetPage(tuple(rows), more, response_date(reply))


def _by_id(ids: Sequence[str]) -> dict[str, str]:
    """The filter for these ids; ValueError (a bug of ours) for no ids, as an empty filter matches every task."""
    if not ids or not all(ids) or len(ids) > CHUNK:
        raise ValueError(f"expected 1 to {CHUNK} non-empty ids, got {len(ids)}")
    return {"id__in": ",".join(ids), "_type": "all"}


def offset_on(day: date, zone: str | None) -> str:
    """The UTC offset of a zone (UTC if None) at noon of a day, in decimal hours; it changes with daylight saving.

    Source: https://developer.close.com/api/overview/timezone-offsets.
    """
    offset = datetime.combine(day, time(12), ZoneInfo(zone or "UTC")).utcoffset()
    return f"{offset.total_seconds() / 3600:.4g}" if offset else "0"
