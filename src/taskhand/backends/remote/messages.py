"""What is said when the outcome of a write had to be found out, or could not be; the same for every CRM."""

from collections.abc import Iterable
from dataclasses import dataclass

from taskhand.domain.errors import Candidate, OutcomeUnknown

__all__ = ["Doubt"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """The sentences for one CRM, by its name."""

    name: str

    @property
    def applied(self) -> str:
        """A change whose answer was lost and which is there."""
        return f"{self.name} did not confirm the write; reading the task back shows it applied."

    @property
    def sent_again(self) -> str:
        """A change whose answer was lost, which was not there, and whose second answer came."""
        return f"{self.name} did not confirm the first attempt, which was not seen applied; it was sent again."

    @property
    def found(self) -> str:
        """A new task whose answer was lost and which is there."""
        return f"{self.name} did not confirm the new task; it was found afterwards."

    @property
    def accepted(self) -> str:
        """A change that was confirmed and could not be read back."""
        return (
            f"{self.name} accepted the write; the task could not be read back, so this is as {self.name} confirmed it."
        )

    @property
    def removed(self) -> str:
        """A deletion whose answer was lost, of a task that is gone."""
        return f"{self.name} did not confirm the deletion; looking again shows that the task is gone."

    def unsettled(self, next_step: str, candidates: Iterable[Candidate] = ()) -> OutcomeUnknown:
        """The error for a write of which nobody can tell whether it was applied."""
        return OutcomeUnknown(
            f"{self.name} did not confirm the write, and it could not be found out whether it was applied.",
            candidates=tuple(candidates),
            next_step=next_step,
        )

    def of_task(self, task_id: str) -> OutcomeUnknown:
        """The same for a change or the deletion of one task: reading it tells."""
        return self.unsettled(f"Read task {task_id} with get_task, then decide.")
