"""HubSpot behind the `Backend` protocol: tasks are CRM objects with properties, links and a stage.

An update is a PATCH and a read: the response to the PATCH holds only the properties that changed. New links are made
before the PATCH, and former links are removed after it (`associations`).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from pydantic import MISSING

from taskhand.backends.base import BulkProgress, Written
from taskhand.backends.hubspot.account import Account
from taskhand.backends.hubspot.associations import LinkChanges, check_link_ids, has_links, without_links
from taskhand.backends.hubspot.client import MAX_INPUTS, HubSpotClient
from taskhand.backends.hubspot.errors import MESSAGES
from taskhand.backends.hubspot.factory import HubSpotSettings
from taskhand.backends.hubspot.fields.due import AllDayFlag, check_due
from taskhand.backends.hubspot.fields.links import links_of, links_set
from taskhand.backends.hubspot.mapping import BODY, Record, properties_of, raw_properties, record_of, records_in
from taskhand.backends.hubspot.properties.resolver import HubSpotProperties
from taskhand.backends.hubspot.query import PageSearch, newest_since
from taskhand.backends.hubspot.task_reader import INDEX_LAG_S, TaskReader
from taskhand.backends.hubspot.task_writes import TaskInput, TaskWrites
from taskhand.backends.remote.batch_update import BatchAdapter
from taskhand.backends.remote.bulk_item import Applied, BatchAnswer, Item, NewTask, State, WriteState, open_items
from taskhand.backends.remote.bulk_update import ItemWriter
from taskhand.backends.remote.lost_update import write_update
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.call.deadline import end_of_call
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.edit import Edit, properties_in
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.event_source import EventSource
from taskhand.domain.html.conversion import html_of
from taskhand.domain.receipt import join_notes
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusList, Task
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import TaskQuery

__all__ = ["HubSpotAdapter"]

_DIGITS: Final = r"[0-9]{1,20}"
_VALUE: Final = r"[^\s/]{1,200}"
_MAX_CANDIDATES: Final = 100
_MAX_CHARACTERS: Final = 65_536
"""Maximum characters of `hs_task_body`: documented for notes, inferred for tasks."""


class HubSpotAdapter(BatchAdapter[Record]):
    """Tasks in one HubSpot account."""

    remedies: Mapping[str, str] = {
        "statuses": "In HubSpot, mark one stage of the task pipeline as closed.",
        "me": "Set HUBSPOT_USER_ID to the id of an owner, the id of a user, or an e-mail that list_team_members shows.",
    }
    messages = MESSAGES
    max_creates = max_updates = MAX_INPUTS
    batches_at_once = 4
    batch_is_atomic = True

    def __init__(self, client: HubSpotClient, settings: HubSpotSettings, timezone: str | None, timing: Timing) -> None:
        super().__init__(timing, RecentWrites(INDEX_LAG_S, timing.monotonic))
        self.account: Account = Account(client, settings, timezone, timing.monotonic)
        self._client = client
        self._reader = TaskReader(client, self.account, self.recent)
        self._all_day = AllDayFlag()
        self._writes = TaskWrites(self._reader, self._all_day)
        self.capabilities = Capabilities(
            absent=frozenset({"resolution"}),
            not_clearable=frozenset({"dueDate"}),
            required_on_create=frozenset({"dueDate"}),
            id_pattern=_VALUE if client.id_property else _DIGITS,
            member_id_pattern=_DIGITS,
            deal_id_pattern=_DIGITS,
            contact_id_pattern=_DIGITS,
            customer_id_pattern=_DIGITS,
            most_responsibles=1,
            writes_as_me=settings.hubspot_user_id is None,
            keeps_timezone=False,
            html_description=BODY,
            known=("created", "updated", "completed"),
            notes="Here: a due date is required.",
            usual_type="TODO",
            knows_me=settings.hubspot_user_id is not None,
        )
        self.properties = HubSpotProperties(self._reader)

    @cached_property
    def event_source(self) -> EventSource:
        """The change feed: tasks by the date of their last change, and the histories of their properties."""
        from taskhand.backends.hubspot.events.event_source import HubSpotEvents  # noqa: PLC0415  no start waits for it

        return HubSpotEvents(self._reader, self.timing.clock)

    # Reads.

    async def statuses(self) -> StatusList:
        """The stages of the task pipeline."""
        return (await self.account.all_statuses(newest=True)).known

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page; UpstreamError `too_many_tasks` if it lies beyond the results that HubSpot shows."""
        statuses = (await self.account.all_statuses()).by_id
        return await PageSearch(self._reader, query, statuses, self.timing.clock()).run()

    async def check_edit(self, before: Task | None, edit: Edit) -> None:
        """Refuse what HubSpot would: a missing due date, an unknown status, too long a description, an invalid id.

        A deal that the token may not read is refused too.
        """
        check_due(edit, new=before is None)
        _check_status(edit)
        _check_length(edit)
        check_link_ids(edit)
        if isinstance(edit.deal_id, str):
            await self._reader.check_deal(edit.deal_id)

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:  # noqa: ARG002
        """One task with its links, never cached; NotFound."""
        record = await self._reader.read_record(task_id)
        await self.account.read_owners()
        return (await self._reader.to_tasks([record]))[0]

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:  # noqa: ARG002
        """Tasks with their properties and links, never cached."""
        return await self._reader.snapshots(ids)

    async def snapshots_to_delete(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        """Tasks with all their links and writable properties."""
        return await self._reader.snapshots(ids, whole=True)

    # Requests.

    async def prepare(self) -> None:
        """Fetch the account's zones and statuses."""
        await self.account.prepare()

    async def create(self, edit: Edit) -> Record:
        """POST a new task; raw values in the edit restore a deleted task."""
        return await self._writes.create(edit)

    async def update(self, before: Task, edit: Edit) -> Record:
        """PATCH the properties of an edit; the record has only what the response shows."""
        properties, by = properties_of(edit, before, self.account.data), self._client.id_property
        reply = await self._all_day.send(properties, lambda sent: self._client.update(before.id, sent, by))
        answer = self._reader.read_written(reply, edit)
        if by is None and answer.id != before.id:  # a merged task is answered with another id too
            raise self._client.http.invalid(reply, "with another task")
        return answer

    async def delete(self, task_id: str) -> None:
        """DELETE a task by HubSpot's own id; it goes to the recycling bin."""
        record_id = task_id if self._client.id_property is None else (await self._reader.read_record(task_id)).id
        try:
            await self._client.archive(record_id)
        finally:
            # A search still finds it for a while: recent writes are read by id, which never lags.
            self.recent.note_write(record_id, Record({"id": record_id, "properties": {}}, {}))

    async def get(self, task_id: str, edit: Edit | None = None) -> Record:
        """One task with the properties that an edit sets; a read by id does not lag."""
        return await self._reader.read_record(task_id, properties_in(edit))

    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """The ids in a batch read, which does not lag."""
        return frozenset(await self._reader.read_records(ids))

    async def created_since(
        self, moment: datetime, edits: Sequence[Edit], known_ids: frozenset[str]
    ) -> tuple[list[Record], timedelta | None]:
        """The newest tasks of the records that the edits link to, whose lists do not lag, and those of a search."""
        ahead: timedelta | None = None
        with suppress(TaskhandError):
            if (theirs := await self.account.upstream_time()) is not None:
                ahead = theirs - self.timing.clock()
        ids: set[str] = set()
        for kind, other in dict.fromkeys(pair for edit in edits for pair in links_set(edit).items()):
            if other is not None:
                ids.update(await self._client.tasks_of(kind, other))
        answer = await self._client.search(newest_since(moment + (ahead or timedelta())).body(None))
        ids.update(record.id for record in records_in(answer))
        newest = sorted(ids - known_ids, key=lambda task_id: (len(task_id), task_id), reverse=True)[:_MAX_CANDIDATES]
        records = await self._reader.by_own_id.read_records(newest, properties_in(*edits))
        return await self._reader.with_links(list(records.values())), ahead

    def unmet(self, row: Record, edit: Edit) -> frozenset[str]:
        """The names of the fields that a record does not show as an edit sets them; raw values must be as sent."""
        if not row.shows(raw_properties(edit)):
            return frozenset({"raw values"})
        return self._all_day.unmet(without_links(edit), self.to_task(row), self.account.data.zones)

    def disproves_create(self, row: Record, edit: Edit) -> bool:
        """Whether a record has other values or lacks a link, as far as its links are known."""
        return self.disproves(row, edit) or not has_links(row, edit)

    def to_task(self, row: Record) -> Task:
        """A record as a task."""
        return self._reader.to_task(row)

    async def complete(self, row: Record, before: Task | None, edit: Edit) -> tuple[Record, str | None]:  # noqa: ARG002
        """The row as it is: `update_task` reads updates back, and `complete_creates` reads new tasks back."""
        return row, None

    def to_written(self, row: Record, edit: Edit, note: str | None) -> Written:
        """The task after a write."""
        task = self._reader.to_task(row, [linked_id for linked_id in links_set(edit).values() if linked_id])
        self.recent.note_write(row.id, row)
        return Written(task, join_notes(note, self._all_day.note_on(edit, task)))

    # One task: its links, its properties, and the task read back.

    async def update_item(self, item: Item[Record], progress: BulkProgress) -> Written:
        """Make new links, PATCH, remove former links and read back; after a failure the new links are removed."""
        await self.prepare()
        links = LinkChanges(self._reader, progress)
        await links.link([item])
        rest = without_links(item.edit)
        if item.error is None and not rest.is_empty:
            try:
                item.state = Applied(*await write_update(self, replace(item, edit=rest), BulkProgress()))
            except TaskhandError as error:
                item.state = error
        with end_of_call():
            await links.finish()
        if item.error is not None:
            raise item.error
        item.state = await self._read_back(item)
        links.add_notes()
        return self.to_written(item.state.row, item.edit, item.state.note)

    def _confirmed_record(self, before: Task, properties: dict[str, str], answer: Record) -> Record | None:
        """The whole task after an update; None if the response does not show every property that was sent."""
        is_same = self._client.id_property is not None or answer.id == before.id  # a merged task has another id
        is_shown = is_same and not answer.is_archived and answer.shows(self._all_day.strip(properties))
        return record_of(before, answer, self.account.data) if is_shown and not before.unreadable_fields else None

    async def _read_back(self, item: Item[Record]) -> Applied[Record]:
        """Read the task; if that fails, return the response to the update if it shows the whole edit."""
        answer = item.state if isinstance(item.state, Applied) else None
        try:
            return Applied(await self.get(item.id, item.edit), answer.note if answer else None)
        except TaskhandError as error:
            # The response to an update has no links.
            if answer is None or links_set(item.edit):
                raise self.messages.unknown_update(item.id) from error
            properties = properties_of(item.edit, item.before, self.account.data)
            row = self._confirmed_record(item.before, properties, answer.row) or answer.row
            if self.unmet(row, item.edit):
                raise self.messages.unknown_update(item.id) from error
            return Applied(row, self.messages.accepted)

    # Many tasks at once.

    async def write_items(self, items: Sequence[Item[Record]], writer: ItemWriter[Record]) -> None:
        """Make the new links, write in batches, remove former links and read the links back."""
        links = LinkChanges(self._reader, writer.progress)
        await links.link(items)
        linked = [item for item in items if links_set(item.edit)]
        # Items with links are reported once their links are read back.
        early = ItemWriter(self, writer.progress, unfinished=frozenset(item.index for item in linked))
        early.report(items)
        await super().write_items(open_items(items), early)
        with end_of_call():
            await links.finish()
        await links.read_back(linked)
        links.add_notes()

    async def update_many(self, items: Sequence[Item[Record]]) -> BatchAnswer[Record]:
        """POST a batch update."""
        sent = {item.index: properties_of(item.edit, item.before, self.account.data) for item in items}
        inputs = [TaskInput(item.index, item.id, sent[item.index], names=properties_in(item.edit)) for item in items]
        answer = await self._writes.send_batch([item for item in inputs if item.properties], self._client.update_many)
        states: dict[int, WriteState[Record]] = {**dict.fromkeys(sent, State.CONFIRMED), **answer}
        for item in items:
            if isinstance(state := states[item.index], Applied):
                whole = self._confirmed_record(item.before, sent[item.index], state.row)
                states[item.index] = Applied(whole) if whole else State.CONFIRMED
        return states

    async def get_many(self, items: Sequence[Item[Record]]) -> Mapping[str, Record]:
        """The tasks of these items, with the links that they had before."""
        names = properties_in(*(item.edit for item in items))
        records = await self._reader.read_records([item.id for item in items], names)
        return {item.id: records[item.id].with_links(links_of(item.before)) for item in items if item.id in records}

    async def create_many(self, items: Sequence[NewTask[Record]]) -> BatchAnswer[Record]:
        """POST a batch of tasks; a refused deleted task is created with less, as in `create`."""
        return await self._writes.create_many(items)

    async def complete_creates(self, items: Sequence[NewTask[Record]]) -> None:
        """Read new tasks back with their links."""
        await self._writes.complete(items)


def _check_status(edit: Edit) -> None:
    """Refuse a status without an id: the list of statuses lacks it, and HubSpot writes statuses by their ids."""
    if edit.status is not MISSING and edit.status.id is None:
        raise CallerError(
            "There is no such status in HubSpot.", code="unknown_status", next_step="Call list_statuses for the names."
        )


def _check_length(edit: Edit) -> None:
    """Refuse a description whose HTML is too long for HubSpot; CallerError. HTML that an undo restores counts as is."""
    if not isinstance(edit.description, str):
        return
    length = len(str((edit.native or {}).get(BODY) or html_of(edit.description)))
    if length > _MAX_CHARACTERS:
        raise CallerError(
            f"description has {length:,} characters as the HTML that HubSpot stores, and the maximum is "
            f"{_MAX_CHARACTERS:,}; nothing was sent.",
            code="text_too_long",
            next_step=f"Send a description that is at least {length - _MAX_CHARACTERS:,} characters shorter.",
        )
