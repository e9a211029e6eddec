"""List tasks."""

import re
from dataclasses import dataclass, replace

from pydantic import MISSING

from taskhand.domain import people, rules, statuses
from taskhand.domain.due import due_of, is_overdue
from taskhand.domain.page import TaskPage, resume
from taskhand.domain.query import Order, TaskFilter, TaskQuery
from taskhand.domain.task import FINISHED, Member, Task
from taskhand.service.app_context import AppContext

__all__ = ["TaskList", "check_people_known", "fetch_page", "list_tasks", "resolve_filter"]


@dataclass(frozen=True, slots=True)
class TaskList:
    """A page of tasks, the query it answers (for its cursor), whether more follow, everyone by id, and what is late."""

    tasks: tuple[Task, ...]
    query: TaskQuery
    more: bool
    members: dict[str, Member]
    overdue: frozenset[str]


async def list_tasks(
    app: AppContext, given: TaskFilter, *, order: Order = "due", limit: int = 25, cursor: str | None = None
) -> TaskList:
    """One page of the tasks that the filter finds; CallerError where the filter or the cursor is not usable."""
    members = await app.backend.members()
    query = replace(await resolve_filter(app, given), order=order, limit=limit)
    page = await fetch_page(app, resume(query, cursor) if cursor else query)
    if not page.tasks:
        await check_people_known(app, given)
    late = frozenset(task.id for task in page.tasks if _is_late(app, task))
    return TaskList(page.tasks, query, page.more, {member.id: member for member in members}, late)


async def fetch_page(app: AppContext, query: TaskQuery) -> TaskPage:
    """One page; where no status there is was asked for, nobody has to be asked."""
    return TaskPage((), more=False) if query.statuses == () else await app.backend.list_tasks(query)


async def resolve_filter(app: AppContext, given: TaskFilter) -> TaskQuery:
    """What the filter means, its names replaced by ids; CallerError where it is not usable."""
    rules.check_filter(given, app.backend.capabilities)
    members = await app.backend.members()
    return TaskQuery(
        responsible_ids=await _whose(app, given, members),
        from_date=_value(given.from_date),
        to_date=_value(given.to_date),
        include_tasks_without_dates=given.include_tasks_without_dates is not False,
        statuses=None if given.status is MISSING else statuses.found_by(given.status, await app.backend.statuses()),
        text=_value(given.text),
        overdue=None if given.overdue is MISSING else given.overdue,
        priority=None if given.priority is MISSING else int(given.priority),
        contact=_value(given.contact),
    )


async def check_people_known(app: AppContext, given: TaskFilter) -> None:
    """Refuse a filter for somebody unknown: where nothing was found, an id that nobody has is not an idle person."""
    if given.responsible_ids is not MISSING:
        people.resolve_people(given.responsible_ids, await app.backend.members(), await app.backend.me())


def _is_late(app: AppContext, task: Task) -> bool:
    unfinished = task.status_config is None or task.status_config.type not in FINISHED
    return unfinished and is_overdue(due_of(task), app.clock(), app.timezone)


async def _whose(app: AppContext, given: TaskFilter, members: tuple[Member, ...]) -> tuple[str, ...] | None:
    if given.responsible_ids is MISSING:
        return None
    # Somebody who left may still have tasks: an id is an id, whether or not it is a member's now.
    ids = [one for one in given.responsible_ids if re.fullmatch(app.backend.capabilities.member_id_pattern, one)]
    return people.resolve_people(given.responsible_ids, members, await app.backend.me(), also=ids).ids


def _value(given: str | MISSING) -> str | None:
    return None if given is MISSING else given
