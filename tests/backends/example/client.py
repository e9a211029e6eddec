"""The requests of the example CRM. Its account is in memory: another CRM sends them with `taskhand.http.client`."""

import copy
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from taskhand.backends.remote.write_messages import Messages

__all__ = ["MESSAGES", "ExampleClient", "JsonObject"]

JsonObject = dict[str, Any]
MESSAGES = Messages("Example")


class ExampleClient:
    """An account with `people`, `contacts` and no tasks; the first of the people owns the key."""

    def __init__(
        self, clock: Callable[[], datetime], people: Sequence[JsonObject] = (), contacts: Sequence[JsonObject] = ()
    ) -> None:
        self.people = people
        self.contacts = contacts
        self._clock = clock
        self._tasks: dict[str, JsonObject] = {}

    async def create(self, body: JsonObject) -> JsonObject:
        """POST a task."""
        task_id = str(uuid4())
        self._tasks[task_id] = {"id": task_id, "created": self._clock().isoformat(), "status": 1} | body
        return await self.get(task_id)

    async def update(self, task_id: str, body: JsonObject) -> JsonObject:
        """PATCH a task; NotFound."""
        self._find(task_id).update(body)
        return await self.get(task_id)

    async def delete(self, task_id: str) -> None:
        """DELETE a task; NotFound."""
        self._find(task_id)
        del self._tasks[task_id]

    async def get(self, task_id: str) -> JsonObject:
        """GET a task; NotFound."""
        return copy.deepcopy(self._find(task_id))

    async def tasks(self) -> list[JsonObject]:
        """GET all tasks."""
        return copy.deepcopy([*self._tasks.values()])

    def _find(self, task_id: str) -> JsonObject:
        if task_id not in self._tasks:
            raise MESSAGES.no_task(task_id)
        return self._tasks[task_id]
