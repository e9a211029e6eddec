"""Vambe behind the `Backend` protocol: tasks are read from lists, and updated one by one as Vambe has no batches."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import anyio

from taskhand.backends.base import BulkProgress, Misread, Written
from taskhand.backends.remote.adapter import CrmAdapter
from taskhand.backends.remote.bulk_item import Item, open_items
from taskhand.backends.remote.bulk_update import ItemWriter
from taskhand.backends.remote.lost_update import write_update
from taskhand.backends.remote.parsing import JsonObject, id_of, written_row
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.backends.vambe.account import Account
from taskhand.backends.vambe.client import VambeClient, Window
from taskhand.backends.vambe.errors import MESSAGES
from taskhand.backends.vambe.factory import VambeSettings
from taskhand.backends.vambe.fields.learned_due_times import TaskMapper, rests_on
from taskhand.backends.vambe.fields.statuses import StatusCatalogue, parse_statuses
from taskhand.backends.vambe.mapping import body_of, status_of
from taskhand.backends.vambe.query import WIDEST, window_of
from taskhand.backends.vambe.task_lists import TaskLists
from taskhand.call.deadline import end_of_call, hold_lock
from taskhand.call.request_log import recorded_requests
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.create_matching import is_created_since
from taskhand.domain.due import due_of, is_late
from taskhand.domain.edit import Edit, is_readable, without
from taskhand.domain.errors import CallerError, TaskhandError, UpstreamError
from taskhand.domain.event_source import EventSource
from taskhand.domain.receipt import changes, inverse_edit
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import FINISHED, StatusList, Task
from taskhand.domain.task_page import TaskPage, select_page
from taskhand.domain.task_query import TaskQuery
from taskhand.domain.unreadable_fields import with_unreadable
from taskhand.http.response_body import Reply

__all__ = ["VambeAdapter"]

_STATUSES: Final = "VAMBE_STATUSES"
_DELETED_TOO: Final = ("interactive notes",)
"""The data deleted with a task, which no request shows: https://docs.vambe.me/reference/tasks/delete-task."""
_OF_STATUSES: Final = frozenset({400, 404})
"""The HTTP statuses with which Vambe refuses an invalid body or reference, such as a status that it does not have."""
_STATUS_EFFECTS: Final = (
    "Vambe may start automated actions or send notifications when a status changes; an undo does not revert them."
)
"""https://docs.vambe.me/reference/tasks/update-task, "Cascading Effects"."""
_TASK_FIELDS: Final = {
    "due": ("due_at", "due_timezone", "is_all_day"),
    "responsible_ids": ("task_responsibles",),
    "status": ("status_config", "task_status_config_id"),
}
"""The fields of a task behind an edit's field of another name."""


