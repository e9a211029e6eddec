"""Vambe as a backend."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import MISSING

from taskhand.backend import Capabilities, Misread, Written
from taskhand.backends.vambe.catalogue import Catalogue
from taskhand.backends.vambe.mapping import (
    DueAt,
    Malformed,
    body_of,
    contact_of,
    learned,
    member_of,
    status_of,
    task_of,
)
from taskhand.backends.vambe.shelf import Shelf
from taskhand.backends.vambe.wire import VambeWire, Window
from taskhand.due import due_of, is_overdue
from taskhand.edit import Edit
from taskhand.errors import CallerError, Candidate, NotFound, OutcomeUnknown, UpstreamError
from taskhand.http.client import Client
from taskhand.http.reply import Json, Reply
from taskhand.names import fold
from taskhand.selection import picked
from taskhand.task import FINISHED, Contact, Member, StatusList, Task, TaskPage, TaskQuery

__all__ = ["Organisation", "VambeBackend"]

_FIRST_DAY, _LAST_DAY = "1970-01-01", "2100-12-31"
_NEAR_PAST, _NEAR_FUTURE = timedelta(days=60), timedelta(days=180)
_SLACK = timedelta(days=2)
"""A window is asked for wider than it is: whether its ends count, and in which zone, is not documented."""
_CREATED_SLACK = timedelta(minutes=2)
"""How far Vambe's clock may be from ours when a task is looked for by when it was created."""
_CONTACT_DAYS = 365


@dataclass(frozen=True, slots=True)
class Organisation:
    """What is configured of a Vambe organisation.

    `user_id` is who `me` is; `timezone` the IANA zone of times without one; `due_at` how Vambe writes due dates, None
    to learn it from the answer to the first timed due date; `keep_s` how many seconds a list is good for.
    """

    catalogue: Catalogue
    user_id: str | None = None
    timezone: str | None = None
    due_at: DueAt | None = None
    keep_s: float = 5.0


