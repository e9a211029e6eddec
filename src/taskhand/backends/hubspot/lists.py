"""Pages of tasks: found by searching, checked again here, and true about what was written a moment ago."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from taskhand.backends.hubspot.account import Account, next_page
from taskhand.backends.hubspot.account import read as read_as
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.query import MOST_FOUND, Search, is_settled, searches
from taskhand.backends.hubspot.reader import Reader
from taskhand.backends.hubspot.record import Record, objects
from taskhand.domain.due import due_of, is_overdue
from taskhand.domain.errors import UpstreamError
from taskhand.domain.page import TaskPage, select_page
from taskhand.domain.query import TaskQuery
from taskhand.domain.task import FINISHED, Task

__all__ = ["TaskPages"]


class TaskPages:
    """Searches page by page until nothing that is still to come could belong on the page asked for."""

    def __init__(
        self,
        wire: HubSpotClient,
        reader: Reader,
        portal: Account,
        *,
        clock: Callable[[], datetime],
        timezone: str | None,
    ) -> None:
        """`clock` answers an aware datetime; `timezone` is the IANA zone whose day it is."""
        self._wire = wire
        self._reader = reader
        self._portal = portal
        self._clock = clock
        self._timezone = timezone

    async def page(self, query: TaskQuery) -> TaskPage:
        """One page; UpstreamError `too_many_tasks` where it would take more than HubSpot lets be paged through."""
        recent = await self._reader.recent()
        found = _Found(query, self._is_late)
        await self._add(found, [record for record in recent.values() if record is not None])
        for search in searches(query, await self._portal.by_value(), self._clock()):
            await self._run(search, found, frozenset(recent))
            if found.page.more and query.order == "priority":
                break
        return await self._linked(found)

    async def _run(self, search: Search, found: "_Found", recent: frozenset[str]) -> None:
        after: str | None = None
        by = self._wire.id_property
        while True:
            answer = await self._wire.search(search.body(after, [by] if by else ()))
            rows = [read_as(Record.from_json, row) for row in objects(answer.get("results"))]
            last = await self._add(found, [record for record in rows if record.id not in recent])
            after = next_page(answer)
            if after is None or (last and found.is_settled(last)):
                return
            if not after.isdecimal() or int(after) >= MOST_FOUND:
                raise _too_many(answer.get("total"))

    async def _add(self, found: "_Found", records: list[Record]) -> Task | None:
        """Enter what was found; the last of it, in the order of the search."""
        if found.query.contact is not None and records:
            records = await self._reader.with_links(records)
        tasks = await self._reader.tasks(records, found.query.contact)
        self._reader.seen.update(record.id for record in records)
        found.add(records, tasks)
        return tasks[-1] if tasks else None

    async def _linked(self, found: "_Found") -> TaskPage:
        """The page, its tasks with what they are linked to."""
        page = found.page
        if found.query.contact is not None or not page.tasks:
            return page
        records = await self._reader.with_links([found.records[task.id] for task in page.tasks])
        return replace(page, tasks=tuple(await self._reader.tasks(records)))

    def _is_late(self, task: Task) -> bool:
        unfinished = task.status_config is None or task.status_config.type not in FINISHED
        return unfinished and is_overdue(due_of(task), self._clock(), self._timezone)


class _Found:
    """What was found so far of what the query wants, and the page that it makes."""

    def __init__(self, query: TaskQuery, is_late: Callable[[Task], bool]) -> None:
        self.query = query
        self.records: dict[str, Record] = {}
        self.tasks: dict[str, Task] = {}
        self._is_late = is_late

    def add(self, records: Sequence[Record], tasks: Sequence[Task]) -> None:
        """Enter tasks with their records; of one that was found before, the later state counts."""
        by_id = {task.id: record for record, task in zip(records, tasks, strict=True)}
        self.tasks = {one: task for one, task in self.tasks.items() if one not in by_id}
        for task in select_page(tasks, replace(self.query, limit=len(tasks)), self._is_late).tasks:
            self.records[task.id], self.tasks[task.id] = by_id[task.id], task

    @property
    def page(self) -> TaskPage:
        """The page of the query among the tasks found."""
        return select_page(self.tasks.values(), self.query, self._is_late)

    def is_settled(self, last_found: Task) -> bool:
        """Whether the page is full, and nothing to come can be on it."""
        page = self.page
        return page.more and is_settled(last_found, page.tasks[-1], self.query)


def _too_many(total: object) -> UpstreamError:
    how_many = f"{total} tasks" if isinstance(total, int) else "more tasks"
    return UpstreamError(
        f"The search found {how_many}; HubSpot shows only the first {MOST_FOUND:,}, which is not enough for this list.",
        code="too_many_tasks",
        next_step="Narrow the filter: give fromDate and toDate, responsibleIds or status.",
    )
