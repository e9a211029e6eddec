"""Close behind the `Backend` protocol: reads by id, lists in pages, and bulk updates of tasks that get equal values.

Sources: https://developer.close.com/api/resources/tasks and its page "Bulk-update tasks". The response to a bulk
update is `{"ok": true}`, whichever tasks matched. A refused bulk update may have changed some tasks. Close's lists lag
behind its writes, and still show a deleted task for a while.
"""

import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final

from pydantic import MISSING

from taskhand.backends.base import BulkProgress, Written
from taskhand.backends.close import mapping
from taskhand.backends.close.account import Account
from taskhand.backends.close.client import CHUNK, CloseClient
from taskhand.backends.close.errors import MESSAGES
from taskhand.backends.close.factory import CloseSettings
from taskhand.backends.close.fields import task_types
from taskhand.backends.close.fields.lead_contacts import LeadContacts
from taskhand.backends.close.fields.lead_notes import Notes, WrittenNote
from taskhand.backends.close.query import PageSearch, TasksById
from taskhand.backends.remote.batch_update import BatchAdapter
from taskhand.backends.remote.bulk_item import BatchAnswer, Item, State
from taskhand.backends.remote.parsing import JsonObject, id_of, written_row
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.backends.remote.write_refusals import explain_refusal
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import NotFound, OutcomeUnknown, TaskhandError, UpstreamError
from taskhand.domain.event_source import EventSource
from taskhand.domain.field_names import argument_name
from taskhand.domain.receipt import join_notes
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusList, Task
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import TaskQuery
from taskhand.domain.unreadable_fields import with_unreadable
from taskhand.http.response_body import Reply

__all__ = ["CloseAdapter"]

_LAG_S: Final = 60.0
"""Observed lag of lists, in seconds."""
_NOT_FOUND_WAITS_S: Final = (2.0, 5.0)
"""Seconds before each repetition of a request for a task that Close does not find yet."""


