"""Reads of Close's tasks, by id and in lists: no row is older than our last write, and no matching task is missed.

Source: https://developer.close.com/api/resources/tasks, "List or filter all tasks". Filters that Close does not have
are applied here. It has none for dateless tasks: their `date` is the day of their creation, so a window of due dates
does not find them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from taskhand.backends.close import mapping, offset_paging
from taskhand.backends.close.client import CHUNK, CloseClient
from taskhand.backends.close.errors import MESSAGES
from taskhand.backends.close.fields.task_types import LEAD
from taskhand.backends.close.fields.unlisted_priorities import UnlistedPriorities
from taskhand.backends.remote.parsing import JsonObject, id_of, invalid_answer, read_task, text_or_none
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.domain.chunks import chunks
from taskhand.domain.due import is_late
from taskhand.domain.errors import InvalidAnswer, NotFound, UpstreamError
from taskhand.domain.task import Task
from taskhand.domain.task_page import TaskPage, select_page
from taskhand.domain.task_query import NO_DUE, Order, TaskQuery, matcher
from taskhand.domain.task_times import TaskTimes
from taskhand.domain.unreadable_fields import with_unreadable

__all__ = ["PageSearch", "TasksById"]

Params = dict[str, str]

_ORDERS: Final[Mapping[Order, str]] = {
    "due": "date",
    "created": "-date_created",
    "oldest": "date_created",
    "priority": "date_created",
}
"""The `_order_by` of each order; Close cannot sort by priority."""
_YEARS: Final = range(1900, 3000)
"""The years of days that are sent, as Close documents no range; the end of a window is left out if it is outside."""
_MAX_ASSIGNEES: Final = 3
"""Maximum responsibles that Close filters by, one list each; for more, the tasks of all are listed."""
_MAX_PARTS: Final = 40
"""Maximum parts of up to 5,000 tasks in which a list is read."""
_MAX_UNLISTED: Final = 10
"""Maximum tasks that are read one by one because they were just written and no list shows them."""


class TasksById:
    """Reads tasks by their ids.

    `zone` is the IANA zone of days and of shown times, UTC if None; `clock` returns an aware datetime.
    """

    def __init__(
        self, client: CloseClient, zone: str | None, recent: RecentWrites[JsonObject], clock: Callable[[], datetime]
    ) -> None:
        self.client = client
        self.recent = recent
        self.priorities = UnlistedPriorities()
        self._clock = clock
        self._zone = zone

    def today(self) -> date:
        """The current day in the zone."""
        return self._clock().astimezone(ZoneInfo(self._zone or "UTC")).date()

    def is_late(self, task: Task) -> bool:
        """Whether a task is open and past due."""
        return is_late(task, self._clock(), self._zone)

    def to_task(self, row: JsonObject) -> Task:
        """Convert a row to a task, with a priority that was sent if the row lists none."""
        return read_task(id_of(row), lambda: mapping.task_of(self.priorities.fill_in(row), self._zone))

    async def read_row(self, task_id: str, *, after_write: bool = False) -> JsonObject:
        """The row of one task of any type; NotFound, InvalidAnswer.

        `after_write` is whether the read follows a write of ours that may have changed the task. If Close does not show
        a task that was just written, its written row is returned. A task that was just deleted is NotFound.
        """
        if self.recent.is_deleted(task_id):
            raise MESSAGES.no_task(task_id)
        try:
            reply = await self.client.task(task_id)
        except NotFound:
            if (row := self.unshown_row(task_id)) is None:
                raise MESSAGES.no_task(task_id) from None
            return row
        if reply.object.get("id") != task_id:
            raise invalid_answer("Close", "with something that is not the task")
        if not after_write:
            self.priorities.note_read(reply.object)
        self.recent.note_read([task_id])
        return self.newest(reply.object, listed=False)

    async def list_rows(self, ids: Sequence[str], *, after_write: bool = False) -> dict[str, JsonObject]:
        """Rows of tasks of any type by id, without those that do not exist; `after_write` as in `read_row`."""
        listed: dict[str, JsonObject] = {}
        unique = [task_id for task_id in dict.fromkeys(ids) if not self.recent.is_deleted(task_id)]
        for chunk in chunks(unique, CHUNK):
            rows = await self.client.tasks_by_id(chunk)
            if not all(map(id_of, rows)):
                # A row without an id may belong to any id without a row: that task exists, with unknown fields.
                rows = (*({"id": task_id} for task_id in chunk), *filter(id_of, rows))
            for row in rows:
                if not after_write:
                    self.priorities.note_read(row)
                listed[id_of(row)] = self.newest(row, listed=True)
        self.recent.note_read(listed)
        return listed

    async def read_rows(self, ids: Sequence[str]) -> dict[str, JsonObject]:
        """Rows of tasks of any type in the order of `ids`, with those that were just written and are not shown yet."""
        unique = list(dict.fromkeys(ids))
        if len(unique) == 1:
            try:
                return {unique[0]: await self.read_row(unique[0])}
            except NotFound:
                return {}
        listed = await self.list_rows(unique)
        rows = {task_id: listed.get(task_id) or self.unshown_row(task_id) for task_id in unique}
        return {task_id: row for task_id, row in rows.items() if row is not None}

    def unshown_row(self, task_id: str) -> JsonObject | None:
        """The written row of a task that was just written and that Close has not shown since; else None."""
        write = self.recent.get(task_id)
        return None if write is None or write.is_shown else write.row

    def newest(self, row: JsonObject, *, listed: bool) -> JsonObject:
        """The newer one of `row` and the row of a recent write; at equal times, a `listed` row counts as older."""
        write = self.recent.get(str(row.get("id")))
        if write is None:
            return row
        write.is_shown = True
        ours, theirs = str(write.row.get("date_updated")), str(row.get("date_updated"))
        return write.row if theirs < ours or (listed and theirs == ours) else row


class PageSearch:
    """The search for one page of tasks of the `listed` types, of all types if it is empty; `run` it once."""

    def __init__(self, reader: TasksById, listed: Collection[str], query: TaskQuery) -> None:
        self._reader = reader
        self._listed = listed
        self._query = query
        self._times = dict[str, TaskTimes]()
        self._matches = matcher(query, reader.is_late, self._times)

    async def run(self) -> TaskPage:
        """The page; UpstreamError `too_many_tasks` if more tasks may match than can be read.

        In the order of due dates, dateless tasks come last. Only a list without a window of dates has them; it is read
        if the dated tasks do not fill the page.
        """
        filters = await self._filters()
        window = _window(self._query, self._reader.today())
        if window and self._query.wants_dateless:
            rows = await self._tasks(filters, window)
            page = self._select([task for task in rows if task.due_at or task.unreadable_fields])
            if page.more:
                return page
            window = {}
        return self._select(await self._tasks(filters, window))

    def _select(self, tasks: Sequence[Task]) -> TaskPage:
        return select_page(tasks, self._query, self._reader.is_late, self._times)

    def _task(self, row: JsonObject) -> Task:
        task = self._reader.to_task(row)
        self._times[task.id] = mapping.times_of(row)
        return task

    async def _filters(self) -> Params:
        """The filters of Close that lose no matching task, without those for responsibles and dates."""
        query = self._query
        params = _status_filter(query) | _times_filter(query)
        if query.task_type is not None or not self._listed:
            params["_type"] = query.task_type or "all"
        else:
            params["_type__in"] = ",".join(self._listed)
        contact = query.contact or ""
        if contact.startswith("lead_"):
            params["lead_id"] = contact
        elif contact.startswith("cont_") and (lead_id := await self._lead_of(contact)):
            params["lead_id"] = lead_id
        return params

    async def _lead_of(self, contact_id: str) -> str | None:
        """The id of a contact's lead, which has all tasks of the contact; None if there is no such contact."""
        try:
            return text_or_none((await self._reader.client.contact(contact_id)).get("lead_id"))
        except NotFound:
            return None

    async def _tasks(self, filters: Params, window: Params) -> list[Task]:
        """The tasks in the window that may match, in their newest state.

        UpstreamError `priority_unknown` if the query is for a priority and Close lists none.
        """
        rows: dict[str, JsonObject] = {}
        day = date.fromisoformat(window["date__gte"]) if "date__gte" in window else self._reader.today()
        for assignee in _assignees(self._query):
            rows |= await self._rows(filters | assignee | window, day)
        rows = {task_id: row for task_id, row in rows.items() if not self._reader.recent.is_deleted(task_id)}
        self._reader.recent.note_read(map(id_of, rows.values()))
        for row in rows.values():
            self._reader.priorities.note_read(row)
        current = await self._up_to_date(rows)
        tasks = [self._task(row) for row in current]
        if self._query.priority is None:
            return tasks
        if not any(row.get("priority") for row in current):
            self._check_priorities(tasks)
        return [
            with_unreadable(task, "priority") if task.priority == mapping.UNLISTED_PRIORITY else task for task in tasks
        ]

    async def _rows(self, params: Params, day: date) -> dict[str, JsonObject]:
        """The rows that Close lists, as many as the page needs.

        A list of more than 5,000 rows is read in parts; each part begins at the creation time where the last one ended.
        UpstreamError if a part is not sorted by creation time, or has only one.
        """
        rows: dict[str, JsonObject] = {}
        order, bound = _ORDERS[self._query.order], Params()
        for _ in range(_MAX_PARTS):
            part = await self._part({**params, **bound, "_order_by": order}, day, rows)
            rows |= {offset_paging.row_key(row): row for row in part.rows}
            if not part.more:
                return rows
            if order == "date":
                rows, order = {}, "date_created"
            else:
                bound = offset_paging.bound_after(part.rows, descending=order.startswith("-"))
        raise offset_paging.too_many_rows()

    async def _part(self, params: Params, day: date, before: Mapping[str, JsonObject]) -> offset_paging.OffsetPage:
        """The next rows of a list; reading ends when these and the rows `before` surely fill the page."""
        tasks: dict[str, Task | None] = {}

        def fills_page(rows: Mapping[str, JsonObject]) -> bool:
            certain = []
            for row in offset_paging.settled_rows([*{**before, **rows}.values()], self._query.order):
                key = offset_paging.row_key(row)
                if key not in tasks:
                    tasks[key] = self._task_in_place(row)
                if (task := tasks[key]) is not None and not self._reader.recent.is_deleted(key):
                    certain.append(task)
            return self._select(certain).more

        return await offset_paging.read_pages(lambda skip: self._reader.client.tasks(params, day, skip), fills_page)

    def _task_in_place(self, row: JsonObject) -> Task | None:
        """The task of a row; None if it does not match, or if its place in the list is not certain."""
        task = self._task(row)
        return None if (self._query.order == "due" and not task.due_at) or not self._matches(task) else task

    def _check_priorities(self, tasks: Sequence[Task]) -> None:
        """Raise UpstreamError if a task without a listed priority matches the rest of the query."""
        unlisted = replace(self._query, priority=mapping.UNLISTED_PRIORITY, after=None, limit=len(tasks))
        if count := len(select_page(tasks, unlisted, self._reader.is_late, self._times).tasks):
            raise UpstreamError(
                f"Close did not list the priority of {count} tasks, so a filter by priority is not possible.",
                code="priority_unknown",
                next_step="Leave priority out. Priority 0 of a task means that Close does not list it.",
            )

    async def _up_to_date(self, rows: Mapping[str, JsonObject]) -> list[JsonObject]:
        """The newest state of the rows, and the matching tasks that were just written and are not listed yet."""
        writes = ((task_id, write.row) for task_id, write in self._reader.recent.all() if task_id not in rows)
        written = {task_id: row for task_id, row in writes if self._is_wanted(row)}
        found = await self._reader.list_rows(list(written)[:CHUNK])
        unlisted = [task_id for task_id in written if task_id not in found][:_MAX_UNLISTED]
        gone = [task_id for task_id in unlisted if await self._is_gone(task_id)]
        current = [self._reader.newest(row, listed=True) for row in rows.values()]
        return current + [found.get(task_id, row) for task_id, row in written.items() if task_id not in gone]

    def _is_wanted(self, row: JsonObject) -> bool:
        is_listed = not self._listed or (text_or_none(row.get("_type")) or LEAD) in self._listed
        return (self._query.task_type is not None or is_listed) and self._matches(self._task(row))

    async def _is_gone(self, task_id: str) -> bool:
        try:
            return not await self._reader.read_rows([task_id])
        except InvalidAnswer:
            return False


