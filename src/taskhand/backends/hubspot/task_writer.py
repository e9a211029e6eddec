"""Creates and updates HubSpot tasks, one by one or in batches, and reads the outcome of each task from the response.

https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks, and for 207
https://developers.hubspot.com/docs/developer-tooling/platform/error-handling ("Multi-status errors"). Results come in
any order. One error may be about several inputs. The outcome of an input that is in neither list is unknown.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, TypeVar

from pydantic import MISSING

from taskhand.backends.hubspot.account import Account
from taskhand.backends.hubspot.associations import unlinked
from taskhand.backends.hubspot.errors import ids_in, refusal_of_new_task, to_error
from taskhand.backends.hubspot.fields.due import AllDayFlag
from taskhand.backends.hubspot.mapping import BODY, Record, properties_of, record_of
from taskhand.backends.hubspot.shown_links import links_set
from taskhand.backends.hubspot.task_reader import TaskReader
from taskhand.backends.hubspot.undo_deletion import further_properties, links_of_new, without_further
from taskhand.backends.remote.adapter import Timing
from taskhand.backends.remote.batch_update import BatchAdapter
from taskhand.backends.remote.bulk_item import BatchAnswer, Item, NewTask
from taskhand.backends.remote.parsing import JsonObject, objects, value_at
from taskhand.domain.edit import Edit, properties_in
from taskhand.domain.errors import CallerError, OutcomeUnknown, TaskhandError, UpstreamFailed
from taskhand.domain.html.conversion import html_of
from taskhand.domain.task import StatusChoice, Task
from taskhand.http.response_body import Reply

__all__ = ["Input", "TaskWriter", "check_length", "split_answer"]

_MAX_CHARACTERS: Final = 65_536
"""Maximum characters of `hs_task_body`: documented for notes, inferred for tasks."""
_PENDING: Final = frozenset({"PENDING", "PROCESSING"})
"""The statuses of a batch that HubSpot has accepted but not executed yet: documented, never recorded."""


@dataclass(frozen=True, slots=True)
class Input:
    """One task of a batch: its `index` in the bulk, its properties, and the `associations` of a new task.

    `task_id` is empty for a new task. `trace` is the `objectWriteTraceId`: with it, HubSpot refuses single inputs
    instead of the whole batch.
    """

    index: int
    task_id: str
    properties: dict[str, str]
    associations: Sequence[JsonObject] = ()
    trace: str = ""

    @property
    def json(self) -> JsonObject:
        """The input as HubSpot documents it."""
        of_task = {"id": self.task_id} if self.task_id else {}
        links = {"associations": list(self.associations)} if self.associations else {}
        return {"properties": self.properties, "objectWriteTraceId": self.trace} | of_task | links


_One = TypeVar("_One", Input, NewTask[Record])
_Row = TypeVar("_Row")


class TaskWriter(BatchAdapter[Record]):
    """The part of the adapter that writes tasks."""

    account: Account

    def __init__(self, timing: Timing, reader: TaskReader, account: Account) -> None:
        super().__init__(timing, reader.recent)
        self.account = account
        self._all_day = AllDayFlag()
        self._client = reader.client
        self._reader = reader
        self._batches = count(1)

    def _properties(self, edit: Edit, before: Task | None) -> dict[str, str]:
        """The properties to write for an edit of `before`; for a new task (None) also those that a deleted task had."""
        properties = properties_of(edit, before, self._reader.data.zones, self._reader.data.statuses)
        return properties | further_properties(edit) if before is None else properties

    async def _with_status(self, edit: Edit) -> Edit:
        """The edit with the id of its status; CallerError `unknown_status` if no status matches it."""
        if edit.status is MISSING or edit.status.id is not None:
            return edit
        status_list = (await self.account.all_statuses(newest=True)).known
        if found := next((status for status in status_list.statuses if edit.status.met_by(status)), None):
            return replace(edit, status=StatusChoice.of(found))
        raise CallerError(
            "There is no such status in HubSpot.", code="unknown_status", next_step="Call list_statuses for the names."
        )

    async def _with_initial_status(self, edit: Edit) -> Edit:
        """The edit of a new task with the status that it is made in."""
        choice = (await self.account.all_statuses()).initial(edit.native or {})
        return edit if choice is None else replace(edit, status=choice)

    async def create(self, edit: Edit) -> Record:
        """POST a task; raw values in the edit restore a deleted task.

        If HubSpot refuses a deleted task, it is created without its further properties and links, and then also
        without the links of its fields. `DeletedTasks.put_back` adds the rest one by one afterwards.
        """
        while True:
            edit = await self._with_initial_status(edit)
            try:
                return self._record_in(await self._send_new(edit), edit)
            except CallerError as error:
                smaller = _part_of(edit)
                if error.code != "upstream_refused" or smaller is None:  # a 404 or a 409 is doubtful
                    raise refusal_of_new_task(error) from None
                edit = smaller

    async def _send_new(self, edit: Edit) -> Reply:
        links, properties = _associations(edit), self._properties(edit, None)
        body = {"associations": links} if links else {}
        return await self._all_day.send(properties, lambda sent: self._client.create(body | {"properties": sent}))

    async def update(self, before: Task, edit: Edit) -> Record:
        """PATCH the properties of an edit; the record combines the state before with the response."""
        properties = self._properties(edit, before)
        reply = await self._all_day.send(properties, lambda sent: self._client.update(before.id, sent))
        answer = self._record_in(reply, edit)
        if self._client.id_property is None and answer.id != before.id:  # so is that of a merged task
            raise self._client.http.invalid(reply, "with another task")
        return self._confirmed(before, edit, answer) or answer

    async def _read_back(self, item: Item[Record]) -> Record:
        """Read the task; if that fails, return the response to the update if it shows the whole edit."""
        try:
            return await self.get(item.id, item.edit)
        except TaskhandError as error:
            # The response to an update has no links.
            if item.row is None or links_set(item.edit) or self.unmet(item.row, item.edit):
                raise self.messages.unknown_update(item.id) from error
            item.note = self.messages.accepted
            return item.row

    async def update_many(self, items: Sequence[Item[Record]]) -> BatchAnswer[Record]:
        """POST a batch update."""
        by_index = {item.index: item for item in items}
        properties = {index: self._properties(item.edit, item.before) for index, item in by_index.items()}
        inputs = [Input(index, by_index[index].id, values) for index, values in properties.items() if values]
        answer = await self._send(inputs, self._client.update_many)
        read = [(by_index[index], row) for index, json in answer.rows.items() if (row := Record.read(json))]
        whole = {item.index: self._confirmed(item.before, item.edit, row) for item, row in read}
        rows = {index: row for index, row in whole.items() if row is not None}
        return BatchAnswer(rows, answer.refused, answer.lost, answer.pending)

    async def create_many(self, items: Sequence[NewTask[Record]]) -> BatchAnswer[Record]:
        """POST a batch of tasks; a refused deleted task is created with less, as in `create`."""
        edits = [(item.index, await self._with_initial_status(item.edit)) for item in items]
        inputs = [Input(index, "", self._properties(edit, None), _associations(edit)) for index, edit in edits]
        try:
            answer = await self._send(inputs, self._client.create_many)
        except CallerError as error:
            raise refusal_of_new_task(error) from None
        by_index = {item.index: item for item in items}
        names = {index: properties_in(by_index[index].edit) for index in answer.rows}
        rows = {
            index: row.with_names(names[index]) for index, json in answer.rows.items() if (row := Record.read(json))
        }
        errors = {index: refusal_of_new_task(refusal) for index, refusal in answer.refused.items()}
        refused = [by_index[index] for index in answer.refused]
        less = [replace(item, edit=part) for item in refused if (part := _part_of(item.edit)) is not None]
        return await _resend(BatchAnswer(rows, errors, answer.lost), less, self.create_many)

    async def _send(
        self, inputs: Sequence[Input], post: Callable[[list[JsonObject]], Awaitable[JsonObject]]
    ) -> BatchAnswer[JsonObject]:
        """Send inputs; those refused only for the all-day flag are sent once more without it.

        The rows of a batch that is not complete are left out: HubSpot may still fail to write them.
        """
        if not inputs:
            return BatchAnswer()
        # A response that a proxy sends twice must not name the inputs of a later batch.
        batch, strip = next(self._batches), self._all_day.strip
        sent = [replace(item, trace=f"{batch}-{item.index}", properties=strip(item.properties)) for item in inputs]
        try:
            json = await post([item.json for item in sent])
        except CallerError as error:
            if not any(self._all_day.note_refusal(error, item.properties) for item in sent):
                raise
            return await self._send(inputs, post)
        answer = split_answer(sent, json, self._client.id_property)
        pending = {item.index for item in sent} - answer.refused.keys() if json.get("status") in _PENDING else ()
        rows = answer.rows if json.get("status") == "COMPLETE" else {}
        answer = replace(answer, rows=rows, pending=frozenset(pending))
        refused = [(item, why) for item in sent if (why := answer.refused.get(item.index)) is not None]
        flagged = [item for item, why in refused if self._all_day.note_refusal(why, item.properties)]
        return await _resend(answer, flagged, lambda part: self._send(part, post))

    def _record_in(self, reply: Reply, edit: Edit) -> Record:
        """The record in the response to a write; OutcomeUnknown if the response is not a task."""
        record = Record.read(reply.object)
        if record is None or "properties" not in reply.object:
            raise self._client.http.invalid(reply, "with something that is not a task")
        return record.with_names(properties_in(edit))

    def _confirmed(self, before: Task, edit: Edit, answer: Record) -> Record | None:
        """The whole task after an update; None if the response does not show every value that was sent."""
        sent = self._all_day.strip(self._properties(edit, before))
        is_same = self._client.id_property is not None or answer.id == before.id  # a merged task has another id
        if answer.is_archived or before.unreadable_fields or not is_same or not answer.shows(sent):
            return None
        return record_of(before, answer.with_names(properties_in(edit)), self._reader.data)


def check_length(edit: Edit) -> None:
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


def split_answer(inputs: Sequence[Input], answer: JsonObject, id_property: str | None) -> BatchAnswer[JsonObject]:
    """Split a response by input, matched by trace id, else by id. An input both in results and in errors is lost.

    An error that names no input is the reason of the lost inputs if it is the only such error, or if only one input is
    lost.
    """
    indexes = {item.task_id: item.index for item in inputs if item.task_id} | {
        item.trace: item.index for item in inputs
    }
    results = ((_name_of(row, id_property), row) for row in objects(answer.get("results")))
    done = {indexes[name]: row for name, row in results if name in indexes}
    refused: dict[int, TaskhandError] = {}
    nameless: list[TaskhandError] = []
    for error in objects(answer.get("errors")):
        names = ids_in(error)
        nameless += [] if names else [to_error(error)]
        for index in (indexes[name] for name in names if name in indexes):
            refused.setdefault(index, to_error(error))
    both = done.keys() & refused.keys()
    unmatched = [item.index for item in inputs if item.index not in done and item.index not in refused]
    reason = nameless[0] if len(nameless) == 1 or (nameless and len(unmatched) == 1) else None
    return BatchAnswer(
        {index: row for index, row in done.items() if index not in both},
        {index: error for index, error in refused.items() if index not in both},
        dict.fromkeys(both) | dict.fromkeys(unmatched, reason),
    )


def _name_of(row: JsonObject, id_property: str | None) -> str:
    """The trace id of a result; the task's id if the result has no trace id."""
    if isinstance(trace := row.get("objectWriteTraceId"), str):
        return trace
    return str(value_at(row, "properties", id_property) if id_property else row.get("id"))


