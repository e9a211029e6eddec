"""Associations between tasks and other records, and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from taskhand.sandbox.hubspot.object_types import BY_NAME

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.record import RecordVersion
    from taskhand.sandbox.hubspot.store import Store

CATEGORY = "HUBSPOT_DEFINED"
TYPES = {
    ("tasks", "contacts"): 204,
    ("contacts", "tasks"): 203,
    ("tasks", "companies"): 192,
    ("companies", "tasks"): 191,
    ("tasks", "deals"): 216,
    ("deals", "tasks"): 215,
    ("tasks", "tickets"): 230,
    ("tickets", "tasks"): 229,
    ("tasks", "vehicles"): 51,  # accounts define the types of custom objects
    ("vehicles", "tasks"): 52,
}


class Association(NamedTuple):
    """One link: the task's id, the other record's object type and its id."""

    task_id: str
    other: str
    other_id: str


class Associations:
    """All links with the time of their creation, indexed from both ends."""

    def __init__(self) -> None:
        self._since: dict[Association, dt.datetime] = {}
        self._of: dict[tuple[str, str, bool], dict[Association, None]] = {}

    def __iter__(self) -> Iterator[Association]:
        return iter(self._since)

    def add(self, link: Association, since: dt.datetime) -> bool:
        """Add a link and return whether it is new; an existing one keeps its time."""
        if link in self._since:
            return False
        self._since[link] = since
        for side in _sides(link):
            self._of.setdefault(side, {})[link] = None
        return True

    def remove(self, link: Association) -> bool:
        """Remove a link and return whether it existed."""
        if self._since.pop(link, None) is None:
            return False
        for side in _sides(link):
            del self._of[side][link]
        return True

    def of(self, record_id: str, other: str, *, is_task: bool, by: dt.datetime | None) -> list[str]:
        """Return the ids at the other end: records of type `other`, or tasks; `by` omits later links."""
        held = self._of.get((record_id, other, is_task), {})
        visible = [link for link in held if by is None or self._since[link] <= by]
        return [link.other_id if is_task else link.task_id for link in visible]


def _sides(link: Association) -> tuple[tuple[str, str, bool], tuple[str, str, bool]]:
    return (link.task_id, link.other, True), (link.other_id, link.other, False)


def link_of(object_type: ObjectType, record_id: str, to_object_type: ObjectType, to_id: str) -> Association:
    """Return the link between two records, one of which is a task."""
    if object_type.name == "tasks":
        return Association(record_id, to_object_type.name, to_id)
    return Association(to_id, object_type.name, record_id)


def associated_ids(
    store: Store, object_type: ObjectType, record_id: str, to_object_type: ObjectType, by: dt.datetime | None = None
) -> list[str]:
    """Return the live linked ids of one object type in numerical order; `by` omits later links."""
    is_task = object_type.name == "tasks"
    ids = store.links.of(record_id, to_object_type.name if is_task else object_type.name, is_task=is_task, by=by)
    return sorted((found for found in ids if _is_live(store, to_object_type, found)), key=int)


def target_type(type_id: int) -> ObjectType | None:
    """Return the object type to which a task's association type leads, or None."""
    return next((BY_NAME[to] for (source, to), number in TYPES.items() if (source, number) == ("tasks", type_id)), None)


def type_name(object_type: ObjectType, to_object_type: ObjectType) -> str:
    """Return the name of an association type, such as `task_to_contact`."""
    return f"{object_type.singular}_to_{to_object_type.singular}"


def _is_live(store: Store, object_type: ObjectType, record_id: str) -> bool:
    record: RecordVersion | None = store.find(object_type, record_id)
    return record is not None and not record.is_archived
