"""Lists of tasks: the searches that find what a query wants, and one page out of what they find.

https://developers.hubspot.com/docs/api-reference/crm-search-v3/guide: at most five groups of six filters, eighteen in
all; groups are alternatives. What a search cannot express, or has no room for, is left out and filtered afterwards.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

from taskhand.backends.hubspot.client import next_page
from taskhand.backends.hubspot.due import millis_of, moment_of
from taskhand.backends.hubspot.mapping import PRIORITY_VALUES, PROPERTIES, Record
from taskhand.backends.hubspot.stages import OPTIONS, STAGE, STATUS
from taskhand.backends.hubspot.task_reader import TaskReader
from taskhand.backends.remote.parsing import JsonObject, rows_in
from taskhand.domain.due import due_of, is_late
from taskhand.domain.errors import UpstreamError
from taskhand.domain.page import TaskPage, select_page
from taskhand.domain.query import NO_DUE, TaskQuery
from taskhand.domain.task import FINISHED, Status, Task

__all__ = ["MOST_FOUND", "PageSearch", "Search", "newest_since", "searches"]

MOST_FOUND: Final = 10_000
"""Results that can be paged through; beyond, HubSpot answers 400."""

_MOST_GROUPS, _MOST_IN_GROUP, _MOST_FILTERS = 5, 6, 18
_MOST_VALUES: Final = 100
_PAGE: Final = 200
_DAY_MS: Final = 86_400_000
_SLACK_DAYS: Final = 1
"""A due day is that of a zone, and a search is in UTC: it covers a day more on either side."""

_Filter = Mapping[str, object]
_Alternatives = Sequence[Sequence[_Filter]]


@dataclass(frozen=True, slots=True)
class Search:
    """One search: alternatives of filters, the property it is sorted by, and the direction."""

    groups: _Alternatives
    sort_by: str
    direction: str = "ASCENDING"

    def body(self, after: str | None, more: Sequence[str] = ()) -> JsonObject:
        """The body of one page; `after` is from the page before, `more` are further properties to ask for."""
        sorts = [{"propertyName": self.sort_by, "direction": self.direction}]
        body: JsonObject = {"sorts": sorts, "properties": [*PROPERTIES, *more], "limit": _PAGE}
        if any(self.groups):
            body["filterGroups"] = [{"filters": list(group)} for group in self.groups]
        return body | ({"after": after} if after else {})


def searches(query: TaskQuery, statuses: Mapping[str, Status], now: datetime) -> Iterator[Search]:
    """The searches that together find everything `query` wants, in the order in which they fill its pages."""
    # By priority there is one for each: how HubSpot sorts the values of a choice is not documented.
    if query.order != "priority":
        sort = ("hs_timestamp", "ASCENDING") if query.order == "due" else ("hs_createdate", "DESCENDING")
        yield Search(_groups(_conditions(query, statuses, now, query.priority)), *sort)
        return
    highest = query.after[0] if query.after and isinstance(query.after[0], int) else max(PRIORITY_VALUES)
    for priority in sorted(PRIORITY_VALUES, reverse=True):
        if query.priority in (None, priority) and priority <= highest:
            yield Search(_groups(_conditions(query, statuses, now, priority)), "hs_object_id")


def newest_since(moment: datetime) -> Search:
    """The tasks created since a moment, the newest first."""
    since = _filter("hs_createdate", "GTE", value=str(millis_of(moment)))
    return Search([[since]], "hs_createdate", "DESCENDING")


def _conditions(
    query: TaskQuery, statuses: Mapping[str, Status], now: datetime, priority: int | None
) -> Iterator[_Alternatives]:
    """The conditions of a query, the most selective first; each as its alternatives."""
    if query.contact is not None:
        yield [[_filter(f"associations.{kind}", "EQ", value=query.contact)] for kind in ("contact", "company")]
    if query.responsible_ids is not None and len(query.responsible_ids) <= _MOST_VALUES:
        yield [[_filter("hubspot_owner_id", "IN", values=list(query.responsible_ids))]]
    if values := _status_values(query, statuses):
        # An account's own stage is an id, which the status shows for some of them.
        own = [one for one in values if one not in OPTIONS]
        yield [[_filter(STATUS, "IN", values=values)], *([[_filter(STAGE, "IN", values=own)]] if own else [])]
    if query.order == "created" and query.after is not None and (last := moment_of(query.after[0])):
        yield [[_filter("hs_createdate", "LTE", value=str(millis_of(last)))]]
    if window := _window(query, now):
        dateless = query.include_tasks_without_dates and not query.overdue
        yield [window, [_filter("hs_timestamp", "NOT_HAS_PROPERTY")]] if dateless else [window]
    if priority:
        yield [[_filter("hs_task_priority", "IN", values=list(PRIORITY_VALUES[priority]))]]
    elif priority == 0:  # an account's own values, and none, read as 0
        others = [*PRIORITY_VALUES[1], *PRIORITY_VALUES[2]]
        unset = _filter("hs_task_priority", "NOT_HAS_PROPERTY")
        yield [[_filter("hs_task_priority", "NOT_IN", values=others)], [unset]]


def _groups(conditions: Iterator[_Alternatives]) -> _Alternatives:
    """Every combination of the alternatives, as far as HubSpot's limits have room for them."""
    groups: _Alternatives = [()]
    for alternatives in conditions:
        wider = [(*group, *one) for group, one in product(groups, alternatives)]
        longest = max(len(group) for group in wider)
        fits = len(wider) <= _MOST_GROUPS and longest <= _MOST_IN_GROUP and sum(map(len, wider)) <= _MOST_FILTERS
        groups = wider if fits else groups
    return groups


