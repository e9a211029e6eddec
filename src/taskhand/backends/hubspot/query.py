"""Lists tasks: the searches for the tasks of a query, and one page of their results.

https://developers.hubspot.com/docs/api-reference/crm-search-v3/guide: at most five groups of six filters, eighteen in
all; groups are alternatives. Conditions that a search cannot express, or has no room for, are checked on its results.
"""

from collections import deque
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Final

from taskhand.backends.hubspot.client import next_page
from taskhand.backends.hubspot.fields.due import millis_of, parse_moment
from taskhand.backends.hubspot.fields.links import KINDS, LINKS, Kind
from taskhand.backends.hubspot.fields.statuses import OPTIONS, STAGE, STATUS
from taskhand.backends.hubspot.mapping import PRIORITY_VALUES, PROPERTIES, Record, times_of
from taskhand.backends.hubspot.task_reader import TaskReader
from taskhand.backends.remote.parsing import JsonObject, broken_list, rows_in
from taskhand.domain.date_window import Period
from taskhand.domain.due import due_of, is_late
from taskhand.domain.errors import UpstreamError
from taskhand.domain.task import FINISHED, Status, Task
from taskhand.domain.task_page import TaskPage, select_page
from taskhand.domain.task_query import PRIORITIES, Order, TaskQuery, ascends, matcher, priority_key
from taskhand.domain.task_times import Moment, TaskTimes

__all__ = ["MAX_FOUND", "PAGE", "PageSearch", "Search", "changed_since", "newest_since", "searches"]

MAX_FOUND: Final = 10_000
"""Maximum results of one search: HubSpot answers 400 to pages beyond them. Further searches find the rest."""

_MAX_GROUPS, _MAX_IN_GROUP, _MAX_FILTERS = 5, 6, 18
_MAX_VALUES: Final = 100
PAGE: Final = 200
"""Results of one page, the maximum."""
_DAY_MS: Final = 86_400_000
_SLACK_DAYS: Final = 1
"""A due day belongs to a zone and a search uses UTC, so a search covers one more day on either side."""

_Filter = Mapping[str, object]
_Alternatives = Sequence[Sequence[_Filter]]

_SORTS: Final[Mapping[Order, tuple[str, str]]] = {
    "due": ("hs_timestamp", "ASCENDING"),
    "created": ("hs_createdate", "DESCENDING"),
    "oldest": ("hs_createdate", "ASCENDING"),
    "priority": ("hs_object_id", "ASCENDING"),
}
_MOMENTS: Final[Mapping[Moment, str]] = {
    "created": "hs_createdate",
    "updated": "hs_lastmodifieddate",
    "completed": "hs_task_completion_date",
}


@dataclass(frozen=True, slots=True)
class Search:
    """One search: its conditions in order of importance, the property it is sorted by, and the direction."""

    conditions: Sequence[_Alternatives]
    sort_by: str
    direction: str = "ASCENDING"

    def beyond(self, last: JsonObject) -> "Search":
        """The search that continues from a row and finds it again; UpstreamError if that would not get further."""
        value = str(last.get(self.sort_by) or "")
        moment = None if self.sort_by == "hs_object_id" else parse_moment(value)
        operator = "GTE" if self.direction == "ASCENDING" else "LTE"
        bound = [[_filter(self.sort_by, operator, value=value if moment is None else str(millis_of(moment)))]]
        if not value or bound in self.conditions:
            raise _too_many("more")
        return replace(self, conditions=[bound, *self.conditions])

    def body(self, after: str | None, properties: Sequence[str] = PROPERTIES) -> JsonObject:
        """The body of the request for one page; `after` is its cursor, `properties` are those to request."""
        sorts = [{"propertyName": self.sort_by, "direction": self.direction}]
        body: JsonObject = {"sorts": sorts, "properties": [*properties], "limit": PAGE}
        groups = _groups(self.conditions)
        if any(groups):
            body["filterGroups"] = [{"filters": list(group)} for group in groups]
        return body | ({"after": after} if after else {})


