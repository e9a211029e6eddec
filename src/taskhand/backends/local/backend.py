"""The built-in task store as a backend."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from taskhand.backends.base import Backend, BulkProgress, ItemResult, OwnProperties, Written
from taskhand.backends.local import tasks
from taskhand.backends.local.people_and_statuses import Directory, LocalAccount, NewId
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.due import instant_text
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAttempted, OperatorError, OutcomeUnknown
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusList, Task
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import TaskQuery
from taskhand.sql.connection import SqlConnection

if TYPE_CHECKING:
    from taskhand.backends.local.storage import TaskStorage
    from taskhand.backends.local.task_import import ImportReport, Line
    from taskhand.domain.create_matching import CreateCandidates
    from taskhand.domain.event_source import EventSource

__all__ = ["Identity", "LocalBackend"]

_T = TypeVar("_T")

_Step = Callable[[SqlConnection, tasks.Stamp], _T]
"""A write of tasks, called with its connection and its stamp (the moment and the member)."""

_MAX_CREATED = 100
"""Maximum tasks that are searched for a lost create, newest first."""


class Identity(NamedTuple):
    """The id of a store, and the `former` names in journals. A store that `is_new` has no former names."""

    id: str
    is_new: bool
    former: tuple[str, ...] = ()


class LocalBackend(Backend):
    """Tasks in one built-in store, which any number of processes can share."""

    properties: OwnProperties | None = None
    capabilities = Capabilities(
        id_pattern=tasks.ID_PATTERN,
        usual_id_pattern=tasks.USUAL_ID_PATTERN,
        lists_are_current=True,
        known=("created", "updated", "completed", "completed_by"),
    )
    remedies: Mapping[str, str] = {
        "statuses": "Add one: taskhand statuses add NAME --type done",
        "me": "List the members: taskhand members list",
    }

    def __init__(
        self, storage: "TaskStorage", *, clock: Callable[[], datetime], new_id: NewId, new_task_id: NewId | None = None
    ) -> None:
        """`clock` returns an aware datetime. `new_task_id` makes the ids of tasks, `new_id` by default."""
        self._clock = clock
        self._new_id = new_id
        self._new_task_id = new_task_id or new_id
        self._storage = storage
        self._store = storage.store
        self.account: LocalAccount = LocalAccount(storage, new_id)

    @cached_property
    def event_source(self) -> "EventSource | None":
        """The store's log of changes."""
        from taskhand.backends.local.change_log import StoreEvents  # noqa: PLC0415  no start waits for it

        return StoreEvents(self._storage)

    @property
    def path(self) -> Path | None:
        """The file; None if the store is in a database."""
        return self._storage.path

    async def exists(self) -> bool:
        """Whether the store exists; OperatorError if that cannot be determined."""
        return await self._store.exists()

    async def identity(self) -> Identity:
        """The store's name in the journal; creates the store if it does not exist."""
        return await self._store.peek(_read_identity)

    async def save_former_names(self, former: Sequence[str]) -> None:
        """Store the names of this store in journals of earlier versions."""
        sql = "INSERT INTO former_place VALUES (?) ON CONFLICT DO NOTHING"
        await self._store.write(lambda connection: connection.executemany(sql, [(name,) for name in former]))

    async def statuses(self) -> StatusList:
        """All statuses; the list is complete."""
        known = await self._store.peek(lambda connection: Directory(connection, self._new_id).statuses())
        return StatusList(known, complete=True, source="the built-in store")

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of tasks, found by an index of the database."""
        # A text search is one step of SQLite and cannot be interrupted here.
        run = self._store.peek if query.text is None else self._store.read
        return await run(lambda connection: tasks.page(connection, query, self._clock(), self._storage))

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:  # noqa: ARG002  there is no cache
        """One task by id; NotFound."""
        return await self._store.peek(lambda connection: tasks.task(connection, task_id))

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:  # noqa: ARG002  as above
        """The tasks with these ids, with their completion times and members, in one query."""
        return await self._store.peek(lambda connection: tasks.snapshots(connection, ids))

    async def create_task(self, edit: Edit) -> Written:
        """Create a task in the given status, or else in the first initial one; its creator is the writing member."""

        def write(connection: SqlConnection, stamp: tasks.Stamp) -> Task:
            return tasks.insert_task(connection, edit, task_id=self._new_task_id(connection), stamp=stamp)

        return Written(await self._write(write))

    async def create_tasks(self, edits: Sequence[Edit], progress: BulkProgress | None = None) -> tuple[ItemResult, ...]:
        """Create all tasks in one transaction; a task that cannot be created does not stop the others."""

        def write(connection: SqlConnection, stamp: tasks.Stamp) -> list[ItemResult]:
            return [
                tasks.create_item(connection, edit, task_id=self._new_task_id(connection), stamp=stamp)
                for edit in edits
            ]

        return await self._write_all(write, [""] * len(edits), progress)

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Set the given fields in one transaction; NotFound if the task is gone, Misread if a given field changed."""
        return Written(await self._write(lambda connection, stamp: tasks.change_task(connection, before, edit, stamp)))

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Update all tasks in one transaction; a task that is gone or has changed does not stop the others.

        `progress` is asked once whether to stop, and gets every result when the transaction is over.
        """

        def write(connection: SqlConnection, stamp: tasks.Stamp) -> list[ItemResult]:
            return [tasks.update_item(connection, before, edit, stamp) for before, edit in edits]

        return await self._write_all(write, [before.id for before, _ in edits], progress)

    async def find_created(self, edits: Sequence[Edit], sent_at: datetime) -> tuple["CreateCandidates", ...]:
        """The tasks created since `sent_at` that match each edit; exact, because the store's lists do not lag."""
        from taskhand.domain.create_matching import (  # noqa: PLC0415  a start recovers nothing
            SEARCHED_BEFORE,
            CreateCandidates,
            is_created_since,
        )

        candidates = []
        for edit in edits:
            title = edit.title if isinstance(edit.title, str) else None
            page = await self.list_tasks(TaskQuery(text=title, order="created", limit=_MAX_CREATED))
            new = [task for task in page.tasks if is_created_since(task, sent_at - SEARCHED_BEFORE)]
            alike = [task for task in new if edit.is_met_by(task, written=True)]
            candidates.append(CreateCandidates(alike, sent_at))
        return tuple(candidates)

    async def delete_task(self, before: Task) -> None:
        """Remove a task; NotFound if it is already gone, CallerError if it changed since it was read."""
        await self._write(lambda connection, _: tasks.delete(connection, before))

    async def delete_tasks(
        self, before: Sequence[Task], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Remove all tasks in one transaction; a task that is gone or has changed does not stop the others."""

        def write(connection: SqlConnection, _: tasks.Stamp) -> list[ItemResult]:
            return [tasks.delete_item(connection, task) for task in before]

        return await self._write_all(write, [task.id for task in before], progress)

    def now(self) -> datetime:
        """The current time of the store's clock."""
        return self._clock()

    async def edit(self, work: Callable[[Directory], _T]) -> _T:
        """Run `work`, which changes statuses, members or contacts, in one transaction."""
        try:
            return await self._store.write(lambda connection: work(Directory(connection, self._new_id)))
        finally:
            self.account.forget_members()

    async def import_lines(self, lines: "Sequence[Line]", *, commit: bool = True) -> "ImportReport":
        """Import records in one transaction; without `commit`, only check them. CallerError for wrong lines."""

        def work(connection: SqlConnection, _: tasks.Stamp) -> "ImportReport":
            from taskhand.backends.local.task_import import import_lines  # noqa: PLC0415  only a command needs it

            connection.execute("SAVEPOINT import")
            report = import_lines(connection, lines, self._clock())
            if not commit:
                connection.execute("ROLLBACK TO import")
            return report

        try:
            return await self._write(work, count=len(lines))
        finally:
            self.account.forget_members()

    async def aclose(self) -> None:
        """Close the store."""
        await self._store.aclose()

    async def _write_all(
        self,
        write: _Step[Sequence[ItemResult]],
        ids: Sequence[str],
        progress: BulkProgress | None,
    ) -> tuple[ItemResult, ...]:
        """Write the tasks with these `ids` in one transaction.

        `progress` is asked once whether to stop, and gets every result when the transaction is over.
        """
        progress = progress or BulkProgress()
        try:
            if progress.stopped is not None:
                raise progress.stopped
            results = tuple(await self._write(write, count=len(ids)))
        except (NotAttempted, OperatorError, OutcomeUnknown) as error:
            results = tuple(ItemResult(task_id, error=error) for task_id in ids)
        for index, result in enumerate(results):
            progress.report(index, result)
        return results

    async def _write(self, step: _Step[_T], *, count: int = 1) -> _T:
        """Write `count` tasks in one transaction; its log rows have the moment and the writing member."""
        stamping = await self._prepare_stamp()

        def work(connection: SqlConnection) -> _T:
            stamp = stamping(connection)
            return tasks.write_as(connection, self._storage.dialect.changes, stamp, lambda: step(connection, stamp))

        return await self._store.write(work, tasks=count)

    async def _prepare_stamp(self) -> Callable[[SqlConnection], tasks.Stamp]:
        """A function that makes the stamp of a write: the moment and the caller's member (`me` without an author)."""
        from taskhand.call.author import current_author  # noqa: PLC0415  no start waits for it

        author = current_author()
        if author is None:
            return lambda connection: tasks.Stamp(instant_text(self._clock()), Directory(connection, self._new_id).me())
        member = await author.find_member()
        return lambda _: tasks.Stamp(instant_text(self._clock()), member)


def _read_identity(connection: SqlConnection) -> Identity:
    sql = "SELECT i.id, i.is_new, f.place FROM identity i LEFT JOIN former_place f ON TRUE ORDER BY f.place"
    rows = connection.execute(sql).fetchall()
    former = tuple(row["place"] for row in rows if row["place"] is not None)
    return Identity(rows[0]["id"], bool(rows[0]["is_new"]), former)
