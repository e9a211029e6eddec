"""The example CRM behind the `Backend` protocol."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backends.example.account import ExampleAccount
from backends.example.client import MESSAGES, ExampleClient, JsonObject
from backends.example.mapping import STATUSES, task_body, task_of
from taskhand.backends.remote.adapter import CrmAdapter
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.due import is_late
from taskhand.domain.edit import Edit
from taskhand.domain.task import StatusList, Task
from taskhand.domain.task_page import TaskPage, select_page
from taskhand.domain.task_query import TaskQuery

__all__ = ["ExampleAdapter"]


class ExampleAdapter(CrmAdapter[JsonObject]):
    """Tasks in one account of the example CRM."""

    capabilities = Capabilities(lists_are_current=True)
    messages = MESSAGES

    def __init__(self, client: ExampleClient, timezone: str | None, timing: Timing) -> None:
        super().__init__(timing, RecentWrites(0.0, timing.monotonic))
        self.account = ExampleAccount(client)
        self._client = client
        self._timezone = timezone

    # Reads.

    async def statuses(self) -> StatusList:
        """The statuses, which are the same in every account."""
        return StatusList(STATUSES, complete=True, source="the same in every account")

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of tasks, filtered here."""
        return select_page(map(task_of, await self._client.tasks()), query, self._is_late)

    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """The ids in the list of all tasks."""
        return frozenset(ids) & {row["id"] for row in await self._client.tasks()}

    def _is_late(self, task: Task) -> bool:
        return is_late(task, self.timing.clock(), self._timezone)

    # Writes.

    async def create(self, edit: Edit) -> JsonObject:
        """POST a new task."""
        return await self._client.create(task_body(edit))

    async def update(self, before: Task, edit: Edit) -> JsonObject:
        """PATCH the fields of an edit."""
        return await self._client.update(before.id, task_body(edit))

    async def delete(self, task_id: str) -> None:
        """DELETE a task; NotFound."""
        await self._client.delete(task_id)

    async def get(self, task_id: str, edit: Edit | None = None) -> JsonObject:  # noqa: ARG002  a row has it all
        """One task as it is now; NotFound."""
        return await self._client.get(task_id)

    async def created_since(
        self, moment: datetime, edits: Sequence[Edit], known: frozenset[str]
    ) -> tuple[list[JsonObject], timedelta]:
        """All tasks; the clock is ours."""
        del moment, edits, known
        return await self._client.tasks(), timedelta()

    def to_task(self, row: JsonObject) -> Task:
        """A row as a task."""
        return task_of(row)
