"""The bulk update: `PUT /task/`, every match at once, and no word of what matched (§2.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import task_types, validation, writes
from taskhand.sandbox.close.edits import edited
from taskhand.sandbox.close.errors import RefusedError, invalid
from taskhand.sandbox.close.filters import arranged, matching

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import Desk
    from taskhand.sandbox.close.task import Task

EXCLUDED = "This field cannot be updated in bulk."  # §2.7 [?]: no words are known


def update_tasks(desk: Desk) -> dict[str, Any]:
    """Change all tasks that the filters hold: `{"ok": true}`, also for none (§2.7 [D]).

    Without a filter that is every task of the default type (§2.7.1).
    """
    validation.check_update(desk.body, desk, validation.IN_BULK | validation.BULK_EXTRAS)
    body = _allowed(desk)
    default_type = "all" if desk.reading.bulk_types == "all" else task_types.LEAD
    found = arranged(matching(desk.store.tasks.values(), desk, default_type), desk)
    if len(found) >= desk.reading.bulk_limit:  # §1.4, §2.7.5 [S]: compared with >=
        sentence = f"It's not allowed to update more than {desk.reading.bulk_limit} objects at once"
        raise RefusedError(400, {"errors": [sentence]})
    _change(found, body, desk)
    return {"ok": True}


def _allowed(desk: Desk) -> dict[str, Any]:
    extras = [name for name in desk.body if name in validation.BULK_EXTRAS]
    if extras and desk.reading.bulk_extras == "rejected":
        raise invalid(**dict.fromkeys(extras, EXCLUDED))
    taken = validation.IN_BULK | (validation.BULK_EXTRAS if desk.reading.bulk_extras == "applied" else set())
    return {name: value for name, value in desk.body.items() if name in taken}


def _change(found: list[Task], body: dict[str, Any], desk: Desk) -> None:
    """Change one after the other; what fails midway leaves the earlier ones changed (§2.7.4 [S])."""
    stop = desk.reading.bulk_fails_after
    for count, task in enumerate(found):
        if stop and count == stop:
            raise RefusedError(400, {"errors": ["The update could not be completed."], "count": count})
        writes.change(desk, task, edited(task, body, desk))
