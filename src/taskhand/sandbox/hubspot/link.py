"""Links between records: the association types, and who is linked with whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from taskhand.sandbox.hubspot.kind import BY_NAME

if TYPE_CHECKING:
    import datetime as dt

    from taskhand.sandbox.hubspot.kind import Kind
    from taskhand.sandbox.hubspot.record import Record
    from taskhand.sandbox.hubspot.store import Store

CATEGORY = "HUBSPOT_DEFINED"
# §8 DOC: the type of each direction
TYPES = {
    ("tasks", "contacts"): 204,
    ("contacts", "tasks"): 203,
    ("tasks", "companies"): 192,
    ("companies", "tasks"): 191,
    ("tasks", "deals"): 216,
    ("deals", "tasks"): 215,
}


class Link(NamedTuple):
    """One link, written from the task: its id, the other's kind, the other's id."""

    task_id: str
    other: str
    other_id: str


def link_of(kind: Kind, record_id: str, to_kind: Kind, to_id: str) -> Link:
    """Make the link between two records, of which one is a task."""
    if kind.name == "tasks":
        return Link(record_id, to_kind.name, to_id)
    return Link(to_id, kind.name, record_id)


def linked_ids(store: Store, kind: Kind, record_id: str, to_kind: Kind, by: dt.datetime | None = None) -> list[str]:
    """Give the ids of one kind that a record is linked with, in numerical order; `by` leaves out later links."""
    is_task = kind.name == "tasks"
    held = [link for link, since in store.links.items() if by is None or since <= by]
    if is_task:
        ids = [link.other_id for link in held if (link.task_id, link.other) == (record_id, to_kind.name)]
    else:
        ids = [link.task_id for link in held if (link.other_id, link.other) == (record_id, kind.name)]
    return sorted((found for found in ids if _is_live(store, to_kind, found)), key=int)


def targets(type_id: int) -> Kind | None:
    """Tell the kind that a task's association type leads to."""
    return next((BY_NAME[to] for (source, to), number in TYPES.items() if (source, number) == ("tasks", type_id)), None)


def type_name(kind: Kind, to_kind: Kind) -> str:
    """Write a type in snake case (§2.1 DOC)."""
    return f"{kind.singular}_to_{to_kind.singular}"


def _is_live(store: Store, kind: Kind, record_id: str) -> bool:
    record: Record | None = store.find(kind, record_id)
    return record is not None and not record.is_archived
