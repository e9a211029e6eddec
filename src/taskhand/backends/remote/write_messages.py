"""The notes and errors about writes whose response was lost, with the same text for every CRM."""

from collections.abc import Iterable
from dataclasses import dataclass

from taskhand.domain.errors import (
    CallerError,
    Candidate,
    NotFound,
    OutcomeUnknown,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.http.errors import UnnamedValues

__all__ = ["Messages"]


@dataclass(frozen=True, slots=True)
class Messages:
    """The notes and errors of one CRM; `name` is its name in sentences, `noun` the name of what is written.

    `searches_lag` is whether a search for a new task may not find it yet, although nothing is cached.
    """

    name: str
    searches_lag: bool = False
    noun: str = "task"

    @property
    def applied(self) -> str:
        """The note of an update that was read back after its response was lost."""
        return f"{self.name} did not confirm the write; reading the task back shows it applied."

    @property
    def sent_again(self) -> str:
        """The note of a write whose first request was not applied and whose second was confirmed."""
        return f"{self.name} did not confirm the first request, and a read did not show it applied; it was sent again."

    @property
    def found(self) -> str:
        """The note of a create whose task was found after the response was lost."""
        return f"{self.name} did not confirm the new {self.noun}; it was found afterwards."

    @property
    def accepted(self) -> str:
        """The note of a confirmed write that could not be read back."""
        return f"{self.name} accepted the write; the task could not be read back, so this relies on that confirmation."

    @property
    def removed(self) -> str:
        """The note of a deletion whose response was lost."""
        return f"{self.name} did not confirm the deletion, and does not find the task any more."

    def no_task(self, task_id: str, why: str | None = None) -> NotFound:
        """The error for a task that does not exist; `why` is the message if it may exist but cannot be seen."""
        return NotFound(
            why or f"There is no task {task_id[:200]} in {self.name}.",
            code="task_not_found",
            next_step="Call list_tasks to find the task's id.",
        )

    def refused_deletion(self, task_id: str, refused: TaskhandError) -> TaskhandError:
        """The error for a task that exists after its deletion was refused; it names the task if `refused` does not."""
        this, look = f"{self.noun} {task_id[:200]}", f"Look at the {self.noun} in {self.name}"
        if isinstance(refused, NotFound):
            return CallerError(
                f"{self.name} shows {this}, but refused to delete it as if it did not exist.",
                code="task_not_found",
                next_step=f"{look}: it was deleted just now, or this credential may not delete it.",
            )
        if not isinstance(refused.explanation, UnnamedValues):
            return refused
        return CallerError(f"{self.name} refused to delete {this}.", code=refused.code, next_step=f"{look}.")

    def failed_write(self, fault: UpstreamFailed) -> UpstreamFailed:
        """The error for a write that failed at the CRM, if a read back shows that it was not applied."""
        return UpstreamFailed(
            f"{fault.message.rstrip('.')}; reading the task back shows that the write was not applied.",
            code=fault.code,
            next_step="Send the same call again later." if fault.retryable else fault.next_step,
            retryable=fault.retryable,
            retry_after_s=fault.retry_after_s,
        )

    def not_applied(self) -> UpstreamError:
        """The error for a write that was sent twice and never confirmed, and that a read back shows not applied."""
        return UpstreamError(
            f"{self.name} did not confirm the write; reading the task back shows that it was not applied.",
            next_step="Send the same call again later.",
            retryable=True,
        )

    def unknown_write(self, next_step: str, candidates: Iterable[Candidate] = ()) -> OutcomeUnknown:
        """The error for a write that may have been applied."""
        return OutcomeUnknown(
            f"{self.name} did not confirm the write; it is unknown whether it was applied.",
            candidates=tuple(candidates),
            next_step=next_step,
        )

    def unknown_update(self, task_id: str) -> OutcomeUnknown:
        """The error for an update that may have been applied."""
        return self.unknown_write(f"Read task {task_id} with get_task, then decide.")

    def unknown_deletion(self, task_id: str) -> OutcomeUnknown:
        """The error for a deletion that may have been applied."""
        return self.unknown_write(
            f"{self.name} may still show a deleted task: wait a minute, then read task {task_id} with get_task."
        )

    def unknown_create(self, candidates: Iterable[Candidate] = ()) -> OutcomeUnknown:
        """The error for a create that may have made a task; `candidates` are the tasks that it may have made."""
        look = "search for the title with list_tasks; create the task again only if it is not listed."
        lag = f"{self.name}'s lists may be a minute behind: wait a minute, then {look}"
        return self.unknown_write(lag if self.searches_lag else look.capitalize(), candidates)