class VambeAdapter(CrmAdapter[JsonObject]):
    """Tasks in one Vambe organisation."""

    remedies: Mapping[str, str] = {
        "statuses": "Set VAMBE_STATUSES to all statuses in order, e.g. Pendiente:initial,Completado:done.",
        "me": "Set VAMBE_USER_ID to the id of a member that list_team_members shows.",
        "time zone": "Set VAMBE_TIMEZONE to the IANA name of the organisation's zone",
        "due times": "Set VAMBE_DUE_AT to utc or wall, whichever shows the same time of a task as Vambe's own app.",
    }
    messages = MESSAGES

    def __init__(self, client: VambeClient, settings: VambeSettings, timezone: str | None, timing: Timing) -> None:
        """OperatorError if VAMBE_STATUSES does not have the documented form."""
        keep_s = settings.vambe_cache_s
        self.capabilities = Capabilities(
            knows_me=settings.vambe_user_id is not None,
            notes="Here: no update or finish times.",
            midnight_is_day=True,
            status_effects=_STATUS_EFFECTS,
        )
        super().__init__(timing, RecentWrites(keep_s, timing.monotonic, str.lower))
        self.singles_at_once = 2 * settings.vambe_in_flight
        self._client = client
        self._timezone = timezone
        configured = parse_statuses(settings.vambe_statuses, _STATUSES) if settings.vambe_statuses else ()
        self._catalogue = StatusCatalogue(configured)
        self.account = Account(client, settings.vambe_user_id, keep_s, timing)
        self._lists = TaskLists(client.tasks, keep_s, self.recent, timing)
        self._mapper = TaskMapper(self._catalogue, timezone, settings.vambe_due_at)
        self._learning = anyio.Lock()

    @cached_property
    def event_source(self) -> EventSource:
        """The change feed, which compares lists."""
        from taskhand.backends.vambe.events.event_source import VambeEvents  # noqa: PLC0415  no start waits for it

        return VambeEvents(self._lists, self._mapper, self.timing.clock)

    # Reads.

    async def statuses(self) -> StatusList:
        """The configured statuses, or those seen on tasks; reads the widest list if no finished status was seen."""
        await self._list_window(self._lists.near)
        if not any(status.type in FINISHED for status in self._catalogue.known_statuses().statuses):
            with suppress(CallerError):  # the statuses seen so far remain if Vambe refuses so wide a window
                await self._list_window(WIDEST)
        return self._catalogue.known_statuses()

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether the due date of a task, or only its day (`of_day`), is certain (`TaskMapper.sure_of_due`)."""
        return self._mapper.sure_of_due(task, of_day=of_day)

    def reread(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with its due date, if the form of due times was learned after it was made."""
        if "due" not in snapshot.unknown or not is_readable(snapshot.task, "due"):
            return snapshot
        task = self._mapper.with_due_of(snapshot.task, dict(snapshot.native))
        return replace(snapshot, task=task, unknown=snapshot.unknown - {"due"}) if self.sure_of_due(task) else snapshot

    async def list_tasks(self, query: TaskQuery) -> TaskPage:
        """One page of a window of Vambe's list; conditions that Vambe's query cannot express are checked here."""
        tasks = await self._list_window(window_of(query, self.timing.clock().astimezone(UTC).date()))
        if query.statuses is not None or query.overdue is not None:
            if tasks and not any(task.status_config for task in tasks):
                raise UpstreamError(
                    f"Vambe did not name the status of {len(tasks)} tasks, so Taskhand cannot filter by status.",
                    code="status_unknown",
                    next_step="Leave status and overdue out, and look at each task's status.",
                )
            tasks = [task if task.status_config else with_unreadable(task, "status_config") for task in tasks]
        return select_page(tasks, query, lambda task: is_late(task, self.timing.clock(), self._timezone))

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One task from the lists; NotFound."""
        return self._to_tasks([await self._lists.find(task_id, fresh=fresh)])[0]

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """Tasks from at most two lists; the due date and the status name of a task may be unknown.

        The raw values are the rows as listed; Vambe accepts none of them in a request.
        """
        rows, _ = await self._lists.find_all(ids, fresh=fresh)
        found = {}
        for (task_id, row), task in zip(rows.items(), self._to_tasks(rows.values()), strict=True):
            doubts = {"due": not self.sure_of_due(task), "status": task.status_config is None}
            unknown = frozenset(name for name, is_doubtful in doubts.items() if is_doubtful)
            is_assumed = fresh and bool(self._lists.rows_replaced_by(row))
            found[task_id] = Snapshot(task, dict(row), unknown, is_assumed)
        return found

    async def snapshots_to_delete(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        """The tasks from fresh lists, with the data that a deletion loses."""
        snapshots = await self.snapshots(ids, fresh=True)
        return {task_id: replace(snapshot, lost=_DELETED_TOO) for task_id, snapshot in snapshots.items()}

    def forget(self, task_ids: Collection[str] | None) -> None:
        """Forget recent writes and cached lists of these tasks, or of all (None): another process wrote them."""
        self.recent.forget_overtaken(task_ids)
        self._lists.forget(task_ids)

    # Requests.

    async def create(self, edit: Edit) -> JsonObject:
        """POST a new task."""
        return self._read_answer(await self._client.create(body_of(edit, None)), edit, None)

    async def update(self, before: Task, edit: Edit) -> JsonObject:
        """PUT the fields of an edit."""
        with recorded_requests() as sent:
            try:
                reply = await self._client.update(before.id, body_of(edit, before))
            except CallerError as refused:
                if sent.has_foreign_refusal or not sent.write_outcomes & _OF_STATUSES:
                    raise
                raise self._catalogue.explain_refusal(refused, edit) from None
        return self._read_answer(reply, edit, before.id)

    async def delete(self, task_id: str) -> None:
        """DELETE a task."""
        await self._client.delete(task_id)

    async def get(self, task_id: str, edit: Edit | None = None) -> JsonObject:
        """One task from fresh lists; NotFound only if Vambe lists all tasks, else OutcomeUnknown."""
        found, is_complete = await self._lists.find_all([task_id], fresh=True)
        if found:
            row = found[task_id]
            self._mapper.learn(edit, row, *self._lists.rows_replaced_by(row))
            return row
        raise self.messages.no_task(task_id) if is_complete else self.messages.unknown_update(task_id)

    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """The ids in fresh lists; all if Vambe does not list all tasks."""
        found, is_complete = await self._lists.find_all(ids, fresh=True)
        return frozenset(found if is_complete else ids)

    async def created_since(
        self, moment: datetime, edits: Sequence[Edit], known_ids: frozenset[str]
    ) -> tuple[list[JsonObject], None]:
        """All tasks of the widest list."""
        rows = await self._lists.get(WIDEST, fresh=True)
        unknown = [row for row in rows if id_of(row) not in known_ids]
        new = [row for row in unknown if is_created_since(self.to_task(row), moment)]
        for edit in edits:
            self._mapper.learn(edit, *new)
        return rows, None

    def disproves(self, row: JsonObject, edit: Edit) -> bool:
        """Whether a row proves that an edit was not applied.

        A recent write that replaced a listed row proves nothing if the listed row shows the edit.
        """
        return super().disproves(row, edit) and not any(
            self.shows(replaced_row, edit) for replaced_row in self._lists.rows_replaced_by(row)
        )

    def to_task(self, row: JsonObject) -> Task:
        """The task of a row."""
        return self._mapper.task(row)

    # Vambe does not document the form of due times: an update may show that a due time was misread before.

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Update a task; Misread if its due time was read wrongly, or others changed it since it was read."""
        item = Item(0, before, edit, was=await self._lists.find(before.id))
        written = await self._update(item, BulkProgress())
        really = _with_other_changes(before, written.task, edit)
        if really is not None:
            raise Misread(really, written.task)
        return written

    async def write_items(self, items: Sequence[Item[JsonObject]], writer: ItemWriter[JsonObject]) -> None:
        """Read all tasks with at most two requests, and write those that are found."""
        rows, _ = await self._lists.find_all([item.id for item in items])
        for item in items:
            item.was = rows.get(item.id)
            if item.was is None:
                item.state = self.messages.no_task(item.id)
        writer.report(items)
        await super().write_items(open_items(items), writer)

    async def update_item(self, item: Item[JsonObject], progress: BulkProgress) -> Written:
        """Update one task of a bulk.

        While the form of due times is not known, edits derived from a due time are made one at a time. An edit derived
        from a misread time is reverted, since a bulk cannot ask the caller for another one.
        """
        before, edit = item.before, item.edit
        async with hold_lock(self._learning) if self._may_mislead(before, edit) else nullcontext():
            may_mislead = self._may_mislead(before, edit)
            try:
                return await self._update(item, progress)
            except Misread as misread:
                if not may_mislead:
                    raise
                raise Misread(misread.before, await self._take_back(misread, edit)) from None

    async def _update(self, item: Item[JsonObject], progress: BulkProgress) -> Written:
        """Apply the edit of an item, whose `was` is the row before it; Misread if its due time was read wrongly."""
        before, edit, was = item.before, item.edit, item.was or {}
        mapper, read_as = self._mapper, self._mapper.due_at
        if rests_on(before, edit) and mapper.was_misread(before, was):
            really = mapper.task(was)
            raise Misread(really, really)
        row, note = await write_update(self, item, progress)
        self.recent.note_write(before.id, row, was)
        mapper.learn_status(before, edit, row)
        now = mapper.task(row)
        has_moved = mapper.due_at != read_as and due_of(before) != due_of(mapper.task(was))
        if has_moved or mapper.was_misread(before, was):
            raise Misread(mapper.task(was), now)
        return Written(now, note)

    def _may_mislead(self, before: Task, edit: Edit) -> bool:
        return rests_on(before, edit) and not self._mapper.sure_of_due(before)

    async def _take_back(self, misread: Misread, edit: Edit) -> Task:
        """Write the former values of the edit's fields back; return the task, or OutcomeUnknown if that fails."""
        back = inverse_edit(misread.before, misread.now)
        back = without(back, *{name for name, _ in back.given_fields()} - {name for name, _ in edit.given_fields()})
        try:
            with end_of_call():
                row, _ = await write_update(self, Item(0, misread.now, back), BulkProgress())
        except TaskhandError as error:
            raise self.messages.unknown_update(misread.now.id) from error
        self.recent.note_write(misread.now.id, row)
        if not self.shows(row, back):
            raise self.messages.unknown_update(misread.now.id)
        return self.to_task(row)

    # Responses.

    def _read_answer(self, reply: Reply, edit: Edit, task_id: str | None) -> JsonObject:
        """The row in the response to a write; OutcomeUnknown if it is not a task, or not the task `task_id`."""
        row = written_row(self._client.http, reply, task_id, str.lower)
        self._mapper.learn(edit, row)
        self._catalogue.see(status_of(row.get("status_config")))
        return row

    async def _list_window(self, window: Window) -> list[Task]:
        return self._to_tasks(await self._lists.get(window))

    def _to_tasks(self, rows: Collection[JsonObject]) -> list[Task]:
        """The tasks of rows, read with what all rows show."""
        self._mapper.note(rows)
        return [self.to_task(row) for row in rows]


def _with_other_changes(before: Task, after: Task, edit: Edit) -> Task | None:
    """The task before an edit, updated with changes in the response that the edit did not make; None without any.

    Others made these changes: a task is not read again before each write, so `before` may be some seconds old.
    """
    edited = {name for name, _ in edit.given_fields()}
    names = {change.edit_field for change in changes(before, after)} - edited
    if before.task_status_config_id == after.task_status_config_id:
        names.discard("status")  # its name was learned
    names = {name for name in names if is_readable(before, name) and is_readable(after, name)}
    fields = [field for name in sorted(names) for field in _TASK_FIELDS.get(name, (name,))]
    return before.model_copy(update={field: getattr(after, field) for field in fields}) if fields else None
