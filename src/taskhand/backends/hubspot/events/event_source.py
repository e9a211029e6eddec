"""Finds the changes of an account's tasks by anyone: a search finds changed tasks, property histories give the events.

Links to contacts, companies and deals have no history: they are compared with the known links. Searches do not find
deleted tasks: the list of deleted tasks and webhook hints do.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from taskhand.backends.hubspot.client import next_page
from taskhand.backends.hubspot.events.position import POSITION, Bin, Position
from taskhand.backends.hubspot.events.property_histories import EventReader
from taskhand.backends.hubspot.events.task_comparison import TaskComparison
from taskhand.backends.hubspot.fields.due import millis_of, moment_at, readable_millis
from taskhand.backends.hubspot.mapping import RAW_PROPERTIES, Record, records_in
from taskhand.backends.hubspot.query import MAX_FOUND, PAGE, changed_since
from taskhand.backends.hubspot.task_reader import TaskReader, unmentioned_ids
from taskhand.domain.chunks import chunks
from taskhand.domain.errors import CallerError, Forbidden
from taskhand.domain.event_source import EventSource, KnownTasks, Look

__all__ = ["HubSpotEvents"]

_MAX_WITH_HISTORY: Final = 50
"""Maximum inputs of a batch request that reads histories."""
_ENOUGH: Final = 100
"""Changed tasks after which a look leaves the rest to the next look."""
_BIN_PAGES: Final = 3
"""Maximum pages of the list of deleted tasks that one look reads."""
_NOT_LISTED: Final = (
    "HubSpot does not list deleted tasks to this credential: only deletions of tasks that Taskhand has seen are found."
)
_MAX_CHECKED: Final = 100
"""Maximum known tasks that one look searches for if HubSpot does not list deleted tasks."""
_MAX_NAMED: Final = 5
_SHORTENED: Final = "HubSpot lists only the latest values of a property: earlier changes of {} may be missing."


class HubSpotEvents(EventSource):
    """The changes of an account's tasks."""

    remark = (
        "HubSpot shows a change some seconds late. It does not report who deleted a task, or when the contact, company "
        "or deal of a task changed."
    )

    def __init__(self, reader: TaskReader, clock: Callable[[], datetime]) -> None:
        self._client = reader.client
        self._account = reader.account
        self._reader = reader
        self._clock = clock

    async def begin(self, at: datetime) -> str:
        """The position from which a look finds all changes since a moment of HubSpot's clock."""
        return POSITION.write(Position.at(millis_of(at)))

    async def look(self, position: str, known_tasks: KnownTasks, hints: Collection[str] = ()) -> Look:
        """Find the changes since a position; the tasks in `hints` (ids) are read even if no search finds them."""
        at = POSITION.read(position)
        search = await self._search(at)
        hinted = [
            hint for hint in dict.fromkeys(hints) if hint.isascii() and hint.isdecimal() and hint not in search.rows
        ]
        read = await self._read([*search.rows, *hinted])
        listed = await self._list_deleted(at.bin, known_tasks)
        deleted, vanished = await self._read_deleted(listed, read.missing)
        if read.records or deleted:
            await self._account.read_owners(newest=True)
        was = await known_tasks.find(
            [*(record.known_by(self._client.id_property) for record in read.records), *vanished]
        )
        await self._account.prepare([*read.records, *deleted])
        changes = TaskComparison(at, EventReader(self._reader.to_task, self._account.data.owners), self._clock(), was)
        for record in read.records:
            changes.add(record)
        for record in deleted:
            changes.add_deleted(record, listed.rows.get(record.id))
        for task_id in vanished:
            changes.add_vanished(task_id)
        rows = {key: moment for key, moment in search.rows.items() if key not in read.unread}
        seen = {record.id: max(rows.get(record.id, 0), readable_millis(record.updated)) for record in read.records}
        after = at.with_seen(rows, seen, floor=search.floor, is_behind=search.is_behind)
        gap = listed.gap or (
            _SHORTENED.format(", ".join(changes.shortened[:_MAX_NAMED])) if changes.shortened else None
        )
        events = sorted(changes.events, key=lambda event: event.moment or moment_at(0))
        return Look(tuple(events), POSITION.write(replace(after, bin=listed.bin)), changes.tasks, search.is_behind, gap)

    async def _search(self, at: Position) -> "_ChangedTasks":
        """The tasks changed since they were last seen, oldest change first."""
        begun = max(0, at.search_from)
        search = changed_since(begun)
        rows: dict[str, int] = {}
        after: str | None = None
        count, last = 0, begun
        while True:
            page = await self._client.search(search.body(after, ["hs_lastmodifieddate"]))
            records = records_in(page)
            for record in records:
                count, moment = count + 1, readable_millis(record.updated)
                last = max(last, moment)
                if at.is_new(record.id, moment):
                    rows[record.id] = moment
            after = next_page(page)
            if after is None or not records:
                return _ChangedTasks(rows)
            # The next search begins at the last moment. If that equals the first moment, it would find the same tasks.
            if (len(rows) >= _ENOUGH and last > begun) or count + PAGE > MAX_FOUND:
                return _ChangedTasks(rows, floor=last if count + PAGE > MAX_FOUND else 0, is_behind=True)

    async def _read(self, ids: Sequence[str], *, archived: bool = False) -> "_Read":
        """Read the tasks with these ids, their histories, and the links of those that are not deleted."""
        records: list[Record] = []
        missing: list[str] = []
        unread: set[str] = set()
        for part in chunks(ids, _MAX_WITH_HISTORY):
            names = self._client.properties()
            answer = await self._client.read_many(part, names, histories=RAW_PROPERTIES, archived=archived)
            asked = [record for record in records_in(answer) if record.id in part]
            kept = [
                record for record in asked if (record.is_archived or readable_millis(record.deleted) > 0) == archived
            ]
            records += kept
            # A restored task does not count as missing; a deleted one does.
            read_ids = {record.id for record in (asked if archived else kept)}
            lost = set(unmentioned_ids(part, answer, read_ids))
            unread |= lost
            missing += [task_id for task_id in part if task_id not in read_ids and task_id not in lost]
        if records and not archived:
            records = await self._reader.with_links(records)
        return _Read(records, missing, frozenset(unread))

    async def _list_deleted(self, at: Bin, known_tasks: KnownTasks) -> "_Deletions":
        """The deletions in the next pages of the list that may not have been seen yet."""
        rows: dict[str, Record] = {}
        seen: dict[str, int] = {}
        after = at.after
        for _ in range(_BIN_PAGES):
            try:
                page = await self._client.deleted_tasks(after)
            except (CallerError, Forbidden):
                return await self._look_up_known(at, known_tasks)
            for record in records_in(page):
                moment = readable_millis(record.deleted)
                if moment and at.is_new(record.id, moment):
                    rows[record.id], seen[record.id] = record, moment
            after = next_page(page)
            if after is None:
                break
        return _Deletions(rows, replace(at.with_seen(seen, after), is_refused=False))

    async def _look_up_known(self, at: Bin, known_tasks: KnownTasks) -> "_Deletions":
        """Search for the next known tasks if HubSpot does not list deleted tasks; those not found are missing."""
        ids = sorted(await known_tasks.find_all())
        part = ([task_id for task_id in ids if task_id > at.checked] or ids)[:_MAX_CHECKED]
        missing: list[str] = []
        if part:
            names = ["hs_object_id", *filter(None, [self._client.id_property])]
            answer = await self._client.read_many(part, names, id_property=self._client.id_property)
            read_ids = {record.known_by(self._client.id_property) for record in records_in(answer)}
            unread = unmentioned_ids(part, answer, read_ids)
            missing = [task_id for task_id in part if task_id not in read_ids and task_id not in unread]
        after = replace(at, is_refused=True, checked=part[-1] if part else "")
        return _Deletions({}, after, None if at.is_refused else _NOT_LISTED, missing)

    async def _read_deleted(self, listed: "_Deletions", missing: Sequence[str]) -> tuple[list[Record], list[str]]:
        """Deleted tasks with their histories, or as listed; and the ids of missing tasks that are nowhere found."""
        missing = [*missing, *listed.missing]
        ids = list(dict.fromkeys([*listed.rows, *missing]))
        if not ids:
            return [], []
        try:
            read = await self._read(ids, archived=True)
        except CallerError:
            read = _Read([], [], frozenset())
        read_ids = {record.id for record in read.records}
        others = [record for task_id, record in listed.rows.items() if task_id not in read_ids]
        return [*read.records, *others], [task_id for task_id in missing if task_id in read.missing]


@dataclass(frozen=True, slots=True)
class _Deletions:
    """Deleted tasks by id, the position in the list, a remark about missing events, and known tasks not found."""

    rows: Mapping[str, Record]
    bin: Bin
    gap: str | None = None
    missing: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _ChangedTasks:
    """The ids of changed tasks, with the moments of their last change in epoch milliseconds."""

    rows: Mapping[str, int]
    floor: int = 0
    is_behind: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """The tasks read, the ids that HubSpot reports as missing, and the ids that the response does not mention."""

    records: Sequence[Record]
    missing: Sequence[str]
    unread: frozenset[str]
