"""Writes HubSpot tasks: creates them, one by one or in batches, and reads the outcome of each task of a batch.

An undo creates a deleted task again, with its links and its raw values. If HubSpot refuses such a task, it is created
without its further properties and links, and then also without the links of its fields; the further ones are added one
by one afterwards.

Batches: https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/update-tasks, and for 207
https://developers.hubspot.com/docs/developer-tooling/platform/error-handling ("Multi-status errors"). Results come in
any order. One error may be about several inputs. The outcome of an input that is in neither list is unknown.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, TypeVar

from taskhand.backends.hubspot.associations import without_links
from taskhand.backends.hubspot.errors import MESSAGES, ids_in_error, refusal_of_new_task, to_error
from taskhand.backends.hubspot.fields.due import AllDayFlag
from taskhand.backends.hubspot.fields.links import KINDS, links_set
from taskhand.backends.hubspot.mapping import Record, properties_of
from taskhand.backends.hubspot.task_reader import TaskReader
from taskhand.backends.hubspot.undo_deletion import further_properties, links_of_new, without_further
from taskhand.backends.remote.bulk_item import Applied, BatchAnswer, Lost, NewTask, State, WriteState
from taskhand.backends.remote.parsing import JsonObject, objects, value_at
from taskhand.domain.edit import Edit, properties_in
from taskhand.domain.errors import CallerError, OutcomeUnknown, TaskhandError, UpstreamFailed
from taskhand.domain.receipt import join_notes

__all__ = ["TaskInput", "TaskWrites", "read_answer", "send_again"]

_PENDING: Final = frozenset({"PENDING", "PROCESSING"})
"""The statuses of a batch that HubSpot has accepted but not executed yet: documented, never recorded."""


@dataclass(frozen=True, slots=True)
class TaskInput:
    """One task of a batch: its `index` in the bulk, its properties, and the `associations` of a new task.

    `task_id` is empty for a new task. `names` are the properties that no field shows. `trace` is the
    `objectWriteTraceId`: with it, HubSpot refuses single inputs instead of the whole batch.
    """

    index: int
    task_id: str
    properties: dict[str, str]
    associations: Sequence[JsonObject] = ()
    names: frozenset[str] = frozenset()
    trace: str = ""

    @property
    def json(self) -> JsonObject:
        """The input as HubSpot documents it."""
        of_task = {"id": self.task_id} if self.task_id else {}
        links = {"associations": list(self.associations)} if self.associations else {}
        return {"properties": self.properties, "objectWriteTraceId": self.trace} | of_task | links


_One = TypeVar("_One", TaskInput, NewTask[Record])


class TaskWrites:
    """The creates and the batches of an account."""

    def __init__(self, reader: TaskReader, all_day: AllDayFlag) -> None:
        self._client = reader.client
        self._reader = reader
        self._all_day = all_day
        self._numbers = count(1)

    async def create(self, edit: Edit) -> Record:
        """POST a new task."""
        new = await self._input(0, edit)
        body = {"associations": new.associations} if new.associations else {}
        try:
            reply = await self._all_day.send(
                new.properties, lambda sent: self._client.create(body | {"properties": sent})
            )
        except CallerError as error:
            smaller = _part_of(edit)
            if error.code != "upstream_refused" or smaller is None:  # a 404 or a 409 is doubtful
                raise refusal_of_new_task(error) from None
            return await self.create(smaller)
        return self._reader.read_written(reply, edit)

    async def create_many(self, items: Sequence[NewTask[Record]]) -> BatchAnswer[Record]:
        """POST a batch of new tasks."""
        try:
            inputs = [await self._input(item.index, item.edit) for item in items]
            answer = await self.send_batch(inputs, self._client.create_many)
        except CallerError as error:
            raise refusal_of_new_task(error) from None
        refused = {index: refusal_of_new_task(why) for index, why in answer.items() if isinstance(why, TaskhandError)}
        less = [replace(item, edit=part) for item in items if item.index in refused and (part := _part_of(item.edit))]
        return {**answer, **refused, **await send_again(less, self.create_many)}

    async def complete(self, items: Sequence[NewTask[Record]]) -> None:
        """Read new tasks back with their links; a task that cannot be read stays as HubSpot confirmed it."""
        made = [(item, item.state.row, item.state.note) for item in items if isinstance(item.state, Applied)]
        deleted_tasks = self._reader.deleted_tasks
        notes = [join_notes(note, await deleted_tasks.put_back(row.id, item.edit)) for item, row, note in made]
        edits = [item.edit for item, _, _ in made]
        kinds = KINDS if any(map(links_of_new, edits)) else ()
        found: Mapping[str, Record] = {}
        with suppress(TaskhandError):
            ids = [row.id for _, row, _ in made]
            found = await self._reader.by_own_id.read_with_links(ids, properties_in(*edits), kinds)
        for (item, row, _), note in zip(made, notes, strict=True):
            read = found.get(row.id)
            is_read = read is not None and read.id == row.id
            item.state = Applied(found[row.id], note) if is_read else Applied(row, note or MESSAGES.accepted)

    async def _input(self, index: int, edit: Edit) -> TaskInput:
        """A new task with its links, its initial status, and the further properties that a deleted task had."""
        if (choice := (await self._reader.account.all_statuses()).initial(edit.native or {})) is not None:
            edit = replace(edit, status=choice)
        properties = properties_of(edit, None, self._reader.account.data) | further_properties(edit)
        links = [
            {"to": {"id": link["id"]}, "types": link["types"]} for ones in links_of_new(edit).values() for link in ones
        ]
        return TaskInput(index, "", properties, links, properties_in(edit))

    async def send_batch(
        self, inputs: Sequence[TaskInput], post: Callable[[list[JsonObject]], Awaitable[JsonObject]]
    ) -> BatchAnswer[Record]:
        """`post` inputs; those refused only for the all-day flag are sent once more without it."""
        if not inputs:
            return {}
        # A response that a proxy sends twice must not name the inputs of a later batch.
        number, strip = next(self._numbers), self._all_day.strip
        sent = [replace(item, trace=f"{number}-{item.index}", properties=strip(item.properties)) for item in inputs]
        try:
            json = await post([item.json for item in sent])
        except CallerError as error:
            if not any(self._all_day.note_refusal(error, item.properties) for item in sent):
                raise
            return await self.send_batch(inputs, post)
        answer = read_answer(sent, json, self._client.id_property)
        refused = [(item, why) for item in sent if isinstance(why := answer[item.index], TaskhandError)]
        flagged = [item for item, why in refused if self._all_day.note_refusal(why, item.properties)]
        return {**answer, **await send_again(flagged, lambda part: self.send_batch(part, post))}


def _part_of(edit: Edit) -> Edit | None:
    """The smaller edit to create if HubSpot refuses a deleted task; None if nothing can be left out."""
    fields = without_further(edit)
    return fields or (without_links(edit) if edit.native is not None and links_set(edit) else None)


def read_answer(inputs: Sequence[TaskInput], answer: JsonObject, id_property: str | None) -> BatchAnswer[Record]:
    """The state of each input, matched by trace id, else by id. An input both in results and in errors is lost.

    An error that names no input is the reason of the lost inputs if it is the only such error, or if only one input is
    lost. The rows of a batch that is not complete are left out: HubSpot may still fail to write them.
    """
    indexes = {item.task_id: item.index for item in inputs if item.task_id} | {
        item.trace: item.index for item in inputs
    }
    results = ((_name_of(row, id_property), row) for row in objects(answer.get("results")))
    done = {indexes[name]: row for name, row in results if name in indexes}
    refused: dict[int, TaskhandError] = {}
    nameless: list[TaskhandError] = []
    for error in objects(answer.get("errors")):
        names = ids_in_error(error)
        nameless += [] if names else [to_error(error)]
        for index in (indexes[name] for name in names if name in indexes):
            refused.setdefault(index, to_error(error))
    unmatched = [item.index for item in inputs if item.index not in done and item.index not in refused]
    reason = nameless[0] if len(nameless) == 1 or (nameless and len(unmatched) == 1) else None

    def state_of(item: TaskInput) -> WriteState[Record]:
        row, error, status = done.get(item.index), refused.get(item.index), answer.get("status")
        if error is not None and row is None:
            return error
        if status in _PENDING:
            return State.PENDING
        if error is not None or row is None:
            return Lost(reason if error is None else None)
        record = Record.read(row) if status == "COMPLETE" else None
        return State.CONFIRMED if record is None else Applied(record.with_names(item.names))

    return {item.index: state_of(item) for item in inputs}


def _name_of(row: JsonObject, id_property: str | None) -> str:
    """The trace id of a result; the task's id if the result has no trace id."""
    if isinstance(trace := row.get("objectWriteTraceId"), str):
        return trace
    return str(value_at(row, "properties", id_property) if id_property else row.get("id"))


async def send_again(
    part: Sequence[_One], send: Callable[[Sequence[_One]], Awaitable[BatchAnswer[Record]]]
) -> BatchAnswer[Record]:
    """The states of the refused items in `part` after they were sent once more; an error concerns only these."""
    state: Lost | TaskhandError
    try:
        return await send(part) if part else {}
    except (OutcomeUnknown, UpstreamFailed) as fault:
        state = Lost(fault)
    except TaskhandError as error:
        state = error
    return dict.fromkeys((item.index for item in part), state)
