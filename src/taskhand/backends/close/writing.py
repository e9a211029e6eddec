"""Writes of single tasks: sent once, compared, and read back where their answer was lost."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any, Final

from pydantic import MISSING

from taskhand.backend import Written
from taskhand.backends.close.body import body_of, draft_of
from taskhand.backends.close.kind import NewKind, check_change
from taskhand.backends.close.mapping import created_at
from taskhand.backends.close.pages import JsonObject
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.said import CLOSE, no_task
from taskhand.edit import Edit
from taskhand.errors import Candidate, NotFound, OutcomeUnknown, TaskhandError, UpstreamError, UpstreamFailed
from taskhand.http.reply import Reply
from taskhand.task import Task

__all__ = ["Writer"]

_SLACK: Final = timedelta(minutes=2)
"""How far Close's clock may be from ours when a task is looked for by when it was created."""

Body = dict[str, Any]


class Writer:
    """Writes tasks that `reader` reads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._creating: Counter[Edit] = Counter()
        self._made: set[str] = set()

    async def create(self, edit: Edit, kind: NewKind, me: str | None) -> Written:
        """POST, once: where the answer is lost the task is looked for, and never sent again.

        `me` is who creates it, where that is known: nobody else's task is taken for it.
        """
        body, started, known = draft_of(edit, kind), self._reader.clock(), frozenset(self._reader.kinds)
        self._creating[edit] += 1
        note = None
        try:
            reply = await self._reader.wire.create(body, self.day(edit))
            task = self._answered(reply)
        except (OutcomeUnknown, UpstreamFailed) as doubt:
            found = await self._similar(body, edit, started - _SLACK, doubt)
            news = [raw for raw in found if raw["id"] not in known | self._made]
            news = [raw for raw in news if me is None or raw.get("created_by") in (None, me)]
            if len(news) != 1 or self._creating[edit] > 1:
                raise CLOSE.unsettled(_LOOK, [Candidate(str(raw["id"])) for raw in news]) from doubt
            task, note = self._reader.written(news[0]), CLOSE.found
        finally:
            self._creating[edit] -= 1
        self._made.add(task.id)
        return Written(task, note)

    async def update(self, before: Task, edit: Edit) -> Written:
        """PUT with the fields that change; CallerError for a change that the type of the task does not take."""
        check_change(edit, await self._reader.kind(before.id))
        body = body_of(edit, dateless=before.due_at is None)
        if not body:
            return Written(self._reader.task(await self._reader.one(before.id)))
        try:
            return await self._put(before.id, body, edit)
        except NotFound:
            raise no_task(before.id) from None

    def day(self, edit: Edit) -> date:
        """The day that an edit is about."""
        return edit.due.day if edit.due is not MISSING and edit.due is not None else self._reader.today()

    async def _put(self, task_id: str, body: Body, edit: Edit) -> Written:
        for note in (None, CLOSE.sent_again):
            try:
                return Written(await self._sent(task_id, body, edit), note)
            except (OutcomeUnknown, UpstreamFailed) as doubt:
                raw = await self._read_back(task_id, doubt)
                if self._shows(raw, edit):
                    return Written(self._reader.written(raw), CLOSE.applied)
                if isinstance(doubt, UpstreamFailed):
                    raise
        raise CLOSE.of_task(task_id)

    async def _sent(self, task_id: str, body: Body, edit: Edit) -> Task:
        reply = await self._reader.wire.update(task_id, body, self.day(edit))
        task = self._answered(reply)
        if task.id != task_id:
            raise self._reader.wire.invalid(reply, "with another task")
        return task

    def _answered(self, reply: Reply) -> Task:
        """The task that a write answered; OutcomeUnknown when it answered none."""
        try:
            return self._reader.written(reply.object)
        except UpstreamError:
            raise self._reader.wire.invalid(reply, "with something that is not a task") from None

    async def _read_back(self, task_id: str, doubt: UpstreamError) -> JsonObject:
        """The task as Close has it now; the doubt stays where it cannot be read."""
        try:
            return await self._reader.one(task_id)
        except TaskhandError:
            raise CLOSE.of_task(task_id) from doubt

    async def _similar(self, body: Body, edit: Edit, earliest: datetime, doubt: UpstreamError) -> list[JsonObject]:
        """The lead's tasks since then that are what was asked for; the doubt stays where they cannot be read."""
        stamp = earliest.isoformat(timespec="seconds")
        params = {"lead_id": body["lead_id"], "_type": body["_type"], "date_created__gte": stamp}
        try:
            page = await self._reader.wire.tasks({**params, "_order_by": "-date_created"}, 0, self.day(edit))
            return [raw for raw in page.rows if (created_at(raw) or earliest) >= earliest and self._shows(raw, edit)]
        except TaskhandError:
            raise CLOSE.unsettled(_LOOK) from doubt

    def _shows(self, raw: JsonObject, edit: Edit) -> bool:
        """Whether a task is as an edit asked for."""
        return not any(edit.unmet_by(self._reader.task(raw), written=True).given())


_LOOK: Final = "Look with list_tasks for the title; create it again only if it is not there."
