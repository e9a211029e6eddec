"""Finds the changes of Vambe's tasks by comparing lists: Vambe reports none (https://docs.vambe.me/reference/tasks).

Only lists show tasks, and they do not show when a task was changed. A difference is therefore read twice before it is
reported. A task counts as deleted only if no list contains it: a task with a moved date is in another list.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.vambe.events.list_comparison import SKEW, ListComparison, tasks_by_key
from taskhand.backends.vambe.events.position import POSITION, SPANS, Position, day_window
from taskhand.backends.vambe.fields.learned_due_times import TaskMapper
from taskhand.backends.vambe.query import WIDEST, window_around
from taskhand.backends.vambe.task_lists import TaskLists, folded_id
from taskhand.domain.errors import CallerError
from taskhand.domain.event_source import EventSource, KnownTasks, Look
from taskhand.domain.task import Task

__all__ = ["VambeEvents"]

_MAX_SEARCHES: Final = 4
"""Maximum lists that one look reads to find tasks that left the list."""
_ROUND: Final = 100
"""A list whose length is a multiple of this may have been cut."""
_FEW: Final = 10
"""Maximum known tasks for which an empty list is believed."""


class VambeEvents(EventSource):
    """Compares the list around today with the known tasks; `clock` returns an aware datetime."""

    compares = True
    remark = (
        "Vambe reports no changes: tasks without a date, or due from 60 days ago to 180 days ahead, are compared. "
        "Two changes between two polls are one change, and their author is not known."
    )

    def __init__(self, lists: TaskLists, mapper: TaskMapper, clock: Callable[[], datetime]) -> None:
        self._lists = lists
        self._mapper = mapper
        self._clock = clock

    async def begin(self, at: datetime) -> str:
        """The position before the first look, which only records the tasks: Vambe does not show past changes."""
        return POSITION.write(Position(at.isoformat()))

    async def look(self, position: str, known_tasks: KnownTasks, hints: Collection[str] = ()) -> Look:
        """Compare the list with the known tasks; hinted tasks are searched for in the widest list."""
        was = POSITION.read(position)
        began = self._clock()
        was, rows = await self._list_near(was, began)
        before = {task.id.lower(): task for task in (await known_tasks.find_all()).values()}
        now = replace(was, number=was.number + 1, at=began.isoformat(), due_at=self._mapper.due_at)
        if was.at is None:
            tasks = {task.id: task for task in tasks_by_key(self._mapper, rows).values()}
            is_past_asked = began - was.looked_at > SKEW
            since = f"{began:%Y-%m-%dT%H:%MZ}"
            gap = f"Vambe shows no past changes: changes are reported from {since} on." if is_past_asked else None
            return Look((), POSITION.write(now), tasks, gap=gap)
        comparison = ListComparison(self._mapper, was, now, before)
        comparison.add(rows)
        missing = comparison.missing(hints)
        wide = await self._list_all() if missing else None
        if missing or comparison.differing:
            comparison.confirm(
                await self._lists.get(window_around(began, *SPANS[was.span]), fresh=True) if wide is None else wide
            )
            missing = comparison.missing(hints) & set(before)
        is_gone = bool(missing) and wide is not None and await self._are_gone(missing, before, rows, wide)
        events, known_now = comparison.result(missing if is_gone else (), self._clock())
        unfound = {
            task_id: at for task_id, at in was.unfound.items() if task_id in before and task_id not in comparison.listed
        }
        if not is_gone:
            unfound |= dict.fromkeys(missing, began.isoformat())
        return Look(tuple(events), POSITION.write(replace(now, unfound=unfound)), known_now)

    async def _list_near(self, position: Position, now: datetime) -> tuple[Position, list[JsonObject]]:
        """The list around today; if Vambe refuses the window, this and later looks use a narrower one."""
        while True:
            try:
                return position, await self._lists.get(window_around(now, *SPANS[position.span]), fresh=True)
            except CallerError:
                if position.span + 1 == len(SPANS):
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
        """Whether tasks that are in no list are deleted.

        A list proves nothing if it may be cut, has rows without an id, or is empty although many tasks are known. For
        some of the tasks, the short list of their day is read too.
        """
        ids = {folded_id(row) for row in wide}
        if "" in ids or len(wide) % _ROUND == 0 < len(wide) or not {folded_id(row) for row in near} <= ids:
            return False
        if not wide and len(before) > _FEW:
            return False
        for window in list(dict.fromkeys(day_window(before[task_id]) for task_id in sorted(missing)))[:_MAX_SEARCHES]:
            if {"", *missing} & {folded_id(row) for row in await self._lists.get(window, fresh=True)}:
                return False
        return True
