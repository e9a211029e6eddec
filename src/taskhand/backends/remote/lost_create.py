"""The search for a task whose create was not confirmed. It is claimed only where that is certain, and never sent again.

Recovery after a crash uses the same search (`Backend.find_created`).
"""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from taskhand.backends.remote.waiting import sleep_if_time
from taskhand.domain.edit import Edit
from taskhand.domain.errors import Candidate, TaskhandError
from taskhand.domain.lost_create import SEARCHED_BEFORE, CreateCandidates, is_created_since
from taskhand.domain.task import Task

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import CrmAdapter

__all__ = ["LostCreates"]

_Row = TypeVar("_Row")


class LostCreates(Generic[_Row]):
    """Searches for lost creates; remembers which tasks were made here, and which creates are under way."""

    def __init__(self, adapter: "CrmAdapter[_Row]") -> None:
        self._adapter = adapter
        self._under_way: Counter[Edit] = Counter()
        self._made: set[str] = set()

    @contextmanager
    def under_way(self, edit: Edit) -> Generator[None, None, None]:
        """A create of `edit` is under way: while two equal ones are, neither can claim a task."""
        self._under_way[edit] += 1
        try:
            yield
        finally:
            self._under_way[edit] -= 1

    def made(self, task_id: str) -> None:
        """Remember that a create has made this task: no other create has."""
        self._made.add(task_id)

    async def find(self, edit: Edit, sent_at: datetime, known: frozenset[str], fault: TaskhandError) -> _Row:
        """The task that a create sent at `sent_at` has made; OutcomeUnknown, from `fault`, where that is not certain.

        `known` are the ids of tasks that were read before.
        """
        rows: dict[str, _Row] = {}
        found = CreateCandidates((), sent_at)
        for wait_s in self._adapter.search_waits_s:
            if wait_s and not await sleep_if_time(self._adapter.timing.sleep, wait_s):
                break
            try:
                rows, found = await self._search(edit, sent_at, known | self._made)
            except TaskhandError:
                raise self._adapter.messages.unknown_create() from fault
            if found.recent:
                break
        if found.made is not None and self._under_way[edit] == 1:
            return rows[found.made.id]
        candidates = [Candidate(task.id, task.title) for task in found.tasks]
        raise self._adapter.messages.unknown_create(candidates) from fault

    async def find_once(self, edit: Edit, sent_at: datetime, known: frozenset[str]) -> _Row | None:
        """The task that a create has made for certain, if one search shows it; None where nobody can search."""
        try:
            rows, found = await self._search(edit, sent_at, known | self._made)
        except TaskhandError:
            return None
        return rows[found.made.id] if found.made is not None and self._under_way[edit] == 1 else None

    async def candidates(self, edit: Edit, sent_at: datetime) -> CreateCandidates:
        """The tasks that a create may have made, whoever has read them since."""
        return (await self._search(edit, sent_at, frozenset()))[1]

    async def _search(
        self, edit: Edit, sent_at: datetime, known: frozenset[str]
    ) -> tuple[dict[str, _Row], CreateCandidates]:
        """The new tasks that may show `edit`, and their rows by id."""
        rows, ahead = await self._adapter.created_since(sent_at - SEARCHED_BEFORE, edit, known)
        by_their_clock = sent_at + (ahead or timedelta())
        alike = {task.id: (row, task) for row in rows if (task := self._if_alike(row, edit)) is not None}
        new = {
            one: (row, task)
            for one, (row, task) in alike.items()
            if one not in known and is_created_since(task, by_their_clock - SEARCHED_BEFORE)
        }
        found = CreateCandidates([task for _, task in new.values()], by_their_clock, is_guess=ahead is None)
        return {one: row for one, (row, _) in new.items()}, found

    def _if_alike(self, row: _Row, edit: Edit) -> Task | None:
        """The task of a row that may show `edit`; a row without an id is none that anybody could claim."""
        task = self._adapter.to_task(row)
        may_show = not self._adapter.unmet(row, edit) or not self._adapter.is_conclusive(row, edit)
        return task if may_show and task.id else None
