"""The answer of list_changes: a row for each call, with the difference where the row is about one task; pure."""

from collections import Counter
from datetime import UTC
from typing import Any

from pydantic import MISSING

from taskhand.domain.receipt import changes, preview
from taskhand.domain.text import truncate
from taskhand.journal.journal import Change, ChangePage, Intent, Result
from taskhand.server.render.answer import Answer, UntrustedAnswer
from taskhand.server.render.matches import MatchRow
from taskhand.server.render.writes import changed_fields

__all__ = ["ChangesAnswer"]

_TITLE, _REASON = 60, 200


class ChangeRow(Answer):
    """One call."""

    change_id: str
    at: str
    tool: str
    by: str | None
    outcome: str
    task_id: str | MISSING = MISSING
    title: str | MISSING = MISSING
    does: str | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING
    totals: dict[str, int] | MISSING = MISSING
    code: str | MISSING = MISSING
    reason: str | MISSING = MISSING
    undoes: str | MISSING = MISSING
    plan_id: str | MISSING = MISSING


class ChangesAnswer(UntrustedAnswer):
    """A page of the journal."""

    free_text = ("changes.by", "changes.title", "changes.changed", "changes.reason")

    changes: tuple[ChangeRow, ...]
    matched: tuple[MatchRow, ...] | MISSING = MISSING
    next_cursor: str | MISSING = MISSING

    @classmethod
    def of(cls, page: ChangePage, task_id: str | None) -> "ChangesAnswer":
        """The answer for a page; a row of a bulk change shows the task that was asked for."""
        rows = tuple(_row(change, task_id) for change in page.changes)
        return cls(changes=rows, next_cursor=page.cursor or MISSING)


def _row(change: Change, task_id: str | None) -> ChangeRow:
    index = _intent_index(change, task_id)
    opening = change.opening
    facts: dict[str, Any] = {
        "task_id": _task_id(change, index),
        "title": _title(change, index),
        "does": _does(change, index),
        "changed": _changed(change, index),
        "totals": _totals(change),
        "code": change.ending.code if change.ending else None,
        "reason": truncate(opening.reason, _REASON) if opening.reason else None,
        "undoes": opening.undoes,
        "plan_id": opening.plan_id,
    }
    return ChangeRow(
        change_id=change.id,
        at=opening.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        tool=opening.tool,
        by=opening.caller.name,
        outcome=change.outcome,
        **{name: value for name, value in facts.items() if value},
    )


def _intent_index(change: Change, task_id: str | None) -> int | None:
    """The index of the intent that the row is about: the only one, or that of the task asked for."""
    if len(change.intents) == 1:
        return 0
    ids = {index: _task_id(change, index) for index in range(len(change.intents))}
    return next((index for index, one in ids.items() if one == task_id), None) if task_id else None


def _task_id(change: Change, index: int | None) -> str | None:
    if index is None:
        named = change.opening.arguments.get("id")
        return named if isinstance(named, str) and not change.intents else None
    result = change.results.get(index)
    return change.intents[index].task_id or (result.task_id if result else None)


def _title(change: Change, index: int | None) -> str | None:
    if index is None:
        return None
    intent, result = change.intents[index], change.results.get(index)
    task = (result.after if result else None) or (intent.before.task if intent.before else None)
    named = task.title if task else intent.edit.title if intent.edit and isinstance(intent.edit.title, str) else None
    return truncate(named, _TITLE) if named else None


def _does(change: Change, index: int | None) -> str | None:
    verb = change.intents[index].verb if index is not None else "update"
    return None if verb == "update" else verb


def _changed(change: Change, index: int | None) -> dict[str, Any] | None:
    """The difference that was made; for a plan and an unknown outcome, the difference that was intended."""
    if index is None:
        return None
    return changed_fields(_difference(change.intents[index], change.results.get(index), change.outcome)) or None


def _difference(intent: Intent, result: Result | None, outcome: str) -> Any:
    before = intent.before.task if intent.before else None
    if result is not None and result.after is not None:
        return changes(before, result.after)
    if intent.edit is not None and outcome in {"planned", "open", "unknown"}:
        return changes(before, preview(before, intent.edit))
    return ()


def _totals(change: Change) -> dict[str, int] | None:
    if len(change.intents) + len(change.results) <= 2 and len(change.intents) < 2:  # noqa: PLR2004  one of each
        return None
    if change.outcome == "planned":
        return {"planned": len(change.intents)}
    return dict(Counter(result.outcome for result in change.results.values()))
