"""Which task a create has made, when its answer was lost; pure.

A task that was made before the create was sent belongs to somebody else, however much it looks like the one asked for.
It is named as a candidate and never claimed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from taskhand.domain.task import Task

__all__ = ["SEARCHED_BEFORE", "CreateCandidates", "is_created_since"]

SEARCHED_BEFORE: Final = timedelta(minutes=2)
"""How long before the create was sent candidates may have been made: the CRM's clock may differ from ours."""
_CLOCKS_APART: Final = timedelta(seconds=2)
"""How much two clocks that agree may differ: an HTTP `Date` has whole seconds."""


@dataclass(frozen=True, slots=True)
class CreateCandidates:
    """New tasks that a create may have made, and when it was sent: by the CRM's clock, or by ours where `is_guess`."""

    tasks: Sequence[Task]
    sent_at: datetime
    is_guess: bool = False

    @property
    def recent(self) -> Sequence[Task]:
        """The candidates that were not made before the create was sent."""
        return [task for task in self.tasks if is_created_since(task, self.sent_at - _CLOCKS_APART)]

    @property
    def made(self) -> Task | None:
        """The task that the create has made; None where that is not certain."""
        others = self.tasks if self.is_guess else self.recent
        return self.recent[0] if len(self.recent) == len(others) == 1 else None


def is_created_since(task: Task, earliest: datetime) -> bool:
    """Whether a task was created at `earliest` or later; False where its `created_at` cannot be read."""
    try:
        return datetime.fromisoformat(task.created_at or "") >= earliest
    except (ValueError, TypeError):
        return False
