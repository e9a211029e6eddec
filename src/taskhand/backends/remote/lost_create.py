"""The search for a task whose create was not confirmed: a create claims a task only if the match is certain.

It is also done before a refused create is sent again, such as one that the CRM throttled: the CRM may have made the
task all the same. Recovery after a crash uses it too (`Backend.find_created`).
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from taskhand.backends.remote.bulk_item import Applied, NewTask
from taskhand.domain.create_matching import SEARCHED_BEFORE, CreateCandidates, is_created_since, match_creates
from taskhand.domain.edit import Edit
from taskhand.domain.task import Task

if TYPE_CHECKING:
    from taskhand.backends.remote.adapter import Creator

__all__ = ["LostCreates"]

_Row = TypeVar("_Row")


class LostCreates(Generic[_Row]):
    """Searches for lost creates."""

    def __init__(self, adapter: "Creator[_Row]") -> None:
        self.made: set[str] = set()
        """The ids of the tasks that creates of this process have made: no other create claims them."""
        self._under_way: set[NewTask[_Row]] = set()
        self._adapter = adapter

    @contextmanager
    def under_way(self, items: Collection[NewTask[_Row]]) -> Generator[None, None, None]:
        """As long as the outcome of one of these is not known, no lost create that looks alike claims a task."""
        self._under_way.update(items)
        try:
            yield
        finally:
            self._under_way.difference_update(items)

    async def find(self, items: Sequence[NewTask[_Row]], known_ids: frozenset[str]) -> list[CreateCandidates]:
        """Search once for the tasks of these items: returns the candidates of each, and enters the certain ones.

        `known_ids` are of tasks that were read before. TaskhandError if the search fails.
        """
        edits, known_ids = [new_task.edit for new_task in items], known_ids | self.made
        rows, ahead = await self._rows(edits, min(new_task.sent_at for new_task in items), known_ids)
        found = [self._candidates(new_task.edit, new_task.sent_at, rows, ahead, known_ids) for new_task in items]
        others = [new_task.edit for new_task in self._under_way.difference(items) if not new_task.is_made]
        for index, task in match_creates(edits, found, others).items():
            items[index].state = Applied(rows[task.id][1], self._adapter.messages.found)
        return found

    async def candidates(self, edits: Sequence[Edit], sent_at: datetime) -> tuple[CreateCandidates, ...]:
        """The tasks that each create may have made, including tasks that were read or claimed since."""
        rows, ahead = await self._rows(edits, sent_at, frozenset())
        return tuple(self._candidates(edit, sent_at, rows, ahead, frozenset()) for edit in edits)

    async def _rows(
        self, edits: Sequence[Edit], sent_at: datetime, known_ids: frozenset[str]
    ) -> tuple[dict[str, tuple[Task, _Row]], timedelta | None]:
        """The tasks that the creates may have made, by id, with their rows; rows without an id are left out."""
        rows, ahead = await self._adapter.created_since(sent_at - SEARCHED_BEFORE, edits, known_ids)
        tasks = ((self._adapter.to_task(row), row) for row in rows)
        return {task.id: (task, row) for task, row in tasks if task.id}, ahead

    def _candidates(
        self,
        edit: Edit,
        sent_at: datetime,
        rows: Mapping[str, tuple[Task, _Row]],
        ahead: timedelta | None,
        known_ids: Collection[str],
    ) -> CreateCandidates:
        """The new tasks among `rows` that a create may have made."""
        by_their_clock = sent_at + (ahead or timedelta())
        tasks = [
            task
            for task_id, (task, row) in rows.items()
            if task_id not in known_ids
            and is_created_since(task, by_their_clock - SEARCHED_BEFORE)
            and not self._adapter.disproves_create(row, edit)
        ]
        return CreateCandidates(tasks, by_their_clock, is_guess=ahead is None)