def _status_filter(query: TaskQuery) -> Params:
    statuses = (mapping.OPEN, mapping.DONE)
    wanted = [status for status in statuses if any(choice.met_by(status) for choice in query.statuses or ())]
    if query.overdue:
        wanted = [mapping.OPEN]
    return {"is_complete": str(wanted[0] is mapping.DONE).lower()} if len(wanted) == 1 else {}


def _times_filter(query: TaskQuery) -> Params:
    """The filters by creation and change times: those of the query's period and of the page's first row."""
    params = Params()
    if query.period is not None and query.period.moment != "completed":
        name, start, end = f"date_{query.period.moment}", query.period.start, query.period.end
        params |= {f"{name}__gte": start.isoformat(timespec="seconds")} if start else {}
        params |= {f"{name}__lte": (end + offset_paging.ONE_SECOND).isoformat(timespec="seconds")} if end else {}
    if query.order in ("created", "oldest") and query.after is not None and query.after[0]:
        params |= offset_paging.created_from(
            datetime.fromisoformat(str(query.after[0])), descending=query.order == "created"
        )
    return params


def _assignees(query: TaskQuery) -> Sequence[Params]:
    """One filter for each responsible; one empty filter if there is none, or if there are too many."""
    people = [] if query.of_nobody else list(dict.fromkeys(query.responsible_ids or ()))
    return [{"assigned_to": person} for person in people] if 0 < len(people) <= _MAX_ASSIGNEES else [{}]


def _window(query: TaskQuery, today: date) -> Params:
    """The window of dates with every matching task that has a due date; empty if dateless tasks may come first."""
    is_past_dated = query.after is not None and query.after[0] == NO_DUE
    if query.without_date or (query.wants_dateless and (query.order != "due" or is_past_dated)):
        return {}
    first, last = query.due_days(today)
    ends = {"date__gte": (first, -offset_paging.DAY_SLACK), "date__lte": (last, offset_paging.DAY_SLACK)}
    return {name: (day + slack).isoformat() for name, (day, slack) in ends.items() if day and day.year in _YEARS}
