"""A new task: sent once; where the answer is lost it is looked for, and never sent again."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from taskhand.backends.base import Written
from taskhand.backends.close.mapping import create_body, created_at
from taskhand.backends.close.paging import Page
from taskhand.backends.close.reading import Reader
from taskhand.backends.close.said import CLOSE
from taskhand.backends.close.task_types import NewTaskType
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.edit import Edit
from taskhand.domain.errors import Candidate, OutcomeUnknown, TaskhandError, UpstreamError, UpstreamFailed
from taskhand.domain.task import Task

__all__ = ["Creation"]

_LOOKS_S: Final = (0.0, 2.0, 5.0)
"""Seconds before each look: a list of Close is behind by some."""
_APART: Final = timedelta(seconds=2)
"""How much earlier than it was sent a task can seem to be created: a `Date` has whole seconds."""
_SLACK: Final = timedelta(minutes=2)
"""How far back tasks are looked for that may be it, and are only named: Close's clock may not be known."""
_LOOK: Final = (
    "Close's lists may be behind by up to a minute: wait a minute, then look with list_tasks for the title; create it "
    "again only if it is not there."
)


class Creation:
    """Makes tasks that `reader` reads; `sleep` takes seconds."""

    def __init__(self, reader: Reader, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._reader = reader
        self._sleep = sleep
        self._creating: Counter[Edit] = Counter()
        self._made: set[str] = set()

    async def __call__(self, edit: Edit, kind: NewTaskType, me: str | None) -> Written:
        """POST, once; OutcomeUnknown where nobody can tell whether there is one.

        `me` is who creates it, where that is known: nobody else's task is taken for it.
        """
        body, started, note = create_body(edit, kind), self._reader.clock(), None
        known = frozenset(self._reader.kinds)
        self._creating[edit] += 1
        try:
            reply = await self._reader.wire.create(body, self._reader.day(edit))
            task = self._reader.answered(reply, body)
        except (OutcomeUnknown, UpstreamFailed) as doubt:
            search = _Search(body, edit, started, known, me)
            task, note = await self._looked_for(search, doubt), CLOSE.found
        finally:
            self._creating[edit] -= 1
        self._made.add(task.id)
        return Written(task, note)

    async def _looked_for(self, search: "_Search", doubt: UpstreamError) -> Task:
        """The one new task that is what was asked for; the doubt stays where there is none, or more than one."""
        for wait_s in _LOOKS_S:
            if wait_s:
                await self._sleep(wait_s)
            alike = await self._alike(search, doubt)
            new = [raw for raw in alike if (made := created_at(raw)) is not None and made >= search.started - _APART]
            if new:
                break
        if len(new) != 1 or self._creating[search.edit] > 1:
            raise CLOSE.unsettled(_LOOK, [Candidate(str(raw["id"]), search.title) for raw in alike]) from doubt
        return self._reader.written(new[0], search.body.get("priority"))

    async def _alike(self, search: "_Search", doubt: UpstreamError) -> list[JsonObject]:
        """The lead's latest tasks that are what was asked for; the doubt stays where they cannot be read."""
        earliest = search.started - _SLACK
        try:
            page = await self._reader.wire.tasks(search.params(earliest), 0, self._reader.day(search.edit))
            search.hear(page, self._reader.clock())
            rows = [raw for raw in page.rows if search.may_be(raw) and raw["id"] not in self._made]
            return [raw for raw in rows if not self._reader.unshown(raw, search.edit) - self._reader.unsaid(raw)]
        except TaskhandError:
            raise CLOSE.unsettled(_LOOK) from doubt


class _Search:
    """What is looked for: `started` is when it was sent, by Close's own clock as soon as that is heard."""

    def __init__(
        self, body: dict[str, Any], edit: Edit, started: datetime, known: frozenset[str], me: str | None
    ) -> None:
        self.body = body
        self.edit = edit
        self.started = started
        self.title = str(body.get("text") or "")
        self._sent = started
        self._known = known
        self._me = me

    def params(self, earliest: datetime) -> dict[str, str]:
        """The query of Close's list."""
        stamp = earliest.isoformat(timespec="seconds")
        about = {"lead_id": self.body["lead_id"], "_type": self.body["_type"], "date_created__gte": stamp}
        return about | {"_order_by": "-date_created"}

    def hear(self, page: Page, now: datetime) -> None:
        """Take Close's clock from an answer that came `now` by ours."""
        if page.at is not None:
            self.started = self._sent + (page.at - now)

    def may_be(self, raw: JsonObject) -> bool:
        """Whether it is new to us, not somebody else's, and of these minutes."""
        made = created_at(raw)
        is_mine = self._me is None or raw.get("created_by") in (None, self._me)
        return is_mine and raw["id"] not in self._known and (made is None or made >= self.started - _SLACK)
