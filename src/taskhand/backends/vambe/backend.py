"""Vambe as a backend: reads from lists, writes that are compared, and read back where their answer was lost."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta

from taskhand.backends.base import BulkProgress, ItemResult, Written
from taskhand.backends.vambe.account import REMEDIES, Account, AccountSettings
from taskhand.backends.vambe.client import VambeClient, Window
from taskhand.backends.vambe.lists import WIDEST, TaskLists
from taskhand.backends.vambe.reader import Reader
from taskhand.backends.vambe.writer import Writer
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.check_result import CheckResult
from taskhand.domain.due import due_of, is_overdue
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, UpstreamError
from taskhand.domain.page import TaskPage, select_page
from taskhand.domain.query import TaskQuery
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import FINISHED, Contact, Member, StatusList, Task

__all__ = ["VambeBackend"]

_SLACK = timedelta(days=2)
"""A window is asked for wider than it is: whether its ends count, and in which zone, is not documented."""


class VambeBackend:
    """Tasks in one Vambe settings."""

    name = "vambe"
    capabilities = Capabilities()
    remedies = REMEDIES

    def __init__(
        self,
        wire: VambeClient,
        settings: AccountSettings,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """`clock` answers an aware datetime, `monotonic` seconds."""
        self._wire = wire
        self._settings = settings
        self._catalogue = settings.catalogue
        self._clock = clock
        self._lists = TaskLists(wire.tasks, settings.keep_s, clock=clock, monotonic=monotonic)
        self._reader = Reader(settings)
        self._writer = Writer(wire, self._lists, self._reader, self._catalogue, clock=clock)
        self._account = Account(wire, settings.keep_s, monotonic)

    async def statuses(self) -> StatusList:
        """Those configured, or those seen on tasks; the widest list is looked at where no finished one was seen."""
        await self._tasks(self._lists.near)
        if not any(status.type in FINISHED for status in self._catalogue.known().statuses):
            with suppress(CallerError):  # a window that Vambe finds too wide is no reason to hide what was seen
                await self._tasks(WIDEST)
        return self._catalogue.known()

    async def members(self) -> tuple[Member, ...]:
        """The active members of the settings."""
        return await self._account.members()

    async def me(self) -> str | None:
        """The configured user: Vambe has no way to ask whose key it is."""
        return self._settings.user_id

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether `due_at` was read rightly: while the reading is not known, a time in a zone off UTC may not be."""
        return self._reader.sure_of_due(task, of_day=of_day)

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """By e-mail or phone Vambe searches; by name, those heard from within a year are looked through."""
        return await self._account.find_contacts(query, limit)

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """A window of Vambe's list, filtered here by everything that its query cannot say."""
        tasks = await self._tasks(_window_of(query))
        unnamed = sum(task.status_config is None for task in tasks)
        if unnamed and (query.statuses is not None or query.overdue is not None):
            raise UpstreamError(
                f"Vambe did not name the status of {unnamed} tasks, so tasks cannot be found by status here.",
                code="status_unknown",
                next_step="Leave status and overdue out, and look at each task's status.",
            )
        return select_page(tasks, query, self._is_late)

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One task out of the lists; NotFound."""
        return self._reader.noted([await self._lists.find(task_id, fresh=fresh)])[0]

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """Many tasks out of the list around today and the widest: two requests at most, however many they are.

        What is native is the row as it was listed. Vambe takes none of it back: a PUT has other names and other forms,
        so an edit's `native` is nothing to it, and what the contract cannot say of a row is said to be unknown.
        """
        rows = await self._lists.find_all(ids, fresh=fresh)
        self._reader.note(rows.values())
        assumed = {one for one, raw in rows.items() if fresh and self._lists.hidden(one, raw) is not None}
        return {one: self._reader.snapshot(raw, assumed=one in assumed) for one, raw in rows.items()}

    async def create_task(self, edit: Edit) -> Written:
        """POST, once: where the answer is lost the task is looked for, and never sent again."""
        return await self._writer.create(edit)

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """PUT with the fields that change; where the answer is lost the task is read before anything is sent again."""
        return await self._writer.update(before, edit)

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], watch: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Parallel PUTs within the rate budget: Vambe documents nothing for many tasks at once."""
        return await self._writer.update_all(edits, watch, in_hand=self._settings.in_hand)

    async def delete_task(self, before: Task) -> str | None:
        """DELETE, which nothing public takes back; sent again where its answer was lost and the task is still there."""
        return await self._writer.delete(before)

    async def upstream_time(self) -> datetime | None:
        """The `Date` of an answer."""
        return await self._wire.now()

    async def examine(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """The way there, the key, what it may read, and the rate."""
        return await self._account.run_checks(self._clock(), writes=writes)

    async def aclose(self) -> None:
        """Nothing is open here: the client is closed by whoever opened it."""

    async def _tasks(self, window: Window) -> list[Task]:
        return self._reader.noted(await self._lists.get(window))

    def _is_late(self, task: Task) -> bool:
        unfinished = task.status_config is None or task.status_config.type not in FINISHED
        return unfinished and is_overdue(due_of(task), self._clock(), self._settings.timezone)


def _window_of(query: TaskQuery) -> Window:
    """What to ask Vambe for so that nothing that the query wants is missing."""
    first = _moved(query.from_date, -_SLACK) if query.from_date else WIDEST.first
    last = _moved(query.to_date, _SLACK) if query.to_date else WIDEST.last
    people = tuple(sorted(query.responsible_ids or ()))
    return Window(first, last, people, dateless=query.include_tasks_without_dates and not query.overdue)


def _moved(day: str, by: timedelta) -> str:
    try:
        return (date.fromisoformat(day) + by).isoformat()
    except OverflowError:
        return day
