"""The part that each CRM implements: its requests and responses. Everything around a request is shared in this folder.

A new CRM is a subclass of `CrmAdapter`. It sends requests, reads responses and compares a row with an edit; it never
decides what a lost response means. A *row* is a task in the CRM's own form.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar

from taskhand.backends.base import Account, Backend, BulkProgress, ItemResult, OwnProperties, Written
from taskhand.backends.remote.bulk_create import BulkCreate
from taskhand.backends.remote.bulk_item import Applied, BatchAnswer, Item, NewTask
from taskhand.backends.remote.bulk_update import ItemWriter, update_all
from taskhand.backends.remote.deletion import Deletion
from taskhand.backends.remote.lost_create import LostCreates
from taskhand.backends.remote.lost_update import read_twice, write_update
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.backends.remote.write_messages import Messages
from taskhand.call.parallel_work import for_each
from taskhand.domain.create_matching import CreateCandidates
from taskhand.domain.edit import Edit, unreadable_fields
from taskhand.domain.errors import NotFound, TaskhandError
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task

__all__ = ["Creator", "CrmAdapter"]

_Row = TypeVar("_Row")


class Creator(ABC, Generic[_Row]):
    """Creates tasks of a CRM, or other records that can be shown as tasks; `bulk_create` decides the outcomes."""

    messages: Messages
    """The notes and errors of this CRM."""
    max_creates: ClassVar[int] = 1
    """The maximum number of new tasks in one request; 1 if the CRM has no request for many."""
    batches_at_once: ClassVar[int] = 3
    """The maximum number of concurrent batches; a stop does not reach a batch that is under way."""
    singles_at_once: int = 16
    """The maximum number of concurrent single writes in a bulk; half of them wait for the rate budget."""

    def __init__(self, timing: Timing, recent: RecentWrites[_Row]) -> None:
        self.timing = timing
        self.recent = recent
        self.lost_creates = LostCreates(self)

    @abstractmethod
    async def create(self, edit: Edit) -> _Row:
        """POST a new task; OutcomeUnknown if the response is not a task."""

    @abstractmethod
    async def get(self, task_id: str, edit: Edit | None = None) -> _Row:
        """One task as it is now, with every field that `edit` sets; NotFound."""

    @abstractmethod
    async def created_since(
        self, moment: datetime, edits: Sequence[Edit], known_ids: frozenset[str]
    ) -> tuple[Sequence[_Row], timedelta | None]:
        """Tasks that creates of `edits` may have made, and how far the CRM's clock is ahead of ours (None: unknown).

        The tasks were created at `moment` (our clock) or later; tasks with `known_ids` may be left out.
        """

    @abstractmethod
    def to_task(self, row: _Row) -> Task:
        """A row as a task that names its unreadable fields; never raises, whatever the row holds."""

    # Methods that a CRM may override.

    async def prepare(self) -> None:
        """Fetch the data that reading a response needs: a fetch that failed after a write would hide its outcome."""

    def unmet(self, row: _Row, edit: Edit) -> frozenset[str]:
        """The names of an edit's fields whose values a row does not show."""
        return frozenset(name for name, _ in edit.unmet_fields(self.to_task(row), written=True))

    def shows(self, row: _Row, edit: Edit) -> bool:
        """Whether a row proves that an edit was applied."""
        return not self.unmet(row, edit)

    def hidden_fields(self, row: _Row) -> frozenset[str]:
        """The fields of an edit whose values a row does not show, whatever they are."""
        return unreadable_fields(self.to_task(row))

    def disproves(self, row: _Row, edit: Edit) -> bool:
        """Whether a row proves that an edit was not applied: a field that it shows has another value."""
        return not self.unmet(row, edit) <= self.hidden_fields(row)

    def disproves_create(self, row: _Row, edit: Edit) -> bool:
        """Whether a row proves that it is not the new task of `edit`."""
        return self.disproves(row, edit)

    async def complete(self, row: _Row, before: Task | None, edit: Edit) -> tuple[_Row, str | None]:
        """The whole task after a confirmed write, with a note.

        It is read back if the response has unreadable fields, or does not show an update.
        """
        task = self.to_task(row)
        if not task.unreadable_fields and (before is None or edit.is_met_by(task, written=True)):
            return row, None
        try:
            read = await self.get(task.id, edit)
        except TaskhandError:
            return row, self.messages.accepted
        return (read if self.unmet(read, edit) <= self.unmet(row, edit) else row), None

    def to_written(self, row: _Row, edit: Edit, note: str | None) -> Written:  # noqa: ARG002  for a CRM that needs it
        """The task after a write of an edit, remembered as a recent write."""
        task = self.to_task(row)
        self.recent.note_write(task.id, row)
        return Written(task, note)

    async def create_many(self, items: Sequence[NewTask[_Row]]) -> BatchAnswer[_Row]:
        """POST a batch of several tasks, if `max_creates` is more than 1.

        A refused batch makes no task; an item without its row in the response is lost.
        """
        raise NotImplementedError

    async def complete_creates(self, items: Sequence[NewTask[_Row]]) -> None:
        """Complete the rows of new tasks, as `complete` does for one."""
        for item in items:
            if isinstance(item.state, Applied):
                row, note = await self.complete(item.state.row, None, item.edit)
                item.state = Applied(row, note or item.state.note)

    async def create_task(self, edit: Edit) -> Written:
        """Create a task; if the response is lost, the task is searched for and not sent again."""
        [result] = await BulkCreate(self).run([edit])
        if result.written is None:
            raise result.error or self.messages.unknown_create()
        return result.written

    async def create_tasks(self, edits: Sequence[Edit], progress: BulkProgress | None = None) -> tuple[ItemResult, ...]:
        """Create many tasks, in batches if the CRM has them."""
        return await BulkCreate(self, progress or BulkProgress()).run(edits)


