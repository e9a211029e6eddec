"""The task events of webhooks, named at https://docs.vambe.me/reference/tasks/update-task; their body is assumed.

The body has the form that others observed for ticket and stage events. Deliveries have no signature.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from taskhand.sandbox.vambe.task import render_task
from taskhand.sandbox.webhook_outbox import Found, Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskhand.sandbox.vambe.spec_variant import SpecVariant
    from taskhand.sandbox.vambe.store import Store
    from taskhand.sandbox.vambe.task import Task
    from taskhand.sandbox.vambe.webhooks import Webhook


@dataclass(frozen=True)
class TaskUpdate:
    """The state of a task after an update; `topics` are the topics of the update."""

    number: int
    topics: tuple[str, ...]
    before: Task
    after: Task


def topics_of(before: Task, after: Task) -> tuple[str, ...]:
    """The documented topics of an update: of a changed field, of the status type, of the responsible people."""
    if before == after:
        return ()
    completed = ("task.completed",) if after.status.is_finished and not before.status.is_finished else ()
    reassigned = ("task.reassigned",) if set(before.responsible_ids) != set(after.responsible_ids) else ()
    return ("task.updated", *completed, *reassigned)


def find_deliveries(store: Store, spec_variant: SpecVariant) -> Iterator[Found]:
    """Find the events to deliver to active subscriptions."""
    for event in store.events:
        for hook in store.webhooks.values():
            if hook.active and not hook.is_deleted and hook.first_event <= event.number:
                for topic in event.topics:
                    key = (hook.id, event.number, topic)
                    yield Found(key, is_ripe=True, make=partial(_outgoing, hook, event, topic, spec_variant))


def _outgoing(hook: Webhook, event: TaskUpdate, topic: str, spec_variant: SpecVariant) -> Outgoing | None:
    if topic not in hook.topics:
        return None
    body = {
        "topic": topic,
        "event_type": topic.partition(".")[2],
        "entity_name": "task",
        "entity_data": render_task(event.after, spec_variant),
        "previous_entity_data": render_task(event.before, spec_variant),
    }
    return Outgoing(hook.url, json.dumps(body, ensure_ascii=False).encode(), lambda _: {}, is_signed=False)
