"""A task of which some fields have another form than the CRM documents."""

from typing import Any

import pytest

from builders import task
from taskhand.domain.field_reader import ODD, FieldReader, unreadable_task, with_unreadable
from taskhand.domain.task import Task

VALUES: dict[str, Any] = {name: getattr(task(), name) for name in task().model_fields_set}


def raising(error: type[Exception]) -> Any:
    raise error


@pytest.mark.parametrize("error", ODD)
def test_a_field_in_an_odd_form_is_null_and_named_and_the_others_stay(error: type[Exception]) -> None:
    fields = FieldReader()
    assert fields.read("title", lambda: "Call") == "Call"
    assert fields.read("priority", lambda: raising(error)) is None
    read = fields.task(**VALUES | {"priority": 2})
    assert read == task(priority=None, unreadable=("priority",))


def test_a_value_of_another_type_is_unreadable_and_one_that_nobody_thought_of_is_a_bug() -> None:
    fields = FieldReader()
    read = fields.task(**VALUES | {"title": 7, "due_at": ["x"]})
    assert (read.title, read.due_at, read.unreadable) == (None, None, ("due_at", "title"))
    assert FieldReader().task(**VALUES) == task()
    with pytest.raises(KeyboardInterrupt):
        FieldReader().read("title", lambda: raising(KeyboardInterrupt))  # type: ignore[arg-type]


def test_an_unreadable_task_keeps_its_id() -> None:
    lost = unreadable_task("t-1")
    assert (lost.id, lost.title, lost.priority, lost.task_responsibles) == ("t-1", None, None, None)
    optional = {
        "url",
        "task_type",
        "deal_id",
        "also_linked",
        "resolution",
        "properties",
        "note",
        "note_id",
        "unreadable",
    }
    shown = {"id", "is_all_day", "due_timezone"}
    assert set(lost.unreadable_fields) == Task.model_fields.keys() - optional - shown


def test_a_further_unreadable_field_is_added() -> None:
    hidden = with_unreadable(task(unreadable=("title",)), "due_at")
    assert (hidden.due_at, hidden.unreadable_fields) == (None, ("title", "due_at"))
    assert with_unreadable(task(), "priority").priority is None
