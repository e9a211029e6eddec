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
from taskhand.backends.close.mapping import DONE, OPEN, UNLISTED_PRIORITY, created_at, times_of
from taskhand.backends.close.paging import Page, read_pages, row_key, too_many_rows
from taskhand.backends.close.task_reader import TaskReader
from taskhand.backends.close.task_types import LEAD
from taskhand.backends.remote.parsing import JsonObject, text_of
from taskhand.domain.errors import InvalidAnswer, NotFound, UpstreamError
from taskhand.domain.field_reader import with_unreadable
from taskhand.domain.page import TaskPage, select_page
from taskhand.domain.query import NO_DUE, Order, TaskQuery, matcher
from taskhand.domain.task import Task
from taskhand.domain.task_times import TaskTimes

__all__ = ["TaskSearch", "settled_rows"]

Params = dict[str, str]
_Timed = tuple[Task, TaskTimes]

_ORDERS: Final[Mapping[Order, str]] = {
    "due": "date",
    "created": "-date_created",
    "oldest": "date_created",
    "priority": "date_created",
}
"""The `_order_by` of each order; Close has none for priorities."""
_SECOND: Final = timedelta(seconds=1)
_SLACK: Final = timedelta(days=2)
"""A window is wider than the query's, as Close does not document how a day compares with an instant."""
_YEARS: Final = range(1900, 3000)
"""The years that are sent, as Close does not document which it accepts; a window end beyond them is left out."""
_MOST_ASSIGNEES: Final = 3
"""Maximum people that are filtered by, one list each; beyond that everyone's tasks are listed."""
_MOST_PARTS: Final = 40
"""Maximum parts, of 5,000 tasks each, in which a list is read by the time of creation."""
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
        if window and query.wants_dateless:
            found = await self._tasks(query, window)
            dated = [(task, times) for task, times in found if task.due_at or task.unreadable_fields]
            page = self._select(dated, query)
            if page.more:
                return page
            window = {}
        return self._select(await self._tasks(query, window), query)

    def _select(self, tasks: Sequence[_Timed], query: TaskQuery) -> TaskPage:
        times = {task.id: its for task, its in tasks}
        return select_page([task for task, _ in tasks], query, self._reader.is_late, times)

    def _timed(self, row: JsonObject) -> _Timed:
        return self._reader.task(row), times_of(row)

    async def _tasks(self, query: TaskQuery, window: Params) -> list[_Timed]:
        """The tasks in the window that may match, as they are now."""
        rows: dict[str, JsonObject] = {}
        day = date.fromisoformat(window["date__gte"]) if "date__gte" in window else self._reader.today()
        of_lead = await self._lead_filter(query)
        for assignee in _assignees(query):
            params = {
                **self._types_of(query),
                **_filters(query),
                **_created_and_updated(query),
                **of_lead,
                **assignee,
                **window,
            }
            rows |= await self._rows(query, params, day)
        rows = {one: row for one, row in rows.items() if not self._reader.recent.is_deleted(one)}
        for row in rows.values():
            self._reader.priorities.note_read(row)
        current = await self._up_to_date(rows, query)
        tasks = [self._timed(row) for row in current]
        if query.priority is None:
            return tasks
        if not any(row.get("priority") for row in current):
            self._check_priorities(tasks, query)
        return [
            (with_unreadable(one, "priority") if one.priority == UNLISTED_PRIORITY else one, times)
            for one, times in tasks
        ]

    def _types_of(self, query: TaskQuery) -> Params:
        """The type asked for, else those that are listed."""
        return self._types if query.task_type is None else {"_type": query.task_type}

    async def _lead_filter(self, query: TaskQuery) -> Params:
        """The lead that has every task of the contact asked for; no filter where the contact has none."""
        if query.contact is None or not query.contact.startswith("cont_"):
            return {}
        try:
            lead = await self._reader.client.lead_of_contact(query.contact)
        except NotFound:
            return {}
        return {"lead_id": lead} if lead else {}

    async def _rows(self, query: TaskQuery, params: Params, day: date) -> dict[str, JsonObject]:
        """The rows that Close lists, as many as the page needs.

        A list is read to 5,000 rows. Longer ones are read in parts, each from the time of creation at which the part
        before ended; UpstreamError where Close does not sort by it, or where a part has one time only.
        """
        rows: dict[str, JsonObject] = {}
        order, bound = _ORDERS[query.order], dict[str, str]()
        for _ in range(_MOST_PARTS):

            async def fetch(skip: int, params: Params = params | bound | {"_order_by": order}) -> Page:
                return await self._reader.client.tasks(params, skip, day)

            known, fills_page = dict(rows), self._fills_page(query)

            def is_enough(
                new: Sequence[JsonObject],
                known: Mapping[str, JsonObject] = known,
                fills_page: Callable[[Sequence[JsonObject]], bool] = fills_page,
            ) -> bool:
                return fills_page([*known.values(), *(row for row in new if row_key(row) not in known)])

            found, is_whole = await read_pages(fetch, is_enough)
            rows |= {row_key(row): row for row in found}
            if is_whole:
                return rows
            if order == "date":
                rows, order = {}, "date_created"
            else:
                bound = _bound_after(found, order)
        raise too_many_rows()

    def _fills_page(self, query: TaskQuery) -> Callable[[Sequence[JsonObject]], bool]:
        """Whether rows of a list hold the page, whatever follows them; each row is read as a task once."""
        tasks: dict[str, _Timed | None] = {}

        def fills_page(rows: Sequence[JsonObject]) -> bool:
            certain = []
            for row in settled_rows(rows, query.order):
                task_id = row_key(row)
                if task_id not in tasks:
                    tasks[task_id] = self._matching(row, query)
                if (found := tasks[task_id]) is not None and not self._reader.recent.is_deleted(task_id):
                    certain.append(found)
            return self._select(certain, query).more

        return fills_page

    def _matching(self, row: JsonObject, query: TaskQuery) -> _Timed | None:
        """The task of a row; None where it does not match, or where its place in the list is not certain."""
        task, times = self._timed(row)
        if query.order == "due" and not task.due_at:
            return None
        return (task, times) if matcher(query, self._reader.is_late, {task.id: times})(task) else None

    def _check_priorities(self, tasks: Sequence[_Timed], query: TaskQuery) -> None:
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
        is_listed = self._names is None or (text_of(row.get("_type")) or LEAD) in self._names
        if query.task_type is None and not is_listed:
            return False
        page = self._select([self._timed(row)], replace(query, after=None, limit=1))
        return bool(page.tasks or page.unreadable)


