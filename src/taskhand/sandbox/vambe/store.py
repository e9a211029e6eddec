"""The sandbox's data: the organisation's members, statuses, contacts, tasks and webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.vambe.spec_variant import SpecVariant
from taskhand.sandbox.vambe.task import render_task
from taskhand.sandbox.vambe.task_events import TaskUpdate, topics_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskhand.sandbox.odd_data import OddFields
    from taskhand.sandbox.vambe.contact import Contact
    from taskhand.sandbox.vambe.people import TeamMember
    from taskhand.sandbox.vambe.statuses import StatusConfig
    from taskhand.sandbox.vambe.task import Task
    from taskhand.sandbox.vambe.webhooks import Webhook

PLAIN = SpecVariant()


class Store:
    """Data in memory. `before` holds the tasks before the last write; `key_owner` is the id of the key's user."""

    def __init__(
        self,
        members: Iterable[TeamMember],
        statuses: Iterable[StatusConfig],
        contacts: Iterable[Contact],
        tasks: Iterable[Task],
        key_owner: str,
    ) -> None:
        self.members = tuple(members)
        self.statuses = tuple(statuses)
        self.contacts = tuple(contacts)
        self.tasks = {task.id: task for task in tasks}
        self.before = dict(self.tasks)
        self.webhooks: dict[str, Webhook] = {}
        self.events: list[TaskUpdate] = []
        self.key_owner = key_owner
        self.odd: dict[str, OddFields] = {}

    def put(self, task: Task) -> None:
        """Store a new or changed task; no events are documented for new and deleted tasks."""
        earlier = self.tasks.get(task.id)
        if earlier and not task.is_deleted and (topics := topics_of(earlier, task)):
            self.events.append(TaskUpdate(len(self.events), topics, earlier, task))
        self.before = dict(self.tasks)
        self.tasks[task.id] = task

    def visible_tasks(self) -> list[dict[str, Any]]:
        """Return the organisation's live tasks as documented objects, in the order of their creation."""
        return [render_task(task, PLAIN) for task in self.tasks.values() if task.is_visible]
