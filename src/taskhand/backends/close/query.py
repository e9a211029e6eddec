"""Task lists: Close filters what it can, the rest is filtered here, and no matching task is missed.

Source: https://developer.close.com/api/resources/tasks, "List or filter all tasks". Close has no filter for dateless
tasks: they have the day of their creation as `date`, so a window of dates does not find them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from taskhand.backends.close.client import CHUNK
from taskhand.backends.close.mapping import DONE, OPEN, UNLISTED_PRIORITY, created_at
from taskhand.backends.close.paging import Page, read_all_pages, row_key
from taskhand.backends.close.task_reader import TaskReader
from taskhand.backends.close.task_types import LEAD
from taskhand.backends.remote.parsing import JsonObject, text_of
from taskhand.domain.errors import InvalidAnswer, UpstreamError
from taskhand.domain.field_reader import with_unreadable
from taskhand.domain.page import TaskPage, select_page
from taskhand.domain.query import NO_DUE, Order, TaskQuery
from taskhand.domain.task import Task

__all__ = ["TaskSearch", "settled_rows"]

Params = Mapping[str, str]

_ORDERS: Final[Mapping[Order, str]] = {"due": "date", "created": "-date_created", "priority": "date_created"}
"""The `_order_by` of each order; Close has none for priorities."""
_SLACK: Final = timedelta(days=2)
"""A window is wider than the query's, as Close does not document how a day compares with an instant."""
_YEARS: Final = range(1900, 3000)
"""The years that are sent, as Close does not document which it accepts; a window end beyond them is left out."""
_MOST_ASSIGNEES: Final = 3
"""Maximum people that are filtered by, one list each; beyond that everyone's tasks are listed."""
_MOST_UNLISTED: Final = 10
"""Maximum tasks that were just written, and that no list shows, that are read one by one."""


class TaskSearch:
    """Lists tasks of the types that the parameters `types` select."""

    def __init__(self, reader: TaskReader, types: Params) -> None:
        self._reader = reader
        self._types = types
        self._names = frozenset(types["_type__in"].split(",")) if "_type__in" in types else None

    async def page(self, query: TaskQuery) -> TaskPage:
        """One page; UpstreamError `too_many_tasks` where more tasks may match than are read.

        In order of the due date, dateless tasks come last, and are found only in a list of all tasks: that is read when
        the dated ones do not fill the page.
        """
        window = _window(query, self._reader.today())
        if window and _wants_dateless(query):
            dated = [task for task in await self._tasks(query, window) if task.due_at or task.unreadable_fields]
            page = self._select(dated, query)
            if page.more:
                return page
            window = {}
        return self._select(await self._tasks(query, window), query)

    def _select(self, tasks: Sequence[Task], query: TaskQuery) -> TaskPage:
        return select_page(tasks, query, self._reader.is_late)

    async def _tasks(self, query: TaskQuery, window: Params) -> list[Task]:
        """The tasks in the window that may match, as they are now."""
        rows: dict[str, JsonObject] = {}
        day = date.fromisoformat(window["date__gte"]) if "date__gte" in window else self._reader.today()
        for assignee in _assignees(query):
            params = {**self._types, **_filters(query), **assignee, **window, "_order_by": _ORDERS[query.order]}

            async def fetch(skip: int, params: Params = params) -> Page:
                return await self._reader.client.tasks(params, skip, day)

            rows |= {row_key(row): row for row in await read_all_pages(fetch, self._fills_page(query))}
        rows = {one: row for one, row in rows.items() if not self._reader.recent.is_deleted(one)}
        for row in rows.values():
            self._reader.priorities.note_read(row)
        current = await self._up_to_date(rows, query)
        tasks = [self._reader.task(row) for row in current]
        if query.priority is None:
            return tasks
        if not any(row.get("priority") for row in current):
            self._check_priorities(tasks, query)
        return [with_unreadable(one, "priority") if one.priority == UNLISTED_PRIORITY else one for one in tasks]

    def _fills_page(self, query: TaskQuery) -> Callable[[Sequence[JsonObject]], bool]:
        """Whether rows of a list hold the page, whatever follows them; each row is read as a task once."""
        tasks: dict[str, Task] = {}

        def fills_page(rows: Sequence[JsonObject]) -> bool:
            certain = []
            for row in settled_rows(rows, query.order):
                task_id = row_key(row)
                if task_id not in tasks:
                    tasks[task_id] = self._reader.task(row)
                if not self._reader.recent.is_deleted(task_id) and (query.order != "due" or tasks[task_id].due_at):
                    certain.append(tasks[task_id])
            return self._select(certain, query).more

        return fills_page

    def _check_priorities(self, tasks: Sequence[Task], query: TaskQuery) -> None:
        """UpstreamError where tasks match otherwise whose priority Close does not list."""
        unlisted = replace(query, priority=UNLISTED_PRIORITY, after=None, limit=len(tasks))
        if count := len(self._select(tasks, unlisted).tasks):
            raise UpstreamError(
                f"Close did not say the priority of {count} tasks, so tasks cannot be found by priority here.",
                code="priority_unknown",
                next_step="Leave priority out. In a task, priority 0 means that Close does not say it.",
            )

    async def _up_to_date(self, rows: Mapping[str, JsonObject], query: TaskQuery) -> list[JsonObject]:
        """The rows as they were last written here, and the matching tasks that were written and are not listed yet."""
        writes = ((one, write.row) for one, write in self._reader.recent.all() if one not in rows)
        written = {one: row for one, row in writes if self._matches(row, query)}
        found = await self._reader.many(list(written)[:CHUNK])
        unlisted = [one for one in written if one not in found][:_MOST_UNLISTED]
        gone = [one for one in unlisted if await self._is_gone(one)]
        listed = [self._reader.newest(row, listed=True) for row in rows.values()]
        return listed + [found.get(one, row) for one, row in written.items() if one not in gone]

    async def _is_gone(self, task_id: str) -> bool:
        try:
            return not await self._reader.some([task_id])
        except InvalidAnswer:
            return False

    def _matches(self, row: JsonObject, query: TaskQuery) -> bool:
        if self._names is not None and (text_of(row.get("_type")) or LEAD) not in self._names:
            return False
        page = self._select([self._reader.task(row)], replace(query, after=None, limit=1))
        return bool(page.tasks or page.unreadable)


