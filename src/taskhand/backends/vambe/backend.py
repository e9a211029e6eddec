"""Vambe as a backend: reads from lists, writes that are compared, and read back where their answer was lost."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from pydantic import MISSING

from taskhand.backend import Capabilities, Misread, Outcome, Written
from taskhand.backends.doubt import Doubt
from taskhand.backends.many import each_by_itself
from taskhand.backends.shelf import Shelf
from taskhand.backends.vambe.catalogue import Catalogue
from taskhand.backends.vambe.lists import WIDEST, JsonObject, TaskLists
from taskhand.backends.vambe.mapping import (
    DueAt,
    Malformed,
    body_of,
    contact_of,
    learned,
    member_of,
    names_no_zone,
    status_of,
    task_of,
)
from taskhand.backends.vambe.wire import VambeWire, Window
from taskhand.due import due_of, is_overdue
from taskhand.edit import Edit
from taskhand.errors import CallerError, Candidate, NotFound, OutcomeUnknown, UpstreamError, UpstreamFailed
from taskhand.http.reply import Json
from taskhand.names import fold
from taskhand.selection import picked
from taskhand.task import FINISHED, Contact, Member, StatusList, Task, TaskPage, TaskQuery

__all__ = ["Organisation", "VambeBackend"]

_T = TypeVar("_T")

_SLACK = timedelta(days=2)
"""A window is asked for wider than it is: whether its ends count, and in which zone, is not documented."""
_CREATED_SLACK = timedelta(minutes=2)
"""A task this much older than its POST may still be the one, where clocks disagree; it is named, and not claimed."""
_CLOCKS_APART = timedelta(seconds=2)
"""How far two clocks that agree may be apart."""
_CONTACT_DAYS = 365

_VAMBE = Doubt("Vambe")


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
    """Tasks in one Vambe organisation."""

    name = "vambe"
    capabilities = Capabilities()

    def __init__(
        self,
        wire: VambeWire,
        organisation: Organisation,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """`clock` answers an aware datetime, `monotonic` seconds."""
        self._wire = wire
        self._organisation = organisation
        self._catalogue = organisation.catalogue
        self._due_at: DueAt = organisation.due_at or "utc"
        self._due_at_is_known = organisation.due_at is not None
        self._clock = clock
        self._lists = TaskLists(wire.tasks, organisation.keep_s, clock=clock, monotonic=monotonic)
        self._creating: Counter[Edit] = Counter()
        self._made: set[str] = set()
        self._team: Shelf[None, tuple[Member, ...]] = Shelf(organisation.keep_s, monotonic)

    async def statuses(self) -> StatusList:
        """Those configured, or those seen on tasks; the widest list is looked at where no finished one was seen."""
        await self._tasks(self._lists.near)
        if not any(status.type in FINISHED for status in self._catalogue.known().statuses):
            with suppress(CallerError):  # a window that Vambe finds too wide is no reason to hide what was seen
                await self._tasks(WIDEST)
        return self._catalogue.known()

    async def members(self) -> tuple[Member, ...]:
        """The active members of the organisation."""

        async def fetched() -> tuple[Member, ...]:
            return tuple(_read(member_of, await self._wire.members()))

        return await self._team.get(None, fetched)

    async def me(self) -> str | None:
        """The configured user: Vambe has no way to ask whose key it is."""
        return self._organisation.user_id

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether `due_at` was read rightly: while the reading is not known, a time in a zone off UTC may not be."""
        due = due_of(task)
        if self._due_at_is_known or due is None or due.at is None or due.local is None:
            return True
        return due.at.date() == due.day if of_day else not due.local.utcoffset()

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """By e-mail or phone Vambe searches; by name, those heard from within a year are looked through."""
        digits = "".join(filter(str.isdigit, query))
        if "@" in query:
            found = _read(contact_of, await self._wire.search_contacts(email=query))
        elif len(digits) > len(query) / 2:
            found = _read(contact_of, await self._wire.search_contacts(phone=digits))
        else:
            heard = _read(contact_of, await self._wire.recent_contacts(_CONTACT_DAYS))
            found = [one for one in heard if fold(query) in fold(f"{one.name} {one.email or ''}")]
        return tuple(found[:limit])

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """A window of Vambe's list, filtered here by everything that its query cannot say."""
        tasks = await self._tasks(_window_of(query))
        unnamed = sum(task.status_config is None for task in tasks)
        if unnamed and (query.statuses is not None or query.overdue is not None):
            raise UpstreamError(
                f"Vambe did not name the status of {unnamed} tasks, so tasks cannot be found by status here.",
                code="status_unknown",
                next_step="Leave status and overdue out, and look at each task's status.",
            )
        return picked(tasks, query, self._is_late)

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One task out of the lists; NotFound."""
        raw = await self._lists.find(task_id, fresh=fresh)
        self._due_at_is_known = self._due_at_is_known or names_no_zone(raw)
        return self._task(raw)

    async def create_task(self, edit: Edit) -> Written:
        """POST, once: where the answer is lost the task is looked for, and never sent again."""
        started, known = self._clock(), frozenset(self._lists.ids)
        self._creating[edit] += 1
        try:
            raw = await self._answered(None, body_of(edit, None))
        except (OutcomeUnknown, UpstreamFailed) as unknown:
            return Written(self._task(await self._new(edit, started, known, unknown)), _VAMBE.found)
        finally:
            self._creating[edit] -= 1
        self._learn(edit, raw)
        return Written(self._task(raw))

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """PUT with the fields that change; where the answer is lost the task is read before anything is sent again."""
        was, reading = await self._lists.find(before.id), self._due_at
        raw, note = await self._put(before, edit)
        self._lists.remember(before.id, raw, was)
        self._learn(edit, raw)
        self._learn_status(before, edit, raw)
        if self._due_at != reading and due_of(before) != due_of(self._task(was)):
            raise Misread(self._task(was), self._task(raw))
        return Written(self._task(raw), note)

    async def update_tasks(self, edits: Sequence[tuple[Task, Edit]]) -> tuple[Outcome, ...]:
        """Parallel PUTs within the rate budget: Vambe documents nothing for many tasks at once."""
        return await each_by_itself(self.update_task, edits)

    async def upstream_time(self) -> datetime | None:
        """The `Date` of an answer."""
        return await self._wire.date()

    async def aclose(self) -> None:
        """Nothing is open here: the client is closed by whoever opened it."""

    async def _put(self, before: Task, edit: Edit) -> tuple[JsonObject, str | None]:
        """The task after a PUT, and what is to be said about how that was learned."""
        body = body_of(edit, before)
        try:
            return await self._answered(before.id, body), None
        except CallerError as refused:
            raise await self._meaning(refused, before, edit) from None
        except (OutcomeUnknown, UpstreamFailed) as unknown:
            if raw := await self._applied_after_all(before.id, edit, unknown):
                return raw, _VAMBE.applied
            if isinstance(unknown, UpstreamFailed):
                raise
        try:
            return await self._answered(before.id, body), _VAMBE.sent_again
        except (OutcomeUnknown, UpstreamFailed) as unknown:
            if raw := await self._applied_after_all(before.id, edit, unknown):
                return raw, _VAMBE.applied
            if isinstance(unknown, UpstreamFailed):
                raise
            raise _VAMBE.of_task(before.id) from None

    async def _answered(self, task_id: str | None, body: JsonObject) -> JsonObject:
        """Send a write (a create without an id) and remember its answer; OutcomeUnknown when that is no such task."""
        reply = await (self._wire.create(body) if task_id is None else self._wire.update(task_id, body))
        try:
            task = self._task(reply.object)
        except UpstreamError:
            raise self._wire.invalid(reply, "with something that is not a task") from None
        if task_id is not None and task.id.lower() != task_id.lower():
            raise self._wire.invalid(reply, "with another task")
        self._catalogue.see(task.status_config)
        self._lists.remember(task.id, reply.object)
        if task_id is None:
            self._made.add(task.id)
        return reply.object

    async def _applied_after_all(self, task_id: str, edit: Edit, unknown: UpstreamError) -> JsonObject | None:
        """The task as Vambe has it now, remembered, if it shows the edit; the doubt stays where it cannot be read."""
        try:
            raw = await self._lists.find(task_id, fresh=True)
        except (UpstreamError, NotFound):
            raise _VAMBE.of_task(task_id) from unknown
        if not self._shows(raw, edit):
            return None
        self._lists.remember(task_id, raw)
        return raw

    async def _new(self, edit: Edit, started: datetime, known: frozenset[str], unknown: UpstreamError) -> JsonObject:
        """The one new task that is what was asked for; the doubt stays where there is none, or more than one."""
        look = "Look with list_tasks for the title; create it again only if it is not there."
        try:
            raws = await self._lists.get(WIDEST, fresh=True)
        except UpstreamError:
            raise _VAMBE.unsettled(look) from unknown
        new = [raw for raw in raws if raw["id"] not in known and raw["id"] not in self._made]
        found = [raw for raw in new if _created_since(raw, started - _CREATED_SLACK) and self._shows(raw, edit)]
        certain = [raw for raw in found if _created_since(raw, started - _CLOCKS_APART)]
        if len(certain) != 1 or len(found) != 1 or self._creating[edit] > 1:
            raise _VAMBE.unsettled(look, [Candidate(str(raw["id"])) for raw in found]) from unknown
        self._made.add(str(found[0]["id"]))
        self._lists.remember(str(found[0]["id"]), found[0])
        return found[0]

    async def _meaning(self, refused: CallerError, before: Task, edit: Edit) -> CallerError:
        """What a refused PUT means: Vambe answers 404 for a task that is gone and for a reference that is not there."""
        gone_or_unknown = isinstance(refused, NotFound)
        if gone_or_unknown:
            await self._lists.find(before.id, fresh=True)
        if edit.status is not MISSING and edit.status.id not in self._catalogue.by_id and _is_of_status(refused, edit):
            asked = edit.status.name if edit.status.name is not None else edit.status.position
            return NotFound(
                f"Vambe refused the change; status {str(asked)[:60]!r} is probably not one of the organisation's.",
                code="unknown_status",
                candidates=[Candidate(status.name) for status in self._catalogue.known().statuses],
                next_step="Send newStatusName exactly as Vambe shows it, or one of the candidates.",
            )
        if gone_or_unknown:
            return NotFound(
                "Vambe does not know a person, contact or customer that was sent.",
                code="unknown_reference",
                next_step="Take ids from list_team_members and find_contacts, and send the call again.",
            )
        return refused

    async def _tasks(self, window: Window) -> list[Task]:
        raws = await self._lists.get(window)
        for raw in raws:
            self._catalogue.see(status_of(raw.get("status_config")))
            # A time without Z or offset can only be the wall clock's: where one is met, none wears a wrong Z.
            self._due_at_is_known = self._due_at_is_known or names_no_zone(raw)
        return [self._task(raw) for raw in raws]

    def _learn(self, edit: Edit, raw: JsonObject) -> None:
        """Learn how `due_at` is to be read from a task that was given a timed due date."""
        reading = learned(None if edit.due is MISSING else edit.due, raw)
        if reading is not None and not self._due_at_is_known:
            self._due_at, self._due_at_is_known = reading, True

    def _learn_status(self, before: Task, edit: Edit, raw: JsonObject) -> None:
        """Where Vambe shows statuses by id only, the id that a task got when a name was sent is that name's."""
        status_id = raw.get("task_status_config_id")
        if edit.status is MISSING or edit.status.name is None or raw.get("status_config") is not None:
            return
        if isinstance(status_id, str) and status_id != before.task_status_config_id:
            self._catalogue.name(status_id, edit.status.name)

    def _task(self, raw: JsonObject) -> Task:
        def read(raw: Json) -> Task:
            return task_of(raw, self._due_at, self._organisation.timezone, self._catalogue.by_id)

        return _read(read, [raw])[0]

    def _shows(self, raw: JsonObject, edit: Edit) -> bool:
        """Whether a task is as an edit asked for, under either reading of `due_at` while that is not known."""
        self._learn(edit, raw)
        return not any(edit.unmet_by(self._task(raw), written=True).given())

    def _is_late(self, task: Task) -> bool:
        unfinished = task.status_config is None or task.status_config.type not in FINISHED
        return unfinished and is_overdue(due_of(task), self._clock(), self._organisation.timezone)


