"""Tasks as Close shows them, read by id or as rows of a list, none of them older than what was just written here."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from taskhand.backends.close.kind import LEAD
from taskhand.backends.close.mapping import Malformed, task_of
from taskhand.backends.close.pages import JsonObject
from taskhand.backends.close.recent import Recent
from taskhand.backends.close.said import no_task
from taskhand.backends.close.wire import CHUNK, CloseWire
from taskhand.due import due_of, is_overdue
from taskhand.errors import NotFound, UpstreamError
from taskhand.http.reply import Json
from taskhand.task import FINISHED, Task

__all__ = ["Reader", "well_formed"]

_T = TypeVar("_T")


class Reader:
    """Reads tasks, and knows the type of every task that it has read.

    `zone` is the IANA zone that instants are shown in and days are meant in (UTC where None); `clock` answers an
    aware datetime.
    """

    def __init__(self, wire: CloseWire, zone: str | None, recent: Recent, *, clock: Callable[[], datetime]) -> None:
        self.wire = wire
        self.recent = recent
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

        task = well_formed(read, raw)
        self.kinds[task.id] = str(raw.get("_type") or LEAD)
        return task

    def written(self, raw: JsonObject) -> Task:
        """A task as a write has just answered it: what lists show of it from now on."""
        task = self.task(raw)
        self.recent.keep(raw)
        return task

    async def one(self, task_id: str) -> JsonObject:
        """One task of any type; NotFound."""
        try:
            reply = await self.wire.task(task_id, self.today())
        except NotFound:
            raise no_task(task_id) from None
        if reply.object.get("id") != task_id:
            raise self.wire.invalid(reply, "with something that is not the task")
        return self.recent.newest(reply.object, listed=False)

    async def many(self, ids: Sequence[str], day: date | None = None) -> dict[str, JsonObject]:
        """Tasks of any type by id; those that are not there are left out."""
        found: dict[str, JsonObject] = {}
        unique = list(dict.fromkeys(ids))
        for start in range(0, len(unique), CHUNK):
            for raw in await self.wire.tasks_by_id(unique[start : start + CHUNK], day or self.today()):
                found[self.task(raw).id] = self.recent.newest(raw, listed=True)
        return found

    async def kind(self, task_id: str) -> str:
        """The type of a task; NotFound."""
        if task_id not in self.kinds:
            self.task(await self.one(task_id))
        return self.kinds[task_id]

    def is_late(self, task: Task) -> bool:
        """Whether a task is open and past due."""
        unfinished = task.status_config is None or task.status_config.type not in FINISHED
        return unfinished and is_overdue(due_of(task), self.clock(), self._zone)


def well_formed(read: Callable[[Json], _T], json: Json) -> _T:
    """A value out of an answer; UpstreamError when it is not what is documented."""
    try:
        return read(json)
    except Malformed as error:
        raise UpstreamError(
            f"Close answered {error}.", code="upstream_invalid", next_step="Tell whoever runs Taskhand."
        ) from None
