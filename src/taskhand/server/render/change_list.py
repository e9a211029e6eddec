"""The answers of list_changes: a row for each call, or a page of the tasks of one change; pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import MISSING

from taskhand.domain.receipt import FieldChange, changes, people_in_difference, preview
from taskhand.domain.truncation import truncate
from taskhand.server.render.answer import Answer, UntrustedAnswer
from taskhand.server.render.differences import render_changed
from taskhand.server.render.resolved_names import MatchRow

if TYPE_CHECKING:
    from taskhand.domain.wording import Wording
    from taskhand.journal.journal import Change, ChangePage, Intent, Result

__all__ = ["ChangesAnswer", "change_row", "note_on_cut", "people_in_row", "people_in_tasks", "task_indexes"]

_TITLE, _REASON, _MESSAGE = 60, 200, 200
_FEW = 3
"""Number of tasks that the row of a bulk change names."""
_FIRST_NAMED = "A row names the first 3 tasks of a larger change; list_changes with its changeId has them all."


class TaskName(Answer):
    """A task of a bulk change."""

    id: str
    title: str | MISSING = MISSING


class ChangedTask(TaskName):
    """The effect of a change on one of its tasks; `does` is absent for an update."""

    outcome: str
    does: str | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING
    code: str | MISSING = MISSING
    message: str | MISSING = MISSING


class ChangeRow(Answer):
    """One call; `changeId` is absent for a plan, `does` for an update.

    `by` is the client, `person` the person for whom it acts, and `connection` the CRM account if there are several.
    """

    change_id: str | MISSING = MISSING
    plan_id: str | MISSING = MISSING
    at: str
    tool: str
    by: str | None
    person: str | MISSING = MISSING
    connection: str | MISSING = MISSING
    outcome: str
    task_id: str | MISSING = MISSING
    title: str | MISSING = MISSING
    does: str | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING
    totals: dict[str, int] | MISSING = MISSING
    tasks: tuple[TaskName, ...] | MISSING = MISSING
    code: str | MISSING = MISSING
    reason: str | MISSING = MISSING
    undoes: str | MISSING = MISSING


class ChangesAnswer(UntrustedAnswer):
    """A page of the journal, or the `tasks` of the one change in the query."""

    free_text: ClassVar[tuple[str, ...]] = (
        *("changes.by", "changes.title", "changes.changed", "changes.reason", "changes.tasks.title"),
        *("tasks.title", "tasks.changed"),
    )
    listed: ClassVar[tuple[str, ...]] = ("changes", "tasks", "nextCursor")

    changes: tuple[ChangeRow, ...]
    tasks: tuple[ChangedTask, ...] | MISSING = MISSING
    matched: tuple[MatchRow, ...] | MISSING = MISSING
    next_cursor: str | MISSING = MISSING
    note: str | MISSING = MISSING

    @classmethod
    def of(cls, page: "ChangePage", shown: int, task_id: str | None, wording: "Wording") -> "ChangesAnswer":
        """The answer with the first changes of a page; a row of a bulk change shows the task in the query."""
        rows = tuple(change_row(change, task_id, wording) for change in page.changes[:shown])
        return cls(
            changes=rows,
            next_cursor=page.cursor_after(shown) or MISSING,
            note=note_on_cut(rows, page.changes) or MISSING,
        )

    @classmethod
    def of_tasks(
        cls, change: "Change", indexes: Sequence[int], wording: "Wording", *, cursor: str | None, note: str | None
    ) -> "ChangesAnswer":
        """The answer for some tasks of one change."""
        row = change_row(change, None, wording).model_copy(
            update=dict.fromkeys(("task_id", "title", "does", "changed"), MISSING)
        )
        return cls(
            changes=(row.model_copy(update={"tasks": MISSING}),),
            tasks=tuple(_changed_task(change, index, wording) for index in indexes),
            next_cursor=cursor or MISSING,
            note=note or MISSING,
        )


def note_on_cut(rows: Sequence[ChangeRow], changes: Iterable["Change"]) -> str | None:
    """The note on rows that do not name all tasks of their `changes`, of which there may be more."""
    pairs = zip(rows, changes, strict=False)
    is_cut = any(row.tasks is not MISSING and len(change.intents) > len(row.tasks) for row, change in pairs)
    return _FIRST_NAMED if is_cut else None


def task_indexes(change: "Change", task_id: str | None, outcome: str | None) -> list[int]:
    """The indexes of the tasks of a change, filtered by id and outcome."""
    return [
        index
        for index in change.indexes
        if (task_id is None or task_id == change.task_id(index))
        and (outcome is None or outcome == _outcome(change, index))
    ]


def people_in_row(change: "Change", task_id: str | None) -> frozenset[str]:
    """The ids of the people in the row of a change."""
    return people_in_difference(_difference(change, _index(change, task_id)))


def people_in_tasks(change: "Change", indexes: Sequence[int]) -> frozenset[str]:
    """The ids of the people in the rows of some tasks of a change."""
    return people_in_difference(field_change for index in indexes for field_change in _difference(change, index))


def change_row(change: "Change", task_id: str | None, wording: "Wording") -> ChangeRow:
    """The row of a call; for a bulk change with the task in the query, and the outcome of that task."""
    index = _index(change, task_id)
    result = None if index is None or task_id is None else change.results.get(index)
    opening, is_plan = change.opening, change.outcome == "planned"
    several = index is None and len(change.intents) > 1
    facts: dict[str, Any] = {
        "person": opening.caller.person,
        "connection": opening.connection,
        "change_id": None if is_plan else change.id,
        "plan_id": change.id if is_plan else opening.plan_id,
        "task_id": _task_id(change, index),
        "title": _title_of_task(change, index),
        "does": _common_verb(change, index),
        "changed": render_changed(_difference(change, index), wording),
        "totals": _totals(change),
        "tasks": tuple(_task_name(change, n) for n in range(len(change.intents))[:_FEW]) if several else None,
        "code": result.code if result else change.ending.code if change.ending else None,
        "reason": truncate(opening.reason, _REASON) if opening.reason else None,
        "undoes": opening.undoes,
    }
    return ChangeRow(
        at=wording.moment(opening.at) or "",
        tool=opening.tool,
        by=opening.caller.name,
        outcome=result.outcome if result else change.outcome,
        **{name: value for name, value in facts.items() if value},
    )


def _task_name(change: "Change", index: int) -> TaskName:
    return TaskName(id=change.task_id(index) or "", title=_title_of_task(change, index) or MISSING)


def _changed_task(change: "Change", index: int, wording: "Wording") -> ChangedTask:
    result = change.results.get(index)
    facts: dict[str, Any] = {
        "title": _title_of_task(change, index),
        "does": _common_verb(change, index),
        "changed": render_changed(_difference(change, index), wording),
        "code": result.code if result else None,
        "message": truncate(result.note, _MESSAGE) if result and result.note else None,
    }
    return ChangedTask(
        id=change.task_id(index) or "",
        outcome=_outcome(change, index),
        **{name: value for name, value in facts.items() if value},
    )


def _index(change: "Change", task_id: str | None) -> int | None:
    """The index of the task that the row shows: the one in the query, or the only one."""
    asked = task_indexes(change, task_id, None) if task_id else []
    if asked:
        return asked[0]
    return 0 if len(change.intents) == 1 else None


def _parts(change: "Change", index: int | None) -> "tuple[Intent | None, Result | None]":
    """The intent and the result at an index; a skipped task has no intent."""
    return (None, None) if index is None else change.parts(index)


def _outcome(change: "Change", index: int) -> str:
    """The outcome of a task; without a result it is that of the change, which is planned or not settled."""
    result = change.results.get(index)
    return result.outcome if result else change.outcome


def _task_id(change: "Change", index: int | None) -> str | None:
    if index is None:
        named = change.opening.arguments.get("id")
        return named if isinstance(named, str) and not change.intents else None
    return change.task_id(index)


def _title_of_task(change: "Change", index: int | None) -> str | None:
    title = None if index is None else change.title(index)
    return truncate(title, _TITLE) if title else None


def _common_verb(change: "Change", index: int | None) -> str | None:
    """The verb of a task, or that of all of them; None for an update."""
    intent, _ = _parts(change, index)
    verbs = {intent.verb} if intent else {intent.verb for intent in change.intents} if index is None else set()
    return next(iter(verbs)) if len(verbs) == 1 and "update" not in verbs else None


def _difference(change: "Change", index: int | None) -> Sequence[FieldChange]:
    """The applied difference; for a plan and an unknown outcome, the intended difference."""
    intent, result = _parts(change, index)
    if intent is None or index is None:
        return ()
    if result is not None and result.after is not None:
        return changes(intent.task_before, result.after)
    if intent.edit is not None and _outcome(change, index) in {"planned", "open", "unknown"}:
        return changes(intent.task_before, preview(intent.task_before, intent.edit))
    return ()


def _totals(change: "Change") -> dict[str, int] | None:
    if len(change.intents) + len(change.results) <= 2 and len(change.intents) < 2:  # noqa: PLR2004  one of each
        return None
    return dict(Counter(_outcome(change, index) for index in task_indexes(change, None, None)))
