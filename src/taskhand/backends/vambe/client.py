"""Vambe's endpoints: one method a request, JSON in and out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from taskhand.domain.errors import CallerError, UpstreamError
from taskhand.http.client import Client
from taskhand.http.path import Path
from taskhand.http.reply import Json, Reply
from taskhand.http.retry import posix_time

__all__ = ["ArrayQuery", "VambeClient", "Window", "explain"]

ArrayQuery = Literal["repeat", "brackets", "comma", "json"]
"""How an array is written in a query; the documentation does not say."""

_TASKS = Path.of("/api/public/tasks")
_TASK = "/api/public/tasks/{id}"
_MEMBERS = Path.of("/api/public/team-members/all")
_SEARCH = Path.of("/api/public/contacts/search")
_CONTACTS = Path.of("/api/public/contacts")

_FIELDS = frozenset(
    {
        "title",
        "description",
        "newStatusName",
        "newStatusPosition",
        "dueDate",
        "dueTime",
        "timezone",
        "responsibleIds",
        "aiContactId",
        "aiCustomerId",
        "priority",
        "id",
    }
)

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A task list to ask for: whose (nobody named is everyone), from and to which day, and dateless ones too or not."""

    first: str
    last: str
    responsible_ids: tuple[str, ...] = ()
    dateless: bool = True


class VambeClient:
    """Speaks to Vambe through `client`; errors are the client's."""

    def __init__(self, client: Client, array_query: ArrayQuery) -> None:
        self.client = self._client = client
        self._array_query = array_query
        self._spelling: dict[int, int] = {}

    async def tasks(self, window: Window) -> list[Json]:
        """GET /api/public/tasks (https://docs.vambe.me/reference/tasks/get-tasks).

        A spelling of the people that is refused gives way to the next one, which is then used from the start. An
        empty list for everyone is asked for in the other spelling too: a blank id could have been taken for somebody.
        """
        kind = min(len(window.responsible_ids), 2)
        spellings = _spellings(window.responsible_ids, self._array_query)
        found: list[Json] | None = None
        for place in range(self._spelling.get(kind, 0), len(spellings)):
            try:
                found = await self._listed(window, spellings[place])
            except CallerError:
                if found is None and place == len(spellings) - 1:
                    raise
                continue
            if found or window.responsible_ids:
                self._spelling[kind] = place
                break
        return found or []

    async def create(self, body: dict[str, Any]) -> Reply:
        """POST /api/public/tasks (https://docs.vambe.me/reference/tasks/create-task)."""
        return await self._client.post(_TASKS, json=body, expect="object")

    async def update(self, task_id: str, body: dict[str, Any]) -> Reply:
        """PUT /api/public/tasks/{id} (https://docs.vambe.me/reference/tasks/update-task)."""
        return await self._client.put(Path.of(_TASK, id=task_id), json=body, expect="object")

    async def delete(self, task_id: str) -> None:
        """DELETE /api/public/tasks/{id} (https://docs.vambe.me/reference/tasks/delete-task).

        OutcomeUnknown for a success that does not say `{"status": "success"}`, as documented.
        """
        reply = await self._client.delete(Path.of(_TASK, id=task_id), expect="object")
        if reply.object.get("status") != "success":
            raise self.invalid(reply, "with something that does not confirm the deletion")

    def invalid(self, reply: Reply, why: str) -> UpstreamError:
        """The error for an answer that is not what was asked for; `why` continues "... answered"."""
        return self._client.invalid(reply, why)

    async def members(self) -> list[Json]:
        """GET /api/public/team-members/all (https://docs.vambe.me/reference/team-members/get-all-team-members)."""
        return (await self._client.get(_MEMBERS, expect="array")).array

    async def date(self) -> datetime | None:
        """The `Date` header of an answer (RFC 9110 §6.6.1), None where there is none."""
        moment = posix_time((await self._client.get(_MEMBERS, expect="array")).headers.get("date"))
        return None if moment is None else datetime.fromtimestamp(moment, UTC)

    async def search_contacts(self, **by: str) -> list[Json]:
        """GET /api/public/contacts/search, by `phone` or `email` (at most 50)."""
        return (await self._client.get(_SEARCH, params=by, expect="array")).array

    async def recent_contacts(self, days: int) -> list[Json]:
        """GET /api/public/contacts: everybody heard from in the last `days` (1 to 365)."""
        return (await self._client.get(_CONTACTS, params={"days": str(days)}, expect="array")).array

    async def _listed(self, window: Window, people: Pairs) -> list[Json]:
        params = [
            *people,
            ("fromDate", window.first),
            ("toDate", window.last),
            ("includeTasksWithoutDates", "true" if window.dateless else "false"),
        ]
        return (await self._client.get(_TASKS, params=params, expect="array")).array


def explain(_status: int, json: Json) -> str | None:
    """The documented fields that a refusal names, under `field` or `path`; nothing else of it is repeated."""
    errors = json.get("errors") if isinstance(json, dict) else None
    names: list[str] = []
    for error in errors if isinstance(errors, list) else ():
        path = error.get("field") or error.get("path") if isinstance(error, dict) else None
        names += [part for part in (path if isinstance(path, list) else [path]) if isinstance(part, str)]
    known = sorted(_FIELDS.intersection(names))
    return f"Vambe refused the value of {', '.join(known)}." if known else None


def _spellings(ids: Sequence[str], form: ArrayQuery) -> Sequence[Pairs]:
    """The ways to name people in a query, the configured one first; the rest only stands in where that is refused."""
    name = "responsibleIds[]" if form == "brackets" else "responsibleIds"
    if not ids:
        return ((name, "[]" if form == "json" else ""),), ()
    if form == "comma":
        return (((name, ",".join(ids)),),)
    if form == "json":
        return (((name, "[" + ",".join(f'"{one}"' for one in ids) + "]"),),)
    each = tuple((name, one) for one in ids)
    # With repeated keys a lone id arrives as a string at some servers; twice, it arrives as a list.
    return (each, each * 2) if len(ids) == 1 else (each,)
