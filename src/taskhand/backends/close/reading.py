"""Tasks as Close shows them, read by id or as rows of a list, none of them older than what was just written here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import MISSING

from taskhand.backends.close.client import CHUNK, CloseClient
from taskhand.backends.close.mapping import UNLISTED_PRIORITY, UnlistedPriorities, raw_values, task_of
from taskhand.backends.close.recent import Recent
from taskhand.backends.close.said import no_task
from taskhand.backends.close.task_types import LEAD
from taskhand.backends.remote.parsing import JsonObject, parse
from taskhand.domain.due import due_of, is_overdue
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotFound, UpstreamError
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import FINISHED, Task
from taskhand.http.reply import Reply

__all__ = ["Reader"]


class Reader:
    """Reads tasks, and knows the type of every task that it has read.

    `zone` is the IANA zone that instants are shown in and days are meant in (UTC where None); `clock` answers an
    aware datetime.
    """

    def __init__(self, wire: CloseClient, zone: str | None, recent: Recent, *, clock: Callable[[], datetime]) -> None:
        self.wire = wire
        self.recent = recent
        self.priorities = UnlistedPriorities()
        self.kinds: dict[str, str] = {}
        self.clock = clock
        self._zone = zone

    def today(self) -> date:
        """The day it is in the zone."""
        return self.clock().astimezone(ZoneInfo(self._zone or "UTC")).date()

    def task(self, raw: JsonObject) -> Task:
        """A row as a task; UpstreamError where it is none."""

        def read(json: Any) -> Task:
            return task_of(json, self._zone)

        task = parse("Close", read, self.priorities.fill_in(raw))
        self.kinds[task.id] = str(raw.get("_type") or LEAD)
        return task

    def snapshot(self, raw: JsonObject) -> Snapshot:
        """A row as a task with Close's own values; a priority that was sent, and that Close does not say, is one."""
        return Snapshot(self.task(raw), raw_values(self.priorities.fill_in(raw)), frozenset(self.unsaid(raw)))

    def written(self, raw: JsonObject, priority: object = None) -> Task:
        """A task as a write has just answered it: what lists show of it from now on.

        `priority` is Close's word for the one that was sent: it counts where the answer does not say any.
        """
        self.task(raw)
        self.priorities.note_write(raw, priority)
        self.recent.keep(raw)
        return self.task(raw)

    def answered(self, reply: Reply, body: Mapping[str, Any]) -> Task:
        """The task that a write of `body` answered; OutcomeUnknown when it answered none."""
        try:
            return self.written(reply.object, body.get("priority"))
        except UpstreamError:
            raise self.wire.invalid(reply, "with something that is not a task") from None

    def unshown(self, raw: JsonObject, edit: Edit) -> set[str]:
        """The fields of an edit that a task does not show."""
        return {name for name, _ in edit.unmet_by(self.task(raw), written=True).given()}

    def unsaid(self, raw: JsonObject) -> set[str]:
        """The fields that Close does not say of a task."""
        return {"priority"} if self.task(raw).priority == UNLISTED_PRIORITY else set()

    def day(self, edit: Edit) -> date:
        """The day that an edit is about."""
        return edit.due.day if edit.due is not MISSING and edit.due is not None else self.today()

    async def one(self, task_id: str, *, ours: bool = False) -> JsonObject:
        """One task of any type; NotFound. `ours`: it is read because of a write of ours, which may have changed it.

        What was just written and was not shown since is there, whatever Close says; what was just deleted is not.
        """
        self.check_not_deleted(task_id)
        try:
            reply = await self.wire.task(task_id, self.today())
        except NotFound:
            kept = self.recent.unmet(task_id)
            if kept is None:
                raise no_task(task_id) from None
            return kept
        if reply.object.get("id") != task_id:
            raise self.wire.invalid(reply, "with something that is not the task")
        if not ours:
            self.priorities.note_read(reply.object)
        return self.recent.newest(reply.object, listed=False)

    async def many(self, ids: Sequence[str], day: date | None = None, *, ours: bool = False) -> dict[str, JsonObject]:
        """Tasks of any type by id; those that are not there are left out. `ours` as of `one`."""
        found: dict[str, JsonObject] = {}
        unique = [one for one in dict.fromkeys(ids) if not self.recent.is_deleted(one)]
        for start in range(0, len(unique), CHUNK):
            for raw in await self.wire.tasks_by_id(unique[start : start + CHUNK], day or self.today()):
                if not ours:
                    self.priorities.note_read(raw)
                found[self.task(raw).id] = self.recent.newest(raw, listed=True)
        return found

    async def some(self, ids: Sequence[str]) -> dict[str, JsonObject]:
        """Tasks of any type, in the order of their ids; what was just written and was not shown since is there."""
        unique = list(dict.fromkeys(ids))
        if len(unique) == 1:
            try:
                return {unique[0]: await self.one(unique[0])}
            except NotFound:
                return {}
        found = await self.many(unique)
        shown = {one: found.get(one) or self.recent.unmet(one) for one in unique}
        return {one: raw for one, raw in shown.items() if raw is not None}

    async def is_gone(self, task_id: str) -> bool:
        """Whether Close does not find a task any more, rather than not yet; the other answer may be a late one."""
        try:
            await self.wire.task(task_id, self.today())
        except NotFound:
            return self.recent.unmet(task_id) is None
        return False

    def check_not_deleted(self, task_id: str) -> None:
        """NotFound for a task that was just deleted here, whatever Close still shows."""
        if self.recent.is_deleted(task_id):
            raise no_task(task_id)

    async def kind(self, task_id: str) -> str:
        """The type of a task; NotFound."""
        self.check_not_deleted(task_id)
        if task_id not in self.kinds:
            self.task(await self.one(task_id))
        return self.kinds[task_id]

    def is_late(self, task: Task) -> bool:
        """Whether a task is open and past due."""
        unfinished = task.status_config is None or task.status_config.type not in FINISHED
        return unfinished and is_overdue(due_of(task), self.clock(), self._zone)
