"""What a CRM has to bring: its wire. Everything that happens around a request is shared and stands in this folder.

A new CRM is a subclass of `CrmAdapter`. It sends requests, reads answers and compares a row with an edit; it never
decides what a lost answer means. A *row* is a task in the CRM's own form.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from taskhand.backends.base import BulkProgress, ItemResult, OwnProperties, Written
from taskhand.backends.remote.account import CrmAccount
from taskhand.backends.remote.bulk import BulkUpdate
from taskhand.backends.remote.bulk_create import BulkCreate
from taskhand.backends.remote.bulk_delete import delete_each
from taskhand.backends.remote.bulk_item import BatchAnswer, Finish, Item, NewTask
from taskhand.backends.remote.lost_create import LostCreates
from taskhand.backends.remote.messages import Messages
from taskhand.backends.remote.parsing import sent_at
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.writer import Writer
from taskhand.domain.check_result import CheckResult
from taskhand.domain.edit import Edit, unreadable_fields
from taskhand.domain.errors import TaskhandError
from taskhand.domain.lost_create import CreateCandidates
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Contact, Deal, DealList, Member, Task
from taskhand.domain.task_types import KnownType

if TYPE_CHECKING:
    from taskhand.domain.change_source import ChangeSource

__all__ = ["CrmAdapter", "Timing"]

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks of an adapter: `clock` answers an aware datetime, `monotonic` seconds; `sleep` takes seconds."""

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]]


