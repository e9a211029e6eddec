"""One page of a query: what Close can filter is filtered there, the rest here, and no task is missed on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from taskhand.backends.close.client import CHUNK
from taskhand.backends.close.mapping import UNSAID
from taskhand.backends.close.paging import Page, read_all_pages
from taskhand.backends.close.query import ORDERS, assignees, filters, settled, wants_dateless, window
from taskhand.backends.close.reading import Reader
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.errors import NotFound, UpstreamError
from taskhand.domain.page import TaskPage, select_page
from taskhand.domain.query import TaskQuery
from taskhand.domain.task import Task

__all__ = ["Listing"]

Params = Mapping[str, str]

_LOOKED_FOR: Final = 10
"""Tasks written just now that no list shows: so many are looked for one by one."""


class Listing:
    """Lists tasks of the types that the query parameters `kinds` name."""

    def __init__(self, reader: Reader, kinds: Params) -> None:
        self._reader = reader
        self._kinds = kinds
        self._names = frozenset(kinds["_type__in"].split(",")) if "_type__in" in kinds else None

    async def page(self, query: TaskQuery) -> TaskPage:
        """The page asked for. TooManyPages where more tasks are in question than will be read.

        Dateless tasks come last in order of the due date, and can only be found among all: they are looked for when
        the dated ones do not fill the page.
        """
        params = window(query, self._reader.today())
        if params and wants_dateless(query):
            dated = [task for task in await self._tasks(query, params) if task.due_at is not None]
            page = select_page(dated, query, self._reader.is_late)
            if page.more:
                return page
            params = {}
        return select_page(await self._tasks(query, params), query, self._reader.is_late)

    async def _tasks(self, query: TaskQuery, dates: Params) -> list[Task]:
        rows: dict[str, JsonObject] = {}
        first = date.fromisoformat(dates["date__gte"]) if "date__gte" in dates else self._reader.today()
        for whose in assignees(query):
            params = {**self._kinds, **filters(query), **whose, **dates, "_order_by": ORDERS[query.order]}

            async def fetch(skip: int, params: Params = params) -> Page:
                return await self._reader.wire.tasks(params, skip, first)

            rows |= {str(row.get("id")): row for row in await read_all_pages(fetch, _Enough(self._reader, query))}
        rows = {one: row for one, row in rows.items() if not self._reader.recent.is_deleted(one)}
        for row in rows.values():
            self._reader.priorities.read(row)
        tasks = [self._reader.task(row) for row in await self._up_to_date(rows, query)]
        self._check_priorities(tasks, query)
        return tasks

    def _check_priorities(self, tasks: Sequence[Task], query: TaskQuery) -> None:
        """UpstreamError where a priority is asked for, and Close does not say that of all tasks in question."""
        if query.priority is None:
            return
        unsaid = replace(query, priority=UNSAID, after=None, limit=len(tasks))
        if count := len(select_page(tasks, unsaid, self._reader.is_late).tasks):
            raise UpstreamError(
                f"Close did not say the priority of {count} tasks, so tasks cannot be found by priority here.",
                code="priority_unknown",
                next_step="Leave priority out. In a task, priority 0 means that Close does not say it.",
            )

    async def _up_to_date(self, rows: Mapping[str, JsonObject], query: TaskQuery) -> list[JsonObject]:
        """The rows, and what was written here a moment ago in its place: a list can be behind."""
        recent = self._reader.recent
        absent = [raw for one, raw in recent.all().items() if one not in rows and self._is_asked_for(raw, query)]
        now = await self._reader.many([str(raw["id"]) for raw in absent[:CHUNK]])
        unlisted = [str(raw["id"]) for raw in absent if raw["id"] not in now]
        gone = {one for one in unlisted[:_LOOKED_FOR] if not await self._is_there(one)}
        shown = [recent.newest(row, listed=True) for row in rows.values()]
        return shown + [now.get(str(raw["id"]), raw) for raw in absent if raw["id"] not in gone]

    async def _is_there(self, task_id: str) -> bool:
        """Whether a task that no list shows can be read by its id: else it was deleted since it was written."""
        try:
            await self._reader.one(task_id)
        except NotFound:
            return False
        return True

    def _is_asked_for(self, raw: JsonObject, query: TaskQuery) -> bool:
        if self._names is not None and raw.get("_type", "lead") not in self._names:
            return False
        anywhere = replace(query, after=None, limit=1)
        return bool(select_page([self._reader.task(raw)], anywhere, self._reader.is_late).tasks)


class _Enough:
    """Whether a list so far holds the page that is asked for, whatever follows; rows are read as tasks once."""

    def __init__(self, reader: Reader, query: TaskQuery) -> None:
        self._reader = reader
        self._query = query
        self._tasks: dict[str, Task] = {}

    def __call__(self, rows: Sequence[JsonObject]) -> bool:
        there = [row for row in rows if not self._reader.recent.is_deleted(str(row.get("id")))]
        certain = [self._task(row) for row in settled(there, self._query.order)]
        if self._query.order == "due":
            certain = [task for task in certain if task.due_at is not None]
        return select_page(certain, self._query, self._reader.is_late).more

    def _task(self, row: JsonObject) -> Task:
        task_id = str(row.get("id"))
        if task_id not in self._tasks:
            self._tasks[task_id] = self._reader.task(row)
        return self._tasks[task_id]
