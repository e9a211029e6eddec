"""The tasks of a bulk change: those with the given ids, or those that match a filter."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from taskhand.domain import task_rules
from taskhand.domain.bulk_receipt import same_for_others
from taskhand.domain.errors import CallerError, NotFound, TaskhandError
from taskhand.domain.name_matching import Match
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task_query import TaskFilter, TaskQuery
from taskhand.service.app_context import AppContext
from taskhand.service.list_tasks import all_pages
from taskhand.service.resolve_filter import resolve_filter
from taskhand.service.snapshots import read_snapshots
from taskhand.service.unknown_filter_names import check_names_known

__all__ = ["MAX_TASKS", "Targets", "check_not_all_refused", "read_by_id", "resolve_targets"]

MAX_TASKS = 1_000
"""The maximum number of tasks in one call."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Targets:
    """The current tasks, in the given order; `refused` are errors by id, of tasks that are not changed.

    `matched` are the resolved days of a filter that was sent in words.
    """

    tasks: tuple[Snapshot, ...]
    refused: Mapping[str, TaskhandError]
    matched: tuple[Match, ...] = ()


async def resolve_targets(
    app: AppContext, ids: Sequence[str] | None, task_filter: TaskFilter | None, properties: Collection[str] = ()
) -> Targets:
    """The tasks with these ids, or those that match the filter; CallerError unless exactly one of the two is given.

    The tasks are read with these properties.
    """
    if ids is not None and (task_filter is None or not task_filter.model_fields_set):
        return await read_by_id(app, ids, properties=properties)
    if task_filter is not None and ids is None:
        return await _find_by_filter(app, task_filter, properties)
    raise CallerError(
        "Neither taskIds nor filter was given." if ids is None else "taskIds and filter were both given.",
        code="no_targets" if ids is None else "several_targets",
        next_step="Send taskIds, or filter.",
    )


async def read_by_id(
    app: AppContext,
    ids: Sequence[str],
    argument: str = "taskIds",
    *,
    to_delete: bool = False,
    properties: Collection[str] = (),
) -> Targets:
    """The tasks with these ids, without duplicates; CallerError for no ids or too many."""
    unique = list(dict.fromkeys(ids))
    if not unique or len(unique) > MAX_TASKS:
        raise CallerError(
            f"{len(unique)} {argument} were given.",
            code="too_many_tasks" if unique else "nothing_to_change",
            next_step=f"Send 1 to {MAX_TASKS} ids.",
        )
    pattern = app.backend.capabilities.id_pattern
    fitting = [task_id for task_id in unique if re.fullmatch(pattern, task_id)]
    snapshots = await read_snapshots(app, fitting, fitting if to_delete else (), properties=properties)
    refused = {task_id: _missing_task_error(app, task_id) for task_id in unique if task_id not in snapshots}
    # A backend may accept one id in two spellings (upper and lower case): that is one task.
    tasks = {snapshots[task_id].task.id: snapshots[task_id] for task_id in unique if task_id in snapshots}
    return Targets(tuple(tasks.values()), refused)


def check_not_all_refused(refused: Mapping[str, TaskhandError], *, others: int) -> None:
    """Refuse the whole call if every task is refused with the same code."""
    errors = [*refused.values()]
    if others or len({error.code for error in errors}) != 1:
        return
    first, *further = errors
    if any(error.message != first.message for error in further):  # each error names its own task
        raise first.but(message=f"{first.message} {same_for_others(len(errors))}")
    raise first


async def _find_by_filter(app: AppContext, task_filter: TaskFilter, properties: Collection[str]) -> Targets:
    """The tasks that the filter finds; CallerError for an empty filter, or one that matches every task."""
    if not task_filter.model_fields_set - {"date_field"}:
        raise CallerError(
            "filter is empty: it would change every task.",
            code="empty_filter",
            next_step="Send at least one of the filter's fields, or taskIds.",
        )
    query = replace(await resolve_filter(app, task_filter), order="created", limit=_PAGE, links=frozenset())
    task_ids: list[str] = []
    refused: dict[str, TaskhandError] = {}
    async for page in all_pages(app, query):
        task_ids += [task.id for task in page.tasks]
        refused |= {task_id: _unreadable_task_error(task_id) for task_id in page.unreadable if task_id}
        app.principal.rules.check_number(len(task_ids))
        if len(task_ids) > MAX_TASKS:
            raise CallerError(
                f"More than {MAX_TASKS} tasks match this filter.",
                code="too_many_tasks",
                next_step="Narrow the filter, or change them in several calls.",
            )
    if len(task_ids) > 1:
        await _check_leaves_some(app, frozenset(task_ids))
    if not task_ids and not refused:
        await check_names_known(app, task_filter)
    targets = await read_by_id(app, task_ids, properties=properties) if task_ids else Targets((), {})
    return replace(targets, refused={**targets.refused, **refused}, matched=query.matched)


async def _check_leaves_some(app: AppContext, task_ids: frozenset[str]) -> None:
    """Refuse a filter that matches every task, even those that the caller cannot see: it is probably wrong."""
    async for page in all_pages(app.shared, TaskQuery(order="created", limit=_PAGE, links=frozenset())):
        if page.unreadable or any(task.id not in task_ids for task in page.tasks):
            return
    raise CallerError(
        f"This filter matches every task, {len(task_ids)} in all.",
        code="matches_everything",
        next_step="Narrow the filter; to change all of them, send their ids as taskIds.",
    )


def _unreadable_task_error(task_id: str) -> CallerError:
    return CallerError(
        f"Task {task_id} has a field that cannot be read, so it may not match the filter.",
        code="unreadable_field",
        next_step="Read it with get_task; to change it anyway, send its id in taskIds.",
    )


def _missing_task_error(app: AppContext, task_id: str) -> TaskhandError:
    """The error for an id without a task: malformed, or not found."""
    try:
        task_rules.check_id(task_id, app.backend.capabilities)
    except CallerError as error:
        return error
    return NotFound.of_task(task_id)
