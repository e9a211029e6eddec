"""The differences that a plan shows, and the changes since it was made."""

from datetime import date
from typing import Any

import pytest

from builders import ANA, BEN, DONE, JUAN, TASK_ID, on_people, task
from fixed_clock import NOW
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.plan import Difference, Plan, Verb, difference, difference_between
from taskhand.domain.receipt import FieldChange, changes
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.unapplied_fields import Unapplied

DAY = Due(date(2026, 3, 1))
BEFORE = task(due_at=DAY.due_at, is_all_day=True, task_responsibles=on_people(ANA.id))


@pytest.mark.parametrize(
    ("does", "before", "edit", "shown"),
    [
        (
            "create",
            None,
            Edit(title="New", priority=0),
            Difference(None, "New", "create", (FieldChange("title", None, "New"), FieldChange("priority", None, 0))),
        ),
        (
            "update",
            BEFORE,
            Edit(title="New", priority=1, due=None),
            Difference(
                TASK_ID,
                "Call back",
                "update",
                (FieldChange("title", "Call back", "New"), FieldChange("due", DAY, None)),
            ),
        ),
        ("update", BEFORE, None, Difference(TASK_ID, "Call back", "update")),
        ("delete", BEFORE, None, Difference(TASK_ID, "Call back", "delete", (), DAY, (ANA.id,))),
        ("delete", task(title=None), None, Difference(TASK_ID, "", "delete")),
    ],
)
def test_a_difference_has_the_changed_fields_and_distinguishes_tasks_to_delete(
    does: Verb, before: Task | None, edit: Edit | None, shown: Difference
) -> None:
    assert difference(does, before, edit) == shown


MOVED = {"priority": 2, "task_responsibles": on_people(BEN.id), "title": "Theirs"}


@pytest.mark.parametrize(
    ("now", "of", "fields"),
    [
        ({}, None, None),
        ({"note": "called"}, None, None),
        (MOVED, None, ["title", "priority", "responsibles"]),
        (MOVED, Edit(priority=0), ["priority"]),
        (MOVED, Edit(responsible_ids=()), ["responsibles"]),
        (MOVED, Edit(due=None), None),
    ],
)
def test_changes_by_others_conflict_only_in_the_fields_of_the_edit(
    now: dict[str, Any], of: Edit | None, fields: list[str] | None
) -> None:
    moved = difference_between(BEFORE, BEFORE.model_copy(update=now), of=of)
    if fields is None:
        assert moved is None
    else:
        assert moved is not None
        assert (moved.id, moved.title, moved.does) == (TASK_ID, "Theirs", "update")
        assert [one.field for one in moved.changed] == fields
        assert set(moved.changed) <= set(changes(BEFORE, BEFORE.model_copy(update=now)))


def test_a_task_that_is_gone_counts_as_deleted() -> None:
    assert difference_between(BEFORE, None, of=Edit(priority=0)) == Difference(TASK_ID, "Call back", "delete")


def test_a_plan_names_everybody_and_every_link_in_it() -> None:
    moved = difference("update", BEFORE, Edit(responsible_ids=(BEN.id,), ai_contact_id="c", deal_id="d"))
    deleted = difference("delete", task(task_responsibles=on_people("x")), None)
    missed = Unapplied("responsibleIds", (JUAN.id,), (), ("y",))
    plan = Plan("p", "bulk_update_tasks", (moved, deleted), NOW, unapplied=(missed,))
    assert plan.people == {ANA.id, BEN.id, "x", JUAN.id, "y"}
    assert plan.links == {("ai_contact_id", "c"), ("deal_id", "d")}
    finished = difference("update", BEFORE, Edit(status=StatusChoice.of(DONE)))
    assert Plan("p", "complete_task", (finished,), NOW).people == frozenset()
