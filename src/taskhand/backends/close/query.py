"""What of a query Close can filter and order by itself, and what is certain of a list that is not yet whole; pure.

Source: https://developer.close.com/api/resources/tasks, "List or filter all tasks". Close has no filter for dateless
tasks: they carry the day they were created as their `date`, so that a window of dates would lose them.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from taskhand.backends.close.mapping import DONE, OPEN, created_at
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.query import NO_DUE, Order, TaskQuery

__all__ = ["ORDERS", "assignees", "filters", "settled", "wants_dateless", "window"]

ORDERS: Final[Mapping[Order, str]] = {"due": "date", "created": "-date_created", "priority": "date_created"}
"""The `_order_by` of each order; by priority Close has none."""

_SLACK: Final = timedelta(days=2)
"""A window is asked for wider than it is: how a day compares with an instant is not documented."""
_YEARS: Final = range(1900, 3000)
"""A window that ends beyond is asked for without that end: which years Close takes is not documented."""
_MOST_APART: Final = 3
"""People whose tasks are asked for one by one, as Close filters by one; beyond that everyone's are."""

Params = dict[str, str]


def filters(query: TaskQuery) -> Params:
    """The filters that lose nothing that the query wants."""
    params: Params = {}
    complete = _completeness(query)
    if complete is not None:
        params["is_complete"] = "true" if complete else "false"
    if query.contact is not None and query.contact.startswith("lead_"):
        params["lead_id"] = query.contact
    return params


def assignees(query: TaskQuery) -> tuple[Params, ...]:
    """One filter for each person asked for, or one that is empty."""
    people = dict.fromkeys(query.responsible_ids or ())
    return tuple({"assigned_to": one} for one in people) if 0 < len(people) <= _MOST_APART else ({},)


def wants_dateless(query: TaskQuery) -> bool:
    """Whether a task without a due date can be among what is asked for."""
    return query.include_tasks_without_dates and not query.overdue


def window(query: TaskQuery, today: date) -> Params:
    """The window of dates in which every dated task is that the query wants, wide enough; none where that is no help.

    Only in order of the due date do dated tasks come before all others, so that dateless ones can be left for later.
    """
    at_dateless = query.order == "due" and query.after is not None and query.after[0] == NO_DUE
    if wants_dateless(query) and (at_dateless or query.order != "due"):
        return {}
    first = max(filter(None, (_day(query.from_date), _reached(query))), default=None)
    last = min(filter(None, (_day(query.to_date), today if query.overdue else None)), default=None)
    found = {"date__gte": first and _moved(first, -_SLACK), "date__lte": last and _moved(last, _SLACK)}
    return {name: day.isoformat() for name, day in found.items() if day and day.year in _YEARS}


def settled(raws: Sequence[JsonObject], order: Order) -> list[JsonObject]:
    """Those of a list so far before which nothing can come any more; none where the list is not in order."""
    if order == "due":
        return _settled_by_day(raws)
    return _settled_by_creation(raws) if order == "created" else []


def _settled_by_day(raws: Sequence[JsonObject]) -> list[JsonObject]:
    days = [(_day(str(raw.get("date"))[:10]), raw) for raw in raws]
    dated = [(day, raw) for day, raw in days if day is not None]
    if not dated or any(later[0] < _moved(one[0], -_SLACK / 2) for one, later in pairwise(dated)):
        return []
    frontier = _moved(max(day for day, _ in dated), -_SLACK)
    return [raw for day, raw in dated if day < frontier]


def _settled_by_creation(raws: Sequence[JsonObject]) -> list[JsonObject]:
    made = [(_cut(moment), raw) for raw in raws if (moment := created_at(raw))]
    if len(made) < len(raws) or any(one[0] < later[0] for one, later in pairwise(made)):
        return []
    return [raw for moment, raw in made if moment > made[-1][0]]


def _cut(moment: datetime) -> datetime:
    """A moment as pages are sorted by it: in milliseconds, equal ones by id."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _completeness(query: TaskQuery) -> bool | None:
    """Whether only complete or only open tasks are wanted."""
    if query.overdue:
        return False
    wanted = {status for status in (OPEN, DONE) if any(choice.met_by(status) for choice in query.statuses or ())}
    return DONE in wanted if len(wanted) == 1 else None


def _reached(query: TaskQuery) -> date | None:
    """The day that a page before ended at, in order of the due date."""
    return _day(str(query.after[0])[:10]) if query.after is not None and query.order == "due" else None


def _moved(day: date, by: timedelta) -> date:
    """A day so much earlier or later; itself at the ends of the calendar."""
    try:
        return day + by
    except OverflowError:
        return day


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