def searches(query: TaskQuery, statuses: Mapping[str, Status], now: datetime) -> Iterator[Search]:
    """The searches that together find all tasks of `query`, in the order in which they fill its pages."""
    # The order by priority needs a search for each: HubSpot does not document how it sorts the values of a choice.
    sort = _SORTS[query.order]
    if query.order != "priority":
        yield Search(tuple(_conditions(query, statuses, now, query.priority)), *sort)
        return
    begun = query.after[0][:1] if query.after else ""
    for priority in PRIORITIES:
        if query.priority in (None, priority) and str(priority_key(priority)) >= begun:
            yield Search(tuple(_conditions(query, statuses, now, priority)), *sort)


def newest_since(moment: datetime) -> Search:
    """The search for tasks created since a moment, newest first."""
    since = _filter("hs_createdate", "GTE", value=str(millis_of(moment)))
    return Search([[[since]]], *_SORTS["created"])


def changed_since(moment_ms: int) -> Search:
    """The search for tasks changed since a moment in epoch milliseconds, oldest change first."""
    return Search([[[_filter("hs_lastmodifieddate", "GTE", value=str(moment_ms))]]], "hs_lastmodifieddate")


def _conditions(
    query: TaskQuery, statuses: Mapping[str, Status], now: datetime, priority: int | None
) -> Iterator[_Alternatives]:
    """The conditions of a query, each as its alternatives, in order of importance.

    Most tasks of an account are finished, so the condition of the status comes before those of days and owners.
    """
    if query.task_type is not None:
        yield [[_filter("hs_task_type", "EQ", value=query.task_type)]]
    if query.deal_id is not None:
        yield [[_filter("associations.deal", "EQ", value=query.deal_id)]]
    if query.contact is not None:
        yield [[_filter(f"associations.{kind}", "EQ", value=query.contact)] for kind in ("contact", "company")]
    if query.period is not None:
        yield [_period_filters(query.period)]
    if values := _status_values(query, statuses):
        # The value of a custom stage is an id, which some accounts also show as the status.
        own = [value for value in values if value not in OPTIONS]
        yield [*_is_in(STATUS, values), *_is_in(STAGE, own)]
    elif query.overdue:
        yield _unfinished_condition(statuses)
    yield from _date_conditions(query, now)
    if query.responsible_ids is not None and len(query.responsible_ids) <= _MAX_VALUES:
        nobody = _is_unset("hubspot_owner_id") if query.of_nobody else []
        yield [*_is_in("hubspot_owner_id", query.responsible_ids), *nobody]
    if priority:
        yield _is_in("hs_task_priority", PRIORITY_VALUES[priority])
    elif priority == 0:  # custom values and no value sort as 0
        others = [*PRIORITY_VALUES[1], *PRIORITY_VALUES[2]]
        yield [[_filter("hs_task_priority", "NOT_IN", values=others)], *_is_unset("hs_task_priority")]


def _date_conditions(query: TaskQuery, now: datetime) -> Iterator[_Alternatives]:
    """The conditions of due days, and of creation times from the page's beginning."""
    if window := _window(query, now):
        yield [window, *_DATELESS] if query.wants_dateless else [window]
    elif query.without_date:
        yield _DATELESS
    if query.order in ("created", "oldest") and query.after is not None and (last := parse_moment(query.after[0])):
        operator = "LTE" if query.order == "created" else "GTE"
        yield [[_filter("hs_createdate", operator, value=str(millis_of(last)))]]


def _unfinished_condition(statuses: Mapping[str, Status]) -> _Alternatives:
    """The condition of unfinished tasks: a custom stage decides, else the status.

    HubSpot documents neither whether NOT_IN finds a task without the property, nor the status of a task in a custom
    stage.
    """
    finished = [status_id for status_id, status in statuses.items() if status.type in FINISHED][:_MAX_VALUES]
    own_closed = [status_id for status_id in finished if status_id not in OPTIONS]
    own_open = [status_id for status_id in statuses if status_id not in OPTIONS and status_id not in finished]
    if not finished or len(own_open) > _MAX_VALUES:
        return [[]]
    unfinished = _filter(STATUS, "NOT_IN", values=finished)
    not_closed = [[_filter(STAGE, "NOT_IN", values=own_closed)], *_is_unset(STAGE)] if own_closed else [[]]
    groups = [[unfinished, *stage] for stage in not_closed]
    return [*groups, *_is_unset(STATUS), *_is_in(STAGE, own_open)]


