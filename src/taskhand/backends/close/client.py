"""Close's HTTP API: one method a request, JSON in and out. Every path ends with a slash.

Source: https://developer.close.com/api/resources/tasks and https://developer.close.com/api/overview.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final, Unpack
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from taskhand.backends.close.errors import NOT_CLOSE, most_rows
from taskhand.backends.close.paging import PAGE, Page
from taskhand.backends.remote.parsing import JsonObject, id_of, invalid_answer, rows_in, sent_at, text_of
from taskhand.domain.errors import CallerError, NotFound, UpstreamError
from taskhand.http.client import Client
from taskhand.http.path import Path
from taskhand.http.reply import Reply
from taskhand.http.request import Request, RequestOptions

__all__ = ["CHUNK", "EVENTS", "CloseClient", "offset_on"]

CHUNK: Final = 100
"""Maximum ids in one request; the limit of a bulk update is not documented."""
EVENTS: Final = 50
"""Rows in a page of the event log, which has no larger ones."""
_TASKS: Final = Path.of("/task/")
_NOTES: Final = Path.of("/activity/note/")
_LONGEST_QUERY: Final = 1_800
"""Characters: a URL of up to 2,000 is recommended, and the base has its share."""


class CloseClient:
    """Sends requests through `http`, whose errors it raises; `zone` is the IANA zone that defines days."""

    def __init__(self, http: Client, zone: str | None) -> None:
        self.http = http
        self._zone = zone
        self._page_size = PAGE

    async def tasks(self, params: Mapping[str, str], day: date, skip: int = 0) -> Page:
        """GET /task/: one page; days are those of the zone as it is on `day`."""
        return await self._list(params, skip, lambda whole: self._send("GET", _TASKS, day, params=whole))

    async def tasks_by_id(self, ids: Sequence[str]) -> tuple[JsonObject, ...]:
        """GET /task/ of up to 100 ids of any type, without those that do not exist.

        Where the URL would be too long it is a POST that stands for a GET.
        """
        override = {"x-http-method-override": "GET"}

        async def send(params: Mapping[str, str]) -> Reply:
            if len(urlencode(params)) <= _LONGEST_QUERY:
                return await self._send("GET", _TASKS, params=params)
            return await self._send("POST", _TASKS, json={"_params": params}, headers=override, reads=True)

        rows: list[JsonObject] = []
        page = Page((), more=True)
        while page.more and (page.rows or not rows):
            page = await self._list({"id__in": _joined(ids), "_type": "all"}, len(rows), send)
            rows += page.rows
        return tuple(rows)

    async def task(self, task_id: str) -> Reply:
        """GET /task/{id}/."""
        return await self._send("GET", _task(task_id))

    async def create(self, body: Mapping[str, Any], day: date) -> Reply:
        """POST /task/."""
        return await self._send("POST", _TASKS, day, json=body, looks_first=True)

    async def update(self, task_id: str, body: Mapping[str, Any], day: date) -> Reply:
        """PUT /task/{id}/: fields that are left out stay as they are."""
        return await self._send("PUT", _task(task_id), day, json=body)

    async def delete(self, task_id: str) -> Reply:
        """DELETE /task/{id}/: for good. Both an empty answer and an empty object are documented."""
        return await self._send("DELETE", _task(task_id), expect="object or nothing")

    async def update_many(self, ids: Sequence[str], body: Mapping[str, Any], day: date) -> None:
        """PUT /task/ for up to 100 ids of any type (https://developer.close.com/api/resources/tasks/bulk-update).

        The filter goes in `_params` alone, as the query string may be ignored beside it.
        """
        await self._send("PUT", _TASKS, day, json={**body, "_params": {"id__in": _joined(ids), "_type": "all"}})

    async def events(self, filters: Mapping[str, str], cursor: str | None) -> tuple[tuple[JsonObject, ...], str | None]:
        """GET /event/: one page of the event log, newest first, and the cursor of the one before it.

        Source: https://developer.close.com/api/resources/events/list.
        """
        params = {**filters, "_limit": str(EVENTS), **({"_cursor": cursor} if cursor else {})}
        reply = await self._send("GET", Path.of("/event/"), params=params)
        return tuple(rows_in("Close", reply.object, "data")), text_of(reply.object.get("cursor_next")) or None

    async def users(self, skip: int) -> Page:
        """GET /user/: one page (https://developer.close.com/api/resources/users)."""
        return await self._list({}, skip, lambda whole: self._send("GET", Path.of("/user/"), params=whole))

    async def me(self) -> Reply:
        """GET /me/: the user of the credential."""
        return await self._send("GET", Path.of("/me/"))

    async def organization(self, organization_id: str) -> JsonObject:
        """GET /organization/{id}/, with former memberships (https://developer.close.com/api/resources/organizations)."""
        path = Path.of("/organization/{id}/", id=organization_id)
        return (await self._send("GET", path, params={"_fields": "id,inactive_memberships"})).object

    async def search(self, body: Mapping[str, Any], cursor: str | None) -> tuple[tuple[JsonObject, ...], str | None]:
        """POST /data/search/, a read: one page, and the cursor of the next one.

        Source: https://developer.close.com/api/advanced-filtering/search.
        """
        body = {**body, "cursor": cursor} if cursor else body
        reply = await self._send("POST", Path.of("/data/search/"), json=body, reads=True)
        return tuple(rows_in("Close", reply.object, "data")), text_of(reply.object.get("cursor")) or None

    async def lead(self, lead_id: str) -> JsonObject:
        """GET /lead/{id}/, with its contacts (https://developer.close.com/api/resources/leads)."""
        params = {"_fields": "id,display_name,contacts"}
        return (await self._send("GET", Path.of("/lead/{id}/", id=lead_id), params=params)).object

    async def contact(self, contact_id: str) -> JsonObject:
        """GET /contact/{id}/ with its name (https://developer.close.com/api/resources/contacts)."""
        params = {"_fields": "id,lead_id,name,display_name,emails,phones"}
        return (await self._send("GET", Path.of("/contact/{id}/", id=contact_id), params=params)).object

    async def lead_of_contact(self, contact_id: str) -> str | None:
        """GET /contact/{id}/: the lead that a contact belongs to (https://developer.close.com/api/resources/contacts)."""
        reply = await self._send("GET", Path.of("/contact/{id}/", id=contact_id), params={"_fields": "id,lead_id"})
        return text_of(reply.object.get("lead_id"))

    async def notes(self, lead_ids: Sequence[str], since: datetime, skip: int) -> Page:
        """GET /activity/note/: one page of the notes on these leads that were made since then.

        Source of this and what follows: https://developer.close.com/api/resources/activities/note.
        """
        params = {"lead_id": ",".join(lead_ids), "date_created__gte": since.isoformat(timespec="seconds")}
        return await self._list(params, skip, lambda whole: self._send("GET", _NOTES, params=whole))

    async def note(self, note_id: str) -> JsonObject:
        """GET /activity/note/{id}/."""
        return (await self._send("GET", _note(note_id))).object

    async def create_note(self, lead_id: str, text: str) -> str:
        """POST /activity/note/: the id of the new note."""
        reply = await self._send("POST", _NOTES, json={"lead_id": lead_id, "note": text}, looks_first=True)
        if not (note_id := id_of(reply.object)):
            raise self.http.invalid(reply, "with something that is not a note")
        return note_id

    async def delete_note(self, note_id: str) -> None:
        """DELETE /activity/note/{id}/."""
        await self._send("DELETE", _note(note_id), expect="object or nothing")

    async def _list(
        self, params: Mapping[str, str], skip: int, send: Callable[[Mapping[str, str]], Awaitable[Reply]]
    ) -> Page:
        """A page of a list; smaller pages from now on, where Close refuses the size of this one."""
        while True:
            size = self._page_size
            try:
                return self._page(await send({**params, "_limit": str(size), "_skip": str(skip)}))
            except CallerError as refused:
                if not (smaller := most_rows(refused.message, size)):
                    raise
                self._page_size = min(self._page_size, smaller)

    async def _send(self, method: str, path: Path, day: date | None = None, **options: Unpack[RequestOptions]) -> Reply:
        """The answer, an object by default; `day` is the one that the request is about.

        UpstreamError for a 404 of something other than Close.
        """
        if day is not None:
            options["headers"] = {"x-tz-offset": offset_on(day, self._zone)}
        options.setdefault("expect", "object")
        try:
            return await self.http.send(Request.of(method, path, **options))
        except NotFound as missing:
            if missing.message != NOT_CLOSE:
                raise
            step = "Whoever runs Taskhand should check CLOSE_BASE_URL; the default is https://api.close.com/api/v1."
            raise UpstreamError(NOT_CLOSE, code="upstream_invalid", next_step=step) from None

    def _page(self, reply: Reply) -> Page:
        """A page of a list; InvalidAnswer where it does not say which rows it has or whether more follow."""
        rows, more = rows_in("Close", reply.object, "data"), reply.object.get("has_more")
        if not isinstance(more, bool):
            raise invalid_answer("Close", "without `has_more`")
        return Page(tuple(rows), more, sent_at(reply))


def offset_on(day: date, zone: str | None) -> str:
    """The UTC offset of a zone at noon of a day, in decimal hours; daylight saving makes it differ by day.

    Source: https://developer.close.com/api/overview/timezone-offsets.
    """
    offset = datetime.combine(day, time(12), ZoneInfo(zone or "UTC")).utcoffset()
    return f"{offset.total_seconds() / 3600:.4g}" if offset else "0"


def _task(task_id: str) -> Path:
    return Path.of("/task/{id}/", id=task_id)


def _note(note_id: str) -> Path:
    return Path.of("/activity/note/{id}/", id=note_id)


def _joined(ids: Sequence[str]) -> str:
    """Ids for `id__in`; ValueError for none (a bug of ours): an empty filter is every task of the organization."""
    if not ids or not all(ids) or len(ids) > CHUNK:
        raise ValueError(f"{len(ids)} ids are none, or more than fit")
    return ",".join(ids)
