"""Finds the changes of Vambe's tasks by comparing lists: Vambe reports none (https://docs.vambe.me/reference/tasks).

Only lists show tasks, and they do not show when a task was changed. A difference is therefore read twice before it is
reported. A task counts as deleted only if no list contains it: a task with a moved date is in another list.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from pydantic import MISSING

from taskhand.backends.remote.parsing import JsonObject, utc_moment
from taskhand.backends.vambe.client import Window
from taskhand.backends.vambe.fields.learned_due_times import TaskMapper
from taskhand.backends.vambe.mapping import DueAt
from taskhand.backends.vambe.query import WIDEST, TaskLists, key_of, window_around
from taskhand.domain.due import due_of
from taskhand.domain.errors import CallerError
from taskhand.domain.event import TaskEvent, difference_event
from taskhand.domain.event_source import KnownTasks, Look
from taskhand.domain.receipt import FieldChange
from taskhand.domain.task import Task

__all__ = ["VambeEvents"]

_SPANS: Final = ((60, 180), (30, 60), (7, 14))
"""Days before and after today that a look lists; fewer if Vambe refuses a window."""
_EDGE: Final = 3
"""Days at the ends of a window that may or may not be included: Vambe does not document the zone of a window."""
_SKEW: Final = timedelta(minutes=5)
"""How far the clock of Vambe's creation times may be behind ours."""
_MAX_SEARCHES: Final = 4
"""Maximum lists that one look reads to find tasks that left the list."""
_ROUND: Final = 100
"""A list whose length is a multiple of this may have been cut."""
_FEW: Final = 10
"""Maximum known tasks for which an empty list is believed."""
_PATIENCE: Final = timedelta(minutes=10)
"""Time after which a task that was not found is searched for again."""


@dataclass(frozen=True, slots=True)
class _Position:
    """The last look: its number since `begun`, and when it began (`at`); None before the first look.

    `span` is the index of the window in `_SPANS`. `due_at` is the form in which due times were read. `unfound` maps
    tasks that were not found, and may or may not be deleted, to the time of the search.
    """

    begun: str
    number: int = 0
    at: str | None = None
    span: int = 0
    due_at: DueAt = "utc"
    unfound: dict[str, str] = field(default_factory=dict)

    @property
    def looked_at(self) -> datetime:
        """When the list was read; before the first look, the moment from which changes are wanted."""
        return datetime.fromisoformat(self.at or self.begun)

    def window(self) -> tuple[date, date]:
        """The first and last day that the list of this look certainly included."""
        today = self.looked_at.astimezone(UTC).date()
        before, after = _SPANS[self.span]
        return today - timedelta(days=before - _EDGE), today + timedelta(days=after - _EDGE)


