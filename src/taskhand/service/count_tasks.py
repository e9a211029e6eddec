"""Count tasks by a property, without showing them."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from taskhand.call.deadline import time_left
from taskhand.domain.errors import CallerError, NotAttempted, UpstreamError
from taskhand.domain.name_matching import Match
from taskhand.domain.task import Member
from taskhand.domain.task_groups import NOBODY, CountBy, TaskCount, groups_of
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import TaskFilter, TaskQuery
from taskhand.domain.task_times import UNKNOWN
from taskhand.service.app_context import AppContext
from taskhand.service.list_tasks import all_pages
from taskhand.service.resolve_filter import resolve_filter
from taskhand.service.resolve_people import find_former_members
from taskhand.service.unknown_filter_names import check_names_known

__all__ = ["Counted", "count_tasks"]

_PAGE_SIZE: Final = 1_000
"""Tasks that are read between two checks of the time."""
_MAX_COUNTED: Final = 100_000
"""Maximum number of counted tasks."""
_HEADROOM: Final = 1.5
"""Another page is read only if at least this many times the duration of the last page is left."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The number of tasks in each group, and the people by id: the team, and former members.

    `matched` are the resolved days that were sent in words.
    """

    count: TaskCount
    members: dict[str, Member]
    former: dict[str, Member]
    matched: tuple[Match, ...] = ()


async def count_tasks(app: AppContext, task_filter: TaskFilter, by: CountBy) -> Counted:
    """The number of tasks that match the filter, grouped by `by`; CallerError if the filter is invalid.

    If the deadline or the CRM's limits stop the read, the newest tasks are counted, and the count says so.
    """
    if by == "completedDay" and "completed" not in app.backend.capabilities.known:
        raise CallerError(
            "This CRM does not report when a task was completed.",
            code="invalid_arguments",
            next_step="Send another countBy: responsible, status, priority or dueDay.",
        )
    members = {member.id: member for member in await app.backend.account.members()}
    query = replace(await resolve_filter(app, task_filter), order="created", limit=_PAGE_SIZE, links=frozenset())
    counting = _Counting(app, by)
    await counting.run(query)
    count = counting.result()
    if not count.total and not count.unreadable:
        await check_names_known(app, task_filter)
    responsible = [group for group in count.groups if group != NOBODY] if by == "responsible" else []
    former = await find_former_members(app, responsible, members)
    return Counted(count, members, former, query.matched)


class _Counting:
    """The count of one call, in progress."""

    def __init__(self, app: AppContext, by: CountBy) -> None:
        self._app = app
        self._by = by
        self._zone = app.reference.calendar
        self._groups: Counter[str] = Counter()
        self._total = 0
        self._unreadable: set[str] = set()
        self._nameless = 0
        self._why: str | None = None

    async def run(self, query: TaskQuery) -> None:
        """Count page by page until the time runs out."""
        begun = self._app.call_time.monotonic()
        try:
            async for page in all_pages(self._app, query):
                self._add(page)
                now = self._app.call_time.monotonic()
                if page.more and time_left() < _HEADROOM * (now - begun):
                    self._why = "The call's time ran out."
                    return
                if page.more and self._total >= _MAX_COUNTED:
                    self._why = "There are more tasks than one call counts."
                    return
                begun = now
        except (UpstreamError, NotAttempted) as error:
            if not self._total:
                raise
            self._why = error.message

    def result(self) -> TaskCount:
        """The count so far."""
        return TaskCount(self._groups, self._total, len(self._unreadable) + self._nameless, self._why)

    def _add(self, page: TaskPage) -> None:
        for task in page.tasks:
            self._groups.update(groups_of(task, page.times.get(task.id, UNKNOWN), self._by, self._zone))
        self._total += len(page.tasks)
        self._unreadable.update(filter(None, page.unreadable))
        self._nameless = max(self._nameless, page.unreadable.count(""))