class VambeBackend:
    """Tasks in Vambe. There is no documented GET of one task: one is found in a list that is kept for a moment."""

    name = "vambe"
    capabilities = Capabilities()

    def __init__(
        self,
        client: Client,
        wire: VambeWire,
        organisation: Organisation,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """`clock` answers an aware datetime, `monotonic` seconds."""
        self._client = client
        self._wire = wire
        self._organisation = organisation
        self._catalogue = organisation.catalogue
        self._due_at: DueAt = organisation.due_at or "utc"
        self._due_at_is_known = organisation.due_at is not None
        self._clock = clock
        self._monotonic = monotonic
        self._lists: Shelf[Window, list[Json]] = Shelf(organisation.keep_s, monotonic)
        self._people: Shelf[None, tuple[Member, ...]] = Shelf(organisation.keep_s, monotonic)
        self._written: dict[str, tuple[float, Json]] = {}
        self._ids: set[str] = set()

    async def statuses(self) -> StatusList:
        """Those configured, or those seen on tasks; the widest list is looked at where no finished one was seen."""
        await self._tasks(self._near())
        if not any(status.type in FINISHED for status in self._catalogue.known().statuses):
            await self._tasks(Window(_FIRST_DAY, _LAST_DAY))
        return self._catalogue.known()

    async def members(self) -> tuple[Member, ...]:
        """The active members of the organisation."""
        return await self._people.get(None, self._fetch_members)

    async def me(self) -> str | None:
        """The configured user: Vambe has no way to ask whose key it is."""
        return self._organisation.user_id

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """By e-mail or phone Vambe searches; by name, those heard from within a year are looked through."""
        digits = "".join(filter(str.isdigit, query))
        if "@" in query:
            found = await self._wire.search_contacts(email=query)
        elif len(digits) > len(query) / 2:
            found = await self._wire.search_contacts(phone=digits)
        else:
            found = await self._wire.recent_contacts(_CONTACT_DAYS)
        contacts = self._mapped(contact_of, found)
        by_name = fold(query)
        if "@" not in query and len(digits) <= len(query) / 2:
            contacts = [one for one in contacts if by_name in fold(f"{one.name} {one.email or ''}")]
        return tuple(contacts[:limit])

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """A window of Vambe's list, filtered here by everything that its query cannot say."""
        tasks = await self._tasks(_window_of(query))
        return picked(tasks, query, self._is_late)

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One task out of the list around today, else out of the widest; NotFound."""
        return self._task(await self._raw(task_id, fresh=fresh))

    async def create_task(self, edit: Edit) -> Written:
        """POST, once: where the answer is lost the task is looked for, and never sent again."""
        started, known = self._clock(), frozenset(self._ids)
        try:
            raw = self._answered(await self._wire.create(body_of(edit, None)))
        except OutcomeUnknown as unknown:
            raw = await self._found(edit, started, known, unknown)
            return Written(self._task(raw), "Vambe did not confirm the new task; it was found in the list afterwards.")
        self._learn(edit, raw)
        return Written(self._task(raw))

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """PUT with the fields that change; where the answer is lost the task is read before anything is sent again."""
        was = await self._raw(before.id)
        raw, note = await self._put(before, edit)
        if self._learn(edit, raw) and due_of(before) != due_of(self._task(was)):
            raise Misread(self._task(was), self._task(raw))
        return Written(self._task(raw), note)

    async def aclose(self) -> None:
        """Nothing is open here: the client is closed by whoever opened it."""

    async def _put(self, before: Task, edit: Edit) -> tuple[Json, str | None]:
        body = body_of(edit, before)
        try:
            return self._answered(await self._wire.update(before.id, body), before.id), None
        except (NotFound, CallerError) as refused:
            raise await self._reference_error(refused, before, edit) from None
        except OutcomeUnknown as unknown:
            raw = await self._read_back(before.id, unknown)
        if not any(edit.unmet_by(self._task(raw), written=True).given()):
            return raw, "Vambe did not confirm the write; reading the task back shows it applied."
        try:
            again = self._answered(await self._wire.update(before.id, body), before.id)
        except OutcomeUnknown as unknown:
            raw = await self._read_back(before.id, unknown)
            if any(edit.unmet_by(self._task(raw), written=True).given()):
                raise _unsettled(f"Read task {before.id} with get_task, then decide.") from None
            return raw, "Vambe did not confirm the write; reading the task back shows it applied."
        return again, "Vambe did not confirm the first attempt, which was not applied; it was sent again."

    async def _read_back(self, task_id: str, unknown: OutcomeUnknown) -> Json:
        """The task as the list has it now; the doubt stays where it cannot be read."""
        try:
            return await self._raw(task_id, fresh=True)
        except (UpstreamError, NotFound):
            raise _unsettled(f"Read task {task_id} with get_task, then decide.") from unknown

    async def _found(self, edit: Edit, started: datetime, known: frozenset[str], unknown: OutcomeUnknown) -> Json:
        """The one new task that is what was asked for; the doubt stays where there is none, or more than one."""
        look = "Look with list_tasks for the title; create it again only if it is not there."
        try:
            raws = await self._raws(Window(_FIRST_DAY, _LAST_DAY), fresh=True)
        except UpstreamError:
            raise _unsettled(look) from unknown
        earliest = started - _CREATED_SLACK
        new = [raw for raw in raws if isinstance(raw, dict) and raw.get("id") not in known]
        found = [raw for raw in new if _created_since(raw, earliest) and self._is(raw, edit)]
        if len(found) != 1:
            raise _unsettled(look, [Candidate(str(raw["id"])) for raw in found]) from unknown
        return found[0]

    async def _reference_error(self, refused: CallerError, before: Task, edit: Edit) -> CallerError:
        """What a refused PUT means: Vambe answers 404 for a task that is gone and for a reference that is not there."""
        if isinstance(refused, NotFound):
            await self._raw(before.id, fresh=True)
        if edit.status is not MISSING and (isinstance(refused, NotFound) or "newStatus" in refused.message):
            asked = edit.status.name if edit.status.name is not None else edit.status.position
            return NotFound(
                f"Vambe refused the change; status {str(asked)[:60]!r} is probably not one of the organisation's.",
                code="unknown_status",
                candidates=[Candidate(status.name) for status in self._catalogue.known().statuses],
                next_step="Send newStatusName exactly as Vambe shows it, or one of the candidates.",
            )
        if isinstance(refused, NotFound):
            return NotFound(
                "Vambe does not know a person, contact or customer that was sent.",
                code="unknown_reference",
                next_step="Take ids from list_team_members and find_contacts, and send the call again.",
            )
        return refused

    async def _raw(self, task_id: str, *, fresh: bool = False) -> Json:
        """The JSON of one task, from the near list or the widest."""
        for window in (self._near(), Window(_FIRST_DAY, _LAST_DAY)):
            for raw in await self._raws(window, fresh=fresh):
                if isinstance(raw, dict) and raw.get("id") == task_id.lower():
                    return raw
        raise NotFound(
            f"There is no task {task_id} in Vambe.",
            code="task_not_found",
            next_step="Call list_tasks to find the task's id.",
        )

    async def _tasks(self, window: Window) -> list[Task]:
        return [self._task(raw) for raw in await self._raws(window)]

    async def _raws(self, window: Window, *, fresh: bool = False) -> list[Json]:
        """A list, with what was just written in place of what a list may still show."""
        raws = await self._lists.get(window, lambda: self._wire.tasks(window), fresh=fresh)
        for raw in raws:
            if isinstance(raw, dict):
                self._ids.add(str(raw.get("id")))
                self._catalogue.see(status_of(raw.get("status_config")))
        if fresh:
            return raws
        recent = self._recently_written()
        return [raw for raw in raws if not (isinstance(raw, dict) and raw.get("id") in recent)] + list(recent.values())

    def _recently_written(self) -> dict[str, Json]:
        limit = self._monotonic() - self._organisation.keep_s
        self._written = {one: (when, raw) for one, (when, raw) in self._written.items() if when > limit}
        return {one: raw for one, (_, raw) in self._written.items()}

    def _answered(self, reply: Reply, task_id: str | None = None) -> Json:
        """The task in the answer to a write, remembered; OutcomeUnknown when it is not the task that was written."""
        raw = reply.object
        try:
            task = self._task(raw)
        except UpstreamError:
            raise self._client.invalid(reply, "with something that is not a task") from None
        if task_id is not None and task.id != task_id.lower():
            raise self._client.invalid(reply, "with another task")
        self._catalogue.see(status_of(raw.get("status_config")))
        self._written[task.id] = (self._monotonic(), raw)
        self._ids.add(task.id)
        return raw

    def _learn(self, edit: Edit, raw: Json) -> bool:
        """Learn how `due_at` is to be read from the answer to a timed due date; whether that is news."""
        due = None if edit.due is MISSING else edit.due
        reading = learned(due, raw if isinstance(raw, dict) else {})
        if self._due_at_is_known or reading is None:
            return False
        news, self._due_at, self._due_at_is_known = reading != self._due_at, reading, True
        return news

    def _task(self, raw: Json) -> Task:
        try:
            return task_of(raw, self._due_at, self._organisation.timezone, self._catalogue.by_id)
        except Malformed as error:
            raise UpstreamError(
                f"Vambe answered {error}.", code="upstream_invalid", next_step="Tell whoever runs Taskhand."
            ) from None

    def _mapped(self, read: Callable[[Json], Any], raws: Iterable[Json]) -> list[Any]:
        try:
            return [read(raw) for raw in raws]
        except Malformed as error:
            raise UpstreamError(
                f"Vambe answered {error}.", code="upstream_invalid", next_step="Tell whoever runs Taskhand."
            ) from None

    async def _fetch_members(self) -> tuple[Member, ...]:
        return tuple(self._mapped(member_of, await self._wire.members()))

    def _is(self, raw: Json, edit: Edit) -> bool:
        """Whether a task is what an edit asked to create."""
        return not any(edit.unmet_by(self._task(raw), written=True).given())

    def _is_late(self, task: Task) -> bool:
        unfinished = task.status_config is None or task.status_config.type not in FINISHED
        return unfinished and is_overdue(due_of(task), self._clock(), self._organisation.timezone)

    def _near(self) -> Window:
        """The list around today, in which most tasks that anybody works on are."""
        today = self._clock().astimezone(UTC).date()
        return Window((today - _NEAR_PAST).isoformat(), (today + _NEAR_FUTURE).isoformat())


def _window_of(query: TaskQuery) -> Window:
    """What to ask Vambe for so that nothing that the query wants is missing."""
    first = (date.fromisoformat(query.from_date) - _SLACK).isoformat() if query.from_date else _FIRST_DAY
    last = (date.fromisoformat(query.to_date) + _SLACK).isoformat() if query.to_date else _LAST_DAY
    people = tuple(sorted(query.responsible_ids or ()))
    return Window(first, last, people, dateless=query.include_tasks_without_dates and not query.overdue)


def _created_since(raw: Mapping[str, Json], earliest: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(raw.get("created_at"))) >= earliest
    except (ValueError, TypeError):
        return False


def _unsettled(next_step: str, candidates: Iterable[Candidate] = ()) -> OutcomeUnknown:
    return OutcomeUnknown(
        "Vambe did not confirm the write, and it could not be found out whether it was applied.",
        candidates=tuple(candidates),
        next_step=next_step,
    )
