"""A task of which some fields have another form than the CRM documents."""

from operator import itemgetter
from typing import Any

import pytest

from builders import task
from taskhand.domain.due import due_of
from taskhand.domain.task import Task
from taskhand.domain.unreadable_fields import ODD, task_from, unreadable_task, with_unreadable

VALUES: dict[str, Any] = {name: getattr(task(), name) for name in task().model_fields_set}


OF_EDIT = ("due_at", "due_timezone", "is_all_day", "status_config", "task_status_config_id", "task_responsibles")


def raising(error: type[Exception]) -> Any:
    raise error


@pytest.mark.parametrize("error", ODD)
def test_a_field_in_an_odd_form_is_null_and_named_and_the_others_stay(error: type[Exception]) -> None:
    read = task_from("1", error, {"title": lambda _: "Call", "priority": raising})
    assert (read.title, read.priority, read.unreadable) == ("Call", None, ("priority",))


@pytest.mark.parametrize(
    ("name", "shown"), [("due", "due_at"), ("status", "status_config"), ("responsible_ids", "task_responsibles")]
)
def test_a_value_of_an_edit_sets_all_fields_that_show_it(name: str, shown: str) -> None:
    known = task(task_responsibles=[{"responsible_id": "ana"}])
    whole = {"due": due_of(known), "status": known.status_config, "responsible_ids": known.responsible_ids}
    readers: dict[str, Any] = {one: itemgetter(one) for one in whole}
    others = {one: value for one, value in VALUES.items() if one not in OF_EDIT}
    assert task_from(known.id, whole, readers, others) == known
    odd = task_from(known.id, whole, readers | {name: lambda _: raising(KeyError)}, others)
    assert odd.unreadable == (shown,)
    assert getattr(odd, shown) is None


def test_a_value_of_another_type_is_unreadable_and_one_that_nobody_thought_of_is_a_bug() -> None:
    read = task_from(task().id, None, {}, VALUES | {"title": 7, "due_at": ["x"]})
    assert (read.title, read.due_at, read.unreadable) == (None, None, ("due_at", "title"))
    assert task_from(task().id, None, {}, VALUES) == task()
    with pytest.raises(KeyboardInterrupt):
        task_from("1", None, {"title": lambda _: raising(KeyboardInterrupt)})  # type: ignore[arg-type]


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
