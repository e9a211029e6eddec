"""Finds deleted tasks: in HubSpot's list of them, or by a search for the known tasks if the list is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from taskhand.backends.hubspot.client import HubSpotClient, next_page
from taskhand.backends.hubspot.events.position import Bin
from taskhand.backends.hubspot.fields.due import readable_millis
from taskhand.backends.hubspot.mapping import Record, records_in
from taskhand.backends.hubspot.task_reader import unmentioned_ids
from taskhand.domain.errors import CallerError, Forbidden
from taskhand.domain.event_source import KnownTasks

__all__ = ["Deletions", "list_deleted"]

_BIN_PAGES: Final = 3
"""Maximum pages of the list of deleted tasks that one look reads."""
_NOT_LISTED: Final = (
    "HubSpot does not list deleted tasks to this credential: only deletions of tasks that Taskhand has seen are found."
)
_MAX_CHECKED: Final = 100
"""Maximum known tasks that one look searches for if HubSpot does not list deleted tasks."""


@dataclass(frozen=True, slots=True)
class Deletions:
    """Deleted tasks by id, the position in the list, a remark about missing events, and known tasks not found."""

    rows: Mapping[str, Record]
    bin: Bin
    gap: str | None = None
    missing: Sequence[str] = ()


async def list_deleted(client: HubSpotClient, at: Bin, known_tasks: KnownTasks) -> Deletions:
    """The deletions in the next pages of the list that may not have been seen yet."""
    rows: dict[str, Record] = {}
    seen: dict[str, int] = {}
    after = at.after
    for _ in range(_BIN_PAGES):
        try:
            page = await client.deleted_tasks(after)
        except (CallerError, Forbidden):
            return await _look_up_known(client, at, known_tasks)
        for record in records_in(page):
            moment = readable_millis(record.deleted)
            if moment and at.is_new(record.id, moment):
                rows[record.id], seen[record.id] = record, moment
        after = next_page(page)
        if after is None:
            break
    return Deletions(rows, replace(at.with_seen(seen, after), is_refused=False))


async def _look_up_known(client: HubSpotClient, at: Bin, known_tasks: KnownTasks) -> Deletions:
    """Search for the next known tasks if HubSpot does not list deleted tasks; those not found are missing."""
    ids = sorted(await known_tasks.find_all())
    part = ([task_id for task_id in ids if task_id > at.checked] or ids)[:_MAX_CHECKED]
    missing: list[str] = []
    if part:
        names = ["hs_object_id", *filter(None, [client.id_property])]
        answer = await client.read_many(part, names, id_property=client.id_property)
        read_ids = {record.known_by(client.id_property) for record in records_in(answer)}
        unread = unmentioned_ids(part, answer, read_ids)
        missing = [task_id for task_id in part if task_id not in read_ids and task_id not in unread]
    after = replace(at, is_refused=True, checked=part[-1] if part else "")
    return Deletions({}, after, None if at.is_refused else _NOT_LISTED, missing)
