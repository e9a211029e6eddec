"""List tasks."""

import re
from dataclasses import dataclass, replace

from pydantic import MISSING

from taskhand.domain import people, rules, statuses
from taskhand.domain.due import due_of, is_overdue
from taskhand.domain.page import TaskPage, resume
from taskhand.domain.query import Order, TaskFilter, TaskQuery
from taskhand.domain.task import FINISHED, Member, Task
from taskhand.domain.text import without_cut
from taskhand.domain.window import with_iso_days
from taskhand.service.app_context import AppContext

__all__ = ["TaskList", "check_people_known", "fetch_page", "list_tasks", "resolve_filter"]


@dataclass(frozen=True, slots=True)
class TaskList:
    """One page of tasks, with what is needed to render it.

    `query` is the query that was answered; the cursor needs it. `members` are the team by id. `overdue` are task ids.
    `unreadable` as of a TaskPage.
    """

    tasks: tuple[Task, ...]
    query: TaskQuery
    more: bool
    members: dict[str, Member]
    overdue: frozenset[str]
    unreadable: tuple[str, ...] = ()


async def list_tasks(
    app: AppContext, given: TaskFilter, *, order: Order = "due", limit: int = 25, cursor: str | None = None
) -> TaskList:
    """One page of the tasks that match the filter; CallerError where the filter or the cursor is invalid."""
    members = await app.backend.members()
    query = replace(await resolve_filter(app, given), order=order, limit=limit)
    page = await fetch_page(app, resume(query, cursor) if cursor else query)
    if not page.tasks and not page.unreadable:
        await check_people_known(app, given)
    overdue = frozenset(task.id for task in page.tasks if _is_overdue(app, task))
    return TaskList(page.tasks, query, page.more, {member.id: member for member in members}, overdue, page.unreadable)


async def fetch_page(app: AppContext, query: TaskQuery) -> TaskPage:
    """One page of a query; empty without a request where the query matches no status at all.

    An unreadable task whose id no tool would take counts as one without an id.
    """
    if query.statuses == ():
        return TaskPage((), more=False)
    page, pattern = await app.backend.list_tasks(query), app.backend.capabilities.id_pattern
    return replace(page, unreadable=tuple(one if re.fullmatch(pattern, one) else "" for one in page.unreadable))


async def resolve_filter(app: AppContext, given: TaskFilter) -> TaskQuery:
    """The query of a filter, with names replaced by ids; CallerError where the filter is invalid."""
    given, matched = with_iso_days(given, app.reference)
    rules.check_filter(given, app.backend.capabilities)
    members = await app.backend.members()
    return TaskQuery(
        responsible_ids=await _resolve_responsibles(app, given, members),
        from_date=_given(given.from_date),
        to_date=_given(given.to_date),
        include_tasks_without_dates=given.include_tasks_without_dates is not False,
        statuses=None
        if given.status is MISSING
        else statuses.resolve_filter_statuses(given.status, await app.backend.statuses()),
        text=None if given.text is MISSING else without_cut(given.text),
        overdue=None if given.overdue is MISSING else given.overdue,
        priority=None if given.priority is MISSING else int(given.priority),
        contact=_given(given.contact),
        matched=matched,
    )


async def check_people_known(app: AppContext, given: TaskFilter) -> None:
    """Refuse a filter that names an id of nobody.

    To be called where the filter found nothing: a former member may still have tasks, so the id alone proves nothing.
    """
    if given.responsible_ids is not MISSING:
        people.resolve_people(given.responsible_ids, await app.backend.members(), await app.backend.me())


def _is_overdue(app: AppContext, task: Task) -> bool:
    unfinished = task.status_config is None or task.status_config.type not in FINISHED
    return unfinished and is_overdue(due_of(task), app.clock(), app.timezone)


async def _resolve_responsibles(
    app: AppContext, given: TaskFilter, members: tuple[Member, ...]
) -> tuple[str, ...] | None:
    if given.responsible_ids is MISSING:
        return None
    # A former member may still have tasks, so an id is accepted whether or not it is in the team now.
    ids = [one for one in given.responsible_ids if re.fullmatch(app.backend.capabilities.member_id_pattern, one)]
    return people.resolve_people(given.responsible_ids, members, await app.backend.me(), also=ids).ids


def _given(value: str | MISSING) -> str | None:
    return None if value is MISSING else value
