"""The effect of an undo on the tasks of a change: what is written, skipped and refused; pure."""

from dataclasses import dataclass

from taskhand.domain.bulk_receipt import SkippedTasks, TaskResult
from taskhand.domain.errors import TaskhandError
from taskhand.domain.receipt import join_notes
from taskhand.domain.unapplied_fields import Unapplied
from taskhand.journal.journal import Claim, Intent
from taskhand.service.earlier_create import EarlierCreate
from taskhand.service.inverse_write import Inverse

__all__ = ["TaskUndo", "Undo"]


@dataclass(frozen=True, slots=True)
class TaskUndo:
    """The effect of an undo on one task.

    `inverse` is written, unless `refusal` says that all it would restore has changed since. A `refusal` without it says
    why nothing can be restored. `remade` is the earlier call that made a deleted task again; `claim` lets this call
    make it again. Without `inverse`, `refusal` and `remade`, the change wrote only fields that stay as they are.
    """

    task_id: str
    title: str
    inverse: Inverse | None = None
    refusal: TaskhandError | None = None
    remade: EarlierCreate | None = None
    remade_result: TaskResult | None = None
    claim: Claim | None = None

    @property
    def possible(self) -> Inverse | None:
        """The inverse, if it can be written."""
        return self.inverse if self.refusal is None else None


@dataclass(frozen=True, slots=True)
class Undo:
    """The effect of an undo on the tasks of a change.

    `unwritten` are tasks that the change did not write. `general` are notes on the change itself. `held` is
    the sentence about a note that stays because other tasks of the change share it.
    """

    tasks: tuple[TaskUndo, ...]
    unwritten: tuple[str, ...]
    general: tuple[str, ...]
    held: str | None

    @property
    def is_of_many(self) -> bool:
        """Whether several tasks were to be undone."""
        return len(self.tasks) + len(self.unwritten) > 1

    @property
    def inverses(self) -> list[Inverse]:
        """The writes; of several tasks those that are as before already are skipped."""
        return [task.possible for task in self.tasks if task.possible is not None and not self._is_skipped(task)]

    @property
    def intents(self) -> list[Intent]:
        """The intents of the writes."""
        return [inverse.intent for inverse in self.inverses]

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims on the deleted tasks that are made again."""
        return tuple(task.claim for task in self.tasks if task.claim is not None)

    @property
    def is_met(self) -> bool:
        """Whether every task that can be undone is as it was before the change already."""
        return all(inverse.intent.is_met for inverse in self.inverses)

    @property
    def remade(self) -> list[EarlierCreate]:
        """The earlier calls that made deleted tasks again."""
        return [task.remade for task in self.tasks if task.remade is not None]

    @property
    def refused(self) -> dict[str, TaskhandError]:
        """The errors of the tasks that cannot be undone, by id."""
        return {task.task_id: task.refusal for task in self.tasks if task.refusal is not None}

    @property
    def skipped(self) -> SkippedTasks:
        """The tasks that nothing is sent for."""
        met = [task.task_id for task in self.tasks if self._is_skipped(task)]
        reasons = ((task.task_id, task.inverse or task.refusal or task.remade) for task in self.tasks)
        left = [*self.unwritten, *(task_id for task_id, reason in reasons if reason is None)]
        others = tuple(task.remade_result for task in self.tasks if task.remade_result is not None)
        titles = {task.task_id: task.title for task in self.tasks}
        return SkippedTasks((*met, *left), self.refused, others, titles)

    @property
    def unrestored(self) -> dict[str, tuple[Unapplied, ...]]:
        """The fields that have changed since and stay as they are, by the id of the task."""
        inverses = {task.task_id: task.inverse for task in self.tasks if task.inverse is not None}
        return {task_id: inverse.kept for task_id, inverse in inverses.items() if inverse.kept}

    def _is_skipped(self, task: TaskUndo) -> bool:
        """Whether nothing is written for a task, which is one of several and as before already."""
        return self.is_of_many and task.possible is not None and task.possible.intent.is_met

    @property
    def note(self) -> str | None:
        """The notes on all tasks together, without duplicates."""
        of_tasks = (task.possible.note for task in self.tasks if task.possible and task.possible.note)
        lacking = dict.fromkeys(name for inverse in self.inverses for name in inverse.not_restored)
        made = "a new task" if sum(bool(inverse.not_restored) for inverse in self.inverses) == 1 else "new tasks"
        again = f"Undo makes {made}; not restored: {', '.join(lacking)}." if lacking else None
        return join_notes(*dict.fromkeys((*self.general, *of_tasks)), self.held, again)