class VambeEvents:
    """Compares the list around today with the known tasks; `clock` returns an aware datetime."""

    compares = True
    remark: str | None = (
        "Vambe reports no changes: tasks without a date, or due from 60 days ago to 180 days ahead, are compared. "
        "Two changes between two polls are one change, and their author is not known."
    )

    def __init__(self, lists: TaskLists, mapper: TaskMapper, clock: Callable[[], datetime]) -> None:
        self._lists = lists
        self._mapper = mapper
        self._clock = clock

    async def begin(self, at: datetime) -> str:
        """The position before the first look, which only records the tasks: Vambe does not show past changes."""
        return _write(_Position(at.isoformat()))

    async def look(self, position: str, known: KnownTasks, hints: Collection[str] = ()) -> Look:
        """Compare the list with the known tasks; hinted tasks are searched for in the widest list."""
        was = _read(position)
        began = self._clock()
        was, rows = await self._list_near(was, began)
        before = {task.id.lower(): task for task in (await known.find_all()).values()}
        now = replace(was, number=was.number + 1, at=began.isoformat(), due_at=self._mapper.due_at)
        if was.at is None:
            tasks = {task.id: task for task in _read_rows(self._mapper, rows).values()}
            is_past_asked = began - was.looked_at > _SKEW
            since = f"{began:%Y-%m-%dT%H:%MZ}"
            gap = f"Vambe shows no past changes: changes are reported from {since} on." if is_past_asked else None
            return Look((), _write(now), tasks, gap=gap)
        comparison = _Comparison(self._mapper, was, now, before)
        comparison.add(rows)
        missing = comparison.missing(hints)
        wide = await self._list_all() if missing else None
        if missing or comparison.differing:
            comparison.confirm(
                await self._lists.get(window_around(began, *_SPANS[was.span]), fresh=True) if wide is None else wide
            )
            missing = comparison.missing(hints) & set(before)
        is_gone = bool(missing) and wide is not None and await self._are_gone(missing, before, rows, wide)
        events, known_now = comparison.result(missing if is_gone else (), self._clock())
        unfound = {one: at for one, at in was.unfound.items() if one in before and one not in comparison.listed}
        if not is_gone:
            unfound |= dict.fromkeys(missing, began.isoformat())
        return Look(tuple(events), _write(replace(now, unfound=unfound)), known_now)

    async def _list_near(self, position: _Position, now: datetime) -> tuple[_Position, list[JsonObject]]:
        """The list around today; if Vambe refuses the window, this and later looks use a narrower one."""
        while True:
            try:
                return position, await self._lists.get(window_around(now, *_SPANS[position.span]), fresh=True)
            except CallerError:
                if position.span + 1 == len(_SPANS):
                    raise
                position = replace(position, span=position.span + 1)

    async def _list_all(self) -> list[JsonObject] | None:
        """All tasks; None if Vambe refuses so wide a window."""
        try:
            return await self._lists.get(WIDEST, fresh=True)
        except CallerError:
            return None

    async def _are_gone(
        self, missing: Collection[str], before: Mapping[str, Task], near: list[JsonObject], wide: list[JsonObject]
    ) -> bool:
        """True if tasks that are in no list are deleted.

        A list proves nothing if it may be cut, has rows without an id, or is empty although many tasks are known. For
        some of the tasks, the short list of their day is read too.
        """
        ids = {key_of(row) for row in wide}
        if "" in ids or len(wide) % _ROUND == 0 < len(wide) or not {key_of(row) for row in near} <= ids:
            return False
        if not wide and len(before) > _FEW:
            return False
        for window in list(dict.fromkeys(_day_window(before[one]) for one in sorted(missing)))[:_MAX_SEARCHES]:
            if {"", *missing} & {key_of(row) for row in await self._lists.get(window, fresh=True)}:
                return False
        return True


