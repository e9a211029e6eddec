"""Vambe's endpoints: one method for each request, JSON in and out."""

from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any, Final, Literal

from taskhand.domain.errors import CallerError
from taskhand.http.client import Client
from taskhand.http.response_body import Json, Reply
from taskhand.http.retry import RequestKind
from taskhand.http.url_path import Path

__all__ = ["ArrayQuery", "VambeClient", "Window"]

ArrayQuery = Literal["repeat", "brackets", "comma", "json"]
"""The forms of an array in a query; Vambe does not document which one it accepts."""

_TASKS: Final = Path.of("/api/public/tasks")
_TASK: Final = "/api/public/tasks/{id}"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The parameters of a list: first and last day, responsibles (none: all), and whether it has dateless tasks."""

    first: str
    last: str
    responsible_ids: tuple[str, ...] = ()
    dateless: bool = True


class VambeClient:
    """Sends requests through `http`, and raises its errors."""

    def __init__(self, http: Client, array_query: ArrayQuery) -> None:
        self.http = http
        self._array_query = array_query
        self._accepted: dict[int, int] = {}
        """The index of the spelling that Vambe accepts, by the count of responsibles: 0, 1, or 2 for more."""

    async def tasks(self, window: Window) -> list[Json]:
        """GET /api/public/tasks (https://docs.vambe.me/reference/tasks/get-tasks).

        If Vambe refuses a spelling of the responsibles, the next one is used from then on. If a list for everyone is
        empty, the other spelling is tried too: Vambe may have read a blank parameter as a person's id.
        """
        count = min(len(window.responsible_ids), 2)
        spellings = _spellings(window.responsible_ids, self._array_query)
        rows: list[Json] | None = None
        for number in range(self._accepted.get(count, 0), len(spellings)):
            try:
                rows = await self._list(window, spellings[number])
            except CallerError:
                if rows is None and number == len(spellings) - 1:
                    raise
                continue
            if rows or window.responsible_ids:
                self._accepted[count] = number
                break
        return rows or []

    async def create(self, body: dict[str, Any]) -> Reply:
        """POST /api/public/tasks (https://docs.vambe.me/reference/tasks/create-task)."""
        return await self.http.post(_TASKS, json=body, expect="object", kind=RequestKind.CREATE)

    async def update(self, task_id: str, body: dict[str, Any]) -> Reply:
        """PUT /api/public/tasks/{id} (https://docs.vambe.me/reference/tasks/update-task)."""
        return await self.http.put(Path.of(_TASK, id=task_id), json=body, expect="object")

    async def delete(self, task_id: str) -> None:
        """DELETE /api/public/tasks/{id} (https://docs.vambe.me/reference/tasks/delete-task).

        OutcomeUnknown for a success without the documented `{"status": "success"}`.
        """
        reply = await self.http.delete(Path.of(_TASK, id=task_id), expect="object")
        if reply.object.get("status") != "success":
            raise self.http.invalid(reply, "with something that does not confirm the deletion")

    async def members(self) -> Reply:
        """GET /api/public/team-members/all (https://docs.vambe.me/reference/team-members/get-all-team-members)."""
        return await self.http.get(Path.of("/api/public/team-members/all"), expect="array")

    async def search_contacts(self, **by: str) -> list[Json]:
        """GET /api/public/contacts/search, by `phone` or `email` (at most 50)."""
        return (await self.http.get(Path.of("/api/public/contacts/search"), params=by, expect="array")).array

    async def recent_contacts(self, days: int) -> list[Json]:
        """GET /api/public/contacts: the contacts who wrote in the last `days` (1 to 365)."""
        return (await self.http.get(Path.of("/api/public/contacts"), params={"days": str(days)}, expect="array")).array

    async def _list(self, window: Window, people: Pairs) -> list[Json]:
        dateless = "true" if window.dateless else "false"
        days = (("fromDate", window.first), ("toDate", window.last), ("includeTasksWithoutDates", dateless))
        return (await self.http.get(_TASKS, params=(*people, *days), expect="array")).array


def _spellings(ids: Sequence[str], form: ArrayQuery) -> Sequence[Pairs]:
    """The spellings of people's ids in a query, the configured one first."""
    name = "responsibleIds[]" if form == "brackets" else "responsibleIds"
    if not ids:
        return ((name, "[]" if form == "json" else ""),), ()
    if form in {"comma", "json"}:
        return (((name, ",".join(ids) if form == "comma" else dumps(list(ids), separators=(",", ":"))),),)
    each = tuple((name, value) for value in ids)
    # Some servers read a repeated key that occurs once as a string; sent twice, the id arrives as a list.
    return (each, each * 2) if len(ids) == 1 else (each,)
