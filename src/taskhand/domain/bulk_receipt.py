"""The result of a bulk change, task by task; pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from taskhand.domain.errors import TaskhandError
from taskhand.domain.name_matching import Match
from taskhand.domain.outcome import Outcome
from taskhand.domain.receipt import FieldChange, links_in, people_in_difference, people_unapplied
from taskhand.domain.unapplied_fields import Unapplied

__all__ = ["BulkReceipt", "SkippedTasks", "TaskResult", "same_for_others", "whole_message"]

_CANDIDATES = 3
"""Maximum number of candidates in a message."""

_AFTER_LINKING = frozenset({"link_required", "link_broken"})
"""Error codes after which the same change may be sent again once the person has linked."""
_WORTH_RETRYING = _AFTER_LINKING | {"rate_limited", "upstream_error", "conflict", "not_attempted", "store_busy"}
"""The same for results in journals of earlier versions, which have only the code of the error."""


def whole_message(error: TaskhandError) -> str:
    """The whole error as a message: one outcome of many has no candidates and no next step of its own."""
    some = [
        f"{candidate.name} ({candidate.value})" if candidate.name else candidate.value
        for candidate in error.candidates[:_CANDIDATES]
    ]
    candidates = f"Candidates: {', '.join(some)}." if some else None
    return " ".join(filter(None, (error.message, candidates, error.next_step)))


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The result of a bulk change for one task; the `id` of a task that was not created is empty.

    `code` and `message` say why the task was not written, or add a remark about how it was. `title` is None if the
    task was not read. `changed` is the difference that was made to an existing task. `is_passing` is whether the reason
    of a refusal may pass; None if it is not known.
    """

    id: str
    outcome: Outcome
    code: str | None = None
    message: str | None = None
    unapplied: tuple[Unapplied, ...] = ()
    title: str | None = None
    changed: tuple[FieldChange, ...] = ()
    is_passing: bool | None = None

    @classmethod
    def of_error(cls, task_id: str, outcome: Outcome, error: TaskhandError, title: str | None = None) -> "TaskResult":
        """The result of a task whose change ended in `error`; `retryIds` are the next step after one that passes."""
        is_passing = error.retryable or error.code in _AFTER_LINKING
        message = error.message if is_passing and not error.candidates else whole_message(error)
        return cls(task_id, outcome, error.code, message, title=title, is_passing=is_passing)

    @property
    def may_be_retried(self) -> bool:
        """Whether the same change may be sent again for this task, since nothing was written."""
        is_passing = self.code in _WORTH_RETRYING if self.is_passing is None else self.is_passing
        return self.outcome == "not_attempted" or (self.outcome == "refused" and is_passing)


@dataclass(frozen=True, slots=True)
class SkippedTasks:
    """Tasks of a bulk change that need no request: `unchanged` already match, `refused` have an error, by id.

    `others` are results without a task id, or remarks. `titles` are those of the tasks that were read.
    """

    unchanged: tuple[str, ...] = ()
    refused: Mapping[str, TaskhandError] = field(default_factory=dict)
    others: tuple[TaskResult, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)

    def results(self) -> tuple[TaskResult, ...]:
        """The results of these tasks."""
        titles = self.titles
        unchanged = (TaskResult(task_id, "unchanged", title=titles.get(task_id)) for task_id in self.unchanged)
        refused = (
            TaskResult.of_error(task_id, "refused", error, titles.get(task_id))
            for task_id, error in self.refused.items()
        )
        return (*unchanged, *refused, *self.others)


@dataclass(frozen=True, slots=True)
class BulkReceipt:
    """The answer to a bulk change: one result for each task, in the order given.

    `apply_plan` takes `plan_id` to continue with the remaining tasks; it is None if no task remains.
    `is_out_of_time` is whether tasks remain because the call's time ran out.
    """

    results: tuple[TaskResult, ...]
    matched: tuple[Match, ...] = ()
    note: str | None = None
    change_id: str | None = None
    plan_id: str | None = None
    is_out_of_time: bool = False
    replayed: bool = False

    @property
    def totals(self) -> dict[str, int]:
        """The number of tasks by outcome."""
        return dict(Counter(result.outcome for result in self.results))

    @property
    def unapplied(self) -> tuple[Unapplied, ...]:
        """The fields that were not applied, each with its task."""
        return tuple(replace(miss, task_id=result.id or None) for result in self.results for miss in result.unapplied)

    @property
    def people(self) -> frozenset[str]:
        """The ids of all people in the receipt."""
        missed = people_unapplied(miss for result in self.results for miss in result.unapplied)
        return people_in_difference((*missed, *(change for result in self.results for change in result.changed)))

    @property
    def links(self) -> frozenset[tuple[str, str]]:
        """The links in the receipt, each as its field and id."""
        return links_in(change for result in self.results for change in result.changed)

    @property
    def retry_ids(self) -> tuple[str, ...]:
        """The ids of the tasks for which the same change may be sent again; a task that was not created has none."""
        return tuple(result.id for result in self.results if result.may_be_retried and result.id)


def same_for_others(count: int) -> str:
    """The sentence after the message of the first of `count` tasks that have the same fault."""
    others = count - 1
    return f"The same for the other {'one' if others == 1 else others}."
