"""Finds the task that a create made, after the create's answer was lost; pure.

A task that was made before the create was sent belongs to somebody else, however much it looks like the one asked for.
It is named as a candidate and never claimed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from taskhand.domain.edit import Edit
from taskhand.domain.receipt import preview
from taskhand.domain.task import Task

__all__ = ["SEARCHED_BEFORE", "CreateCandidates", "is_created_since", "match_creates"]

SEARCHED_BEFORE: Final = timedelta(minutes=2)
"""Maximum age of a candidate at the time of the create: the CRM's clock may differ from ours."""
_CLOCKS_APART: Final = timedelta(seconds=2)
"""The tolerance between two clocks that agree: an HTTP `Date` has whole seconds."""


@dataclass(frozen=True, slots=True)
class CreateCandidates:
    """New tasks that a create may have made, and when it was sent: by the CRM's clock, or by ours if `is_guess`."""

    tasks: Sequence[Task]
    sent_at: datetime
    is_guess: bool = False

    @property
    def recent(self) -> Sequence[Task]:
        """The candidates that were not made before the create was sent."""
        return [task for task in self.tasks if is_created_since(task, self.sent_at - _CLOCKS_APART)]

    @property
    def made(self) -> Task | None:
        """The task that the create has made; None if that is not certain."""
        others = self.tasks if self.is_guess else self.recent
        return self.recent[0] if len(self.recent) == len(others) == 1 else None


def match_creates(
    edits: Sequence[Edit], candidates: Sequence[CreateCandidates], others: Sequence[Edit] = ()
) -> dict[int, Task]:
    """The tasks that creates sent at the same time have made for certain, by their index.

    `candidates` are those of each; `others` are creates whose tasks may be among these too. A create is certain if
    no other create may have made a task that looks like it. Each task belongs to one create at most.
    """
    made: dict[int, Task] = {}
    while True:
        taken = {task.id for task in made.values()}
        open_ = [index for index in range(len(edits)) if index not in made]
        for index in open_:
            rivals = [*others, *(edits[other] for other in open_ if other != index)]
            tasks = [task for task in candidates[index].tasks if task.id not in taken]
            task = replace(candidates[index], tasks=tasks).made
            if task is not None and not any(_may_look_like(edits[index], rival) for rival in rivals):
                made[index] = task
                break
        else:
            return made


def _may_look_like(edit: Edit, rival: Edit) -> bool:
    """Whether the new task of `rival` shows everything that `edit` sets."""
    return edit.is_met_by(preview(None, rival), written=True)


def is_created_since(task: Task, earliest: datetime) -> bool:
    """Whether a task was created at `earliest` or later; False if its `created_at` cannot be read."""
    try:
        return datetime.fromisoformat(task.created_at or "") >= earliest
    except (ValueError, TypeError):
        return False