def _period_filters(period: Period) -> list[_Filter]:
    name = _MOMENTS[period.moment]
    start = [] if period.start is None else [_filter(name, "GTE", value=str(millis_of(period.start)))]
    end = [] if period.end is None else [_filter(name, "LT", value=str(millis_of(period.end)))]
    return start + end


def _groups(conditions: Sequence[_Alternatives]) -> _Alternatives:
    """The combinations of all alternatives; a condition that would exceed HubSpot's limits is left out."""
    groups: _Alternatives = [()]
    for alternatives in conditions:
        wider = [(*group, *alternative) for group, alternative in product(groups, alternatives)]
        longest = max(len(group) for group in wider)
        fits = len(wider) <= _MAX_GROUPS and longest <= _MAX_IN_GROUP and sum(map(len, wider)) <= _MAX_FILTERS
        groups = wider if fits else groups
    return groups


def _status_values(query: TaskQuery, statuses: Mapping[str, Status]) -> list[str]:
    """The values of the query's statuses, without finished ones for overdue tasks; none if they cannot be searched."""
    values = [choice.id for choice in query.statuses or () if choice.id is not None]
    if len(values) < len(query.statuses or ()) or len(values) > _MAX_VALUES:
        return []
    return [value for value in values if not (query.overdue and value in statuses and statuses[value].type in FINISHED)]


def _window(query: TaskQuery, now: datetime) -> list[_Filter]:
    """The filters of the due days, from the first day that the page can contain."""
    if query.without_date:
        return []
    first, last = query.due_days(now.astimezone(UTC).date())
    lower = [_filter("hs_timestamp", "GTE", value=_midnight_ms(first, -_SLACK_DAYS))] if first else []
    upper = [_filter("hs_timestamp", "LTE", value=_midnight_ms(last, _SLACK_DAYS + 1))] if last else []
    return lower + upper


def _midnight_ms(day: date, shift_days: int) -> str:
    """Epoch milliseconds of midnight UTC of a day shifted by some days, which may be outside the range of `date`."""
    return str(millis_of(datetime.combine(day, time(), UTC)) + shift_days * _DAY_MS)


def _filter(name: str, operator: str, **operands: object) -> _Filter:
    return {"propertyName": name, "operator": operator, **operands}


def _is_in(name: str, values: Sequence[str]) -> _Alternatives:
    """The condition that a property has one of some values; no alternative without values."""
    return [[_filter(name, "IN", values=list(values))]] if values else []


def _is_unset(name: str) -> _Alternatives:
    return [[_filter(name, "NOT_HAS_PROPERTY")]]


_DATELESS: Final = _is_unset("hs_timestamp")


