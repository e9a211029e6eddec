"""The due date that an edit sets: requested, or shifted from the one that the task has."""

from dataclasses import replace
from datetime import datetime

from pydantic import MISSING

from taskhand.domain import task_rules
from taskhand.domain.due import Due, due_of, instant_text, shift_due
from taskhand.domain.due_request import DueRequest
from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import Match
from taskhand.domain.task import Task
from taskhand.domain.time_zones import offset_of_reversed
from taskhand.service.app_context import AppContext

__all__ = ["match_due", "resolve_due"]


def resolve_due(
    app: AppContext, request: DueRequest, before: Task | None, shift_days: int | None
) -> Due | None | MISSING:
    """The due date of a task after an edit; the one that it has is first moved by `shift_days`."""
    if before is not None and shift_days is not None:
        return _to_stored_due(app, _shift_due(app, request, before, shift_days))
    if not request.is_given:
        return MISSING
    if before and request.needs_current_due:
        task_rules.check_readable(before, "due")
    if before and request.needs_current_day:
        _check_day_is_certain(app, before)
    midnight_is_day = app.backend.capabilities.midnight_is_day
    due = request.on(due_of(before) if before else None, app.timezone, midnight_is_day=midnight_is_day)
    return _to_stored_due(app, due)


def match_due(request: DueRequest, due: Due | None | MISSING) -> tuple[Match, ...]:
    """The matches for what the caller may have meant otherwise: a zone, and a midnight that was read as a day.

    The name of a zone may have the opposite sign of its offset, and may have been meant literally.
    """
    zone = request.timezone
    offset = offset_of_reversed(zone) if isinstance(zone, str) else None
    of_zone = (Match("timezone", zone, zone, offset),) if isinstance(zone, str) and offset else ()
    return of_zone + _midnight_matched(request, due)


def _shift_due(app: AppContext, request: DueRequest, before: Task, days: int) -> Due | None:
    """The due date of a task, moved by days, at the time and in the zone that are asked for or else its own."""
    task_rules.check_readable(before, "due")
    due = due_of(before)
    if due is None:
        raise CallerError(
            "The task has no due date to shift.", code="no_due_date", next_step="Give it one with update_task."
        )
    _check_day_is_certain(app, before)
    if not request.is_given:
        return shift_due(due, days, app.timezone)
    # The new time may exist on the new day even if the task's own time does not.
    local = due if due.at is None else Due.instant(due.at, due.zone or app.timezone)
    return replace(request, due_date=shift_due(Due(local.day), days, None).day).on(local, app.timezone)


def _check_day_is_certain(app: AppContext, before: Task) -> None:
    """Refuse to change a due date whose day the backend cannot tell with certainty."""
    if not app.backend.sure_of_due(before, of_day=True):
        raise CallerError(
            "The day of the task's due date is not certain, so it cannot be kept or shifted.",
            code="due_unsure",
            next_step="Send dueDate as YYYY-MM-DD together with dueTime null.",
        )


def _to_stored_due(app: AppContext, due: Due | None) -> Due | None:
    """The due date as this backend stores it: in the configured zone if it does not keep the task's own."""
    if due is None or app.backend.capabilities.keeps_timezone:
        return due
    return Due.instant(due.at, app.timezone) if due.at else Due(due.day)


def _midnight_matched(request: DueRequest, due: Due | None | MISSING) -> tuple[Match, ...]:
    """The match for a midnight that was read as a day: the caller may have meant the instant."""
    at = request.due_date
    if not request.is_midnight or not isinstance(at, datetime) or not isinstance(due, Due) or due.at == at:
        return ()
    day = f"the day {at.date()}"
    means = day if due.at is None or request.due_time is not MISSING else f"{day}, at the time it had"
    return (Match("dueDate", instant_text(at), at.date().isoformat(), means),)
