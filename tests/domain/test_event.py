"""The kind of a change, and the event of a difference."""

from datetime import UTC, datetime

import pytest

from taskhand.domain.event import EventKind, TaskEvent, difference_event, kind_of_change
from taskhand.domain.task import Responsible, Status, Task

_OPEN, _DONE = (Status(id=kind, name=kind, color=None, type=kind, order=0) for kind in ("initial", "done"))
_TASK = Task(
    id="t1",
    title="Call Ana",
    description=None,
    due_timezone=None,
    due_at=None,
    is_all_day=False,
    created_at=None,
    ai_contact_id=None,
    ai_customer_id=None,
    task_status_config_id=None,
    priority=1,
    creator_id=None,
    task_responsibles=(Responsible(responsible_id="p1"),),
    status_config=_OPEN,
)


def _with(**fields: object) -> Task:
    return _TASK.model_copy(update=fields)


_OTHERS = (Responsible(responsible_id="p2"),)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, _TASK, "created"),
        (_TASK, None, "deleted"),
        (_TASK, _with(status_config=_DONE), "completed"),
        (_with(status_config=_DONE), _TASK, "reopened"),
        (_TASK, _with(task_responsibles=_OTHERS), "reassigned"),
        (_TASK, _with(task_responsibles=_OTHERS, status_config=_DONE), "completed"),
        (_TASK, _with(title="Call Eva"), "updated"),
        (_TASK, _with(task_responsibles=None), "updated"),
    ],
)
def test_an_event_has_the_most_specific_kind(before: Task | None, after: Task | None, kind: EventKind) -> None:
    assert kind_of_change(before, after) == kind


def test_a_new_task_is_reported_with_all_fields_that_are_not_empty() -> None:
    event = difference_event(None, _TASK, "k")
    assert event is not None
    assert [(one.field, one.after) for one in event.changed] == [
        ("priority", 1),
        ("responsibles", ("p1",)),
        ("status", "initial"),
    ]
    assert difference_event(_TASK, None, "k").changed == ()  # type: ignore[union-attr]  # it is told


def test_an_event_has_the_changed_fields_and_both_former_and_new_responsibles() -> None:
    looks = (datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC))
    event = difference_event(_TASK, _with(title="Call Eva", task_responsibles=_OTHERS), "k", between=looks)
    assert event is not None
    assert [(one.field, one.before, one.after) for one in event.changed] == [
        ("title", "Call Ana", "Call Eva"),
        ("responsibles", ("p1",), ("p2",)),
    ]
    assert (event.responsible_ids, event.title, event.moment) == (("p1", "p2"), "Call Eva", looks[1])


def test_equal_tasks_give_no_event() -> None:
    assert difference_event(_TASK, _TASK, "k") is None
    assert difference_event(None, None, "k") is None


def test_a_task_that_is_gone_keeps_its_title() -> None:
    gone = difference_event(_TASK, None, "k")
    assert gone == TaskEvent("k", "t1", "deleted", title="Call Ana", responsible_ids=("p1",))
