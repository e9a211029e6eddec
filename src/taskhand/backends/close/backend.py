"""Close as a backend: one task read and written by id, lists in pages, many tasks written at once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from taskhand.backends.base import BulkProgress, ItemResult, Written
from taskhand.backends.close.account import contacts_of, search_body
from taskhand.backends.close.bulk import BulkUpdate
from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.creation import Creation
from taskhand.backends.close.deletion import Deletion
from taskhand.backends.close.health_checks import REMEDIES, examination
from taskhand.backends.close.listing import Listing
from taskhand.backends.close.mapping import DONE, OPEN, member_of
from taskhand.backends.close.paging import TooManyPages, read_all_pages
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.recent import Recent
from taskhand.backends.close.task_types import CALL, LEAD, NewKind, listed_kinds, new_kind
from taskhand.backends.close.writing import Writer
from taskhand.backends.remote.parsing import JsonObject, parse
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, Candidate, NotFound, UpstreamError
from taskhand.domain.page import TaskPage
from taskhand.domain.query import TaskQuery
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Contact, Member, StatusList, Task

__all__ = ["CAPABILITIES", "Account", "CloseBackend"]

_LEADS: Final = 100
"""Leads in a page of a search for contacts."""
_MOST_PAGES: Final = 10
_MOST_BARE: Final = 25
"""Most leads that are read one by one, where a search left their contacts out."""

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


@dataclass(frozen=True, slots=True)
class Account:
    """What is configured of a Close organization.

    `timezone` is the IANA zone that instants are shown in and days are meant in, UTC where there is none; `types` are
    the types of tasks that are listed: `inbox`, `all`, or names with commas between; `creates` is the type of new
    tasks; `keep_s` is how many seconds the team is good for.
    """

    timezone: str | None = None
    types: str = "inbox"
    creates: NewKind = LEAD
    keep_s: float = 30.0


class CloseBackend:
    """Tasks in one Close organization."""

    name = "close"
    remedies = REMEDIES

    def __init__(
        self,
        wire: CloseClient,
        account: Account,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        """`clock` answers an aware datetime, `monotonic` seconds; `sleep` takes seconds. OperatorError for `types`."""
        needed = {"aiCustomerId", "aiContactId"} if account.creates == CALL else {"aiCustomerId"}
        self.capabilities = replace(CAPABILITIES, required_on_create=frozenset(needed))
        self._wire = wire
        self._account = account
        self._clock = clock
        self._sleep = sleep
        self._reader = Reader(wire, account.timezone, Recent(monotonic), clock=clock)
        self._writer = Writer(self._reader, sleep)
        self._creation = Creation(self._reader, sleep)
        self._deletion = Deletion(self._reader, sleep)
        self._listing = Listing(self._reader, listed_kinds(account.types))
        self._team: TtlCache[None, tuple[Member, ...]] = TtlCache(account.keep_s, monotonic)
        self._me: str | None = None

    async def statuses(self) -> StatusList:
        """The two that Close has."""
        return StatusList((OPEN, DONE), complete=True, source="Close: a task is open or completed")

    async def members(self) -> tuple[Member, ...]:
        """The users of the organization, without those who have left it."""

        async def fetched() -> tuple[Member, ...]:
            try:
                rows = await read_all_pages(self._wire.users)
            except TooManyPages:
                raise _too_many("users", "Tell whoever runs Taskhand.") from None
            return tuple(member for row in rows if (member := parse("Close", member_of, row)) is not None)

        return await self._team.get(None, fetched)

    async def me(self) -> str | None:
        """The user whose credential it is."""
        if self._me is None:
            reply = await self._wire.me()
            found = reply.object.get("id")
            if not isinstance(found, str) or not found:
                raise self._wire.invalid(reply, "with a user without an id")
            self._me = found
        return self._me

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Instants come as such; the day that one falls on is known where a zone is configured."""
        return not of_day or self._account.timezone is not None or task.is_all_day or task.due_at is None

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts of leads by their own name, e-mail or phone, or by the lead's name."""
        found: list[Contact] = []
        cursor: str | None = None
        bare = 0
        for _ in range(_MOST_PAGES):
            try:
                rows, cursor = await self._wire.search(search_body(query, _LEADS), cursor)
            except CallerError:
                if cursor is None:
                    raise
                raise _too_wide(found) from None  # a cursor is good for half a minute
            for row in rows:
                is_bare = not isinstance(row.get("contacts"), list)
                if is_bare and bare == _MOST_BARE:
                    raise _too_wide(found)
                bare += is_bare
                found += contacts_of(await self._lead(row) if is_bare else row, query)
                if len(found) >= limit:
                    return tuple(found[:limit])
            if cursor is None:
                return tuple(found)
        raise _too_wide(found)

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of the tasks that are listed here; UpstreamError `too_many_tasks` where too many are in question."""
        try:
            return await self._listing.page(query)
        except TooManyPages:
            step = "Narrow the filter: responsibleIds, status, or fromDate and toDate without dateless tasks."
            raise _too_many("tasks", step) from None

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:  # noqa: ARG002 - one task is always read
        """One task of any type; NotFound. Its priority is 0 where Close does not say it: no value asked for is that."""
        return self._reader.task(await self._reader.one(task_id))

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:  # noqa: ARG002 - as above
        """Tasks of any type, in the order of their ids: one by itself, many 100 a request."""
        return {one: self._reader.snapshot(raw) for one, raw in (await self._reader.some(ids)).items()}

    async def create_task(self, edit: Edit) -> Written:
        """A new task of the configured type; in the place of one that was deleted, of its type (`cannot_recreate`)."""
        return await self._creation(edit, new_kind(edit.native, self._account.creates), self._me)

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

    async def examine(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """The way there, the credential, what it may read, and the rate."""
        return await examination(self._wire, self._clock, writes=writes)

    async def aclose(self) -> None:
        """Nothing is open here: the client is closed by whoever opened it."""

    async def _lead(self, row: JsonObject) -> dict[str, Any]:
        """A lead with its contacts, where a search left them out; as it was found where it is gone."""
        try:
            return await self._wire.lead(str(row.get("id")))
        except NotFound:
            return row


def _too_wide(found: Sequence[Contact]) -> CallerError:
    return CallerError(
        "Too many leads answer to this query for all of them to be looked at.",
        code="query_too_wide",
        candidates=[Candidate(one.id or one.customer_id or "", one.name) for one in found],
        next_step="Send more of the name, or an e-mail or a phone number; the candidates are those found so far.",
    )


def _too_many(what: str, next_step: str) -> UpstreamError:
    return UpstreamError(
        f"There are more {what} in question than can be read in one call.", code="too_many_tasks", next_step=next_step
    )
