"""A new task: sent once; where the answer is lost it is looked for, and never sent again."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import MISSING

from taskhand.backends.base import Written
from taskhand.backends.hubspot.account import Account
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.doubt import HUBSPOT, LOOK
from taskhand.backends.hubspot.due import moment_of
from taskhand.backends.hubspot.links import association_of
from taskhand.backends.hubspot.mapping import ID_OF, KINDS, Record, linked_ids, properties_of
from taskhand.backends.hubspot.query import newest_since
from taskhand.backends.hubspot.raw_values import has_raw_status, stage_after
from taskhand.backends.hubspot.reader import Reader
from taskhand.backends.hubspot.restage import restaged
from taskhand.backends.remote.parsing import JsonObject, objects, parse
from taskhand.domain.edit import Edit
from taskhand.domain.errors import (
    CallerError,
    Candidate,
    NotFound,
    OutcomeUnknown,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.domain.task import StatusChoice, Task
from taskhand.http.reply import Reply

__all__ = ["Creation"]

_SKEW: Final = timedelta(minutes=2)
"""How far HubSpot's clock may be from ours when a task is looked for by when it was made."""
_CLOCKS_APART: Final = timedelta(seconds=2)
"""How much earlier than it was sent a task may seem made and still be ours, by the same clock."""
_LOOKS_S: Final = (0.0, 2.0, 5.0)
"""Seconds before each look: HubSpot's search is behind by some."""
_MOST_LOOKED_AT: Final = 100


