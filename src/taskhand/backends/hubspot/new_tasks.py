"""Creates HubSpot tasks, one by one or in batches, and reads them back.

An undo creates a deleted task again, with its links and its raw values. If HubSpot refuses such a task, it is created
without its further properties and links, and then also without the links of its fields; the further ones are added one
by one afterwards.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from taskhand.backends.hubspot.associations import without_links
from taskhand.backends.hubspot.batch_requests import BatchRequests, TaskInput, send_again
from taskhand.backends.hubspot.errors import MESSAGES, refusal_of_new_task
from taskhand.backends.hubspot.fields.due import AllDayFlag
from taskhand.backends.hubspot.fields.links import KINDS, links_set
from taskhand.backends.hubspot.mapping import Record, properties_of
from taskhand.backends.hubspot.task_reader import TaskReader
from taskhand.backends.hubspot.undo_deletion import further_properties, links_of_new, without_further
from taskhand.backends.remote.bulk_item import Applied, BatchAnswer, NewTask
from taskhand.domain.edit import Edit, properties_in
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.receipt import join_notes

__all__ = ["NewTasks"]


class NewTasks:
    """The creates of an account."""

    def __init__(self, reader: TaskReader, batches: BatchRequests, all_day: AllDayFlag) -> None:
        self._client = reader.client
        self._reader = reader
        self._batches = batches
        self._all_day = all_day

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
            answer = await self._batches.send(inputs, self._client.create_many)
        except CallerError as error:
            raise refusal_of_new_task(error) from None
        refused = {index: error for index, error in answer.items() if isinstance(error, TaskhandError)}
        errors = {index: refusal_of_new_task(error) for index, error in refused.items()}
        less = [
            replace(item, edit=part)
            for item in items
            if item.index in refused and (part := _part_of(item.edit)) is not None
        ]
        return {**answer, **errors, **await send_again(less, self.create_many)}

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


def _part_of(edit: Edit) -> Edit | None:
    """The smaller edit to create if HubSpot refuses a deleted task; None if nothing can be left out."""
    fields = without_further(edit)
    return fields or (without_links(edit) if edit.native is not None and links_set(edit) else None)
