"""Reads tasks of Close by id, never older than what was just written here."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from taskhand.backends.close.client import CHUNK, CloseClient
from taskhand.backends.close.mapping import UnlistedPriorities, task_of
from taskhand.backends.close.task_types import LEAD
from taskhand.backends.remote.messages import Messages
from taskhand.backends.remote.parsing import JsonObject, id_of, invalid_answer, read_task, text_of
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.domain.due import is_late
from taskhand.domain.errors import NotFound
from taskhand.domain.task import Task

__all__ = ["MESSAGES", "TaskReader"]

MESSAGES: Final = Messages("Close", lists_lag=True, deletes_lag=True)


class TaskReader:
    """Reads tasks, and knows the type of every task that it has read.

    `zone` is the IANA zone of days and of shown times (UTC where None); `clock` answers an aware datetime.
    """

    def __init__(
        self, client: CloseClient, zone: str | None, recent: RecentWrites[JsonObject], clock: Callable[[], datetime]
    ) -> None:
        self.client = client
        self.recent = recent
        self.priorities = UnlistedPriorities()
        self._types: dict[str, str] = {}
        self._clock = clock
        self._zone = zone

    def today(self) -> date:
        """The day it is in the zone."""
        return self._clock().astimezone(ZoneInfo(self._zone or "UTC")).date()

    def is_late(self, task: Task) -> bool:
        """Whether a task is open and past due."""
        return is_late(task, self._clock(), self._zone)

    def task(self, row: JsonObject) -> Task:
        """A row as a task."""
        task = read_task(id_of(row), lambda: task_of(self.priorities.fill_in(row), self._zone))
        self._types[task.id] = text_of(row.get("_type")) or LEAD
        self.recent.known_ids.add(task.id)
        return task

    async def type_of(self, task_id: str) -> str:
        """The type of a task; NotFound."""
        if self.recent.is_deleted(task_id) or task_id not in self._types:
            self.task(await self.one(task_id))
        return self._types[task_id]

    async def one(self, task_id: str, *, ours: bool = False) -> JsonObject:
        """One task of any type; NotFound, InvalidAnswer.

        `ours`: it is read because of a write of ours, which may have changed it. A task that was just written and was
        not shown since exists; one that was just deleted does not.
        """
        if self.recent.is_deleted(task_id):
            raise MESSAGES.no_task(task_id)
        try:
            reply = await self.client.task(task_id)
        except NotFound:
            if (row := self.unshown(task_id)) is None:
                raise MESSAGES.no_task(task_id) from None
            return row
        if reply.object.get("id") != task_id:
            raise invalid_answer("Close", "with something that is not the task")
        if not ours:
            self.priorities.note_read(reply.object)
        return self.newest(reply.object, listed=False)

    async def many(self, ids: Sequence[str], *, ours: bool = False) -> dict[str, JsonObject]:
        """Tasks of any type by id, without those that do not exist. `ours` as of `one`."""
        found: dict[str, JsonObject] = {}
        unique = [one for one in dict.fromkeys(ids) if not self.recent.is_deleted(one)]
        for start in range(0, len(unique), CHUNK):
            chunk = unique[start : start + CHUNK]
            rows = await self.client.tasks_by_id(chunk)
            if not all(map(id_of, rows)):
                # Each of those without a row may be a row without an id: it exists, and nothing else is known of it.
                rows = (*({"id": one} for one in chunk), *filter(id_of, rows))
            for row in rows:
                if not ours:
                    self.priorities.note_read(row)
                found[self.task(row).id] = self.newest(row, listed=True)
        return found

    async def some(self, ids: Sequence[str]) -> dict[str, JsonObject]:
        """Tasks of any type in the order of their ids, with those that were just written and are not shown yet."""
        unique = list(dict.fromkeys(ids))
        if len(unique) == 1:
            try:
                return {unique[0]: await self.one(unique[0])}
            except NotFound:
                return {}
        found = await self.many(unique)
        rows = {one: found.get(one) or self.unshown(one) for one in unique}
        return {one: row for one, row in rows.items() if row is not None}

    def unshown(self, task_id: str) -> JsonObject | None:
        """A task that was just written and that Close has not shown since."""
        write = self.recent.get(task_id)
        return None if write is None or write.is_shown else write.row

    def newest(self, row: JsonObject, *, listed: bool) -> JsonObject:
        """`row`, unless it is older than a recent write. Of the same moment, the write is newer than a `listed` row."""
        write = self.recent.get(str(row.get("id")))
        if write is None:
            return row
        write.is_shown = True
        ours, theirs = str(write.row.get("date_updated")), str(row.get("date_updated"))
        return write.row if theirs < ours or (listed and theirs == ours) else row
