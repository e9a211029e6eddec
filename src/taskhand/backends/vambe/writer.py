"""Writes to Vambe: answers are compared, and where one is lost the task is looked at before anything is sent again."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import anyio
from pydantic import MISSING

from taskhand.backends.base import BulkProgress, ItemResult, Misread, Written
from taskhand.backends.remote.concurrency import each_by_itself, none_of_them
from taskhand.backends.remote.messages import Doubt
from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.vambe.account import StatusCatalogue
from taskhand.backends.vambe.client import VambeClient
from taskhand.backends.vambe.lists import WIDEST, TaskLists
from taskhand.backends.vambe.mapping import body_of
from taskhand.backends.vambe.reader import Reader, rests_on
from taskhand.domain.change import inverse_edit
from taskhand.domain.deadline import call_deadline
from taskhand.domain.due import due_of
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import (
    CallerError,
    Candidate,
    NotFound,
    OutcomeUnknown,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.domain.request_log import recorded_requests
from taskhand.domain.task import Task

__all__ = ["Writer"]

_CREATED_SLACK: Final = timedelta(minutes=2)
"""A task this much older than its POST may still be the one, where clocks disagree; it is named, and not claimed."""
_CLOCKS_APART: Final = timedelta(seconds=2)
"""How far two clocks that agree may be apart."""

_VAMBE: Final = Doubt("Vambe")


class Writer:
    """Creates, changes and deletes tasks; `lists` are told of everything that was written."""

    def __init__(
        self,
        wire: VambeClient,
        lists: TaskLists,
        reader: Reader,
        catalogue: StatusCatalogue,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        """`clock` answers an aware datetime."""
        self._wire = wire
        self._lists = lists
        self._reader = reader
        self._catalogue = catalogue
        self._clock = clock
        self._creating: Counter[Edit] = Counter()
        self._made: set[str] = set()
        self._lesson = anyio.Lock()

    async def create(self, edit: Edit) -> Written:
        """POST, once: where the answer is lost the task is looked for, and never sent again."""
        started, known = self._clock(), frozenset(self._lists.ids)
        self._creating[edit] += 1
        try:
            raw = await self._answered(None, body_of(edit, None))
        except (OutcomeUnknown, UpstreamFailed) as unknown:
            return Written(self._reader.task(await self._new(edit, started, known, unknown)), _VAMBE.found)
        finally:
            self._creating[edit] -= 1
        self._reader.learn(edit, raw)
        return Written(self._reader.task(raw))

    async def update(self, before: Task, edit: Edit) -> Written:
        """PUT with the fields that change; where the answer is lost the task is read before anything is sent again."""
        return await self._update(before, edit, await self._lists.find(before.id), None)

    async def update_all(
        self, edits: Sequence[tuple[Task, Edit]], watch: BulkProgress | None, *, in_hand: int
    ) -> tuple[ItemResult, ...]:
        """Parallel PUTs within the rate budget: Vambe documents nothing for many tasks at once."""
        try:
            with call_deadline():
                rows = await self._lists.find_all(before.id for before, _ in edits)
        except TaskhandError as error:
            return none_of_them(edits, error, watch)

        async def update(before: Task, edit: Edit) -> Written:
            if before.id not in rows:
                raise self._lists.absent(before.id)
            return await self._update_one_of_many(before, edit, rows[before.id], watch)

        return await each_by_itself(update, edits, watch, in_hand=in_hand)

    async def delete(self, before: Task) -> str | None:
        """DELETE, and what is to be said about how it was learned that the task is gone.

        It is sent again where its answer was lost and the task is still there. NotFound where it was gone before.
        """
        for again in (False, True):
            try:
                return await self._deleted(before.id, again=again)
            except (OutcomeUnknown, UpstreamFailed) as unknown:
                if await self._is_gone(before.id, unknown):
                    return _VAMBE.removed
                if isinstance(unknown, UpstreamFailed):
                    raise
        raise _VAMBE.of_task(before.id)

    async def _update_one_of_many(
        self, before: Task, edit: Edit, was: JsonObject, watch: BulkProgress | None
    ) -> Written:
        """As `update`, but nobody is here who could make an edit again that was made from a misread due time.

        While it is not known how Vambe writes due times, such edits are made one at a time; one that turns out to have
        been made from a misread time is taken back, and the rest is not sent.
        """
        if not self._may_mislead(before, edit):
            return await self._update(before, edit, was, watch)
        async with self._lesson:
            if self._may_mislead(before, edit):
                try:
                    return await self._update(before, edit, was, watch)
                except Misread as misread:
                    raise Misread(misread.before, await self._taken_back(misread, edit)) from None
        return await self._update(before, edit, was, watch)

    def _may_mislead(self, before: Task, edit: Edit) -> bool:
        return rests_on(before, edit) and not self._reader.sure_of_due(before)

    async def _taken_back(self, misread: Misread, edit: Edit) -> Task:
        """The task with what it really had where the edit has set it; the doubt stays where that cannot be written."""
        back = inverse_edit(misread.before, misread.now)
        back = without(back, *{name for name, _ in back.given()} - {name for name, _ in edit.given()})
        try:
            raw, _ = await self._put(misread.now, back, None)
        except TaskhandError as error:
            raise _VAMBE.of_task(misread.now.id) from error
        if not self._reader.shows(raw, back):
            raise _VAMBE.of_task(misread.now.id)
        return self._reader.task(raw)

    async def _update(self, before: Task, edit: Edit, was: JsonObject, watch: BulkProgress | None) -> Written:
        """Make an edit of `before`, whose row `was` so; Misread where it had been read as something else."""
        reader, read_as = self._reader, self._reader.due_at
        # Before anything is sent: a row that cannot be read must not fail a write that is made.
        really = reader.task(was)
        if rests_on(before, edit) and reader.was_misread(before, was):
            raise Misread(really, really)
        raw, note = await self._put(before, edit, watch)
        self._lists.remember(before.id, raw, was)
        reader.learn(edit, raw)
        reader.learn_status(before, edit, raw)
        moved = reader.due_at != read_as and due_of(before) != due_of(reader.task(was))
        if moved or reader.was_misread(before, was):
            raise Misread(reader.task(was), reader.task(raw))
        return Written(reader.task(raw), note)

    async def _put(self, before: Task, edit: Edit, watch: BulkProgress | None) -> tuple[JsonObject, str | None]:
        """The task after a PUT, and what is to be said about how that was learned."""
        body = body_of(edit, before)
        if watch is not None and watch.stopped is not None:
            raise watch.stopped
        try:
            return await self._answered(before.id, body), None
        except CallerError as refused:
            raise await self._meaning(refused, before, edit) from None
        except (OutcomeUnknown, UpstreamFailed) as unknown:
            if raw := await self._applied_after_all(before, edit, unknown):
                return raw, _VAMBE.applied
        if watch is not None and watch.stopped is not None:
            raise _VAMBE.of_task(before.id)
        try:
            return await self._answered(before.id, body), _VAMBE.sent_again
        except (OutcomeUnknown, UpstreamFailed) as unknown:
            if raw := await self._applied_after_all(before, edit, unknown):
                return raw, _VAMBE.applied
            raise _VAMBE.of_task(before.id) from None

    async def _answered(self, task_id: str | None, body: JsonObject) -> JsonObject:
        """Send a write (a create without an id) and remember its answer; OutcomeUnknown when that is no such task."""
        reply = await (self._wire.create(body) if task_id is None else self._wire.update(task_id, body))
        try:
            task = self._reader.task(reply.object)
        except UpstreamError:
            raise self._wire.invalid(reply, "with something that is not a task") from None
        if task_id is not None and task.id.lower() != task_id.lower():
            raise self._wire.invalid(reply, "with another task")
        self._catalogue.see(task.status_config)
        self._lists.remember(task.id, reply.object)
        if task_id is None:
            self._made.add(task.id)
        return reply.object

    async def _deleted(self, task_id: str, *, again: bool) -> str | None:
        """Send a DELETE; a task that is not there was deleted by an earlier sending, or else by somebody else."""
        with recorded_requests() as sent:
            try:
                await self._wire.delete(task_id)
            except NotFound:
                # A 503 is sent again by the transport, as one that was not handled; sometimes it was.
                if not again and not any(request.endswith(" 503") for request in sent[:-1]):
                    self._lists.forget(task_id, behind_s=0)
                    raise self._lists.absent(task_id) from None
                self._lists.forget(task_id)
                return _VAMBE.removed
        self._lists.forget(task_id)
        return _VAMBE.sent_again if again else None

    async def _is_gone(self, task_id: str, unknown: UpstreamError) -> bool:
        """Whether the lists have the task no more; the doubt stays where they cannot tell."""
        try:
            is_there = await self._lists.has(task_id)
        except TaskhandError:
            raise _VAMBE.of_task(task_id) from unknown
        if is_there is None:
            raise _VAMBE.of_task(task_id) from unknown
        if not is_there:
            self._lists.forget(task_id)
        return not is_there

    async def _now(self, task_id: str, unknown: UpstreamError) -> JsonObject:
        """The task as Vambe has it now; the doubt stays where it cannot be read."""
        try:
            return await self._lists.find(task_id, fresh=True)
        except TaskhandError:
            raise _VAMBE.of_task(task_id) from unknown

    async def _applied_after_all(self, before: Task, edit: Edit, unknown: UpstreamError) -> JsonObject | None:
        """The task, remembered, if it shows the edit; where Vambe said that it failed and it did, that is raised."""
        raw = await self._now(before.id, unknown)
        if self._reader.shows(raw, edit):
            self._lists.remember(before.id, raw)
            return raw
        if isinstance(unknown, UpstreamFailed) and not self._may_be_so(before.id, raw, edit):
            raise unknown
        return None

    def _may_be_so(self, task_id: str, raw: JsonObject, edit: Edit) -> bool:
        """Whether a list was taken to be behind that shows the edit: it puts back what an earlier write replaced."""
        hidden = self._lists.hidden(task_id, raw)
        return hidden is not None and self._reader.shows(hidden, edit)

    async def _new(self, edit: Edit, started: datetime, known: frozenset[str], unknown: UpstreamError) -> JsonObject:
        """The one new task that is what was asked for; the doubt stays where there is none, or more than one."""
        look = "Look with list_tasks for the title; create it again only if it is not there."
        try:
            raws = await self._lists.get(WIDEST, fresh=True)
        except TaskhandError:
            raise _VAMBE.unsettled(look) from unknown
        new = [raw for raw in raws if raw["id"] not in known and raw["id"] not in self._made]
        found = [raw for raw in new if _created_since(raw, started - _CREATED_SLACK) and self._reader.shows(raw, edit)]
        certain = [raw for raw in found if _created_since(raw, started - _CLOCKS_APART)]
        if len(certain) != 1 or len(found) != 1 or self._creating[edit] > 1:
            raise _VAMBE.unsettled(look, [Candidate(str(raw["id"])) for raw in found]) from unknown
        self._made.add(str(found[0]["id"]))
        self._lists.remember(str(found[0]["id"]), found[0])
        return found[0]

    async def _meaning(self, refused: CallerError, before: Task, edit: Edit) -> CallerError:
        """What a refused PUT means: Vambe answers 404 for a task that is gone and for a reference that is not there."""
        gone_or_unknown = isinstance(refused, NotFound)
        if gone_or_unknown:
            await self._lists.find(before.id, fresh=True)
        if edit.status is not MISSING and edit.status.id not in self._catalogue.by_id and _is_of_status(refused, edit):
            asked = edit.status.name if edit.status.name is not None else edit.status.position
            return NotFound(
                f"Vambe refused the change; status {str(asked)[:60]!r} is probably not one of the organisation's.",
                code="unknown_status",
                candidates=[Candidate(status.name) for status in self._catalogue.known().statuses],
                next_step="Send newStatusName exactly as Vambe shows it, or one of the candidates.",
            )
        if gone_or_unknown:
            return NotFound(
                "Vambe does not know a person, contact or customer that was sent.",
                code="unknown_reference",
                next_step="Take ids from list_team_members and find_contacts, and send the call again.",
            )
        return refused


def _is_of_status(refused: CallerError, edit: Edit) -> bool:
    """Whether a refusal is probably about the status: Vambe says so, or names nothing, or nothing else was sent."""
    return isinstance(refused, NotFound) or "newStatus" in refused.message or len(list(edit.given())) == 1


def _created_since(raw: JsonObject, earliest: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(raw.get("created_at"))) >= earliest
    except (ValueError, TypeError):
        return False
