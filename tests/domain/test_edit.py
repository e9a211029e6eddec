"""The parts of an edit, whether a task shows them, and whether a task is certainly unchanged after a lost answer."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from builders import ANA, BEN, DONE, on_people, task
from taskhand.domain.due import Due
from taskhand.domain.edit import (
    Edit,
    after_creation,
    current_value,
    edit_of,
    is_readable,
    is_untouched,
    known_properties,
    only_on_creation,
    properties_in,
    unreadable_fields,
    without,
)
from taskhand.domain.task import StatusChoice, Task

UNREADABLE = task(priority=None, unreadable=("priority",))


@pytest.mark.parametrize(
    ("now", "before", "edit", "untouched"),
    [
        (task(), task(), Edit(priority=2), True),
        (task(priority=0), task(), Edit(priority=2), False),
        (task(title="Theirs"), task(), Edit(priority=2), True),
        (task(priority=None), UNREADABLE, Edit(priority=2), False),
        (UNREADABLE, task(priority=None), Edit(priority=2), False),
        (task(), task(), Edit(priority=2, note="called"), False),
        (task(properties={"a": "1"}), task(properties={"a": "1"}), Edit(properties=(("a", "2"),)), True),
        (task(properties={"a": "2"}), task(properties={"a": "1"}), Edit(properties=(("a", "2"),)), False),
        (task(), task(), Edit(properties=(("a", "2"),)), False),
    ],
)
def test_a_task_is_untouched_where_each_field_of_the_edit_can_be_read_and_is_as_before(
    now: Task, before: Task, edit: Edit, *, untouched: bool
) -> None:
    assert is_untouched(now, before, edit) is untouched


NATIVE = {"hs_task_priority": "NONE"}
DAY = Due(date(2026, 3, 1))
TIMED = Due.instant(datetime(2026, 3, 1, 18, tzinfo=UTC), "America/Santiago")
FULL = Edit(
    title="New",
    due=DAY,
    status=StatusChoice.of(DONE),
    resolution="done",
    properties=(("a", "1"), ("b", None)),
    native=NATIVE,
)


def test_an_edit_lists_its_fields_and_each_property_separately() -> None:
    assert dict(FULL.given_fields()) == {
        "title": "New",
        "due": DAY,
        "status": StatusChoice.of(DONE),
        "resolution": "done",
        "properties.a": "1",
        "properties.b": None,
    }
    assert Edit().given_fields() == ()


def test_an_edit_can_be_rebuilt_from_its_fields_in_any_order() -> None:
    again = edit_of(reversed(FULL.given_fields()), NATIVE)
    assert (again, again.native) == (FULL, NATIVE)
    assert edit_of(()) == Edit()


def test_an_edit_without_some_fields_has_all_others_and_the_crms_own_values() -> None:
    rest = without(FULL, "title", "status", "resolution", "properties.a")
    assert (rest, rest.native) == (Edit(due=DAY, properties=(("b", None),)), NATIVE)
    assert without(FULL) == FULL
    assert without(FULL, "properties.a", "properties.b") == Edit(
        title="New", due=DAY, status=FULL.status, resolution="done"
    )


def test_the_part_of_an_edit_that_a_task_does_not_show_has_the_crms_own_values() -> None:
    rest = FULL.unmet_by(task(title="New", due_at=DAY.due_at, is_all_day=True))
    assert (rest, rest.native) == (without(FULL, "title", "due"), NATIVE)


def test_an_edit_splits_into_fields_for_the_creation_and_fields_after_it() -> None:
    first, second = only_on_creation(FULL), after_creation(FULL)
    assert first == Edit(title="New", due=DAY, properties=FULL.properties)
    assert second == Edit(status=FULL.status, resolution="done")
    assert (first.native, second.native) == (NATIVE, NATIVE)


def test_the_properties_of_edits_are_those_that_any_of_them_sets() -> None:
    assert properties_in(FULL, None, Edit(title="x"), Edit(properties=(("c", "1"),))) == {"a", "b", "c"}


def test_the_current_value_of_a_field_has_the_form_of_an_edits_value() -> None:
    now = task(
        due_at=TIMED.due_at,
        due_timezone=TIMED.zone,
        status_config=DONE,
        task_responsibles=on_people(BEN.id),
        properties={"a": "1"},
    )
    names = ("title", "due", "status", "responsible_ids", "priority", "properties.a", "properties.b")
    assert [current_value(now, name) for name in names] == ["Call back", TIMED, DONE, (BEN.id,), 1, "1", None]
    assert (known_properties(now), known_properties(task())) == ({"a": "1"}, {})


def test_fields_that_cannot_be_read_have_the_names_of_an_edit() -> None:
    hidden = task(unreadable=("due_at", "task_responsibles", "status_config", "title"), properties={"a": None})
    assert unreadable_fields(hidden) == {"due", "responsible_ids", "status", "title"}
    assert unreadable_fields(task()) == frozenset()
    names = ("due", "responsible_ids", "status", "title", "priority", "properties.a", "properties.b")
    assert [is_readable(hidden, name) for name in names] == [False, False, False, False, True, True, False]


@pytest.mark.parametrize(
    ("edit", "fields", "unmet"),
    [
        (Edit(priority=1), {"unreadable": ("priority",)}, Edit(priority=1)),
        (Edit(title="Call back", priority=1), {"unreadable": ("due_at",)}, Edit()),
        (Edit(resolution=None), {}, Edit()),
        (Edit(resolution=None), {"resolution": "won"}, Edit(resolution=None)),
        (Edit(resolution="won"), {"resolution": "won"}, Edit()),
        (Edit(resolution="won"), {}, Edit(resolution="won")),
        (Edit(properties=(("a", "1"), ("b", "2"))), {"properties": {"a": "1"}}, Edit(properties=(("b", "2"),))),
        (Edit(properties=(("a", None),)), {"properties": {"a": None}}, Edit()),
        (Edit(due=DAY), {"due_at": DAY.due_at, "is_all_day": True, "due_timezone": "UTC"}, Edit(due=DAY)),
        (Edit(responsible_ids=(ANA.id,)), {"task_responsibles": None}, Edit(responsible_ids=(ANA.id,))),
    ],
)
def test_fields_of_an_edit_that_a_task_does_not_show_are_unmet(edit: Edit, fields: dict[str, Any], unmet: Edit) -> None:
    assert edit.unmet_by(task(**fields)) == unmet


def test_a_written_due_date_may_have_any_zone_if_none_was_requested() -> None:
    shown = task(due_at=DAY.due_at, is_all_day=True, due_timezone="UTC")
    assert Edit(due=DAY).unmet_by(shown, written=True) == Edit()
    for due in (Due(date(2026, 3, 2)), Due.instant(datetime(2026, 3, 1, tzinfo=UTC), None)):
        assert Edit(due=due).unmet_by(shown, written=True) == Edit(due=due)
    assert Edit(due=DAY).unmet_by(task(), written=True) == Edit(due=DAY)
    zoned = Edit(due=Due(DAY.day, None, "America/Santiago"))
    assert zoned.unmet_by(shown, written=True) == zoned


def test_a_due_date_that_is_not_certain_is_unmet_and_nothing_else_is() -> None:
    edit = Edit(title="Call back", due=DAY)
    shown = task(due_at=DAY.due_at, is_all_day=True)
    assert edit.unmet_by(shown) == Edit()
    assert edit.unmet_by(shown, sure_of_due=False) == Edit(due=DAY)