def settled_rows(rows: Sequence[JsonObject], order: Order) -> list[JsonObject]:
    """The rows of a list so far that no further row can come before; none where the list is not in order."""
    if order == "due":
        days = [(day, row) for row in rows if (day := _day(str(row.get("date"))[:10])) is not None]
        if not days or any(later[0] < _moved(one[0], -_SLACK / 2) for one, later in pairwise(days)):
            return []
        frontier = _moved(max(day for day, _ in days), -_SLACK)
        return [row for day, row in days if day < frontier]
    if order == "created":
        times = [(_milliseconds(time), row) for row in rows if (time := created_at(row))]
        if len(times) < len(rows) or any(one[0] < later[0] for one, later in pairwise(times)):
            return []
        return [row for time, row in times if time > times[-1][0]]
    return []


def _milliseconds(time: datetime) -> datetime:
    """A time as pages are sorted by it; equal ones are sorted by id."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _filters(query: TaskQuery) -> Params:
    """The filters of Close that lose no matching task."""
    params = {}
    wanted = {status is DONE for status in (OPEN, DONE) if any(one.met_by(status) for one in query.statuses or ())}
    if query.overdue or wanted == {False}:
        params["is_complete"] = "false"
    elif wanted == {True}:
        params["is_complete"] = "true"
    if query.contact is not None and query.contact.startswith("lead_"):
        params["lead_id"] = query.contact
    return params


def _assignees(query: TaskQuery) -> Sequence[Params]:
    """One filter for each responsible, or an empty one."""
    people = list(dict.fromkeys(query.responsible_ids or ()))
    return [{"assigned_to": one} for one in people] if 0 < len(people) <= _MOST_ASSIGNEES else [{}]


def _wants_dateless(query: TaskQuery) -> bool:
    return query.include_tasks_without_dates and not query.overdue


def _window(query: TaskQuery, today: date) -> Params:
    """The window of dates with every matching task that has a due date; empty where dateless tasks may come first."""
    is_past_dated = query.after is not None and query.after[0] == NO_DUE
    if _wants_dateless(query) and (query.order != "due" or is_past_dated):
        return {}
    last_page = str(query.after[0])[:10] if query.after is not None and query.order == "due" else None
    first = max(filter(None, (_day(query.from_date), _day(last_page))), default=None)
    last = min(filter(None, (_day(query.to_date), today if query.overdue else None)), default=None)
    ends = {"date__gte": first and _moved(first, -_SLACK), "date__lte": last and _moved(last, _SLACK)}
    return {name: day.isoformat() for name, day in ends.items() if day and day.year in _YEARS}


def _moved(day: date, by: timedelta) -> date:
    """`day` moved by `by`; itself at the ends of the calendar."""
    try:
        return day + by
    except OverflowError:
        return day


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
