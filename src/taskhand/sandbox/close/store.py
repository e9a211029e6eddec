"""The sandbox's data: organization, users, leads, contacts, tasks, completions, notes, events and webhooks."""

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
    from taskhand.sandbox.close.notes import Note
    from taskhand.sandbox.close.people import Organization, User
    from taskhand.sandbox.close.task import Task
    from taskhand.sandbox.close.webhook import Webhook
    from taskhand.sandbox.odd_data import OddFields


@dataclass(frozen=True)
class WriteBatch:
    """The writes of one request: its time, and each task before it; None for a task that did not exist."""

    moment: dt.datetime
    before: dict[str, Task | None] = field(default_factory=dict)


class Store:
    """Data in memory. `key_owner` is the id of the user to whom actions are attributed."""

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
        self.notes: dict[str, Note] = {}
        self.events: list[Event] = []
        self.webhooks: dict[str, Webhook] = {}
        self.odd: dict[str, OddFields] = {}
        self._batches: list[WriteBatch] = []
        self._task_ids = task_ids
        self._numbers: dict[str, itertools.count[int]] = {}

    def fresh_id(self, prefix: str) -> str:
        """Return the next id with a prefix, such as `acti_…1`; ids of tasks come from `task_ids` if given."""
        if prefix == "task" and self._task_ids is not None:
            return self._task_ids()
        number = next(self._numbers.setdefault(prefix, itertools.count(1)))
        return f"{prefix}_{number:043d}"

    def user_name(self, user_id: str | None) -> str | None:
        """Return a user's name, or None for an unknown user."""
        user = self.users.get(user_id or "")
        return user.name if user else None

    def begin(self, now: dt.datetime) -> None:
        """Start the batch of a request that may write."""
        if self._batches and not self._batches[-1].before:
            self._batches.pop()
        self._batches.append(WriteBatch(now))

    def put(self, task: Task) -> None:
        """Store a new or changed task."""
        self._remember(task.id)
        self.tasks[task.id] = task

    def drop(self, task_id: str) -> None:
        """Remove one task."""
        self._remember(task_id)
        del self.tasks[task_id]

    def before(self) -> dict[str, Task]:
        """Return the tasks before the last write."""
        last = [batch for batch in self._batches if batch.before][-1:]
        return self._before(last)

    def as_of(self, moment: dt.datetime) -> dict[str, Task]:
        """Return the tasks at a moment."""
        return self._before([batch for batch in reversed(self._batches) if batch.moment > moment])

    def _remember(self, task_id: str) -> None:
        if self._batches:  # empty while the seed is stored
            self._batches[-1].before.setdefault(task_id, self.tasks.get(task_id))

    def _before(self, batches: Iterable[WriteBatch]) -> dict[str, Task]:
        tasks = dict(self.tasks)
        for batch in batches:
            for task_id, task in batch.before.items():
                if task is None:
                    tasks.pop(task_id, None)
                else:
                    tasks[task_id] = task
        return tasks
