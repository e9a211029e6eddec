"""Makes a store from a seed, which is plain data.

A seed is a mapping with `members`, `statuses`, `contacts` and `tasks`, each a list of mappings, and `key_owner`, the
id of the member to whom the key belongs (by default the first). Omitted lists are empty; omitted members and statuses
are the demo's. Members, statuses and contacts have their documented snake_case fields, with times as ISO 8601 text.
Tasks have the fields of the documented POST body, of which only `title` is required, and further: `id`, `status` (a
name), `createdAt`, `creatorId`, `deleted` and `foreign` (belongs to another organisation). `odd` has values that are
sent in place of the true ones, by the path of the field. The fields named in `missing` are not sent.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.odd_data import ODD_KEYS, OddFields
from taskhand.sandbox.seed_checks import check_row_keys, seed_data
from taskhand.sandbox.vambe.contact import Contact
from taskhand.sandbox.vambe.dates import UNDATED, apply_due_fields
from taskhand.sandbox.vambe.demo import demo, members_and_statuses
from taskhand.sandbox.vambe.people import TeamMember
from taskhand.sandbox.vambe.spec_variant import SpecVariant
from taskhand.sandbox.vambe.statuses import StatusConfig, find_status, initial_status
from taskhand.sandbox.vambe.store import Store
from taskhand.sandbox.vambe.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMESPACE = uuid.UUID("6f1d3a52-7c1e-4a86-9d4b-2f6a0c9e8b17")  # Taskhand's own; seeded ids are derived from it
SEED_KEYS = frozenset({"members", "statuses", "contacts", "tasks", "key_owner"})
TASK_KEYS = frozenset(
    {"id", "title", "description", "status", "dueDate", "dueTime", "timezone", "responsibleIds", "aiContactId"}
    | {"aiCustomerId", "priority", "createdAt", "creatorId", "deleted", "foreign"}
)
PLAIN = SpecVariant()


def read_seed(seed: str | Mapping[str, Any], now: dt.datetime) -> Store:
    """Make the store of "demo", "empty" or data in the form above; anything else is a ValueError."""
    data = members_and_statuses() | seed_data(seed, SEED_KEYS, demo, now)
    members = [TeamMember(**row) for row in data["members"]]
    configured = [StatusConfig(**row) for row in data["statuses"]]
    owner = data.get("key_owner") or members[0].id
    tasks = [_task(row, number, configured, owner, now) for number, row in enumerate(data.get("tasks", []), start=1)]
    contacts = [_contact(row) for row in data.get("contacts", [])]
    store = Store(members, configured, contacts, tasks, owner)
    pairs = zip(tasks, data.get("tasks", []), strict=True)
    store.odd = {task.id: odd for task, row in pairs if (odd := OddFields.of_row(row))}
    return store


def _contact(row: Mapping[str, Any]) -> Contact:
    moments = {name: _moment(row[name]) for name in ("created_at", "last_message_at")}
    return Contact(**{**row, **moments})


def _task(
    row: Mapping[str, Any], number: int, configured: Sequence[StatusConfig], owner: str, now: dt.datetime
) -> Task:
    check_row_keys("a seeded task", row, TASK_KEYS | ODD_KEYS)
    return Task(
        id=row.get("id") or str(uuid.uuid5(NAMESPACE, f"task {number}")),
        title=row["title"],
        created_at=_moment(row["createdAt"]) if "createdAt" in row else now,
        status=_status(row, configured),
        creator_id=row.get("creatorId", owner),
        description=row.get("description"),
        due=apply_due_fields(UNDATED, row, PLAIN),
        responsible_ids=tuple(row.get("responsibleIds", ())),
        contact_id=row.get("aiContactId"),
        customer_id=row.get("aiCustomerId"),
        priority=int(row.get("priority", "0")),
        is_deleted=row.get("deleted", False),
        is_foreign=row.get("foreign", False),
    )


def _status(row: Mapping[str, Any], configured: Sequence[StatusConfig]) -> StatusConfig:
    if "status" not in row:
        return initial_status(configured)
    status = find_status(configured, {"newStatusName": row["status"]}, PLAIN)
    if status is None:
        raise ValueError(f"the seed has no status {row['status']!r}")
    return status


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
