"""Which tasks a bulk change is about: given one by one, or found by a filter that leaves something out."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from taskhand.domain import rules
from taskhand.domain.errors import CallerError, NotFound, TaskhandError
from taskhand.domain.query import TaskFilter, TaskQuery, sort_key
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.service.app_context import AppContext
from taskhand.service.list_tasks import check_people_known, fetch_page, resolve_filter

__all__ = ["MOST_TASKS", "Targets", "resolve_targets"]

MOST_TASKS = 1_000
"""Tasks in one call."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Targets:
    """The tasks as they are now, in the order given, and those that cannot be changed, with the error, by id."""

    tasks: tuple[Snapshot, ...]
    refused: Mapping[str, TaskhandError]


async def resolve_targets(app: AppContext, ids: Sequence[str] | None, given: TaskFilter | None) -> Targets:
    """The tasks of these ids, or those that the filter finds; CallerError where neither or both are given."""
    if ids is not None and given is None:
        return await _by_id(app, ids)
    if given is not None and ids is None:
        return await _by_filter(app, given)
    raise CallerError(
        "Neither taskIds nor filter was given." if ids is None else "taskIds and filter were both given.",
        code="no_targets" if ids is None else "several_targets",
        next_step="Send taskIds, or filter.",
    )


async def _by_id(app: AppContext, ids: Sequence[str]) -> Targets:
    """The tasks of these ids, each once; CallerError for none or too many."""
    unique = list(dict.fromkeys(ids))
    if not unique or len(unique) > MOST_TASKS:
        raise CallerError(
            f"{len(unique)} taskIds were given.",
            code="too_many_tasks" if unique else "nothing_to_change",
            next_step=f"Send 1 to {MOST_TASKS} ids.",
        )
    pattern = app.backend.capabilities.id_pattern
    found = await app.backend.snapshots([one for one in unique if re.fullmatch(pattern, one)], fresh=True)
    refused = {one: _no_task(app, one) for one in unique if one not in found}
    # What a place takes for the same id, in another case, is one task.
    tasks = {found[one].task.id: found[one] for one in unique if one in found}
    return Targets(tuple(tasks.values()), refused)


async def _by_filter(app: AppContext, given: TaskFilter) -> Targets:
    """The tasks that the filter finds; CallerError for one that is empty, or that every task there is answers to."""
    if not given.model_fields_set:
        raise CallerError(
            "filter is empty: it would change every task.",
            code="empty_filter",
            next_step="Send at least one of the filter's fields, or taskIds.",
        )
    query = replace(await resolve_filter(app, given), order="created", limit=_PAGE)
    found: list[str] = []
    async for task in _walk(app, query):
        found.append(task.id)
        if len(found) > MOST_TASKS:
            raise CallerError(
                f"More than {MOST_TASKS} tasks answer to this filter.",
                code="too_many_tasks",
                next_step="Narrow the filter, or change them in several calls.",
            )
    if len(found) > 1:
        await _check_leaves_some(app, frozenset(found))
    if not found:
        await check_people_known(app, given)
    return await _by_id(app, found) if found else Targets((), {})


async def _check_leaves_some(app: AppContext, found: frozenset[str]) -> None:
    """Refuse a filter that all tasks answer to: that is how a wrong filter looks."""
    async for task in _walk(app, TaskQuery(order="created", limit=_PAGE)):
        if task.id not in found:
            return
    raise CallerError(
        f"Every task there is, {len(found)} in all, answers to this filter.",
        code="matches_everything",
        next_step="Narrow the filter; if all of them are really meant, send their ids as taskIds.",
    )


async def _walk(app: AppContext, query: TaskQuery) -> AsyncIterator[Task]:
    """All tasks of a query, page by page."""
    while True:
        page = await fetch_page(app, query)
        for task in page.tasks:
            yield task
        if not page.more or not page.tasks:
            return
        last = page.tasks[-1]
        query = replace(query, after=(sort_key(last, query.order), last.id))


def _no_task(app: AppContext, task_id: str) -> TaskhandError:
    try:
        rules.check_id(task_id, app.backend.capabilities)
    except CallerError as error:
        return error
    return NotFound(
        f"There is no task {task_id}.", code="task_not_found", next_step="Call list_tasks to find the task's id."
    )