class _Comparison:
    """Compares listed tasks with known tasks; a difference counts once two lists have shown it."""

    def __init__(self, mapper: TaskMapper, was: _Position, now: _Position, before: Mapping[str, Task]) -> None:
        self._mapper = mapper
        self._was = was
        self._now = now
        self._before = before
        self._after: dict[str, Task] = {}
        self._other: dict[str, Task] = {}
        self._near: set[str] = set()
        self.differing: set[str] = set()

    @property
    def listed(self) -> set[str]:
        return {*self._after, *self._other}

    def add(self, rows: Collection[JsonObject]) -> None:
        self._after = _read_rows(self._mapper, rows)
        self._near = set(self._after)
        self.differing = {one for one, task in self._after.items() if self._event(one, task) is not None}

    def confirm(self, rows: Collection[JsonObject]) -> None:
        """Compare the rows of the second list; tasks that the two lists show differently wait for the next look."""
        self._other = _read_rows(self._mapper, rows)
        both = {one for one in self.differing if self._other.get(one) == self._after[one]}
        self.differing = both | {
            one for one, task in self._other.items() if one in self._before and one not in self._after
        }
        self._after = {one: task for one, task in self._after.items() if one in both or self._is_known(one, task)} | {
            one: task for one, task in self._other.items() if one in self.differing and one not in self._after
        }

    def missing(self, hints: Collection[str]) -> set[str]:
        """The keys of unlisted tasks that should be listed, or are hinted."""
        oldest = (self._now.looked_at - _PATIENCE).isoformat()
        expected = {one for one, task in self._before.items() if self._is_expected(task)}
        expected -= {one for one, at in self._was.unfound.items() if at > oldest}
        return (expected | {one.lower() for one in hints}) - self.listed

    def result(self, gone: Collection[str], ended: datetime) -> tuple[list[TaskEvent], dict[str, Task | None]]:
        """The events, and the changes to the known tasks; a task that left the list becomes unknown (None)."""
        between = (self._was.looked_at, ended)
        events = []
        tasks: dict[str, Task | None] = {}
        for one, task in self._after.items():
            before = self._before.get(one)
            event = self._event(one, task)
            events += [replace(event, between=between)] if event else []
            tasks[before.id if before else task.id] = _with_last_known(task, before) if one in self._near else None
        for one, task in self._before.items():
            if one not in self._near and not self._is_expected(task):
                tasks[task.id] = None
        for one in sorted(gone):
            event = difference_event(self._before[one], None, self._key(one))
            events += [replace(event, between=between)] if event else []
            tasks[self._before[one].id] = None
        return events, {one: task for one, task in tasks.items() if task != self._before.get(one.lower(), ...)}

    def _is_known(self, one: str, task: Task) -> bool:
        return one in self._before and self._event(one, task) is None

    def _is_expected(self, task: Task) -> bool:
        """True if the list around today should contain a task."""
        due = due_of(task) if "due_at" not in task.unreadable_fields else None
        first, last = self._now.window()
        return due is None or first <= due.day <= last

    def _event(self, one: str, task: Task) -> TaskEvent | None:
        """The event of a task; None if it is unchanged, or only entered the window as time passed."""
        before = self._before.get(one)
        if before is None:
            return self._event_of_new_task(one, task)
        event = difference_event(_with_no_changes(before, task), _with_last_known(task, before), self._key(one))
        if event is None or self._was.due_at == self._mapper.due_at or due_of(before) is None:
            return event
        # The form of due times was learned since, so the known due time was read wrongly.
        changed = tuple(change for change in event.changed if change.field != "due")
        return replace(event, changed=changed) if changed else None

    def _event_of_new_task(self, one: str, task: Task) -> TaskEvent | None:
        event, made, due = difference_event(None, task, self._key(one)), utc_moment(task.created_at), due_of(task)
        if made is None or made >= self._was.looked_at - _SKEW:
            return event
        first, last = self._was.window()
        if event is None or (due is not None and not first <= due.day <= last):
            return None
        return replace(event, kind="updated", changed=(FieldChange("due", MISSING, due),))

    def _key(self, one: str) -> str:
        return f"{one}/{self._now.number}/{self._was.begun}"


def _day_window(task: Task) -> Window:
    """The window of the few tasks due around the same day, or of those without a date if this one has none."""
    due = due_of(task)
    if due is None:
        return Window(WIDEST.first, WIDEST.first, task.responsible_ids)
    first, last = due.day - timedelta(days=_EDGE), due.day + timedelta(days=_EDGE)
    return Window(first.isoformat(), last.isoformat(), dateless=False)


def _with_no_changes(before: Task, after: Task) -> Task:
    """The task before, updated with differences that are not changes: unreadable fields, and a renamed status."""
    update = {name: getattr(after, name) for name in (*before.unreadable_fields, *after.unreadable_fields)}
    is_same = before.task_status_config_id is not None and before.task_status_config_id == after.task_status_config_id
    if is_same or before.status_config is None or after.status_config is None:
        update |= {"status_config": after.status_config, "task_status_config_id": after.task_status_config_id}
    return before.model_copy(update=update) if update else before


def _with_last_known(task: Task, before: Task | None) -> Task:
    """The task with the known values of fields that are unreadable now."""
    if before is None or not task.unreadable_fields:
        return task
    return task.model_copy(update={name: getattr(before, name) for name in task.unreadable_fields if name != "id"})


def _read_rows(mapper: TaskMapper, rows: Collection[JsonObject]) -> dict[str, Task]:
    """The tasks in rows by key, read with what all rows show; rows without an id are left out."""
    mapper.note(rows)
    return {key: mapper.task(row) for row in rows if (key := key_of(row))}


def _write(position: _Position) -> str:
    return json.dumps(asdict(position))


def _read(position: str) -> _Position:
    return _Position(**json.loads(position))
