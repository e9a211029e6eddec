"""Close as a backend: one task read and written by id, lists in pages, many tasks written at once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from taskhand.backends.base import BulkProgress, ItemResult, Written
from taskhand.backends.close.account import REMEDIES, Account, AccountSettings
from taskhand.backends.close.bulk import BulkUpdate
from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.creation import Creation
from taskhand.backends.close.deletion import Deletion
from taskhand.backends.close.mapping import DONE, OPEN
from taskhand.backends.close.query import TaskSearch
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.recent import Recent
from taskhand.backends.close.task_types import CALL, new_task_type, type_filter
from taskhand.backends.close.writing import Writer
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit
from taskhand.domain.page import TaskPage
from taskhand.domain.query import TaskQuery
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Contact, Member, StatusList, Task

__all__ = ["CAPABILITIES", "CloseBackend"]

# Ids are opaque. That of a person has a digit or a `_` in it: it is told from a name of one word by that.
CAPABILITIES: Final = Capabilities(
    absent=frozenset({"description"}),
    absent_on_update=frozenset({"aiContactId", "aiCustomerId"}),
    required_on_create=frozenset({"aiCustomerId"}),
    priorities=("1", "2"),
    id_pattern=r"[A-Za-z0-9_-]{1,200}",
    member_id_pattern=r"(?=[A-Za-z_-]*[0-9_])[A-Za-z0-9_-]{1,200}",
    least_responsibles=1,
    most_responsibles=1,
    keeps_timezone=False,
)


class CloseBackend:
    """Tasks in one Close organization."""

    name = "close"
    remedies = REMEDIES

    def __init__(
        self,
        wire: CloseClient,
        settings: AccountSettings,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        """`clock` answers an aware datetime, `monotonic` seconds; `sleep` takes seconds. OperatorError for `types`."""
        needed = {"aiCustomerId", "aiContactId"} if settings.creates == CALL else {"aiCustomerId"}
        self.capabilities = replace(CAPABILITIES, required_on_create=frozenset(needed))
        self._wire = wire
        self._settings = settings
        self._account = Account(wire, settings, monotonic)
        self._clock = clock
        self._sleep = sleep
        self._reader = Reader(wire, settings.timezone, Recent(monotonic), clock=clock)
        self._writer = Writer(self._reader, sleep)
        self._creation = Creation(self._reader, sleep)
        self._deletion = Deletion(self._reader, sleep)
        self._search = TaskSearch(self._reader, type_filter(settings.types))

    async def statuses(self) -> StatusList:
        """The two that Close has."""
        return StatusList((OPEN, DONE), complete=True, source="Close: a task is open or completed")

    async def members(self) -> tuple[Member, ...]:
        """The users of the organization, without those who have left it."""
        return await self._account.members()

    async def me(self) -> str | None:
        """The user whose credential it is."""
        return await self._account.me()

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Instants come as such; the day that one falls on is known where a zone is configured."""
        return not of_day or self._settings.timezone is not None or task.is_all_day or task.due_at is None

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts of leads by their own name, e-mail or phone, or by the lead's name."""
        return await self._account.find_contacts(query, limit)

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of the tasks that are listed here; UpstreamError `too_many_tasks` where too many are in question."""
        return await self._search.page(query)

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:  # noqa: ARG002 - one task is always read
        """One task of any type; NotFound. Its priority is 0 where Close does not say it: no value asked for is that."""
        return self._reader.task(await self._reader.one(task_id))

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:  # noqa: ARG002 - as above
        """Tasks of any type, in the order of their ids: one by itself, many 100 a request."""
        return {one: self._reader.snapshot(raw) for one, raw in (await self._reader.some(ids)).items()}

    async def create_task(self, edit: Edit) -> Written:
        """A new task of the configured type; in the place of one that was deleted, of its type (`cannot_recreate`)."""
        return await self._creation(edit, new_task_type(edit.native, self._settings.creates), self._account.user_id)

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """PUT of one task."""
        return await self._writer.update(before, edit)

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], watch: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Bulk updates where Close has them, else parallel PUTs within the rate budget."""
        return await BulkUpdate(self._reader, self._writer, self._sleep, watch or BulkProgress()).run(edits)

    async def delete_task(self, before: Task) -> str | None:
        """DELETE of one task: it is not shown here any more, though Close may show it for a while."""
        return await self._deletion(before.id)

    async def upstream_time(self) -> datetime | None:
        """The `Date` of an answer."""
        return await self._wire.now()

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """The way there, the credential, what it may read, and the rate."""
        return await self._account.check_health(self._clock(), writes=writes)

    async def aclose(self) -> None:
        """Nothing is open here: the client is closed by whoever opened it."""