class Creation:
    """Makes tasks."""

    def __init__(
        self,
        wire: HubSpotClient,
        reader: Reader,
        portal: Account,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        """`clock` answers an aware datetime, `sleep` takes seconds."""
        self._wire = wire
        self._reader = reader
        self._portal = portal
        self._clock = clock
        self._sleep = sleep
        self._creating: Counter[Edit] = Counter()
        self._made: set[str] = set()

    async def __call__(self, edit: Edit) -> Written:
        """POST, once; OutcomeUnknown where nobody can tell whether there is one.

        With HubSpot's own values of a task that was deleted, the new one has those: its body and priority, everything
        that it was linked to, its type, its status and its stage.
        """
        body, started = await self._body(edit), self._clock()
        known = frozenset(self._reader.seen)
        self._creating[edit] += 1
        found = False
        try:
            made = await self._answered(body)
        except (OutcomeUnknown, UpstreamFailed) as unknown:
            made, found = await self._looked_for(edit, started, known, unknown), True
        finally:
            self._creating[edit] -= 1
        self._reader.wrote(made.id)
        self._made.add(made.id)
        unstaged = await restaged(self._wire, made.id, edit, new=True)
        if found and stage_after(edit, new=True) is None:
            return await self._told(edit, made, HUBSPOT.found)
        record, note = await self._read_back(made)
        return await self._told(edit, record, unstaged or (HUBSPOT.found if found else note))

    async def _read_back(self, made: Record) -> tuple[Record, str | None]:
        """The new task as it is now, or as HubSpot confirmed it."""
        try:
            return await self._reader.one(made.id, by_property=False), None
        except (UpstreamError, NotFound):
            return made, HUBSPOT.accepted

    async def _told(self, edit: Edit, record: Record, note: str | None = None) -> Written:
        task = await self._reader.task(record)
        return Written(task, self._portal.all_day.add_note(edit, task, note))

    async def _body(self, edit: Edit) -> JsonObject:
        """The documented body, in the initial status unless another was asked for; CallerError without a due date."""
        if edit.due is MISSING or edit.due is None:
            raise CallerError(
                "HubSpot has no task without a due date.",
                code="due_date_required",
                next_step="Send dueDate as YYYY-MM-DD.",
            )
        properties = properties_of(await self._in_a_status(edit), None, await self._portal.zones())
        associations = association_of(edit)
        return {"properties": properties} | ({"associations": associations} if associations else {})

    async def _in_a_status(self, edit: Edit) -> Edit:
        """The edit with the value of its status: the initial one where none was asked for."""
        if has_raw_status(edit, new=True):
            return edit
        if edit.status is not MISSING:
            return replace(edit, status=await self._portal.value_of(edit.status))
        initial = await self._portal.initial()
        return edit if initial is None else replace(edit, status=StatusChoice(id=initial))

    async def _answered(self, body: JsonObject) -> Record:
        reply = await self._posted(body)
        try:
            record = parse("HubSpot", Record.from_json, reply.object)
            await self._reader.task(record)
        except UpstreamError:
            raise self._wire.http.invalid(reply, "with something that is not a task") from None
        return record

    async def _posted(self, body: JsonObject) -> Reply:
        """POST; once more without what says all day, where the account refused that and wrote nothing."""
        all_day, properties = self._portal.all_day, body["properties"]
        try:
            return await self._wire.create(body | {"properties": all_day.strip(properties)})
        except CallerError as refused:
            if not all_day.note_refusal(refused, properties):
                raise
        return await self._wire.create(body | {"properties": all_day.strip(properties)})

    async def _looked_for(self, edit: Edit, started: datetime, known: frozenset[str], unknown: UpstreamError) -> Record:
        """The one new task that is what was asked for; the doubt stays where there is none, or more than one.

        What was made before this one was sent is somebody else's, however like it: it is named, and not taken.
        """
        started += await self._clock_ahead()
        earliest = started - _CLOCKS_APART
        found: list[tuple[Record, Task]] = []
        certain: list[Record] = []
        for wait_s in _LOOKS_S:
            if wait_s:
                await self._sleep(wait_s)
            try:
                found = await self._new(edit, started, known)
            except (UpstreamError, NotFound):
                raise HUBSPOT.unsettled(LOOK) from unknown
            certain = [record for record, _ in found if _is_made_since(record, earliest)]
            if certain:
                break
        if len(certain) != 1 or len(found) != 1 or self._creating[edit] > 1:
            raise HUBSPOT.unsettled(LOOK, [Candidate(task.id, task.title) for _, task in found]) from unknown
        return certain[0]

    async def _clock_ahead(self) -> timedelta:
        """How far HubSpot's clock is ahead of ours, by the `Date` of an answer; nothing where none tells."""
        try:
            theirs = await self._wire.date()
        except TaskhandError:
            return timedelta()
        return theirs - self._clock() if theirs is not None else timedelta()

    async def _new(self, edit: Edit, started: datetime, known: frozenset[str]) -> list[tuple[Record, Task]]:
        """What was made since, was never seen before, and is as asked."""
        ids = [one for one in await self._candidates(edit, started - _SKEW) if one not in known | self._made]
        records = await self._reader.many(ids[:_MOST_LOOKED_AT], by_property=False)
        new = [one for one in records.values() if _is_made_since(one, started - _SKEW)]
        linked = await self._reader.with_links(new)
        tasks = await self._reader.tasks(linked)
        pairs = zip(linked, tasks, strict=True)
        zones = await self._portal.zones()
        return [one for one in pairs if not self._portal.all_day.is_unmet(edit, one[1], zones)]

    async def _candidates(self, edit: Edit, since: datetime) -> list[str]:
        """Ids from the contact's or company's own tasks, which are never behind, and from a search, which is."""
        ids: list[str] = []
        for kind in KINDS:
            if isinstance(other := getattr(edit, ID_OF[kind][0]), str):
                ids += reversed(linked_ids((await self._wire.tasks_of(kind, other)).get("results")))
        answer = await self._wire.search(newest_since(since).body(None))
        ids += [str(row.get("id")) for row in objects(answer.get("results"))]
        return list(dict.fromkeys(ids))


def _is_made_since(record: Record, earliest: datetime) -> bool:
    try:
        made = moment_of(record.json.get("createdAt"))
    except ValueError:
        return False
    return made is not None and made >= earliest
