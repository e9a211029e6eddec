"""List tasks."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from taskhand.domain.due import is_late
from taskhand.domain.task import Member, Task
from taskhand.domain.task_cursor import Position, resume
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import LINK_FIELDS, Order, TaskFilter, TaskQuery, task_sort_key
from taskhand.domain.task_times import NO_TIMES, TaskTimes
from taskhand.service.app_context import AppContext
from taskhand.service.resolve_filter import resolve_filter
from taskhand.service.resolve_people import find_former_members
from taskhand.service.unknown_filter_names import check_names_known

__all__ = ["TaskList", "all_pages", "list_tasks"]


@dataclass(frozen=True, slots=True)
class TaskList:
    """One page of tasks, with what is needed to render it.

    `query` is the query that was answered; the cursor needs it. `members` are the team by id, `former` those who left
    and are responsible for a task or have finished one. `overdue` are task ids. `now` is when the list was made; `zone`
    is the IANA zone in which moments are shown (None: UTC). `unreadable` and `times` as of a TaskPage.
    """

    tasks: tuple[Task, ...]
    query: TaskQuery
    more: bool
    members: dict[str, Member]
    overdue: frozenset[str]
    now: datetime
    zone: str | None = None
    unreadable: tuple[str, ...] = ()
    times: Mapping[str, TaskTimes] = field(default_factory=lambda: NO_TIMES)
    former: Mapping[str, Member] = field(default_factory=dict)


async def list_tasks(
    app: AppContext,
    task_filter: TaskFilter,
    *,
    order: Order = "due",
    limit: int = 25,
    cursor: str | Position | None = None,
    links: frozenset[str] = LINK_FIELDS,
) -> TaskList:
    """One page of the tasks that match the filter; CallerError if the filter or the cursor is invalid.

    `links` are those of the fields contact, customer and deal that are shown.
    """
    members = {member.id: member for member in await app.backend.account.members()}
    query = replace(
        await resolve_filter(app, task_filter), order=order, limit=limit, links=links, connection=app.connection.name
    )
    page = await _fetch_page(app, resume(query, cursor) if cursor else query)
    if not page.tasks and not page.unreadable:
        await check_names_known(app, task_filter)
    now = app.clock()
    overdue = frozenset(task.id for task in page.tasks if is_late(task, now, app.timezone))
    responsible = [person for task in page.tasks for person in task.responsible_ids]
    completers = [times.completed_by for times in page.times.values() if times.completed_by]
    former = await find_former_members(app, [*responsible, *completers], members)
    return TaskList(
        page.tasks,
        query,
        page.more,
        members,
        overdue,
        now,
        app.timezone,
        page.unreadable,
        page.times,
        former,
    )


async def _fetch_page(app: AppContext, query: TaskQuery) -> TaskPage:
    """One page of a query; empty without a request if the query matches no status at all.

    An unreadable task whose id no tool would take counts as one without an id.
    """
    if query.statuses == ():
        return TaskPage((), more=False)
    page, pattern = await app.backend.list_tasks(query), app.backend.capabilities.id_pattern
    return replace(
        page, unreadable=tuple(task_id if re.fullmatch(pattern, task_id) else "" for task_id in page.unreadable)
    )


async def all_pages(app: AppContext, query: TaskQuery) -> AsyncIterator[TaskPage]:
    """All pages of a query."""
    while True:
        page = await _fetch_page(app, query)
        yield page
        if not page.more or not page.tasks:
            return
        last = page.tasks[-1]
        query = replace(query, after=(task_sort_key(last, query.order), last.id))
