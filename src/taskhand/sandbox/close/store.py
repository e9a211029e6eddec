"""What the sandbox keeps: the organization with its people and leads, the tasks, and what came of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from taskhand.sandbox.close.completions import Completion
    from taskhand.sandbox.close.event import Event
    from taskhand.sandbox.close.lead import Contact, Lead
    from taskhand.sandbox.close.people import Organization, User
    from taskhand.sandbox.close.task import Task
    from taskhand.sandbox.close.webhook import Webhook


@dataclass(frozen=True)
class WriteBatch:
    """One call's writes: when, and what each task was before; None is a task that was not there."""

    moment: dt.datetime
    before: dict[str, Task | None] = field(default_factory=dict)


class Store:
    """The state. `key_owner` is the user whom actions are attributed to."""

    def __init__(
        self,
        organization: Organization,
        *,
        users: Iterable[User],
        leads: Iterable[Lead],
        contacts: Iterable[Contact],
        key_owner: str,
        task_ids: Callable[[], str] | None = None,
    ) -> None:
        self.organization = organization
        self.users = {user.id: user for user in users}
        self.leads = {lead.id: lead for lead in leads}
        self.contacts = {contact.id: contact for contact in contacts}
        self.key_owner = key_owner
        self.tasks: dict[str, Task] = {}
        self.completions: dict[str, Completion] = {}
        self.events: list[Event] = []
        self.webhooks: dict[str, Webhook] = {}
        self._batches: list[WriteBatch] = []
        self._task_ids = task_ids
        self._numbers: dict[str, itertools.count[int]] = {}

    def fresh_id(self, prefix: str) -> str:
        """Give the next id of a kind, such as `acti_…1`; those of tasks come from the harness if it gave any."""
        if prefix == "task" and self._task_ids is not None:
            return self._task_ids()
        number = next(self._numbers.setdefault(prefix, itertools.count(1)))
        return f"{prefix}_{number:043d}"

    def user_name(self, user_id: str | None) -> str | None:
        """Give someone's name, None for nobody."""
        user = self.users.get(user_id or "")
        return user.name if user else None

    def begin(self, now: dt.datetime) -> None:
        """Open the batch of a call that may write."""
        if self._batches and not self._batches[-1].before:
            self._batches.pop()
        self._batches.append(WriteBatch(now))

    def put(self, task: Task) -> None:
        """Write one task."""
        self._remember(task.id)
        self.tasks[task.id] = task

    def drop(self, task_id: str) -> None:
        """Remove one task."""
        self._remember(task_id)
        del self.tasks[task_id]

    def before(self) -> dict[str, Task]:
        """Give the tasks as they were before the last write."""
        last = [batch for batch in self._batches if batch.before][-1:]
        return self._undone(last)

    def as_of(self, moment: dt.datetime) -> dict[str, Task]:
        """Give the tasks as they were then."""
        return self._undone([batch for batch in reversed(self._batches) if batch.moment > moment])

    def _remember(self, task_id: str) -> None:
        if self._batches:  # a seed is planted before there is any
            self._batches[-1].before.setdefault(task_id, self.tasks.get(task_id))

    def _undone(self, batches: Iterable[WriteBatch]) -> dict[str, Task]:
        tasks = dict(self.tasks)
        for batch in batches:
            for task_id, task in batch.before.items():
                if task is None:
                    tasks.pop(task_id, None)
                else:
                    tasks[task_id] = task
        return tasks
