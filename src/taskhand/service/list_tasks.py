"""List tasks."""

import re
from dataclasses import dataclass, replace

from pydantic import MISSING

from taskhand.domain import people, rules, statuses
from taskhand.domain.due import due_of, is_overdue
from taskhand.domain.page import resume
from taskhand.domain.task import FINISHED, Member, Order, Task, TaskFilter, TaskPage, TaskQuery
from taskhand.service.app_context import Desk

__all__ = ["TaskList", "check_known", "list_tasks", "page_of", "query_of"]


@dataclass(frozen=True, slots=True)
class TaskList:
    """A page of tasks, the query it answers (for its cursor), whether more follow, everyone by id, and what is late."""

    tasks: tuple[Task, ...]
    query: TaskQuery
    more: bool
    members: dict[str, Member]
    overdue: frozenset[str]


async def list_tasks(
    desk: Desk, given: TaskFilter, *, order: Order = "due", limit: int = 25, cursor: str | None = None
) -> TaskList:
    """One page of the tasks that the filter finds; CallerError where the filter or the cursor is not usable."""
    members = await desk.backend.members()
    query = replace(await query_of(desk, given), order=order, limit=limit)
    page = await page_of(desk, resume(query, cursor) if cursor else query)
    if not page.tasks:
        await check_known(desk, given)
    late = frozenset(task.id for task in page.tasks if _is_late(desk, task))
    return TaskList(page.tasks, query, page.more, {member.id: member for member in members}, late)


async def page_of(desk: Desk, query: TaskQuery) -> TaskPage:
    """One page; where no status there is was asked for, nobody has to be asked."""
    return TaskPage((), more=False) if query.statuses == () else await desk.backend.list_tasks(query)


async def query_of(desk: Desk, given: TaskFilter) -> TaskQuery:
    """What the filter means, its names replaced by ids; CallerError where it is not usable."""
    rules.check_filter(given, desk.backend.capabilities)
    members = await desk.backend.members()
    return TaskQuery(
        responsible_ids=await _whose(desk, given, members),
        from_date=_value(given.from_date),
        to_date=_value(given.to_date),
        include_tasks_without_dates=given.include_tasks_without_dates is not False,
        statuses=None if given.status is MISSING else statuses.found_by(given.status, await desk.backend.statuses()),
        text=_value(given.text),
        overdue=None if given.overdue is MISSING else given.overdue,
        priority=None if given.priority is MISSING else int(given.priority),
        contact=_value(given.contact),
    )


async def check_known(desk: Desk, given: TaskFilter) -> None:
    """Refuse a filter for somebody unknown: where nothing was found, an id that nobody has is not an idle person."""
    if given.responsible_ids is not MISSING:
        people.named(given.responsible_ids, await desk.backend.members(), await desk.backend.me())


def _is_late(desk: Desk, task: Task) -> bool:
    unfinished = task.status_config is None or task.status_config.type not in FINISHED
    return unfinished and is_overdue(due_of(task), desk.clock(), desk.timezone)


async def _whose(desk: Desk, given: TaskFilter, members: tuple[Member, ...]) -> tuple[str, ...] | None:
    if given.responsible_ids is MISSING:
        return None
    # Somebody who left may still have tasks: an id is an id, whether or not it is a member's now.
    ids = [one for one in given.responsible_ids if re.fullmatch(desk.backend.capabilities.member_id_pattern, one)]
    return people.named(given.responsible_ids, members, await desk.backend.me(), also=ids).ids


def _value(given: str | MISSING) -> str | None:
    return None if given is MISSING else given
