"""Resolve the filter of a list to a query: names to ids, dates in words to days, and the word for nobody."""

from collections.abc import Sequence

from pydantic import MISSING

from taskhand.domain import status_lookup
from taskhand.domain.date_window import Period, with_iso_days
from taskhand.domain.filter_rules import check_filter
from taskhand.domain.name_matching import Match, fold
from taskhand.domain.people_lookup import People
from taskhand.domain.priority import filter_priority
from taskhand.domain.task import StatusChoice, or_none
from taskhand.domain.task_query import NOBODY, TaskFilter, TaskQuery
from taskhand.domain.truncation import without_cut
from taskhand.service.app_context import AppContext
from taskhand.service.list_team_members import list_team_members
from taskhand.service.resolve_deal import resolve_deal
from taskhand.service.resolve_people import resolve_filter_people
from taskhand.service.resolve_task_type import resolve_task_type

__all__ = ["people_in_filter", "resolve_filter"]


async def resolve_filter(app: AppContext, task_filter: TaskFilter) -> TaskQuery:
    """The query of a filter, with names replaced by ids; CallerError if the filter is invalid."""
    task_filter, matched = with_iso_days(task_filter, app.reference)
    check_filter(task_filter, app.backend.capabilities)
    asked = await _resolve_responsibles(app, task_filter)
    period = _period(app, task_filter)
    deal_id, deal_matched = (
        (None, ()) if task_filter.deal_id is MISSING else await resolve_deal(app, task_filter.deal_id)
    )
    of_type, type_matched = (
        (None, ()) if task_filter.task_type is MISSING else await resolve_task_type(app, task_filter.task_type)
    )
    statuses, status_matched = (
        (None, ()) if task_filter.status is MISSING else await _resolve_statuses(app, task_filter.status)
    )
    return TaskQuery(
        responsible_ids=None if asked is None else asked.ids,
        of_nobody=task_filter.responsible_ids is not MISSING and any(map(_is_nobody, task_filter.responsible_ids)),
        from_date=None if period else or_none(task_filter.from_date),
        to_date=None if period else or_none(task_filter.to_date),
        include_tasks_without_dates=period is not None or task_filter.include_tasks_without_dates is not False,
        without_date=task_filter.without_date is True,
        period=period,
        statuses=statuses,
        text=None if task_filter.text is MISSING else without_cut(task_filter.text),
        overdue=or_none(task_filter.overdue),
        priority=None
        if task_filter.priority is MISSING
        else int(filter_priority(task_filter.priority, app.backend.capabilities.priorities)),
        contact=or_none(task_filter.contact),
        task_type=of_type,
        deal_id=deal_id,
        matched=matched + (asked.shortened if asked else ()) + status_matched + deal_matched + type_matched,
    )


async def _resolve_statuses(
    app: AppContext, names: Sequence[str]
) -> tuple[tuple[StatusChoice, ...], tuple[Match, ...]]:
    return status_lookup.resolve_filter_statuses(names, await app.backend.statuses())


async def _resolve_responsibles(app: AppContext, task_filter: TaskFilter) -> People | None:
    if task_filter.responsible_ids is MISSING:
        return None
    asked = people_in_filter(task_filter.responsible_ids)
    return await resolve_filter_people(app, await list_team_members(app), asked)


def people_in_filter(texts: Sequence[str]) -> tuple[str, ...]:
    """The names and ids of persons in a filter, without the word for nobody."""
    return tuple(text for text in texts if not _is_nobody(text))


def _is_nobody(text: str) -> bool:
    """Whether a filter asks for tasks without a responsible person."""
    return fold(text) in NOBODY


def _period(app: AppContext, task_filter: TaskFilter) -> Period | None:
    """The span of another moment than the due date that a filter asks for."""
    if task_filter.date_field is MISSING or task_filter.date_field == "due":
        return None
    return Period.of_days(
        task_filter.date_field, or_none(task_filter.from_date), or_none(task_filter.to_date), app.reference.calendar
    )
