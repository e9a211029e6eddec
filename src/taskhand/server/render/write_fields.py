"""The fields of the answers of tools that write, as typed models."""

from typing import Any, ClassVar

from pydantic import MISSING

from taskhand.domain.task import Task
from taskhand.server.render.answer import Answer, UntrustedAnswer
from taskhand.server.render.resolved_names import MatchRow
from taskhand.server.render.task_rows import Row

__all__ = ["DeletedTask", "DifferenceRow", "ManyAnswer", "OutcomeRow", "TaskRow", "UnappliedRow", "WriteAnswer"]


class UnappliedRow(Answer):
    """A field that was requested and not applied."""

    field: str
    asked: Any
    got: Any
    was: Any | MISSING = MISSING
    id: str | MISSING = MISSING


class DeletedTask(Answer):
    """A deleted task."""

    id: str
    title: str


class DifferenceRow(Answer):
    """The change that a plan makes to one task."""

    id: str | None
    title: str
    does: str
    due: str | MISSING = MISSING
    responsibles: tuple[str, ...] | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING


class TaskRow(Answer):
    """The change of one task of many; without an outcome it was applied."""

    id: str | MISSING = MISSING
    title: str | MISSING = MISSING
    outcome: str | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING
    unapplied: tuple[UnappliedRow, ...] | MISSING = MISSING
    code: str | MISSING = MISSING
    message: str | MISSING = MISSING


class OutcomeRow(Answer):
    """The tasks of a bulk change with the same outcome for the same reason."""

    outcome: str
    count: int
    ids: tuple[str, ...] | MISSING = MISSING
    code: str | MISSING = MISSING
    message: str | MISSING = MISSING


class WriteAnswer(UntrustedAnswer):
    """The change of one task (`task`), or its plan (`planId`); `connection` if there are several."""

    free_text = (
        "task",
        "deleted",
        "changed",
        "unapplied",
        "already",
        "difference",
        "tasks",
        "matched.name",
        "outcomes.message",
    )

    listed: ClassVar[tuple[str, ...]] = ("task", "changed", "changeId", "planId")

    connection: str | MISSING = MISSING
    task: Row | Task | MISSING = MISSING
    deleted: DeletedTask | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING
    unapplied: tuple[UnappliedRow, ...] | MISSING = MISSING
    already: dict[str, Any] | MISSING = MISSING
    matched: tuple[MatchRow, ...] | MISSING = MISSING
    change_id: str | MISSING = MISSING
    plan_id: str | MISSING = MISSING
    count: int | MISSING = MISSING
    difference: tuple[DifferenceRow, ...] | MISSING = MISSING
    expires_at: str | MISSING = MISSING
    replayed: bool | MISSING = MISSING
    note: str | MISSING = MISSING


class ManyAnswer(WriteAnswer):
    """The change of one or many tasks (`totals`), or its plan."""

    listed: ClassVar[tuple[str, ...]] = ("totals", "tasks", "changeId", "planId")

    totals: dict[str, int] | MISSING = MISSING
    tasks: tuple[TaskRow, ...] | MISSING = MISSING
    outcomes: tuple[OutcomeRow, ...] | MISSING = MISSING
    retry_ids: tuple[str, ...] | MISSING = MISSING
