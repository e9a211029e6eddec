"""Searches for tasks: what HubSpot is asked for, so that nothing that a query wants is missing; pure.

https://developers.hubspot.com/docs/api-reference/crm-search-v3/guide: at most five groups of six filters, eighteen in
all; groups are alternatives. What a search cannot say, or has no room for, is left out and filtered afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Final, Literal

from taskhand.backends.hubspot.due import day_start_ms, millis_of, moment_of
from taskhand.backends.hubspot.mapping import PRIORITY_VALUES, PROPERTIES
from taskhand.backends.hubspot.record import JsonObject
from taskhand.domain.due import due_of
from taskhand.domain.query import NO_DUE, TaskQuery
from taskhand.domain.task import FINISHED, Status, Task

__all__ = ["MOST_FOUND", "PAGE", "Search", "is_settled", "newest_since", "searches"]

PAGE: Final = 200
"""Results of one request, the most there can be."""
MOST_FOUND: Final = 10_000
"""Results that can be paged through; beyond, HubSpot answers 400."""

_MOST_GROUPS, _MOST_IN_GROUP, _MOST_FILTERS = 5, 6, 18
_MOST_VALUES: Final = 100
_SLACK_DAYS: Final = 1
"""The due day is told in a zone, a search in UTC: a day more on either side."""

Filter = Mapping[str, object]
Alternatives = Sequence[Sequence[Filter]]


@dataclass(frozen=True, slots=True)
class Search:
    """One search: alternatives of filters, the property it is sorted by, and the direction."""

    groups: tuple[tuple[Filter, ...], ...]
    sort_by: str
    direction: Literal["ASCENDING", "DESCENDING"] = "ASCENDING"

    def body(self, after: str | None, more: Sequence[str] = ()) -> JsonObject:
        """The documented body of one page; `after` is where the page before said to go on."""
        body: JsonObject = {
            "sorts": [{"propertyName": self.sort_by, "direction": self.direction}],
            "properties": [*PROPERTIES, *more],
            "limit": PAGE,
        }
        if any(self.groups):
            body["filterGroups"] = [{"filters": list(group)} for group in self.groups]
        return body | ({"after": after} if after else {})


def searches(query: TaskQuery, statuses: Mapping[str, Status], now: datetime) -> Iterator[Search]:
    """The searches that together find everything `query` wants, in the order in which they fill its pages.

    By priority there is one for each, the highest first: how HubSpot sorts the values of a choice is not documented.
    """
    if query.order != "priority":
        sort_by = "hs_timestamp" if query.order == "due" else "hs_createdate"
        direction: Literal["ASCENDING", "DESCENDING"] = "ASCENDING" if query.order == "due" else "DESCENDING"
        yield Search(_groups(_wanted(query, statuses, now, query.priority)), sort_by, direction)
        return
    highest = query.after[0] if query.after and isinstance(query.after[0], int) else max(PRIORITY_VALUES)
    for priority in sorted(PRIORITY_VALUES, reverse=True):
        if query.priority in (None, priority) and priority <= highest:
            yield Search(_groups(_wanted(query, statuses, now, priority)), "hs_object_id")


def newest_since(moment: datetime) -> Search:
    """The tasks made since a moment, the newest first."""
    since = _filter("hs_createdate", "GTE", value=millis_of(moment))
    return Search(((since,),), "hs_createdate", "DESCENDING")


def is_settled(last_found: Task, last_picked: Task, query: TaskQuery) -> bool:
    """Whether what a sorted search has not shown yet comes after the last task of the page."""
    if query.order == "created":
        return last_found.created_at < last_picked.created_at
    found, picked = due_of(last_found), due_of(last_picked)
    if query.order != "due" or found is None or picked is None:
        return False
    return found.day > picked.day + timedelta(days=_SLACK_DAYS)


def _wanted(
    query: TaskQuery, statuses: Mapping[str, Status], now: datetime, priority: int | None
) -> Iterator[Alternatives]:
    """What has to hold, the most telling first; each as its alternatives."""
    if query.contact is not None:
        yield [[_filter(f"associations.{kind}", "EQ", value=query.contact)] for kind in ("contact", "company")]
    if query.responsible_ids is not None and len(query.responsible_ids) <= _MOST_VALUES:
        yield [[_filter("hubspot_owner_id", "IN", values=list(query.responsible_ids))]]
    if values := _status_values(query, statuses):
        yield [[_filter("hs_task_status", "IN", values=values)]]
    if query.order == "created" and query.after is not None and (last := moment_of(query.after[0])):
        yield [[_filter("hs_createdate", "LTE", value=millis_of(last))]]
    if window := _window(query, now):
        dateless = query.include_tasks_without_dates and not query.overdue
        yield [window, [_filter("hs_timestamp", "NOT_HAS_PROPERTY")]] if dateless else [window]
    if priority is not None:
        yield _of_priority(priority)


def _of_priority(priority: int) -> Alternatives:
    """The tasks that read as a priority; an account's own values, and none at all, read as 0."""
    if priority:
        return [[_filter("hs_task_priority", "IN", values=list(PRIORITY_VALUES[priority]))]]
    others = [value for one, values in PRIORITY_VALUES.items() if one for value in values]
    unset = _filter("hs_task_priority", "NOT_HAS_PROPERTY")
    return [[_filter("hs_task_priority", "NOT_IN", values=others)], [unset]]


def _groups(wanted: Iterator[Alternatives]) -> tuple[tuple[Filter, ...], ...]:
    """Every combination of the alternatives, as far as HubSpot's limits have room for them."""
    groups: tuple[tuple[Filter, ...], ...] = ((),)
    for alternatives in wanted:
        wider = tuple((*group, *one) for group, one in product(groups, alternatives))
        longest = max(len(group) for group in wider)
        fits = len(wider) <= _MOST_GROUPS and longest <= _MOST_IN_GROUP and sum(map(len, wider)) <= _MOST_FILTERS
        groups = wider if fits else groups
    return groups


def _status_values(query: TaskQuery, statuses: Mapping[str, Status]) -> list[str]:
    """The values to ask for: those of the statuses, and for what is overdue the unfinished ones."""
    values = None if query.statuses is None else [choice.id for choice in query.statuses]
    if values is None:
        return []
    known = [value for value in values if value is not None]
    unfinished = [one for one in known if not query.overdue or one not in statuses or not _is_finished(statuses[one])]
    return unfinished if len(known) == len(values) and len(unfinished) <= _MOST_VALUES else []


def _is_finished(status: Status) -> bool:
    return status.type in FINISHED


def _window(query: TaskQuery, now: datetime) -> list[Filter]:
    """The days to look at, from the first one that the page can begin with."""
    days = [date.fromisoformat(query.from_date)] if query.from_date else []
    if query.order == "due" and query.after is not None and query.after[0] != NO_DUE:
        days.append(date.fromisoformat(str(query.after[0])[: len("2026-01-01")]))
    last = [date.fromisoformat(query.to_date)] if query.to_date else []
    if query.overdue:
        last.append(now.astimezone(UTC).date())
    lower = _filter("hs_timestamp", "GTE", value=day_start_ms(max(days), -_SLACK_DAYS)) if days else None
    upper = _filter("hs_timestamp", "LTE", value=day_start_ms(min(last), _SLACK_DAYS + 1)) if last else None
    return [one for one in (lower, upper) if one is not None]


def _filter(name: str, operator: str, **operands: object) -> Filter:
    return {"propertyName": name, "operator": operator, **operands}