class CrmAdapter(Creator[_Row], Backend):
    """One CRM behind the `Backend` protocol: a subclass adds the reads of that protocol to the methods below."""

    account: Account
    """The people, contacts and health of the account."""
    remedies: Mapping[str, str] = {}
    properties: OwnProperties | None = None
    """The account's own task properties; None if the CRM has none."""
    many_reads_lag: ClassVar[bool] = False
    """Whether a request for many tasks by their ids may return rows from before a write; `get` is always current."""

    @abstractmethod
    async def update(self, before: Task, edit: Edit) -> _Row:
        """PUT or PATCH the fields of an edit; OutcomeUnknown if the response is not a task."""

    @abstractmethod
    async def delete(self, task_id: str) -> None:
        """DELETE a task; NotFound if it does not exist."""

    @abstractmethod
    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """The ids in a list, or all that it may lack wrongly: a task that `get` does not find may exist."""

    # Reads that a CRM may override, to send fewer requests or to know more of a task.

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:  # noqa: ARG002  nothing is cached
        """One task; NotFound."""
        await self.prepare()
        return self.to_task(await self.get(task_id))

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:  # noqa: ARG002
        """The tasks that exist, each with its row, read one by one."""
        await self.prepare()

        async def read(task_id: str) -> Snapshot | None:
            with suppress(NotFound):
                row = await self.get(task_id)
                return Snapshot(self.to_task(row), row if isinstance(row, Mapping) else {})
            return None

        unique = list(dict.fromkeys(ids))
        found = zip(unique, await for_each(unique, read, at_once=self.singles_at_once), strict=True)
        return {task_id: snapshot for task_id, snapshot in found if snapshot is not None}

    # Many tasks at once.

    async def write_items(self, items: Sequence[Item[_Row]], writer: ItemWriter[_Row]) -> None:
        """Write items of different tasks, and end every one of them; TaskhandError, which fails all, if none was sent.

        A CRM may override it to read the tasks first, or for a common last step.
        """
        await writer.write(items)

    # The part of the Backend protocol that is the same for every CRM.

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Update a task; if the response is lost, the task is read back before anything is sent again."""
        return await self.update_item(Item(0, before, edit), BulkProgress())

    async def update_item(self, item: Item[_Row], progress: BulkProgress) -> Written:
        """Write one item by itself; nothing is sent once `progress` is stopped."""
        await self.prepare()
        row, note = await write_update(self, item, progress)
        return self.to_written(row, item.edit, note)

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Update many tasks."""
        return await update_all(self, edits, progress or BulkProgress())

    async def delete_task(self, before: Task) -> str | None:
        """Delete a task; if the response is lost, the task is read before anything is sent again."""
        return await Deletion(self, before.id).run()

    async def delete_tasks(
        self, before: Sequence[Task], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Delete many tasks, each with its own request; nothing is sent once `progress` is stopped."""
        results = progress or BulkProgress()

        async def delete(item: tuple[int, Task]) -> ItemResult:
            index, task = item
            try:
                if results.stopped is not None:
                    raise results.stopped
                result = ItemResult(task.id, note=await self.delete_task(task))
            except TaskhandError as error:
                result = ItemResult(task.id, error=results.heed(error))
            results.report(index, result)
            return result

        return tuple(await for_each([*enumerate(before)], delete, at_once=self.singles_at_once))

    async def find_created(self, edits: Sequence[Edit], sent_at: datetime) -> tuple[CreateCandidates, ...]:
        """The tasks that each create sent at `sent_at` may have made; TaskhandError if the search fails.

        A search that lacks a task is repeated once: its list may be behind.
        """

        async def search() -> tuple[CreateCandidates, ...]:
            await self.prepare()
            return await self.lost_creates.candidates(edits, sent_at)

        found = await read_twice(search)
        return found if all(creates.tasks for creates in found) else await read_twice(search)

    async def aclose(self) -> None:
        """Close nothing: the factory's `context.stack` closes the HTTP client."""
