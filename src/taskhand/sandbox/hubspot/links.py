"""Links between records: the association types, and who is linked with whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from taskhand.sandbox.hubspot.object_types import BY_NAME

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.record import Record
    from taskhand.sandbox.hubspot.store import Store

CATEGORY = "HUBSPOT_DEFINED"
# the type of each direction
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


class Links:
    """Who is linked with whom, since when; found from either side."""

    def __init__(self) -> None:
        self._since: dict[Link, dt.datetime] = {}
        self._of: dict[tuple[str, str, bool], dict[Link, None]] = {}

    def __iter__(self) -> Iterator[Link]:
        return iter(self._since)

    def add(self, link: Link, since: dt.datetime) -> bool:
        """Link two records; whether they were not, for a link that is there stays as old as it is."""
        if link in self._since:
            return False
        self._since[link] = since
        for side in _sides(link):
            self._of.setdefault(side, {})[link] = None
        return True

    def remove(self, link: Link) -> bool:
        """Take a link away; whether it was there."""
        if self._since.pop(link, None) is None:
            return False
        for side in _sides(link):
            del self._of[side][link]
        return True

    def of(self, record_id: str, other: str, *, is_task: bool, by: dt.datetime | None) -> list[str]:
        """Give the ids at the other side, for a task and the kind `other`, or for one of that kind and its tasks."""
        held = self._of.get((record_id, other, is_task), {})
        seen = [link for link in held if by is None or self._since[link] <= by]
        return [link.other_id if is_task else link.task_id for link in seen]


def _sides(link: Link) -> tuple[tuple[str, str, bool], tuple[str, str, bool]]:
    return (link.task_id, link.other, True), (link.other_id, link.other, False)


def link_of(kind: ObjectType, record_id: str, to_kind: ObjectType, to_id: str) -> Link:
    """Make the link between two records, of which one is a task."""
    if kind.name == "tasks":
        return Link(record_id, to_kind.name, to_id)
    return Link(to_id, kind.name, record_id)


def linked_ids(
    store: Store, kind: ObjectType, record_id: str, to_kind: ObjectType, by: dt.datetime | None = None
) -> list[str]:
    """Give the ids of one kind that a record is linked with, in numerical order; `by` leaves out later links."""
    is_task = kind.name == "tasks"
    ids = store.links.of(record_id, to_kind.name if is_task else kind.name, is_task=is_task, by=by)
    return sorted((found for found in ids if _is_live(store, to_kind, found)), key=int)


def targets(type_id: int) -> ObjectType | None:
    """Tell the kind that a task's association type leads to."""
    return next((BY_NAME[to] for (source, to), number in TYPES.items() if (source, number) == ("tasks", type_id)), None)


def type_name(kind: ObjectType, to_kind: ObjectType) -> str:
    """Write a type in snake case."""
    return f"{kind.singular}_to_{to_kind.singular}"


def _is_live(store: Store, kind: ObjectType, record_id: str) -> bool:
    record: Record | None = store.find(kind, record_id)
    return record is not None and not record.is_archived
