"""The change that a bulk update makes to each task: validation, and a canonical form for comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import MISSING

from taskhand.domain import task_rules
from taskhand.domain.canonical_request import canonical_due, canonical_field, canonical_query
from taskhand.domain.due_request import DueRequest
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.task import TaskPatch
from taskhand.domain.task_query import TaskFilter
from taskhand.service.app_context import AppContext
from taskhand.service.edit_resolver import Resolver
from taskhand.service.resolve_filter import resolve_filter

__all__ = ["BulkChange", "canonical_bulk", "check_bulk_change"]

_MAX_DAYS: Final = 3_660

_PEOPLE: Final = {
    "responsible_ids": "responsibleIds",
    "add_responsible_ids": "addResponsibleIds",
    "remove_responsible_ids": "removeResponsibleIds",
}
_RESOLVED: Final = frozenset(
    {*_PEOPLE, "new_status_name", "new_status_position", "due_date", "due_time", "timezone", "deal_id", "properties"}
)
"""Fields that are compared by their resolved value."""


@dataclass(frozen=True, slots=True)
class BulkChange:
    """The change to make to each task: a body, days to move the due date by, or both."""

    patch: TaskPatch | None = None
    shift_days: int | None = None


def check_bulk_change(app: AppContext, change: BulkChange) -> None:
    """CallerError unless the change is valid and sets something; `parse_due` refuses invalid due fields."""
    patch, days = change.patch, change.shift_days
    if patch is None and days is None:
        raise CallerError(
            "No change was given.", code="nothing_to_change", next_step="Send changes, shiftDueDays or both."
        )
    if days is not None:
        _check_days(days)
    if days is not None and patch is not None and patch.due_date is not MISSING:
        raise CallerError(
            "changes.dueDate and shiftDueDays were both given; only one of them may be.",
            code="several_changes",
            next_step="Send shiftDueDays to move each due date, or changes.dueDate to set one.",
        )
    if patch is not None:
        task_rules.check_patch(patch, app.backend.capabilities)


async def canonical_bulk(
    app: AppContext, change: BulkChange, due: DueRequest, ids: Sequence[str] | None, task_filter: TaskFilter | None
) -> dict[str, Any] | None:
    """The canonical tasks and change, by which two calls with one idempotency key are compared.

    None if a name in it cannot be resolved now.
    """
    try:
        return {
            "ids": None if ids is None else sorted({task_id.casefold() for task_id in ids}),
            "filter": None
            if task_filter is None or not task_filter.model_fields_set
            else canonical_query(await resolve_filter(app, task_filter)),
            "changes": None if change.patch is None else await _meaning_of_patch(app, change.patch, due),
            "days": change.shift_days,
        }
    except TaskhandError:
        return None


async def _meaning_of_patch(app: AppContext, patch: TaskPatch, due: DueRequest) -> dict[str, Any]:
    resolver = Resolver(app)
    sent = {name: value for name in TaskPatch.model_fields if (value := getattr(patch, name)) is not MISSING}
    meant = {name: canonical_field(name, value) for name, value in sent.items() if name not in _RESOLVED}
    for name, argument in _PEOPLE.items():
        if name in sent:
            meant[name] = sorted((await resolver.resolve_people(sent[name], (), argument)).ids)
    status, _ = await resolver.resolve_status(patch)
    if status is not MISSING:
        meant["status"] = canonical_field("status", status)
    if "deal_id" in sent:
        meant["deal_id"], _ = await resolver.resolve_deal(sent["deal_id"])
    if "task_type" in sent:
        meant["task_type"], _ = await resolver.resolve_task_type(patch)
    if "properties" in sent:
        meant["properties"], _ = await resolver.resolve_properties(sent["properties"])
    if due.is_given:
        midnight_is_day = app.backend.capabilities.midnight_is_day
        meant["due"] = canonical_due(due, app.timezone, midnight_is_day=midnight_is_day)
    return meant


def _check_days(days: int) -> None:
    if not 0 < abs(days) <= _MAX_DAYS:
        raise CallerError(
            f"shiftDueDays {days} is not a number of days from 1 to {_MAX_DAYS}, or from -1 to -{_MAX_DAYS}.",
            code="invalid_shift",
            next_step="Send the number of days, negative for earlier.",
        )
