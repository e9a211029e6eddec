"""Vambe's HTTP API: one method a request, JSON in and out."""

from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any, Final, Literal

from taskhand.domain.errors import CallerError
from taskhand.http.client import Client
from taskhand.http.path import Path
from taskhand.http.response_body import Json, Reply

__all__ = ["ArrayQuery", "VambeClient", "Window"]

ArrayQuery = Literal["repeat", "brackets", "comma", "json"]
"""How an array is written in a query; the documentation does not say."""

_TASKS: Final = Path.of("/api/public/tasks")
_TASK: Final = "/api/public/tasks/{id}"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A list of tasks: its first and last day, its responsibles (none: everyone), and whether it has dateless ones."""

    first: str
    last: str
    responsible_ids: tuple[str, ...] = ()
    dateless: bool = True


class VambeClient:
    """Sends requests through `http`, whose errors it raises."""

    def __init__(self, http: Client, array_query: ArrayQuery) -> None:
        self.http = http
        self._array_query = array_query
        self._accepted: dict[int, int] = {}
        """The number of the spelling that Vambe accepts, by how many people are asked for: 0, 1, or 2 for more."""

    async def tasks(self, window: Window) -> list[Json]:
        """GET /api/public/tasks (https://docs.vambe.me/reference/tasks/get-tasks).

        A spelling of the people that is refused is replaced by the next one from then on. An empty list for everyone is
        asked for in the other spelling too: Vambe may have taken a blank id for somebody.
        """
        count = min(len(window.responsible_ids), 2)
        spellings = _spellings(window.responsible_ids, self._array_query)
        found: list[Json] | None = None
        for number in range(self._accepted.get(count, 0), len(spellings)):
            try:
                found = await self._list(window, spellings[number])
            except CallerError:
                if found is None and number == len(spellings) - 1:
                    raise
                continue
            if found or window.responsible_ids:
                self._accepted[count] = number
                break
        return found or []

    async def create(self, body: dict[str, Any]) -> Reply:
        """POST /api/public/tasks (https://docs.vambe.me/reference/tasks/create-task)."""
        return await self.http.post(_TASKS, json=body, expect="object", looks_first=True)

    async def update(self, task_id: str, body: dict[str, Any]) -> Reply:
        """PUT /api/public/tasks/{id} (https://docs.vambe.me/reference/tasks/update-task)."""
        return await self.http.put(Path.of(_TASK, id=task_id), json=body, expect="object")

    async def delete(self, task_id: str) -> None:
        """DELETE /api/public/tasks/{id} (https://docs.vambe.me/reference/tasks/delete-task).

        OutcomeUnknown for a success that does not say `{"status": "success"}`, as documented.
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
        """GET /api/public/contacts: everybody who wrote in the last `days` (1 to 365)."""
        return (await self.http.get(Path.of("/api/public/contacts"), params={"days": str(days)}, expect="array")).array

    async def _list(self, window: Window, people: Pairs) -> list[Json]:
        dateless = "true" if window.dateless else "false"
        days = (("fromDate", window.first), ("toDate", window.last), ("includeTasksWithoutDates", dateless))
        return (await self.http.get(_TASKS, params=(*people, *days), expect="array")).array


def _spellings(ids: Sequence[str], form: ArrayQuery) -> Sequence[Pairs]:
    """The ways to name people in a query, the configured one first."""
    name = "responsibleIds[]" if form == "brackets" else "responsibleIds"
    if not ids:
        return ((name, "[]" if form == "json" else ""),), ()
    if form in {"comma", "json"}:
        return (((name, ",".join(ids) if form == "comma" else dumps(list(ids), separators=(",", ":"))),),)
    each = tuple((name, one) for one in ids)
    # With repeated keys a lone id arrives as a string at some servers; twice, it arrives as a list.
    return (each, each * 2) if len(ids) == 1 else (each,)
