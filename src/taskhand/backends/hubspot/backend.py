"""HubSpot as a backend: its parts put together behind the protocol."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import uuid4

import anyio

from taskhand.backends.base import BulkProgress, ItemResult, Written
from taskhand.backends.hubspot.account import REMEDIES, Account, AccountSettings
from taskhand.backends.hubspot.bulk import Bulk
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.creation import Creation
from taskhand.backends.hubspot.query import PageSearch
from taskhand.backends.hubspot.reader import Reader
from taskhand.backends.hubspot.removal import Removal
from taskhand.backends.hubspot.update import Update
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit
from taskhand.domain.page import TaskPage
from taskhand.domain.query import TaskQuery
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Contact, Member, StatusList, Task

__all__ = ["HubSpotBackend"]

_DIGITS = r"[0-9]{1,20}"
_VALUE = r"[^\s/]{1,200}"


class HubSpotBackend:
    """Tasks in one HubSpot account."""

    name = "hubspot"
    remedies = REMEDIES

    def __init__(
        self,
        wire: HubSpotClient,
        account: AccountSettings,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
        new_id: Callable[[], str] = lambda: uuid4().hex[:12],
    ) -> None:
        """`clock` answers an aware datetime, `monotonic` seconds, `sleep` takes them; `new_id` is for trace ids."""
        self.capabilities = Capabilities(
            not_clearable=frozenset({"dueDate"}),
            required_on_create=frozenset({"dueDate"}),
            id_pattern=_VALUE if wire.id_property else _DIGITS,
            member_id_pattern=_DIGITS,
            most_responsibles=1,
            keeps_timezone=False,
        )
        self._wire = wire
        self._portal = Account(wire, account, monotonic)
        self._reader = Reader(wire, self._portal, monotonic)
        self._clock = clock
        self._timezone = account.timezone
        self._create = Creation(wire, self._reader, self._portal, clock=clock, sleep=sleep)
        self._update = Update(wire, self._reader, self._portal)
        self._delete = Removal(wire, self._reader)
        self._update_many = Bulk(wire, self._reader, self._portal, new_id)

    async def statuses(self) -> StatusList:
        """The options of `hs_task_status`."""
        return await self._portal.statuses()

    async def members(self) -> tuple[Member, ...]:
        """The owners that are not archived."""
        return await self._portal.members()

    async def me(self) -> str | None:
        """The configured owner, or the one who made the private app."""
        return await self._portal.me()

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Always: `hs_timestamp` is an instant, and days are those of one zone."""
        del task, of_day
        return True

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts and companies by a part of their name, e-mail or phone."""
        return await self._portal.find_contacts(query, limit)

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page; UpstreamError `too_many_tasks` where HubSpot does not let it be found."""
        search = PageSearch(self._wire, self._reader, query, self._clock(), self._timezone)
        return await search.run(await self._portal.by_value())

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One task with its links, always read; NotFound."""
        del fresh
        return await self._reader.task(await self._reader.one(task_id))

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """Tasks with their properties and links as HubSpot has them, always read; all that is there is told."""
        del fresh
        return await self._reader.snapshots(ids)

    async def create_task(self, edit: Edit) -> Written:
        """POST, once, and read back; OutcomeUnknown where nobody can tell whether there is one."""
        return await self._create(edit)

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """PATCH and associations, and read back; OutcomeUnknown where nobody can tell."""
        return await self._update(before, edit)

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], watch: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Batch updates of a hundred, taken apart; read back where their answers leave something open."""
        return await self._update_many(edits, watch)

    async def delete_task(self, before: Task) -> str | None:
        """DELETE, to the recycling bin; looked for where the answer is lost."""
        return await self._delete(before)

    async def upstream_time(self) -> datetime | None:
        """The `Date` of an answer."""
        return await self._wire.date()

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """The way there, the token, its scopes, and the rate."""
        return await self._portal.check_health(writes=writes)

    async def aclose(self) -> None:
        """Nothing is open here: the clients are closed by whoever opened them."""
