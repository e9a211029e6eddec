"""Makes a store from a seed, which is plain data.

A seed is a mapping with `users`, `leads` and `tasks`, each a list of mappings, `key_owner`, the id of the user to whom
the key belongs (by default the first), and `organization`, the organization's id (by default the demo's). Omitted lists
are empty; omitted users are the demo's. A user has `id`, `first_name`, `last_name`, `email`, and optionally `phone`,
`zone` and `active`. A lead has `id`, `name`, and optionally `description`, `url`, `status` (a label) and `contacts`
with `id`, `name`, `title`, `emails`, `phones`. A task has the fields of the documented object, of any `_type`; omitted
ones have defaults: `id`, `assigned_to` and `created_by` (the key's owner), `date_created` (now). A task without a
`date` is dateless. `odd` has values that are sent in place of the true ones, by the path of the field. The fields named
in `missing` are not sent.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import completions
from taskhand.sandbox.close.context import RequestContext
from taskhand.sandbox.close.dates import parse_date
from taskhand.sandbox.close.demo import LEAD_STATUSES, ORGANIZATION, demo, demo_users
from taskhand.sandbox.close.lead import Contact, Lead
from taskhand.sandbox.close.people import Organization, User
from taskhand.sandbox.close.spec_variant import SpecVariant
from taskhand.sandbox.close.store import Store
from taskhand.sandbox.close.task import Task
from taskhand.sandbox.close.task_types import TASK_TYPES
from taskhand.sandbox.odd_data import ODD_KEYS, OddFields
from taskhand.sandbox.seed_checks import check_row_keys, seed_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SEED_KEYS = frozenset({"organization", "users", "leads", "tasks", "key_owner"})
USER_KEYS = frozenset({"id", "first_name", "last_name", "email", "phone", "zone", "active"})
LEAD_KEYS = frozenset({"id", "name", "description", "url", "status", "contacts"})
CONTACT_KEYS = frozenset({"id", "name", "title", "emails", "phones"})
COPIED = ("text", "lead_id", "contact_id", "object_id")
TASK_KEYS = frozenset(
    {*COPIED, "id", "_type", "date", "assigned_to", "is_complete", "priority", "created_by", "date_created"}
)
PLAIN = SpecVariant()
AGE = dt.timedelta(days=200)  # of users and leads


def read_seed(seed: str | Mapping[str, Any], now: dt.datetime, task_ids: Callable[[], str] | None = None) -> Store:
    """Make the store of "demo", "empty" or data in the form above; anything else is a ValueError."""
    data = demo_users() | seed_data(seed, SEED_KEYS, demo, now)
    organization = Organization(data.get("organization", ORGANIZATION), "Northwind Supplies", LEAD_STATUSES)
    users = [_user(row, now) for row in data["users"]]
    leads = [_lead(row, now) for row in data.get("leads", [])]
    contacts = [who for row in data.get("leads", []) for who in _contacts(row, now)]
    owner = data.get("key_owner") or users[0].id
    store = Store(organization, users=users, leads=leads, contacts=contacts, key_owner=owner, task_ids=task_ids)
    _add_tasks(store, data.get("tasks", []), now)
    return store


def _user(row: Mapping[str, Any], now: dt.datetime) -> User:
    check_row_keys("a seeded user", row, USER_KEYS)
    return User(**row, date_created=now - AGE)


def _lead(row: Mapping[str, Any], now: dt.datetime) -> Lead:
    check_row_keys("a seeded lead", row, LEAD_KEYS)
    labels = {label: status_id for status_id, label in LEAD_STATUSES}
    return Lead(
        id=row["id"],
        name=row["name"],
        date_created=now - AGE,
        status_id=labels[row.get("status", LEAD_STATUSES[0][1])],
        description=row.get("description", ""),
        url=row.get("url"),
    )


def _contacts(lead: Mapping[str, Any], now: dt.datetime) -> Iterable[Contact]:
    for row in lead.get("contacts", []):
        check_row_keys("a seeded contact", row, CONTACT_KEYS)
        reached = {name: tuple(row.get(name, ())) for name in ("emails", "phones")}
        yield Contact(**{**row, **reached}, lead_id=lead["id"], date_created=now - AGE)


def _add_tasks(store: Store, rows: Iterable[Mapping[str, Any]], now: dt.datetime) -> None:
    for number, row in enumerate(rows, start=1):
        task = _task(row, number, store, now)
        store.odd |= {task.id: odd} if (odd := OddFields.of_row(row)) else {}
        if task.is_complete and task.type.is_completion_recorded:
            made = completions.record_completion(RequestContext(PLAIN, store, task.date_updated), task)
            task = Task(**{**vars(task), "object_type": "taskcompleted", "object_id": made.id})
        store.put(task)


def _task(row: Mapping[str, Any], number: int, store: Store, now: dt.datetime) -> Task:
    task_type = TASK_TYPES[row.get("_type", "lead")]
    check_row_keys("a seeded task", row, TASK_KEYS | ODD_KEYS | set(task_type.extra))
    made = dt.datetime.fromisoformat(row["date_created"]) if "date_created" in row else now
    maker = row.get(
        "created_by", store.key_owner if task_type.can_be_dateless else None
    )  # automatic types have no creator
    date = row.get("date")
    return Task(
        id=row.get("id") or f"{task_type.prefix}_seed{number:039d}",
        type=task_type,
        assigned_to=row.get("assigned_to", store.key_owner),
        date_created=made,
        date_updated=made,
        date=None if date is None else parse_date(date, dt.UTC, PLAIN),
        is_complete=row.get("is_complete", False),
        priority=row.get("priority", "medium"),
        created_by=maker,
        updated_by=maker,
        object_type=task_type.object_type,
        extra={name: row[name] for name in task_type.extra if name in row},
        **{name: row.get(name) for name in COPIED},
    )