@dataclass(slots=True)
class PageSearch:
    """Runs the searches for one page until no further result can belong to it, and filters the results again.

    `statuses` are all statuses of the account, by id; `now` is aware.
    """

    reader: TaskReader
    query: TaskQuery
    statuses: Mapping[str, Status]
    now: datetime
    _found: dict[str, tuple[Task, Record]] = field(default_factory=dict)
    _times: dict[str, TaskTimes] = field(default_factory=dict)
    _nameless: int = 0

    async def run(self) -> TaskPage:
        """The page; UpstreamError `too_many_tasks` if it lies beyond the results that HubSpot shows."""
        # A search may show the former state of recently written tasks.
        recent = await self.reader.read_recent()
        await self._add([record for record in recent.values() if record is not None])
        waiting = deque(searches(self.query, self.statuses, self.now))
        while waiting and not self._page.more:
            waiting.extendleft(reversed(await self._follow(waiting.popleft(), recent)))
        page = self._page
        tasks = page.tasks
        others = [kind for kind in KINDS if kind not in self._filtered and LINKS[kind].field in self.query.links]
        if others:
            records = await self.reader.with_links([self._found[task.id][1] for task in tasks], others)
            tasks = tuple(await self.reader.to_tasks(records, self._of_links))
        unreadable = [*page.unreadable, *(task.id for task in tasks if task.unreadable_fields), *[""] * self._nameless]
        listed = tuple(task for task in tasks if not task.unreadable_fields)
        return TaskPage(listed, page.more, tuple(unreadable), page.times)

    async def _follow(self, search: Search, recent: Container[str]) -> list[Search]:
        """Fetch the needed pages of a search; returns the searches for the results beyond `MAX_FOUND`."""
        after: str | None = None
        properties = self.reader.client.properties()
        while True:
            start, answer = after, await self.reader.client.search(search.body(after, properties))
            rows = [Record.read(row) for row in rows_in("HubSpot", answer, "results")]
            self._nameless += rows.count(None)
            is_deleted, id_property = self.reader.recent.is_deleted, self.reader.client.id_property
            found = (
                record
                for record in rows
                if record is not None and record.id not in recent and not is_deleted(record.known_by(id_property))
            )
            last = await self._add(list(found))
            after = next_page(answer)
            if not rows and (start or after or answer.get("total")):
                raise broken_list("HubSpot")
            if after is None or (last and self._is_settled(last)):
                return []
            if not after.isdecimal() or len(after) > len(str(MAX_FOUND)):
                raise _too_many(answer["total"] if isinstance(answer.get("total"), int) else "more")
            if int(after) >= MAX_FOUND:
                return self._rest(search, rows[-1])
            if int(after) <= int(start or 0):
                raise broken_list("HubSpot")

    def _rest(self, search: Search, last: Record | None) -> list[Search]:
        """The searches that continue after the last result of a search; tasks without a due date come last.

        UpstreamError if that result lacks the value that the search is sorted by.
        """
        bounded = search.beyond(last.properties if last else {})
        if search.sort_by != "hs_timestamp" or not self.query.wants_dateless:
            return [bounded]
        return [bounded, replace(search, conditions=[_DATELESS, *search.conditions])]

    async def _add(self, records: list[Record]) -> Task | None:
        """Keep the records that match the query; return the last record, matching or not, as a task."""
        if self._filtered:
            records = await self.reader.with_links(records, self._filtered)
            if self.query.deal_id is not None and "deals" in self.reader.hidden:
                raise self.reader.hidden["deals"].but()
        tasks = await self.reader.to_tasks(records, self._of_links)
        self.reader.recent.note_read(record.id for record in records)
        self._times |= {task.id: times_of(record, task) for task, record in zip(tasks, records, strict=True)}
        matches = matcher(self.query, self._is_late, self._times)
        self._found |= {task.id: (task, record) for task, record in zip(tasks, records, strict=True) if matches(task)}
        return tasks[-1] if tasks else None

    @property
    def _filtered(self) -> Sequence[Kind]:
        """The kinds of links that the query filters by; its contact may be a company."""
        by_contact, by_deal = self.query.contact is not None, self.query.deal_id is not None
        return [kind for kind in KINDS if (by_deal if kind == "deals" else by_contact)]

    @property
    def _of_links(self) -> tuple[str, ...]:
        """The linked ids that the query filters by, which are shown if a task has several links."""
        return tuple(filter(None, (self.query.contact, self.query.deal_id)))

    def _is_late(self, task: Task) -> bool:
        return is_late(task, self.now, self.reader.account.data.zones.shown)

    @property
    def _page(self) -> TaskPage:
        return select_page([task for task, _ in self._found.values()], self.query, self._is_late, self._times)

    def _is_settled(self, last: Task) -> bool:
        """Whether the page is full and all results after `last` come after the page."""
        page = self._page
        if not page.more or self.query.order == "priority" or last.unreadable_fields:
            return False
        if self.query.order in ("created", "oldest"):
            ahead, behind = str(page.tasks[-1].created_at), str(last.created_at)
            return ahead < behind if ascends(self.query.order) else behind < ahead
        last_due, page_due = due_of(last), due_of(page.tasks[-1])
        return bool(last_due and page_due and last_due.day - page_due.day > timedelta(days=_SLACK_DAYS))


def _too_many(total: int | str) -> UpstreamError:
    return UpstreamError(
        f"The search found {total} tasks, and HubSpot shows only the first {MAX_FOUND:,}: this list needs more.",
        code="too_many_tasks",
        next_step="Narrow the filter: give fromDate and toDate, responsibleIds or status.",
    )