def settled_rows(rows: Sequence[JsonObject], order: Order) -> list[JsonObject]:
    """The rows of a list so far that no further row can come before; none where the list is not in order."""
    if order == "due":
        days = [(day, row) for row in rows if (day := _day(str(row.get("date"))[:10])) is not None]
        if not days or any(later[0] < _moved(one[0], -_SLACK / 2) for one, later in pairwise(days)):
            return []
        frontier = _moved(max(day for day, _ in days), -_SLACK)
        return [row for day, row in days if day < frontier]
    if order in ("created", "oldest"):
        times = [time for row in rows if (time := created_at(row))]
        if not times or not _are_sorted(times, len(rows), descending=order == "created"):
            return []
        last = _milliseconds(times[-1])
        return [row for time, row in zip(times, rows, strict=True) if _milliseconds(time) != last]
    return []


def _are_sorted(times: Sequence[datetime], count: int, *, descending: bool) -> bool:
    """Whether every one of `count` rows has a time, and these are in order, to the millisecond."""
    stamps = [_milliseconds(time) for time in (reversed(times) if descending else times)]
    return len(stamps) == count and all(one <= later for one, later in pairwise(stamps))


def _bound_after(rows: Sequence[JsonObject], order: str) -> dict[str, str]:
    """The filter of the rows from the last one on; UpstreamError where none of them is certain to be found so."""
    times, descending = [time for row in rows if (time := created_at(row))], order.startswith("-")
    is_step = _are_sorted(times, len(rows), descending=descending) and _milliseconds(times[0]) != _milliseconds(
        times[-1]
    )
    if not is_step:
        raise too_many_rows()
    return _from_moment(times[-1], descending=descending)


def _from_moment(moment: datetime, *, descending: bool) -> dict[str, str]:
    """The filter of what was created at a moment or after it in the order of a list; it is wider by a second."""
    if descending:
        return {"date_created__lte": (moment + _SECOND).isoformat(timespec="seconds")}
    return {"date_created__gte": moment.isoformat(timespec="seconds")}


def _created_and_updated(query: TaskQuery) -> Params:
    """The filters by the times of creation and change: those of the query's period, and of where the page begins."""
    params = Params()
    if query.period is not None and query.period.moment != "completed":
        name, start, end = f"date_{query.period.moment}", query.period.start, query.period.end
        params |= {f"{name}__gte": start.isoformat(timespec="seconds")} if start else {}
        params |= {f"{name}__lte": (end + _SECOND).isoformat(timespec="seconds")} if end else {}
    if query.order in ("created", "oldest") and query.after is not None and query.after[0]:
        params |= _from_moment(datetime.fromisoformat(str(query.after[0])), descending=query.order == "created")
    return params


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
    if query.of_nobody:
        return [{}]
    people = list(dict.fromkeys(query.responsible_ids or ()))
    return [{"assigned_to": one} for one in people] if 0 < len(people) <= _MOST_ASSIGNEES else [{}]


def _window(query: TaskQuery, today: date) -> Params:
    """The window of dates with every matching task that has a due date; empty where dateless tasks may come first."""
    is_past_dated = query.after is not None and query.after[0] == NO_DUE
    if query.without_date or (query.wants_dateless and (query.order != "due" or is_past_dated)):
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