async def _resend(
    answer: BatchAnswer[_Row], part: Sequence[_One], send: Callable[[Sequence[_One]], Awaitable[BatchAnswer[_Row]]]
) -> BatchAnswer[_Row]:
    """The answer after the items in `part`, which it refuses, were sent once more; an error concerns only these."""
    if not part:
        return answer
    indexes = [new_task.index for new_task in part]
    try:
        again = await send(part)
    except (OutcomeUnknown, UpstreamFailed) as fault:
        again = BatchAnswer(lost=dict.fromkeys(indexes, fault))
    except TaskhandError as error:
        again = BatchAnswer(refused=dict.fromkeys(indexes, error))
    left = {index: error for index, error in answer.refused.items() if index not in indexes}
    return BatchAnswer(
        {**answer.rows, **again.rows},
        {**left, **again.refused},
        {**answer.lost, **again.lost},
        answer.pending | again.pending,
    )


def _associations(edit: Edit) -> list[JsonObject]:
    return [{"to": {"id": link["id"]}, "types": link["types"]} for ones in links_of_new(edit).values() for link in ones]


def _part_of(edit: Edit) -> Edit | None:
    """The smaller edit to create if HubSpot refuses a deleted task; None if nothing can be left out."""
    fields = without_further(edit)
    return fields or (unlinked(edit) if edit.native is not None and links_set(edit) else None)
