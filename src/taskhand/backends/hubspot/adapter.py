"""HubSpot behind the `Backend` protocol: tasks are CRM objects with properties, links and a stage.

An update is a PATCH and a look at the task: its answer holds the properties that changed, not the whole task. Links
are changed around the PATCH (`links`), and an account's own stage is written after it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from taskhand.backends.base import BulkProgress, Written
from taskhand.backends.hubspot.account import REMEDIES, Account
from taskhand.backends.hubspot.batch import MOST_INPUTS, Input, body_of, parts, shows_values, split_answer
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.due import AllDayFlag
from taskhand.backends.hubspot.links import LinkChanges, changes_links, unlinked, wanted_links
from taskhand.backends.hubspot.mapping import Record, links_of, properties_of, record_of
from taskhand.backends.hubspot.new_tasks import NewTasks, check_length, checked_edit, record_in
from taskhand.backends.hubspot.properties.resolver import HubSpotProperties
from taskhand.backends.hubspot.query import PageSearch
from taskhand.backends.hubspot.raw_values import BODY, raw_properties
from taskhand.backends.hubspot.task_reader import MESSAGES, TaskReader
from taskhand.backends.remote.adapter import CrmAdapter, Timing
from taskhand.backends.remote.bulk_create import NewTask
from taskhand.backends.remote.bulk_item import BatchAnswer, Item
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.deadline import end_of_call
from taskhand.domain.edit import Edit, properties_in
from taskhand.domain.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError, UpstreamError, UpstreamFailed
from taskhand.domain.page import TaskPage
from taskhand.domain.query import TaskQuery
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Contact, Deal, DealList, Member, StatusList, Task
from taskhand.domain.task_types import KnownType

if TYPE_CHECKING:
    from taskhand.backends.hubspot.factory import HubSpotSettings
    from taskhand.domain.change_source import ChangeSource

__all__ = ["HubSpotAdapter"]

_DIGITS: Final = r"[0-9]{1,20}"
_VALUE: Final = r"[^\s/]{1,200}"
_PENDING: Final = frozenset({"PENDING", "PROCESSING"})
"""The states of a batch that HubSpot has accepted and not carried out yet: documented, never recorded."""
_INDEX_LAG_S: Final = 60.0
"""How long after a write a search is not believed about a task; HubSpot's index has been seen 30 seconds behind."""