class CloseAdapter(BatchAdapter[JsonObject]):
    """Tasks in one Close organization."""

    remedies: Mapping[str, str] = {"me": "Use the credential of an active user of the organization."}
    messages = MESSAGES
    max_updates = CHUNK
    min_batch = 3  # two PUTs cost as many requests as a bulk update and its read back, and return the tasks
    probes = 3
    many_reads_lag = True

    def __init__(self, client: CloseClient, settings: CloseSettings, timezone: str | None, timing: Timing) -> None:
        """OperatorError if CLOSE_TASK_TYPES names a type that Close does not have."""
        super().__init__(timing, RecentWrites(_LAG_S, timing.monotonic))
        new_type = settings.close_new_task_type
        needed = frozenset(map(argument_name, task_types.REQUIRED_FIELDS[new_type]))
        self.capabilities = replace(mapping.CAPABILITIES, required_on_create=needed, usual_type=new_type)
        self._client = client
        self._timezone = timezone
        self._new_task_type = new_type
        self.account: Account = Account(client, timing)
        self.lead_contacts = LeadContacts(client, timing)
        self._reader = TasksById(client, timezone, self.recent, timing.clock)
        self._notes = Notes(client, self.account, timing)
        self._listed = task_types.listed_types(settings.close_task_types)

    @cached_property
    def event_source(self) -> EventSource:
        """The event log of the listed types of tasks."""
        from taskhand.backends.close.events.event_source import CloseEvents  # noqa: PLC0415  no start waits for it

        return CloseEvents(self._client, self._timezone, self._listed, self.timing.clock)

    # Reads.

    async def statuses(self) -> StatusList:
        """Open and Completed, the only statuses of Close."""
        return StatusList((mapping.OPEN, mapping.DONE), complete=True, source="Close: a task is open or completed")

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether the due time is certain; the day of a due instant is certain only if a zone is configured."""
        return not of_day or self._timezone is not None or task.is_all_day or task.due_at is None

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of the listed types of tasks; UpstreamError `too_many_tasks` if too many may match."""
        return await PageSearch(self._reader, self._listed, query).run()

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:  # noqa: ARG002  one task is always read
        """One task of any type; NotFound. Its priority is 0 if Close does not list one."""
        return self.to_task(await self._reader.read_row(task_id))

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:  # noqa: ARG002  as above
        """Tasks of any type, in the order of `ids`: a single id is read by id, several are listed, 100 a request."""
        rows, priorities = await self._reader.read_rows(ids), self._reader.priorities
        return {task_id: self._snapshot(priorities.fill_in(row)) for task_id, row in rows.items()}

    # The wire.

    async def create(self, edit: Edit) -> JsonObject:
        """POST a task."""
        body = mapping.create_body(edit, self._type_of(edit))
        return self._read_answer(await self._client.create(body, self._day_of(edit)), edit, None)

    async def check_edit(self, before: Task | None, edit: Edit) -> None:
        """Refuse a value that Close cannot hold, a change that the task's type refuses, and another lead's contact."""
        lead_id = edit.ai_customer_id if before is None else before.ai_customer_id
        if before is None:
            mapping.check_new(edit, self._type_of(edit))
        else:
            task_types.check_changeable(
                edit, before.task_type if isinstance(before.task_type, str) else task_types.LEAD
            )
            mapping.check_values(edit)
        if isinstance(edit.ai_contact_id, str):
            await self.lead_contacts.check(edit.ai_contact_id, lead_id if isinstance(lead_id, str) else None)

    async def update(self, before: Task, edit: Edit) -> JsonObject:
        """PUT the fields of an edit."""
        body, day = mapping.update_body(edit, dateless=before.due_at is None), self._day_of(edit)
        reply = await self._retry_not_found(before.id, lambda: self._client.update(before.id, body, day))
        return self._read_answer(reply, edit, before.id)

    async def delete(self, task_id: str) -> None:
        """DELETE a task."""
        await self._retry_not_found(task_id, lambda: self._client.delete(task_id))

    async def get(self, task_id: str, edit: Edit | None = None) -> JsonObject:  # noqa: ARG002  a response has every field
        """One task; a read by id does not lag."""
        return await self._reader.read_row(task_id, after_write=True)

    async def created_since(
        self,
        moment: datetime,
        edits: Sequence[Edit],
        known_ids: frozenset[str],  # noqa: ARG002  the search leaves them out
    ) -> tuple[list[JsonObject], timedelta | None]:
        """The latest tasks on the edits' leads that the credential's user may have created."""
        stamp = (moment - timedelta(days=1)).isoformat(timespec="seconds")  # Close's clock may be behind ours
        rows: list[JsonObject] = []
        ahead: timedelta | None = None
        for lead_id, kind in dict.fromkeys((str(edit.ai_customer_id), self._type_of(edit)) for edit in edits):
            params = {"lead_id": lead_id, "_type": kind, "date_created__gte": stamp, "_order_by": "-date_created"}
            page = await self._client.tasks(params, self._reader.today())
            ahead = None if page.at is None else page.at - self.timing.clock()
            rows += page.rows
        self.recent.note_read(map(id_of, rows))
        me = await self.account.me_if_known()  # the creator of every task that is created here
        return [row for row in rows if me is None or row.get("created_by") in (None, me)], ahead

    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """The ids in a list, which may still have deleted tasks."""
        return frozenset(await self._reader.list_rows(ids, after_write=True))

    def hidden_fields(self, row: JsonObject) -> frozenset[str]:
        """The unreadable fields, and `priority` if Close does not list it."""
        return super().hidden_fields(row) | _unlisted_fields(self.to_task(row))

    def to_task(self, row: JsonObject) -> Task:
        """A row as a task."""
        return self._reader.to_task(row)

    def to_written(self, row: JsonObject, edit: Edit, note: str | None) -> Written:
        """The task after a write, with the priority that was sent if Close does not list one."""
        self._reader.priorities.note_write(row, mapping.sent_priority(edit))
        return super().to_written(row, edit, note)

    # Notes beside tasks.

    async def find_notes(
        self, tasks: Sequence[Task], text: str, since: datetime, but: Collection[str] = ()
    ) -> dict[str, str]:
        """The ids of notes with this text on the leads of the tasks, by task id."""
        leads = {task.id: task.ai_customer_id for task in tasks if task.ai_customer_id}
        notes = await self._notes.find(list(leads.values()), text, since, but)
        return {task_id: notes[lead_id] for task_id, lead_id in leads.items() if lead_id in notes}

    async def missing_notes(self, note_ids: Collection[str]) -> frozenset[str]:
        """The notes of `note_ids` that no longer exist in Close."""
        return await self._notes.missing(note_ids)

    async def update_item(self, item: Item[JsonObject], progress: BulkProgress) -> Written:
        """Update the fields of a task, then write or delete its note; if the update fails, the note is left alone.

        If the fields were written and the note fails, the returned `note` says so.
        """
        before, edit = item.before, item.edit
        if edit.note is MISSING:
            return await super().update_item(item, progress)
        rest = without(edit, "note")
        is_alone = rest.is_empty
        written = Written(before) if is_alone else await super().update_item(replace(item, edit=rest), progress)
        try:
            noted = await self._change_note(before, edit.note)
        except TaskhandError as error:
            if is_alone:
                raise explain_refusal(error, self.messages.name, edit, before.id) from None
            task = with_unreadable(written.task, "note") if isinstance(error, OutcomeUnknown) else written.task
            task = task.with_note(before.note, before.note_id)
            return replace(written, task=task, note=f"The note: {error.message} {error.next_step or ''}".strip())
        task = written.task.with_note(noted.text, noted.id)
        return Written(task, join_notes(written.note, noted.remark))

    async def _change_note(self, before: Task, text: str | None) -> WrittenNote:
        """Write a note with this text; None deletes the note that the task has."""
        if text is not None:
            return await self._notes.write(before.ai_customer_id, text)
        if not isinstance(before.note_id, str):
            return WrittenNote(None, None)
        return await self._notes.remove(before.note_id, before.note if isinstance(before.note, str) else None)

    # Many tasks at once.

    def batch_key(self, item: Item[JsonObject]) -> str | None:
        """The values of the item, which all tasks of a batch get; None if a field cannot be updated in bulk."""
        is_plain = re.fullmatch(mapping.CAPABILITIES.id_pattern, item.id)  # the ids are joined by commas
        values = mapping.bulk_body(item.edit) if is_plain else None
        return None if values is None else json.dumps(values, sort_keys=True)

    async def update_many(self, items: Sequence[Item[JsonObject]]) -> BatchAnswer[JsonObject]:
        """PUT the same values to many tasks; the response has no result for any of them."""
        edit = items[0].edit
        await self._client.update_many([item.id for item in items], mapping.bulk_body(edit) or {}, self._day_of(edit))
        return dict.fromkeys((item.index for item in items), State.CONFIRMED)

    async def get_many(self, items: Sequence[Item[JsonObject]]) -> Mapping[str, JsonObject]:
        """The listed rows of the items' tasks, 100 a request."""
        return await self._reader.list_rows([item.id for item in items], after_write=True)

    def confirmed_row(self, row: JsonObject, edit: Edit) -> JsonObject:
        """A listed row with the values of a confirmed bulk update."""
        values = mapping.bulk_body(edit) or {}
        dated = {"is_dateless": False, "due_date": values["date"]} if "date" in values else {}
        return row | dated | values

    # Requests and answers.

    def _type_of(self, edit: Edit) -> task_types.NewTaskType:
        """The type of a new task; CallerError if it cannot be created."""
        return task_types.new_task_type(edit, self._new_task_type)

    def _day_of(self, edit: Edit) -> date:
        """The day of the due date that an edit sets; today if it sets none."""
        return edit.due.day if edit.due is not MISSING and edit.due is not None else self._reader.today()

    def _read_answer(self, reply: Reply, edit: Edit, task_id: str | None) -> JsonObject:
        """The row in the response to a write; OutcomeUnknown if it is not a task, or not the task `task_id`."""
        row = written_row(self._client.http, reply, task_id)
        self._reader.priorities.note_write(row, mapping.sent_priority(edit))
        return row

    def _snapshot(self, row: JsonObject) -> Snapshot:
        task, raw = self.to_task(row), mapping.raw_values(row)
        return Snapshot(task, raw, _unlisted_fields(task), cannot_recreate=task_types.why_not_recreatable(raw))

    async def _retry_not_found(self, task_id: str, send: Callable[[], Awaitable[Reply]]) -> Reply:
        """Call `send`, and repeat it while Close does not find a task that was just written; NotFound for any other.

        UpstreamError `task_not_there_yet` if Close still does not find it after the last wait.
        """
        for wait_s in (0.0, *_NOT_FOUND_WAITS_S):
            if wait_s and not await self.timing.sleep_if_time(wait_s):
                break
            try:
                return await send()
            except NotFound:
                if self._reader.unshown_row(task_id) is None:
                    raise
        raise UpstreamError(
            f"Close does not find task {task_id} yet, because it was written a moment ago; nothing was changed.",
            code="task_not_there_yet",
            next_step="Wait a few seconds, then send the same call again.",
            retryable=True,
        )


def _unlisted_fields(task: Task) -> frozenset[str]:
    """The fields of an edit that Close does not list for a task: `priority`, or none."""
    return frozenset({"priority"} if task.priority == mapping.UNLISTED_PRIORITY else ())
