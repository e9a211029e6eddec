"""A backend that has only the tasks of one person: those that the person is among the responsibles of.

It applies the rule `own_tasks_only` of the policy. Every method of the protocol is narrowed here or passed on by name,
so that a new one is not forgotten.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import MISSING

from taskhand.backends.base import Backend, BulkProgress, ItemResult, OwnProperties, Written
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAllowed
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusList, Task
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import TaskQuery, task_sort_key

if TYPE_CHECKING:
    from taskhand.domain.create_matching import CreateCandidates
    from taskhand.domain.event_source import EventSource

__all__ = ["OwnTasksBackend"]

_MAX_NAMED: Final = 5


class OwnTasksBackend:
    """The tasks on `backend` that `me` is responsible for; an object of it serves one call.

    A task that is not the person's own is left out of lists, and NotAllowed if it is named. Before a write each task
    is read afresh. A task that is the person's own in that read may be written, and given away too. A person who is
    not a member has no tasks.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._read_as_own: set[str] = set()
        """The ids of tasks that this call has read, afresh, as the person's own."""
        self._written: set[str] = set()
        """The ids of the tasks that this call has written, perhaps reassigned: it may read them until it ends."""
        self.capabilities, self.remedies = backend.capabilities, backend.remedies
        self.account = backend.account
        own_properties = backend.properties
        self.properties: OwnProperties | None = (
            _OwnTaskProperties(own_properties, self._only_own) if own_properties else None
        )

    @property
    def event_source(self) -> "EventSource | None":
        """Forwarded to the backend: changes are filtered for the caller when they are listed."""
        return self._backend.event_source

    async def statuses(self) -> StatusList:
        """Forwarded to the backend."""
        return await self._backend.statuses()

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Forwarded to the backend."""
        return self._backend.sure_of_due(task, of_day=of_day)

    def reread(self, snapshot: Snapshot) -> Snapshot:
        """Forwarded to the backend."""
        return self._backend.reread(snapshot)

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of the person's own tasks; of those that others are responsible for too, if these are asked for.

        As many pages of the backend are read as that takes.
        """
        me, asked = await self.account.me(), query.responsible_ids
        others = None if asked is None or me in asked else frozenset(asked)
        most_responsibles = self.capabilities.most_responsibles
        if me is None or (others is not None and (not others or most_responsibles == 1)):
            return TaskPage((), more=False)
        rest = replace(query, responsible_ids=(me,), of_nobody=False)
        tasks: list[Task] = []
        unreadable: dict[str, None] = {}
        times: dict[str, Any] = {}
        while True:
            page = await self._backend.list_tasks(rest)
            tasks += [
                task
                for task in page.tasks
                if me in task.responsible_ids and (others is None or not others.isdisjoint(task.responsible_ids))
            ]
            unreadable |= dict.fromkeys(page.unreadable)
            times |= page.times
            if not page.more or not page.tasks or len(tasks) >= query.limit:
                break
            last = page.tasks[-1]
            rest = replace(rest, after=(task_sort_key(last, query.order), last.id))
        shown = tuple(tasks[: query.limit])
        return TaskPage(
            shown,
            more=page.more or len(tasks) > len(shown),
            unreadable=await self._own_among(unreadable),
            times={task.id: times[task.id] for task in shown if task.id in times},
        )

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One of the person's own tasks; NotAllowed for another's."""
        me = await self._member()
        task = await self._backend.get_task(task_id, fresh=fresh)
        if not self._is_own(task, me):
            raise _not_own_error([task_id])
        return task

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:  # noqa: ARG002
        """The person's own tasks, always as they are now: they are read to be written. NotAllowed for another's."""
        return await self._only_own(await self._backend.snapshots(ids, fresh=True))

    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """Forwarded to the backend: the ids of others' tasks too."""
        return await self._backend.find_listed(ids)

    async def snapshots_to_delete(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        """The person's own tasks; NotAllowed for another's."""
        return await self._only_own(await self._backend.snapshots_to_delete(ids))

    async def find_notes(
        self, tasks: Sequence[Task], text: str, since: datetime, but: Collection[str] = ()
    ) -> dict[str, str]:
        """Forwarded to the backend, about tasks that were read here."""
        return await self._backend.find_notes(tasks, text, since, but)

    async def missing_notes(self, note_ids: Collection[str]) -> frozenset[str]:
        """Forwarded to the backend."""
        return await self._backend.missing_notes(note_ids)

    async def check_edit(self, before: Task | None, edit: Edit) -> None:
        """As the backend checks it; NotAllowed for a new task that would not be the person's own."""
        if before is None:
            await self._check_new(edit)
        await self._backend.check_edit(before, edit)

    async def create_task(self, edit: Edit) -> Written:
        """Create a task of the person's own."""
        await self._check_new(edit)
        written = await self._backend.create_task(edit)
        self._read_as_own.add(written.task.id)
        return written

    async def create_tasks(self, edits: Sequence[Edit], progress: BulkProgress | None = None) -> tuple[ItemResult, ...]:
        """Create many tasks of the person's own; none, if one of them would be another's."""
        try:
            for edit in edits:
                await self._check_new(edit)
        except NotAllowed as error:
            return tuple(ItemResult("", error=error) for _ in edits)
        results = await self._backend.create_tasks(edits, progress)
        self._read_as_own.update(result.written.task.id for result in results if result.written)
        return results

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Write a task that was read here as the person's own."""
        self._check_read([before])
        self._written.add(before.id)
        return await self._backend.update_task(before, edit)

    async def update_tasks(
        self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Write tasks that were read here as the person's own; none, if one of them was not."""
        tasks = [task for task, _ in edits]
        if (refused := self._refuse_unread(tasks)) is not None:
            return refused
        self._written.update(task.id for task in tasks)
        return await self._backend.update_tasks(edits, progress)

    async def find_created(self, edits: Sequence[Edit], sent_at: datetime) -> tuple["CreateCandidates", ...]:
        """Forwarded to the backend: a task that this person has made may have been given away since."""
        return await self._backend.find_created(edits, sent_at)

    async def delete_task(self, before: Task) -> str | None:
        """Delete a task that was read here as the person's own."""
        self._check_read([before])
        return await self._backend.delete_task(before)

    async def delete_tasks(
        self, before: Sequence[Task], progress: BulkProgress | None = None
    ) -> tuple[ItemResult, ...]:
        """Delete tasks that were read here as the person's own; none, if one of them was not."""
        if (refused := self._refuse_unread(before)) is not None:
            return refused
        return await self._backend.delete_tasks(before, progress)

    async def aclose(self) -> None:
        """Close the backend."""
        await self._backend.aclose()

    async def _member(self) -> str:
        """The id of the person's member; NotAllowed for a person who is none."""
        if (me := await self.account.me()) is None:
            raise NotAllowed(
                "You are not a known member of this account, so none of its tasks are your own.",
                next_step=f"Tell the person: {self.remedies['me']}" if "me" in self.remedies else None,
                details={"rule": "own_tasks_only"},
            )
        return me

    async def _only_own(self, snapshots: Mapping[str, Snapshot]) -> dict[str, Snapshot]:
        """The tasks that were just read; NotAllowed if one of them is another's."""
        if not snapshots:
            return {}
        me = await self._member()
        others = [asked for asked, snapshot in snapshots.items() if not self._is_own(snapshot.task, me)]
        self._read_as_own.difference_update(snapshots[asked].task.id for asked in others)
        self._read_as_own.update(snapshot.task.id for asked, snapshot in snapshots.items() if asked not in others)
        if others:
            raise _not_own_error(others, of=len(snapshots))
        return dict(snapshots)

    def _is_own(self, task: Task, me: str) -> bool:
        return me in task.responsible_ids or task.id in self._written

    async def _own_among(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those of the tasks that cannot be read whole that are certainly the person's own."""
        me, pattern = await self.account.me(), self.capabilities.id_pattern
        named = [task_id for task_id in ids if re.fullmatch(pattern, task_id)]
        snapshots = await self._backend.snapshots(named) if named else {}
        return tuple(
            task_id for task_id in named if task_id in snapshots and me in snapshots[task_id].task.responsible_ids
        )

    async def _check_new(self, edit: Edit) -> None:
        me = await self._member()
        if edit.responsible_ids is MISSING or me not in edit.responsible_ids:
            raise NotAllowed(
                "A new task has to be your own, and you are not among its responsibleIds; nothing was written.",
                next_step='Send "me" among responsibleIds. The task can be given away afterwards, with reassign_task.',
                details={"rule": "own_tasks_only"},
            )

    def _check_read(self, tasks: Iterable[Task]) -> None:
        """NotAllowed for a task that was not read here as the person's own."""
        asked = [task.id for task in tasks]
        if others := [task_id for task_id in asked if task_id not in self._read_as_own]:
            raise _not_own_error(others, of=len(asked))

    def _refuse_unread(self, tasks: Sequence[Task]) -> tuple[ItemResult, ...] | None:
        """The results if one of the tasks was not read here as the person's own; None if all were."""
        try:
            self._check_read(tasks)
        except NotAllowed as error:
            return tuple(ItemResult(task.id, error=error) for task in tasks)
        return None


class _OwnTaskProperties:
    """Properties of the CRM's own, of the person's own tasks."""

    def __init__(
        self,
        own_properties: OwnProperties,
        only_own: Callable[[Mapping[str, Snapshot]], Awaitable[dict[str, Snapshot]]],
    ) -> None:
        self._own = own_properties
        self._only_own = only_own

    async def resolve(self, values: Mapping[str, str | None]) -> Mapping[str, str | None]:
        """Forwarded to the backend."""
        return await self._own.resolve(values)

    async def find_names(self, names: Collection[str]) -> Mapping[str, str]:
        """Forwarded to the backend."""
        return await self._own.find_names(names)

    async def snapshots(
        self, ids: Sequence[str], names: Collection[str], *, to_delete: bool = False
    ) -> dict[str, Snapshot]:
        """The person's own tasks with these properties; NotAllowed for another's."""
        return await self._only_own(await self._own.snapshots(ids, names, to_delete=to_delete))

    async def find_ids(self, name: str, values: Sequence[str]) -> Mapping[str, str]:
        """Forwarded to the backend: access is checked when the task with the id is read."""
        return await self._own.find_ids(name, values)


def _not_own_error(ids: Sequence[str], *, of: int = 1) -> NotAllowed:
    """The refusal of these tasks, out of `of` in the call. The other tasks of the call are not written either."""
    named = ", ".join(ids[:_MAX_NAMED]) + (f" and {len(ids) - _MAX_NAMED} more" if len(ids) > _MAX_NAMED else "")
    what = f"Task {named} is not one of your own tasks" if len(ids) == 1 else f"Tasks {named} are not your own"
    return NotAllowed.by("own_tasks_only", f"{what}{'; nothing was written' if of > 1 else ''}.")