def _is_of_status(refused: CallerError, edit: Edit) -> bool:
    """Whether a refusal is probably about the status: Vambe says so, or names nothing, or nothing else was sent."""
    return isinstance(refused, NotFound) or "newStatus" in refused.message or len(list(edit.given())) == 1


def _window_of(query: TaskQuery) -> Window:
    """What to ask Vambe for so that nothing that the query wants is missing."""
    first = _moved(query.from_date, -_SLACK) if query.from_date else WIDEST.first
    last = _moved(query.to_date, _SLACK) if query.to_date else WIDEST.last
    people = tuple(sorted(query.responsible_ids or ()))
    return Window(first, last, people, dateless=query.include_tasks_without_dates and not query.overdue)


def _moved(day: str, by: timedelta) -> str:
    try:
        return (date.fromisoformat(day) + by).isoformat()
    except OverflowError:
        return day


def _read(read: Callable[[Json], _T], raws: Iterable[Json]) -> list[_T]:
    """Values out of an answer; UpstreamError when it is not what is documented."""
    try:
        return [read(raw) for raw in raws]
    except Malformed as error:
        raise UpstreamError(
            f"Vambe answered {error}.", code="upstream_invalid", next_step="Tell whoever runs Taskhand."
        ) from None


def _created_since(raw: JsonObject, earliest: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(raw.get("created_at"))) >= earliest
    except (ValueError, TypeError):
        return False
