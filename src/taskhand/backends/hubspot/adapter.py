"""HubSpot behind the `Backend` protocol: tasks are CRM objects with properties, links and a stage.

An update is a PATCH and a look at the task: its answer holds the properties that changed, not the whole task. Links
are changed around the PATCH (`links`), and an account's own stage is written after it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from pydantic import MISSING

from taskhand.backends.base import BulkProgress, Written
from taskhand.backends.hubspot.account import REMEDIES, Account, AccountSettings
from taskhand.backends.hubspot.batch import MOST_INPUTS, Input, body_of, shows_values, split_answer
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.links import (
    BulkLinks,
    LinkChange,
    Links,
    association_of,
    changes_links,
    left_linked,
    still_linked,
    unlinked,
    wanted_link,
)
from taskhand.backends.hubspot.mapping import ID_OF, KINDS, Record, linked_ids, properties_of, record_of
from taskhand.backends.hubspot.query import PageSearch, newest_since
from taskhand.backends.hubspot.raw_values import STAGE, has_raw_status, raw_properties, stage_after
from taskhand.backends.hubspot.task_reader import MESSAGES, TaskReader
from taskhand.backends.remote.adapter import CrmAdapter, Timing
from taskhand.backends.remote.bulk_item import BatchAnswer, Item, State
from taskhand.backends.remote.parsing import JsonObject, objects, parse
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError, UpstreamError
from taskhand.domain.page import TaskPage
from taskhand.domain.query import TaskQuery
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice, StatusList, Task
from taskhand.http.reply import Reply

__all__ = ["HubSpotAdapter"]

_DIGITS: Final = r"[0-9]{1,20}"
_VALUE: Final = r"[^\s/]{1,200}"
_INDEX_LAG_S: Final = 60.0
"""How long after a write a search is not believed about a task; HubSpot's index has been seen 30 seconds behind."""
_MOST_CANDIDATES: Final = 100
_UNSTAGED: Final = "HubSpot did not confirm that the task is in the stage again that it was in; look at it there."


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
        settings: AccountSettings,
        timing: Timing,
        new_id: Callable[[], str] = lambda: uuid4().hex[:12],
    ) -> None:
        """`new_id` makes the part of the trace ids that no other request has."""
        super().__init__(timing, RecentWrites(_INDEX_LAG_S, timing.monotonic))
        self.capabilities = Capabilities(
            not_clearable=frozenset({"dueDate"}),
            required_on_create=frozenset({"dueDate"}),
            id_pattern=_VALUE if client.id_property else _DIGITS,
            member_id_pattern=_DIGITS,
            most_responsibles=1,
            keeps_timezone=False,
        )
        self._client = client
        self._settings = settings
        self.account = self._account = Account(client, settings, timing.monotonic)
        self._all_day = self._account.all_day
        self._reader = TaskReader(client, self._account, self.recent)
        self._links = Links(self._reader)
        self._new_id = new_id

    # Reads.

    async def statuses(self) -> StatusList:
        """The options of `hs_task_status`."""
        return await self._account.statuses()

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Always: `hs_timestamp` is an instant, and days are those of one zone."""
        del task, of_day
        return True

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page; UpstreamError `too_many_tasks` where HubSpot does not let it be found."""
        search = PageSearch(self._client, self._reader, query, self.timing.clock(), self._settings.timezone)
        return await search.run(await self._account.by_value())

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One task with its links, always read; NotFound."""
        del fresh
        return (await self._reader.tasks([await self._reader.one(task_id)]))[0]

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """Tasks with their properties and links, always read."""
        del fresh
        return await self._reader.snapshots(ids)

    # The wire.

    async def prepare(self) -> None:
        """Fetch the account's zones and statuses."""
        await self._reader.prepare()

    async def create(self, edit: Edit) -> Record:
        """POST a task: with the raw values of a deleted one, the new one has its body, links, type, status and stage.

        CallerError without a due date.
        """
        edit = await self._checked(edit, new=True)
        associations = association_of(edit)
        body = {"associations": associations} if associations else {}
        properties = properties_of(edit, None, self._reader.zones)
        reply = await self._without_refused_flag(
            properties, lambda sent: self._client.create(body | {"properties": sent})
        )
        return self._answered(reply, self.to_task)

    async def update(self, before: Task, edit: Edit) -> Record | None:
        """PATCH the properties of an edit; the record is that before it with what the answer says."""
        properties = properties_of(edit, before, self._reader.zones)
        if not properties:
            return None
        try:
            reply = await self._without_refused_flag(properties, lambda sent: self._client.update(before.id, sent))
        except NotFound:
            await self._reader.one(before.id)
            raise
        answer = self._answered(reply, lambda _: None)
        return (
            self._merged(before, answer) if shows_values(answer.properties, self._all_day.strip(properties)) else answer
        )

    async def delete(self, task_id: str) -> None:
        """DELETE a task, by HubSpot's own id; it goes to the recycling bin."""
        record_id = task_id if self._client.id_property is None else (await self._reader.one(task_id)).id
        try:
            await self._client.archive(record_id)
        except NotFound:
            await self._reader.one(record_id, by_property=False)
            raise UpstreamError(
                "HubSpot did not find the task that was to be deleted, and still shows it.",
                next_step="Send the same call again later.",
                retryable=True,
            ) from None
        finally:
            # A search still finds it for a while: recent writes are read by id, which never lags.
            self.recent.wrote(record_id, Record({"id": record_id, "properties": {}}, {}))

    async def get(self, task_id: str) -> Record:
        """One task, which is never behind."""
        return await self._reader.one(task_id)

    async def created_since(
        self, moment: datetime, edit: Edit, known: frozenset[str]
    ) -> tuple[list[Record], timedelta | None]:
        """The contact's or company's own tasks, which never lag, and the newest ones that a search finds."""
        try:
            theirs = await self._client.date()
        except TaskhandError:
            theirs = None
        ahead = theirs - self.timing.clock() if theirs is not None else None
        ids: list[str] = []
        for kind in KINDS:
            if isinstance(other := getattr(edit, ID_OF[kind][0]), str):
                ids += reversed(linked_ids((await self._client.tasks_of(kind, other)).get("results")))
        answer = await self._client.search(newest_since(moment + (ahead or timedelta())).body(None))
        ids += [str(row.get("id")) for row in objects(answer.get("results"))]
        new = [one for one in dict.fromkeys(ids) if one not in known]
        records = await self._reader.many(new[:_MOST_CANDIDATES], by_property=False)
        return await self._reader.with_links(list(records.values())), ahead

    def unmet(self, row: Record, edit: Edit) -> frozenset[str]:
        """What a record does not show of an edit; HubSpot's own values have to be there as they were sent."""
        raw = {name: text for name, text in raw_properties(edit, new=False).items() if text is not None}
        raw.pop(STAGE, None)  # an account's own stage is written once everything else is
        if not shows_values(row.properties, self._all_day.strip(raw)):
            return frozenset({"raw values"})
        is_unmet = self._all_day.is_unmet(unlinked(edit), self.to_task(row), self._reader.zones)
        return frozenset({"properties"} if is_unmet else ())

    def to_task(self, row: Record) -> Task:
        """A record as a task."""
        return self._reader.task(row)

    async def complete(self, row: Record, before: Task | None, edit: Edit) -> tuple[Record, str | None]:
        """The new task in its stage and read back, or as HubSpot confirmed it; an update is completed by itself."""
        if before is not None:
            return row, None
        unstaged = await self._restage(row.id, edit, new=True)
        try:
            return await self._reader.one(row.id, by_property=False), unstaged
        except TaskhandError:
            return row, unstaged or self.messages.accepted

    def to_written(self, row: Record, edit: Edit, before: Task | None, note: str | None) -> Written:
        """The task after a write."""
        del before
        task = self._reader.task(row, wanted_link(edit))
        self.recent.wrote(row.id, row)
        return Written(task, self._all_day.add_note(edit, task, note))

    # One task: its links, its properties, its stage, and the task read back.

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Link, PATCH, unlink what was linked before, and read back.

        A refusal takes the new links back; OutcomeUnknown says that they may be there.
        """
        edit = await self._checked(edit)
        await self.prepare()
        made = await self._links.link(before.id, edit) if changes_links(edit) else []
        answer, note = None, None
        try:
            if properties_of(edit, before, self._reader.zones):
                answer, note = await self._writer.send_update(before, unlinked(edit))
        except OutcomeUnknown as unknown:
            if left := left_linked(made):
                unknown.next_step = f"{unknown.next_step or ''} {left}".lstrip()
            raise
        except TaskhandError:
            await self._links.take_back(made)
            raise
        unstaged = await self._restage(before.id, edit)
        await self._links.unlink(made)
        return await self._read_back(before, edit, answer, unstaged or note, made)

    async def _read_back(
        self, before: Task, edit: Edit, answer: Record | None, note: str | None, made: Sequence[LinkChange]
    ) -> Written:
        """The task as it is now, or as HubSpot confirmed it where that answer says all that was asked."""
        try:
            record = await self._reader.one(before.id)
            return self.to_written(record, edit, before, still_linked(record, made) or note)
        except TaskhandError as error:
            if answer is None or changes_links(edit) or self.unmet(answer, edit):
                raise self.messages.unknown_update(before.id) from error
        return self.to_written(answer, edit, before, self.messages.accepted)

    async def _restage(self, task_id: str, edit: Edit, *, new: bool = False) -> str | None:
        """Put a task back into its stage where that is written by itself; the note if it failed."""
        stage = stage_after(edit, new=new)
        if stage is None:
            return None
        try:
            await self._client.update(task_id, {STAGE: stage}, by_property=not new)
        except TaskhandError:
            return _UNSTAGED
        return None

    # Many tasks at once.

    async def prepare_many(
        self, items: Sequence[Item[Record]], progress: BulkProgress
    ) -> Callable[[Sequence[Item[Record]]], Awaitable[None]]:
        """Check the edits and make their new links; afterwards stages are written and former links removed."""
        links = BulkLinks(self._reader, progress)
        for item in items:
            try:
                item.edit = await self._checked(item.edit)
            except CallerError as error:
                item.fail(error)
            item.is_late = changes_links(item.edit) or stage_after(item.edit) is not None
        await links.link([item for item in items if not item.is_over])

        async def finish(late: Sequence[Item[Record]]) -> None:
            await self._restage_many([item for item in late if item.state is State.APPLIED], progress)
            await links.finish(late)

        return finish

    def batches(self, items: Sequence[Item[Record]]) -> tuple[list[list[Item[Record]]], list[Item[Record]]]:
        """A hundred in a request."""
        return [list(items[at : at + MOST_INPUTS]) for at in range(0, len(items), MOST_INPUTS)], []

    async def update_many(self, items: Sequence[Item[Record]]) -> BatchAnswer[Record]:
        """POST a batch update; what only the all-day flag was refused of is sent again without it."""
        call, zones = self._new_id(), self._reader.zones
        wanted = {item.index: properties_of(item.edit, item.before, zones) for item in items}
        inputs = [
            Input(item.index, f"{call}-{item.index}", item.id, self._all_day.strip(wanted[item.index]))
            for item in items
            if wanted[item.index]
        ]
        if not inputs:
            return BatchAnswer()
        try:
            answer = await self._client.update_many(body_of(inputs, self._client.id_property))
        except CallerError as refused:
            if not any(self._all_day.note_refusal(refused, one.properties) for one in inputs):
                raise
            return await self.update_many(items)
        found = split_answer(inputs, answer, self._client.id_property)
        flagged = {
            one.index
            for one in inputs
            if one.index in found.refused and self._all_day.note_refusal(found.refused[one.index], one.properties)
        }
        again = await self.update_many([item for item in items if item.index in flagged]) if flagged else BatchAnswer()
        unknown = {one.index for one in inputs} - found.rows.keys() - found.refused.keys()
        by_index = {item.index: item for item in items}
        rows = {
            one.index: self._merged(by_index[one.index].before, record)
            for one in inputs
            if answer.get("status") == "COMPLETE"  # one that is PENDING or PROCESSING may still come to nothing
            and (record := self._confirming(found.rows.get(one.index), one)) is not None
        }
        return BatchAnswer(
            rows=rows | dict(again.rows),
            refused={index: error for index, error in found.refused.items() if index not in flagged}
            | dict(again.refused),
            lost={index: found.reasons.get(index) for index in unknown} | dict(again.lost),
        )

    async def get_many(self, items: Sequence[Item[Record]]) -> Mapping[str, Record]:
        """The tasks of these items; links that were not to change are those before."""
        found = await self._reader.many([item.id for item in items], by_property=True)
        return {item.id: _linked_as(item.before, found[item.id]) for item in items if item.id in found}

    async def _restage_many(self, items: Sequence[Item[Record]], progress: BulkProgress) -> None:
        """Put tasks back into their stages; what HubSpot says of a task then counts as well."""
        call = self._new_id()
        stages = {item.index: stage for item in items if (stage := stage_after(item.edit)) is not None}
        inputs = [
            Input(item.index, f"{call}-{item.index}-stage", item.id, {STAGE: stages[item.index]})
            for item in items
            if item.index in stages
        ]
        rows: dict[int, JsonObject] = {}
        for at in range(0, len(inputs), MOST_INPUTS):
            part = inputs[at : at + MOST_INPUTS]
            if progress.stopped is None:
                try:
                    answer = await self._client.update_many(body_of(part, self._client.id_property))
                    rows |= split_answer(part, answer, self._client.id_property).rows
                except TaskhandError as error:
                    progress.heed(error)
        for item in items:
            properties = rows.get(item.index, {}).get("properties")
            if item.index in stages and not isinstance(properties, dict):
                item.add_note(_UNSTAGED)
            elif item.row is not None and isinstance(properties, dict):
                json = item.row.json | {"properties": item.row.properties | properties}
                item.row = Record(json, item.row.links)

    # Answers.

    async def _checked(self, edit: Edit, *, new: bool = False) -> Edit:
        """The edit with the value of its status; CallerError for what HubSpot cannot hold."""
        if edit.due is None or (new and edit.due is MISSING):
            raise CallerError(
                "HubSpot has no task without a due date.",
                code="due_date_required",
                next_step="Send dueDate as YYYY-MM-DD." if new else "Send dueDate as YYYY-MM-DD, or leave it out.",
            )
        if has_raw_status(edit, new=new):
            return edit
        if edit.status is not MISSING:
            return replace(edit, status=await self._account.value_of(edit.status))
        initial = await self._account.initial() if new else None
        return edit if initial is None else replace(edit, status=StatusChoice(id=initial))

    async def _without_refused_flag(
        self, properties: dict[str, str], send: Callable[[dict[str, str]], Awaitable[Reply]]
    ) -> Reply:
        """`send` properties, and once more without the all-day flag where the account refused that alone."""
        try:
            return await send(self._all_day.strip(properties))
        except CallerError as refused:
            if not self._all_day.note_refusal(refused, properties):
                raise
        return await send(self._all_day.strip(properties))

    def _answered(self, reply: Reply, check: Callable[[Record], object]) -> Record:
        """The record that a write answered; OutcomeUnknown where it is no task."""
        try:
            record = parse("HubSpot", Record.from_json, reply.object)
            check(record)
        except UpstreamError:
            raise self._client.http.invalid(reply, "with something that is not a task") from None
        return record

    def _merged(self, before: Task, answer: Record) -> Record:
        return record_of(before, answer, self._reader.zones, id_property=self._client.id_property)

    def _confirming(self, row: JsonObject | None, sent: Input) -> Record | None:
        """The record of a batch's result, where that is about the task sent and shows every value; None otherwise.

        A task that was merged goes on under another id.
        """
        try:
            record = parse("HubSpot", Record.from_json, row)
        except UpstreamError:
            return None
        is_same = self._client.id_property is not None or record.id == sent.task_id
        is_there = is_same and record.json.get("archived") is not True
        return record if is_there and shows_values(record.properties, sent.properties) else None


def _linked_as(before: Task, record: Record) -> Record:
    """A record that was read without its links, with those before."""
    contact, customer = before.ai_contact_id, before.ai_customer_id
    return record.with_links({"contacts": (contact,) if contact else (), "companies": (customer,) if customer else ()})