class CrmAdapter(ABC, Generic[_Row]):
    """One CRM behind the `Backend` protocol: a subclass adds the reads of that protocol to the methods below."""

    accessed = "credential"
    messages: Messages
    """The sentences of this CRM."""
    account: CrmAccount
    """The people, contacts and health of the account."""
    properties: OwnProperties | None = None
    """The task properties of the account's own, where it has them."""
    batches_at_once: ClassVar[int] = 3
    """Batches under way at the same time: a stop comes too late for these."""
    singles_at_once: int = 16
    """Tasks of a bulk update that are written one by one at the same time: half of them wait in the rate budget."""

    def __init__(self, timing: Timing, recent: RecentWrites[_Row]) -> None:
        self.timing = timing
        self.recent = recent
        self._lost_creates = LostCreates(self)
        self._writer = Writer(self)

    @property
    def change_source(self) -> "ChangeSource | None":
        """How the CRM tells what was changed in it; None where it cannot."""
        return None

    # The wire.

    @abstractmethod
    async def create(self, edit: Edit) -> _Row:
        """POST a new task; OutcomeUnknown where the answer is no task."""

    @abstractmethod
    async def update(self, before: Task, edit: Edit) -> _Row | None:
        """PUT or PATCH the fields of an edit; None where none of them has to be sent."""

    @abstractmethod
    async def delete(self, task_id: str) -> None:
        """DELETE a task; NotFound where it does not exist."""

    @abstractmethod
    async def get(self, task_id: str, edit: Edit | None = None) -> _Row:
        """One task as it is now, with everything that `edit` sets; NotFound."""

    @abstractmethod
    async def created_since(
        self, moment: datetime, edits: Sequence[Edit], known: frozenset[str]
    ) -> tuple[Sequence[_Row], timedelta | None]:
        """Tasks that creates of `edits` may have made, and how far the CRM's clock is ahead of ours (None: unknown).

        Those were created at `moment` (our clock) or later; tasks with `known` ids may be left out.
        """

    @abstractmethod
    def to_task(self, row: _Row) -> Task:
        """A row as a task, its unreadable fields named: whatever the CRM answered, and never an error."""

    # What a CRM may do otherwise.

    async def prepare(self) -> None:
        """Fetch what an answer cannot be read without: after a request has left, a failure would hide its outcome."""

    def unmet(self, row: _Row, edit: Edit) -> frozenset[str]:
        """The fields of an edit that a row does not show."""
        return frozenset(name for name, _ in edit.unmet_by(self.to_task(row), written=True).given())

    def shows(self, row: _Row, edit: Edit) -> bool:
        """Whether a row proves that an edit was applied."""
        return not self.unmet(row, edit)

    def disproves(self, row: _Row, edit: Edit) -> bool:
        """Whether a row proves that an edit was not applied: it lacks a field of it that can be read."""
        return not self.unmet(row, edit) <= unreadable_fields(self.to_task(row))

    async def complete(self, row: _Row, before: Task | None, edit: Edit) -> tuple[_Row, str | None]:
        """The whole task after a confirmed write, read back where the answer does not say all of it; with a note."""
        del before
        task = self.to_task(row)
        if not task.unreadable_fields:
            return row, None
        try:
            read = await self.get(task.id)
        except TaskhandError:
            return row, self.messages.accepted
        return (read if self.unmet(read, edit) <= self.unmet(row, edit) else row), None

    def to_written(self, row: _Row, edit: Edit, before: Task | None, note: str | None) -> Written:
        """The task after a write, remembered as a recent write; `before` is None for a new task."""
        del edit
        task = self.to_task(row)
        self.recent.wrote(before.id if before else task.id, row)
        return Written(task, note)

    # Many tasks at once.

    async def prepare_many(self, items: Sequence[Item[_Row]], progress: BulkProgress) -> Finish[_Row] | None:
        """Get ready to write these: an item that cannot be written fails here; TaskhandError fails all.

        The answer, if any, is what some of them need once all are written.
        """

    def create_batches(self, items: Sequence[NewTask[_Row]]) -> list[list[NewTask[_Row]]]:
        """The new tasks that go together, batch by batch; each alone where there is no request for many."""
        return [[item] for item in items]

    async def create_many(self, items: Sequence[NewTask[_Row]]) -> BatchAnswer[_Row]:
        """One POST for the tasks of a batch, which makes none where it is refused; what it does not mention is lost."""
        [item] = items
        return BatchAnswer({item.index: await self.create(item.edit)})

    async def complete_creates(self, items: Sequence[NewTask[_Row]]) -> None:
        """Have the rows of new tasks say all of them, as `complete` does for one."""
        for item in items:
            if item.row is not None:
                item.row, note = await self.complete(item.row, None, item.edit)
                item.note = note or item.note

    def confirmed_row(self, row: _Row, edit: Edit) -> _Row:  # noqa: ARG002 - for CRMs whose lists lag
        """A row that is behind, as an edit that the CRM has confirmed leaves it."""
        return row

    async def find_notes(
        self, tasks: Sequence[Task], text: str, since: datetime, but: Collection[str] = ()
    ) -> dict[str, str]:
        """None: notes are a part of the description."""
        del tasks, text, since, but
        return {}

    async def missing_notes(self, note_ids: Collection[str]) -> frozenset[str]:  # noqa: ARG002
        """None: notes are a part of the description."""
        return frozenset()

    async def check_edit(self, before: Task | None, edit: Edit) -> None:
        """CallerError for an edit that the CRM would refuse; where nobody can tell before, the CRM tells."""

    # The Backend protocol, as far as it is the same for every CRM.

    @abstractmethod
    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """Tasks with the CRM's own values; those that do not exist are left out."""

    async def snapshots_to_delete(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        """Tasks as they are now: their own values are all that a task made again in their place needs."""
        return await self.snapshots(ids, fresh=True)

    async def members(self) -> tuple[Member, ...]:
        """The people who can be responsible for a task."""
        return await self.account.members()

    async def former_members(self) -> tuple[Member, ...]:
        """The people who left the team."""
        return await self.account.former_members()

    async def me(self) -> str | None:
        """The member id that `me` stands for, None where nobody can tell."""
        return await self.account.me()

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts by name, phone or e-mail, up to `limit`."""
        return await self.account.find_contacts(query, limit)

    async def find_deals(self, query: str | None, limit: int) -> DealList:
        """Deals by a part of their names, or those that were changed last."""
        return await self.account.find_deals(query, limit)

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact | Deal]:
        """What tasks are linked to, by id."""
        return await self.account.find_linked(field, ids)

    async def task_types(self) -> tuple[KnownType, ...]:
        """The types that tasks can have."""
        return await self.account.task_types()

    async def upstream_time(self) -> datetime | None:
        """The `Date` of an answer."""
        return sent_at(await self.account.probe())

    async def upstream_account(self) -> str | None:
        """The id of the account that the credential is for."""
        return await self.account.upstream_account()

    async def check_access(self) -> None:
        """Send one request that any credential may send."""
        await self.account.probe()

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """The way there, the credential, its scopes and the rate."""
        return await self.account.check_health(self.timing.clock(), writes=writes)

    async def create_task(self, edit: Edit) -> Written:
        """Create a task with one POST; where its answer is lost, the task is searched for and never sent again."""
        [result] = await BulkCreate(self, self._lost_creates).run([edit])
        if result.written is None:
            raise result.error or self.messages.unknown_create()
        return result.written

    async def create_tasks(self, edits: Sequence[Edit], progress: BulkProgress | None = None) -> tuple[ItemResult, ...]:
        """Create many tasks, in batches where the CRM has them."""
        return await BulkCreate(self, self._lost_creates, progress or BulkProgress()).run(edits)

    async def update_task(self, before: Task, edit: Edit, progress: BulkProgress | None = None) -> Written:
        """Update a task; where the answer is lost, the task is read before anything is sent again.

        Nothing is sent once `progress`, that of a bulk update, is stopped.
        """
        await self.prepare()
        row, note = await self._writer.update(before, edit, progress)
        return self.to_written(row, edit, before, note)

    async def update_item(self, item: Item[_Row], progress: BulkProgress) -> Written:
        """Write one item of a bulk update by itself."""
        return await self.update_task(item.before, item.edit, progress)

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Update many tasks, each with a request of its own."""
        return await BulkUpdate(self, progress or BulkProgress()).run(edits)

    async def delete_task(self, before: Task) -> str | None:
        """Delete a task; where the answer is lost, the task is looked for before anything is sent again."""
        return await self._writer.delete(before.id)

    async def delete_tasks(
        self, before: Sequence[Task], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Delete many tasks, each with a request of its own."""
        return await delete_each(self, before, progress or BulkProgress())

    def forget(self, task_ids: Collection[str] | None) -> None:
        """Forget what was written to these tasks, or to any (None): another process has written them since."""
        self.recent.forget_overtaken(task_ids)

    async def find_created(self, edits: Sequence[Edit], sent_at: datetime) -> tuple[CreateCandidates, ...]:
        """The tasks that each create sent at `sent_at` may have made; TaskhandError where nobody can look."""
        await self.prepare()
        return await self._lost_creates.candidates(edits, sent_at)

    async def aclose(self) -> None:
        """Close nothing: the HTTP client is closed by whoever opened it."""
