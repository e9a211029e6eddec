"""The rules of a filter, checked before any request: empty values, contradictions and unknown fields; pure."""

from pydantic import MISSING

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.due import iso_day
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.name_matching import fold
from taskhand.domain.priority import filter_priority
from taskhand.domain.task_query import TaskFilter

__all__ = ["check_filter"]


def check_filter(task_filter: TaskFilter, capabilities: Capabilities) -> None:
    """Refuse a filter that cannot match any task, or that is by a field which tasks here do not have."""
    if task_filter.priority is not MISSING:
        filter_priority(task_filter.priority, capabilities.priorities)
    days = [
        iso_day(day, name)
        for name, day in (("fromDate", task_filter.from_date), ("toDate", task_filter.to_date))
        if day is not MISSING
    ]
    if days != sorted(days):
        raise CallerError(
            "fromDate is after toDate.", code="invalid_window", next_step="Send fromDate as the earlier day."
        )
    _check_dates(task_filter, capabilities)
    if task_filter.text is not MISSING and not fold(task_filter.text):
        raise CallerError(
            "text has no words to search for.", code="empty_filter", next_step="Leave text out, or send a word."
        )
    if task_filter.contact is not MISSING and not task_filter.contact.strip():
        raise CallerError(
            "contact is empty.", code="empty_filter", next_step="Leave contact out, or send an id from find_contacts."
        )
    if task_filter.task_type is not MISSING and not task_filter.task_type.strip():
        raise CallerError(
            "taskType is empty.", code="empty_filter", next_step="Leave taskType out, or send one of the CRM's types."
        )
    if task_filter.deal_id is not MISSING and not task_filter.deal_id.strip():
        raise CallerError(
            "dealId is empty.", code="empty_filter", next_step="Leave dealId out, or send a deal's id or name."
        )
    if task_filter.responsible_ids == ():
        raise CallerError(
            "responsibleIds is empty.",
            code="empty_filter",
            next_step="Name people in responsibleIds, or leave it out for the tasks of everyone.",
        )
    if task_filter.status == ():
        raise CallerError(
            "status is empty.", code="empty_filter", next_step="Leave status out to list tasks of every status."
        )
    _check_known_fields(task_filter, capabilities)


def _check_known_fields(task_filter: TaskFilter, capabilities: Capabilities) -> None:
    """Refuse a filter by a field that tasks here do not have: ignoring it would make the answer wider."""
    for name, field in TaskFilter.model_fields.items():
        argument = field.alias or name
        if argument in capabilities.absent and getattr(task_filter, name) is not MISSING:
            raise CallerError(
                f"There is no argument {argument!r} with this CRM.",
                code="unknown_argument",
                next_step=f"Send the call again without {argument}.",
            )


def _check_dates(task_filter: TaskFilter, capabilities: Capabilities) -> None:
    """Refuse dates that the backend does not know, and dates that contradict each other."""
    field = "due" if task_filter.date_field is MISSING else task_filter.date_field
    windowed = [
        name
        for name, day in (("fromDate", task_filter.from_date), ("toDate", task_filter.to_date))
        if day is not MISSING
    ]
    if field != "due" and field not in capabilities.known:
        known = ["due", *(name for name in capabilities.known if name != "completed_by")]
        instead = f"Other windows: dateField {' or '.join(known)}."
        if field == "completed":
            instead = f"list_events with kinds ['completed'] lists what was completed. {instead}"
        raise CallerError(
            f"This CRM does not say when a task was {field}.",
            code="invalid_window",
            candidates=[Candidate(name) for name in known],
            next_step=instead,
        )
    if field != "due" and not windowed:
        raise CallerError(
            f"dateField is {field}, and neither fromDate nor toDate is given.",
            code="invalid_window",
            next_step="Send fromDate or toDate with it, or leave dateField out.",
        )
    if task_filter.without_date is not True:
        return
    if task_filter.include_tasks_without_dates is False:
        raise CallerError(
            "withoutDate true contradicts includeTasksWithoutDates false, which leaves out tasks without a due date.",
            code="invalid_window",
            next_step="Send one of the two.",
        )
    others = ["overdue true"] if task_filter.overdue is True else []
    others += windowed if field == "due" else []
    if others:
        raise CallerError(
            f"withoutDate true contradicts {others[0]}: a task without a due date is due on no day.",
            code="invalid_window",
            next_step="Send one of the two.",
        )
