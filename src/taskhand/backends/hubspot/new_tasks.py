"""New tasks in HubSpot: the requests that make them, and the search for those whose answer was lost."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import MISSING

from taskhand.backends.hubspot.account import Account
from taskhand.backends.hubspot.batch import Input, new_body_of, split_answer
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.due import AllDayFlag
from taskhand.backends.hubspot.errors import refusal_of_new_task
from taskhand.backends.hubspot.links import association_of, changes_links, unlinked
from taskhand.backends.hubspot.mapping import ID_OF, KINDS, Record, association_types, linked_ids, properties_of
from taskhand.backends.hubspot.query import newest_since
from taskhand.backends.hubspot.raw_values import (
    BODY,
    further_associations,
    further_properties,
    has_further,
    raw_links,
    raw_status,
    without_further,
)
from taskhand.backends.hubspot.task_reader import MESSAGES, TaskReader
from taskhand.backends.remote.bulk_create import NewTask
from taskhand.backends.remote.bulk_item import BatchAnswer
from taskhand.backends.remote.parsing import JsonObject, rows_in
from taskhand.domain.edit import Edit, properties_in
from taskhand.domain.errors import CallerError, OutcomeUnknown, TaskhandError, UpstreamFailed
from taskhand.domain.html.text import html_of
from taskhand.http.reply import Reply

__all__ = ["NewTasks", "check_length", "checked_edit", "record_in"]

_MOST_CANDIDATES: Final = 100
_MOST_CHARACTERS: Final = 65_536
"""The longest `hs_task_body`: documented for notes, inferred for tasks."""


class NewTasks:
    """Makes new tasks in one account; `new_id` makes the part of the trace ids that no other request has."""

    def __init__(self, reader: TaskReader, account: Account, all_day: AllDayFlag, new_id: Callable[[], str]) -> None:
        self._client = reader.client
        self._reader = reader
        self._account = account
        self._all_day = all_day
        self._new_id = new_id

    async def create(self, edit: Edit) -> Record:
        """POST a task, as a deleted one was where its raw values come along; CallerError without a due date.

        Where HubSpot refuses that, the task is made without what it had besides its fields, then without its links; it
        is given them piece by piece afterwards (`put_back`).
        """
        edit = await checked_edit(self._account, edit, new=True)
        while True:
            try:
                return await self._send(edit)
            except CallerError as error:
                if (less := _part_of(edit)) is None:
                    raise refusal_of_new_task(error) from None
            edit = less

    async def _send(self, edit: Edit) -> Record:
        associations = association_of(edit)
        body = {"associations": associations} if associations else {}
        properties = properties_of(edit, None, self._reader.zones, self._reader.statuses)
        reply = await self._all_day.send(properties, lambda sent: self._client.create(body | {"properties": sent}))
        return record_in(self._client, reply).with_names(properties_in(edit))

    async def put_back(self, record: Record, edit: Edit) -> str | None:
        """Give a task that was made again what it lacks of what it had besides its fields; what did not come back."""
        properties, links = further_properties(edit.native), _all_links(edit)
        if not properties and not links:
            return None
        try:
            missing = await self._reader.whole_tasks.put_back(record.id, properties, links)
        except TaskhandError:
            return "Whether its links and further properties came back could not be read."
        return f"HubSpot did not take back: {', '.join(missing)}." if missing else None

    async def create_many(self, items: Sequence[NewTask[Record]]) -> BatchAnswer[Record]:
        """POST a batch of tasks; what only the all-day flag was refused of is sent again without it."""
        inputs, refused = await self._inputs(items)
        if not inputs:
            return BatchAnswer(refused=refused)
        try:
            json = await self._client.create_many(new_body_of(inputs))
        except CallerError as error:
            if not any(self._all_day.note_refusal(error, one.properties) for one in inputs):
                raise refusal_of_new_task(error) from None
            return await self.create_many(items)
        answer = split_answer(inputs, json, None)
        # A batch that is PENDING or PROCESSING may still come to nothing: its tasks are looked for.
        done = answer.rows if json.get("status") == "COMPLETE" else {}
        names = {item.index: properties_in(item.edit) for item in items}
        rows = {one: record.with_names(names[one]) for one, row in done.items() if (record := Record.read(row))}
        lost = {**answer.lost, **dict.fromkeys(answer.rows.keys() - rows.keys())}
        refused |= answer.refused
        sent = {one.index: one.properties for one in inputs}
        flagged = {one for one, error in answer.refused.items() if self._all_day.note_refusal(error, sent[one])}
        parted = [item for item in items if item.index in answer.refused.keys() - flagged]
        less = [replace(item, edit=part) for item in parted if (part := _part_of(item.edit)) is not None]
        again = await self._create_again([item for item in items if item.index in flagged] + less)
        flagged |= {item.index for item in less}
        refused = {index: refusal_of_new_task(one) for index, one in refused.items() if index not in flagged}
        return BatchAnswer({**rows, **again.rows}, {**refused, **again.refused}, {**lost, **again.lost})

    async def created_since(
        self, moment: datetime, edits: Sequence[Edit], known: frozenset[str], now: datetime
    ) -> tuple[list[Record], timedelta | None]:
        """The own tasks of contacts, companies and deals, which never lag, and the newest ones that a search finds."""
        ahead: timedelta | None = None
        with suppress(TaskhandError):
            if (theirs := await self._client.date()) is not None:
                ahead = theirs - now
        ids: list[str] = []
        for kind in KINDS:
            others = [one for edit in edits if isinstance(one := getattr(edit, ID_OF[kind][0]), str)]
            for other in dict.fromkeys(others):
                ids += reversed(linked_ids(rows_in("HubSpot", await self._client.tasks_of(kind, other), "results")))
        answer = await self._client.search(newest_since(moment + (ahead or timedelta())).body(None))
        ids += [record.id for row in rows_in("HubSpot", answer, "results") if (record := Record.read(row))]
        new = [one for one in dict.fromkeys(ids) if one not in known]
        names = properties_in(*edits)
        records = await self._reader.many(new[:_MOST_CANDIDATES], by_property=False, names=names)
        return await self._reader.with_links(list(records.values())), ahead

    async def read_back(self, items: Sequence[NewTask[Record]]) -> None:
        """Read new tasks with their links; those that cannot be read stay as HubSpot confirmed them."""
        rows = {item.row.id: item for item in items if item.row is not None}
        for item in rows.values():
            if item.row is not None:
                item.add_note(await self.put_back(item.row, item.edit))
        try:
            names = properties_in(*(item.edit for item in rows.values()))
            records = [*(await self._reader.many(list(rows), by_property=False, names=names)).values()]
            is_linked = any(association_of(item.edit) for item in rows.values())
            whole = await self._reader.with_links(records) if is_linked else records
        except TaskhandError:
            whole = []
        for record in whole:
            rows.pop(record.id).row = record
        for item in rows.values():
            item.note = item.note or MESSAGES.accepted

    async def _inputs(self, items: Sequence[NewTask[Record]]) -> tuple[list[Input], dict[int, TaskhandError]]:
        """The inputs of these items, and the errors of those that HubSpot cannot hold."""
        call, inputs, refused = self._new_id(), list[Input](), dict[int, TaskhandError]()
        for item in items:
            try:
                edit = await checked_edit(self._account, item.edit, new=True)
                properties = self._all_day.strip(properties_of(edit, None, self._reader.zones, self._reader.statuses))
                inputs.append(Input(item.index, f"{call}-{item.index}", "", properties, association_of(edit)))
            except CallerError as error:
                refused[item.index] = error
        return inputs, refused

    async def _create_again(self, items: Sequence[NewTask[Record]]) -> BatchAnswer[Record]:
        """Create a part of a batch that was refused; an error is about that part alone."""
        try:
            return await self.create_many(items) if items else BatchAnswer()
        except (OutcomeUnknown, UpstreamFailed) as fault:
            return BatchAnswer(lost=dict.fromkeys((item.index for item in items), fault))
        except TaskhandError as error:
            return BatchAnswer(refused=dict.fromkeys((item.index for item in items), error))


async def checked_edit(account: Account, edit: Edit, *, new: bool = False) -> Edit:
    """The edit with the value of its status; CallerError for what HubSpot cannot hold."""
    if edit.due is None or (new and edit.due is MISSING):
        raise CallerError(
            "HubSpot has no task without a due date.",
            code="due_date_required",
            next_step="Send dueDate as YYYY-MM-DD." if new else "Send dueDate as YYYY-MM-DD, or leave it out.",
        )
    check_length(edit)
    if edit.status is not MISSING:
        return replace(edit, status=await account.value_of(edit.status))
    choice = await account.initial(raw_status(edit)) if new else None
    return edit if choice is None else replace(edit, status=choice)


def _part_of(edit: Edit) -> Edit | None:
    """What is made of a deleted task where HubSpot refuses all of it; None where there is nothing less to make."""
    if has_further(edit):
        return without_further(edit)
    return unlinked(edit) if edit.native is not None and changes_links(edit) else None


def _all_links(edit: Edit) -> dict[str, list[JsonObject]]:
    """All links of a deleted task with their types, by kind; those that raw values know no types of get the usual."""
    found = further_associations(edit.native)
    for kind in KINDS:
        if getattr(edit, ID_OF[kind][0]) is MISSING:
            found.pop(kind, None)
        elif kind not in found and (ids := raw_links(edit, kind)):
            found[kind] = [{"id": one, "types": association_types(kind)} for one in ids]
    return found


def check_length(edit: Edit) -> None:
    """Refuse a description whose HTML is longer than HubSpot takes; what was there before, and is put back, fits."""
    if not isinstance(edit.description, str):
        return
    length = len(str((edit.native or {}).get(BODY) or html_of(edit.description)))
    if length > _MOST_CHARACTERS:
        raise CallerError(
            f"description has {length:,} characters as the HTML that HubSpot keeps, which may have "
            f"{_MOST_CHARACTERS:,}; nothing was sent.",
            code="text_too_long",
            next_step=f"Send a description that is shorter by {length - _MOST_CHARACTERS:,} characters or more.",
        )


def record_in(client: HubSpotClient, reply: Reply) -> Record:
    """The record that a write answered; OutcomeUnknown where it is none."""
    record = Record.read(reply.object)
    if record is None or "properties" not in reply.object:
        raise client.http.invalid(reply, "with something that is not a task")
    return record