class HubSpotAdapter(CrmAdapter[Record]):
    """Tasks in one HubSpot account."""

    name = "hubspot"
    remedies = REMEDIES
    messages = MESSAGES
    batches_at_once = 4
    batch_is_atomic = True
    search_waits_s = (0.0, 2.0, 5.0)

    def __init__(
        self,
        client: HubSpotClient,
        settings: "HubSpotSettings",
        timezone: str | None,
        timing: Timing,
        new_id: Callable[[], str] = lambda: uuid4().hex[:12],
    ) -> None:
        """`new_id` makes the part of the trace ids that no other request has."""
        super().__init__(timing, RecentWrites(_INDEX_LAG_S, timing.monotonic))
        self.capabilities = Capabilities(
            absent=frozenset({"resolution"}),
            not_clearable=frozenset({"dueDate"}),
            required_on_create=frozenset({"dueDate"}),
            id_pattern=_VALUE if client.id_property else _DIGITS,
            member_id_pattern=_DIGITS,
            deal_id_pattern=_DIGITS,
            most_responsibles=1,
            writes_as_me=settings.hubspot_user_id is None,
            keeps_timezone=False,
            html_description=BODY,
            known=("created", "updated", "completed"),
            notes="Here: a due date is required.",
            usual_type="TODO",
            knows_me=settings.hubspot_user_id is not None,
        )
        self._client = client
        self.account = self._account = Account(client, settings, timezone, timing.monotonic)
        self._all_day = AllDayFlag()
        self._reader = TaskReader(client, self._account, self.recent)
        self.properties = HubSpotProperties(self._reader, self._account)
        self._new_id = new_id
        self._new_tasks = NewTasks(self._reader, self._account, self._all_day, new_id)

    @cached_property
    def change_source(self) -> "ChangeSource":
        """The changes by the date of the last one, and the histories of properties."""
        from taskhand.backends.hubspot.changes.source import HubSpotChanges  # noqa: PLC0415  no start waits for it

        return HubSpotChanges(self._client, self._account, self._reader, self.timing.clock)

    # Reads.

    async def former_members(self) -> tuple[Member, ...]:
        """The archived owners."""
        return await self._account.former_members()

    async def upstream_account(self) -> str | None:
        """The portal."""
        return await self._account.upstream_account()

    async def statuses(self) -> StatusList:
        """The stages of the task pipeline."""
        return await self._account.statuses()

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Always: `hs_timestamp` is an instant, and days are those of one zone."""
        del task, of_day
        return True

    async def find_deals(self, query: str | None, limit: int) -> DealList:
        """Deals by a part of their names, or those that were changed last."""
        return await self._account.find_deals(query, limit)

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact | Deal]:
        """Contacts, companies or deals by their ids, up to 100."""
        return await self._account.find_linked(field, ids)

    async def task_types(self) -> tuple[KnownType, ...]:
        """The options of the account's property; none where it cannot be read."""
        return await self._account.task_types()

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page; UpstreamError `too_many_tasks` where HubSpot does not let it be found."""
        return await PageSearch(
            self._reader, query, (await self._account.all_statuses()).by_id, self.timing.clock()
        ).run()

    async def check_edit(self, before: Task | None, edit: Edit) -> None:  # noqa: ARG002 - new or not, it is the same
        """Refuse a description that is too long as HTML, and a deal that the token may not read."""
        check_length(edit)
        if isinstance(edit.deal_id, str):
            await self._reader.check_deal(edit.deal_id)

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One task with its links, always read; NotFound."""
        del fresh
        record = await self._reader.one(task_id)
        await self._account.read_owners()
        return (await self._reader.tasks([record]))[0]

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """Tasks with their properties and links, always read."""
        del fresh
        return await self._reader.snapshots(ids)

    async def snapshots_to_delete(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        """Tasks with all their links and writable properties."""
        return await self._reader.snapshots(ids, whole=True)

    # Requests.

    async def prepare(self) -> None:
        """Fetch the account's zones and statuses."""
        await self._reader.prepare()

    async def create(self, edit: Edit) -> Record:
        """POST a task, as a deleted one was where its raw values come along; CallerError without a due date."""
        return await self._new_tasks.create(edit)

    async def update(self, before: Task, edit: Edit) -> Record | None:
        """PATCH the properties of an edit; the record is that before it with what the answer says."""
        properties = self._properties(edit, before)
        if not properties:
            return None
        try:
            reply = await self._all_day.send(properties, lambda sent: self._client.update(before.id, sent))
        except NotFound:
            await self._reader.one(before.id)
            raise
        answer = record_in(self._client, reply).with_names(properties_in(edit))
        return self._confirmed(before, answer, self._all_day.strip(properties)) or answer

    async def delete(self, task_id: str) -> None:
        """DELETE a task, by HubSpot's own id; it goes to the recycling bin."""
        record_id = task_id if self._client.id_property is None else (await self._reader.one(task_id)).id
        try:
            await self._client.archive(record_id)
        except NotFound:
            if await self._is_there(record_id):
                raise self.messages.not_applied() from None
            raise
        finally:
            # A search still finds it for a while: recent writes are read by id, which never lags.
            self.recent.wrote(record_id, Record({"id": record_id, "properties": {}}, {}))

    async def _is_there(self, record_id: str) -> bool:
        """Whether a task can be read."""
        try:
            await self._reader.one(record_id, by_property=False)
        except TaskhandError:
            return False
        return True

    async def get(self, task_id: str) -> Record:
        """One task, which is never behind."""
        return await self._reader.one(task_id)

    async def get_with(self, task_id: str, edit: Edit) -> Record:
        """One task with the properties that an edit sets."""
        return await self._reader.one(task_id, names=properties_in(edit))

    async def created_since(
        self, moment: datetime, edits: Sequence[Edit], known: frozenset[str]
    ) -> tuple[list[Record], timedelta | None]:
        """The own tasks of contacts, companies and deals, which never lag, and the newest ones that a search finds."""
        return await self._new_tasks.created_since(moment, edits, known, self.timing.clock())

    def unmet(self, row: Record, edit: Edit) -> frozenset[str]:
        """What a record does not show of an edit; HubSpot's own values have to be there as they were sent."""
        raw = {name: text for name, text in raw_properties(edit, new=False).items() if text is not None}
        if not shows_values(row.properties, self._all_day.strip(raw)):
            return frozenset({"raw values"})
        return self._all_day.unmet(unlinked(edit), self.to_task(row), self._reader.zones)

    def to_task(self, row: Record) -> Task:
        """A record as a task."""
        return self._reader.task(row)

    async def complete(self, row: Record, before: Task | None, edit: Edit) -> tuple[Record, str | None]:
        """The new task read back, or as HubSpot confirmed it; an update is completed by itself."""
        if before is not None:
            return row, None
        note = await self._new_tasks.put_back(row, edit)
        try:
            return await self._reader.one(row.id, by_property=False, names=properties_in(edit)), note
        except TaskhandError:
            return row, note or self.messages.accepted

    def to_written(self, row: Record, edit: Edit, before: Task | None, note: str | None) -> Written:
        """The task after a write."""
        del before
        task = self._reader.task(row, wanted_links(edit))
        self.recent.wrote(row.id, row)
        return Written(task, self._all_day.add_note(edit, task, note))

    # One task: its links, its properties, and the task read back.

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Link, PATCH, unlink what was linked before, and read back; a refusal takes the new links back."""
        item: Item[Record] = Item(0, before, await checked_edit(self._account, edit))
        await self.prepare()
        links = LinkChanges(self._reader, BulkProgress())
        await links.link([item])
        if item.error is None:
            await self._patch(item)
        with end_of_call():
            await links.finish()
        if item.error is not None:
            raise item.error
        item.row = await self._read_back(item)
        links.add_notes()
        return self.to_written(item.row, item.edit, before, item.note)

    async def _patch(self, item: Item[Record]) -> None:
        """Write the properties; the item fails where that is refused or in doubt."""
        try:
            if self._properties(item.edit, item.before):
                item.row, item.note = await self._writer.send_update(item.before, unlinked(item.edit))
        except TaskhandError as error:
            item.fail(error)

    async def _read_back(self, item: Item[Record]) -> Record:
        """The task as it is now, or as HubSpot confirmed it where that answer says all that was asked."""
        try:
            record = await self.get_with(item.id, item.edit)
            self.to_task(record)
        except TaskhandError as error:
            if item.row is None or not self._is_confirmed(item.row, item.edit):
                raise self.messages.unknown_update(item.id) from error
            item.note = self.messages.accepted
            return item.row
        return record

    def _is_confirmed(self, row: Record, edit: Edit) -> bool:
        """Whether HubSpot's answer to an update says all that was asked; links are never in it."""
        try:
            return not changes_links(edit) and not self.unmet(row, edit)
        except UpstreamError:
            return False

    # Many tasks at once.

    async def prepare_many(
        self, items: Sequence[Item[Record]], progress: BulkProgress
    ) -> Callable[[Sequence[Item[Record]]], Awaitable[None]]:
        """Check the edits and make their new links; afterwards former links are removed."""
        links = LinkChanges(self._reader, progress)
        for item in items:
            try:
                item.edit = await checked_edit(self._account, item.edit)
            except CallerError as error:
                item.fail(error)
            item.is_late = changes_links(item.edit)
        await links.link([item for item in items if not item.is_over])

        async def finish(late: Sequence[Item[Record]]) -> None:
            with end_of_call():
                await links.finish()
            await links.read_back(late)
            links.add_notes()

        return finish

    def batches(self, items: Sequence[Item[Record]]) -> tuple[list[list[Item[Record]]], list[Item[Record]]]:
        """A hundred in a request."""
        return [list(part) for part in parts(items, MOST_INPUTS)], []

    async def update_many(self, items: Sequence[Item[Record]]) -> BatchAnswer[Record]:
        """POST a batch update; what only the all-day flag was refused of is sent again without it."""
        call, id_property = self._new_id(), self._client.id_property
        inputs = [
            Input(item.index, f"{call}-{item.index}", item.id, self._all_day.strip(properties))
            for item in items
            if (properties := self._properties(item.edit, item.before))
        ]
        if not inputs:
            return BatchAnswer()
        try:
            json = await self._client.update_many(body_of(inputs, id_property))
        except CallerError as error:
            if not any(self._all_day.note_refusal(error, one.properties) for one in inputs):
                raise
            return await self.update_many(items)
        answer = split_answer(inputs, json, id_property)
        sent, before = {one.index: one.properties for one in inputs}, {item.index: item.before for item in items}
        names = {item.index: properties_in(item.edit) for item in items}
        read = ((one, row) for one, json in answer.rows.items() if (row := Record.read(json)) is not None)
        confirmed = ((one, self._confirmed(before[one], row.with_names(names[one]), sent[one])) for one, row in read)
        is_complete, is_pending = json.get("status") == "COMPLETE", json.get("status") in _PENDING
        rows = {one: record for one, record in confirmed if record is not None and is_complete}
        pending = frozenset(sent if is_pending else ()) - answer.refused.keys()
        refused = dict(answer.refused)
        flagged = {one for one, error in refused.items() if self._all_day.note_refusal(error, sent[one])}
        again = await self._update_again([item for item in items if item.index in flagged])
        for index in flagged:
            del refused[index]
        lost = {**answer.lost, **again.lost}
        return BatchAnswer({**rows, **again.rows}, {**refused, **again.refused}, lost, pending | again.pending)

    async def _update_again(self, items: Sequence[Item[Record]]) -> BatchAnswer[Record]:
        """Update a part of a batch once more; an error is about that part alone."""
        try:
            return await self.update_many(items)
        except (OutcomeUnknown, UpstreamFailed):
            return BatchAnswer(lost=dict.fromkeys(item.index for item in items))
        except TaskhandError as error:
            return BatchAnswer(refused=dict.fromkeys((item.index for item in items), error))

    async def get_many(self, items: Sequence[Item[Record]]) -> Mapping[str, Record]:
        """The tasks of these items; links that were not to change are those before."""
        names = properties_in(*(item.edit for item in items))
        found = await self._reader.many([item.id for item in items], by_property=True, names=names)
        return {item.id: found[item.id].with_links(links_of(item.before)) for item in items if item.id in found}

    def create_batches(self, items: Sequence[NewTask[Record]]) -> list[list[NewTask[Record]]]:
        """A hundred in a request."""
        return [list(part) for part in parts(items, MOST_INPUTS)]

    async def create_many(self, items: Sequence[NewTask[Record]]) -> BatchAnswer[Record]:
        """POST batch/create."""
        return await self._new_tasks.create_many(items)

    async def complete_creates(self, items: Sequence[NewTask[Record]]) -> None:
        """New tasks read back, many with one request."""
        if len(items) == 1:
            await super().complete_creates(items)
            return
        await self._new_tasks.read_back(items)

    # Answers.

    def _properties(self, edit: Edit, before: Task | None) -> dict[str, str]:
        """The properties to write for an edit."""
        return properties_of(edit, before, self._reader.zones, self._reader.statuses)

    def _confirmed(self, before: Task, answer: Record, sent: Mapping[str, str]) -> Record | None:
        """The whole task after an update whose answer shows every value that was sent; None where it does not."""
        if answer.is_archived or before.unreadable_fields:
            return None
        is_same = self._client.id_property is not None or answer.id == before.id  # a merged task has another id
        if not is_same or not shows_values(answer.properties, sent):
            return None
        reader, id_property = self._reader, self._client.id_property
        return record_of(
            before, answer, reader.zones, reader.statuses, id_property=id_property, owners=self._account.owners
        )