def _status_values(query: TaskQuery, statuses: Mapping[str, Status]) -> list[str]:
    """The values of the statuses, without finished ones for what is overdue; none where they cannot be filtered by."""
    values = [choice.id for choice in query.statuses or () if choice.id is not None]
    if len(values) < len(query.statuses or ()) or len(values) > _MOST_VALUES:
        return []
    return [one for one in values if not (query.overdue and one in statuses and statuses[one].type in FINISHED)]


def _window(query: TaskQuery, now: datetime) -> list[_Filter]:
    """The due days to look at, from the first one that the page can begin with."""
    cursor = query.after[0] if query.order == "due" and query.after and query.after[0] != NO_DUE else None
    first = max((str(day)[: len("2026-01-01")] for day in (query.from_date, cursor) if day), default=None)
    today = now.astimezone(UTC).date().isoformat() if query.overdue else None
    last = min((day for day in (query.to_date, today) if day), default=None)
    lower = [_filter("hs_timestamp", "GTE", value=_midnight_ms(first, -_SLACK_DAYS))] if first else []
    upper = [_filter("hs_timestamp", "LTE", value=_midnight_ms(last, _SLACK_DAYS + 1))] if last else []
    return lower + upper


def _midnight_ms(day: str, shift_days: int) -> str:
    """Epoch milliseconds of midnight UTC, some days later or earlier; also past the first and last day of `date`."""
    return str(millis_of(datetime.fromisoformat(day).replace(tzinfo=UTC)) + shift_days * _DAY_MS)


def _filter(name: str, operator: str, **operands: object) -> _Filter:
    return {"propertyName": name, "operator": operator, **operands}


@dataclass(slots=True)
class PageSearch:
    """The search for one page: it goes on until no further result could be on it, and filters the results again.

    `statuses` are all of the account, by value; `now` is aware.
    """

    reader: TaskReader
    query: TaskQuery
    statuses: Mapping[str, Status]
    now: datetime
    _found: dict[str, tuple[Task, Record]] = field(default_factory=dict)
    _nameless: int = 0

    async def run(self) -> TaskPage:
        """The page; UpstreamError `too_many_tasks` beyond `MOST_FOUND` results."""
        # A search may show tasks that were written lately as they were before.
        recent = await self.reader.recently_written()
        await self._add([record for record in recent.values() if record is not None])
        for search in searches(self.query, self.statuses, self.now):
            await self._follow(search, recent)
            if self._page.more:
                break
        page, tasks = self._page, self._page.tasks
        if self.query.contact is None:
            records = await self.reader.with_links([self._found[task.id][1] for task in tasks])
            tasks = tuple(await self.reader.tasks(records))
        unreadable = [*page.unreadable, *(task.id for task in tasks if task.unreadable_fields), *[""] * self._nameless]
        return TaskPage(tuple(task for task in tasks if not task.unreadable_fields), page.more, tuple(unreadable))

    async def _follow(self, search: Search, recent: Container[str]) -> None:
        """Fetch the results of a search, page by page, as far as they are needed."""
        after: str | None = None
        more = [self.reader.client.id_property] if self.reader.client.id_property else []
        while True:
            start, answer = after, await self.reader.client.search(search.body(after, more))
            rows = [Record.read(row) for row in rows_in("HubSpot", answer, "results")]
            self._nameless += rows.count(None)
            is_deleted = self.reader.recent.is_deleted
            found = (one for one in rows if one is not None and one.id not in recent and not is_deleted(one.id))
            last = await self._add(list(found))
            after = next_page(answer)
            if after is None or (last and self._is_settled(last)):
                return
            if not after.isdecimal() or len(after) > len(str(MOST_FOUND)) or int(after) >= MOST_FOUND:
                raise _too_many(answer["total"] if isinstance(answer.get("total"), int) else "more")
            if int(after) <= int(start or 0):
                raise _not_further()

    async def _add(self, records: list[Record]) -> Task | None:
        """Keep records in their latest state; the last of them, in the order of the search, as a task."""
        if self.query.contact is not None:
            records = await self.reader.with_links(records)
        tasks = await self.reader.tasks(records, self.query.contact)
        self.reader.recent.known_ids.update(record.id for record in records)
        self._found.update({task.id: (task, record) for task, record in zip(tasks, records, strict=True)})
        return tasks[-1] if tasks else None

    @property
    def _page(self) -> TaskPage:
        tasks, zone = [task for task, _ in self._found.values()], self.reader.zones.shown
        return select_page(tasks, self.query, lambda task: is_late(task, self.now, zone))

    def _is_settled(self, last: Task) -> bool:
        """Whether the page is full, and whatever a search shows after `last` comes after the page."""
        page = self._page
        if not page.more or self.query.order == "priority" or last.unreadable_fields:
            return False
        if self.query.order == "created":
            return str(last.created_at) < str(page.tasks[-1].created_at)
        last_due, page_due = due_of(last), due_of(page.tasks[-1])
        return bool(last_due and page_due and last_due.day - page_due.day > timedelta(days=_SLACK_DAYS))


def _too_many(total: int | str) -> UpstreamError:
    return UpstreamError(
        f"The search found {total} tasks, and HubSpot shows only the first {MOST_FOUND:,}: this list needs more.",
        code="too_many_tasks",
        next_step="Narrow the filter: give fromDate and toDate, responsibleIds or status.",
    )


def _not_further() -> UpstreamError:
    return UpstreamError(
        "HubSpot's search named a page as the next one that was read already.",
        code="upstream_invalid",
        next_step="Send the same call again; if it fails again, tell whoever runs Taskhand.",
    )
