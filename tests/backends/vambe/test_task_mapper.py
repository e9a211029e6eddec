"""The reading of rows: whether due times are read correctly, and whether an edit was made from a misread one."""

from typing import Any

import pytest

from backends.vambe.sandboxed_app import TASK
from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.vambe.fields.learned_due_times import TaskMapper, rests_on
from taskhand.backends.vambe.fields.statuses import StatusCatalogue
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.task import StatusChoice, Task

SANTIAGO = "America/Santiago"
AFTERNOON = "2026-03-10T18:00:00.000Z"
"""Three o'clock in Santiago."""


def row(due_at: str | None = AFTERNOON, zone: str | None = SANTIAGO, **more: Any) -> JsonObject:
    due: JsonObject = {"due_at": due_at, "due_timezone": zone, "is_all_day": False}
    links: JsonObject = {"ai_contact_id": None, "ai_customer_id": None, "task_responsibles": []}
    found: JsonObject = {"id": TASK, "title": "", "description": None, "priority": 1, **links, **due, **more}
    return found


def mapper(**configured: Any) -> TaskMapper:
    return TaskMapper(StatusCatalogue(), **configured)


def task(due_at: str | None = AFTERNOON, zone: str | None = SANTIAGO, **more: Any) -> Task:
    return mapper().task(row(due_at, zone, **more))


@pytest.mark.parametrize(
    ("due_at", "zone", "rests"),
    [
        ("2026-03-17T18:00:00.000Z", SANTIAGO, True),
        ("2026-03-10T12:05:00.000Z", SANTIAGO, True),
        ("2026-03-10T14:00:00.000Z", "Europe/Madrid", True),
        ("2026-03-17T12:05:00.000Z", SANTIAGO, False),
    ],
    ids=["another day", "another time", "another zone", "another day and time"],
)
def test_a_due_time_that_keeps_its_day_or_its_clock_was_made_from_the_one_before(
    due_at: str, zone: str, *, rests: bool
) -> None:
    assert rests_on(task(), Edit(due=Due.read(due_at, zone, all_day=False))) is rests


def test_an_edit_does_not_rest_on_a_due_date_without_a_time() -> None:
    timed, day = Due.read(AFTERNOON, SANTIAGO, all_day=False), Due.read(AFTERNOON, SANTIAGO, all_day=True)
    assert not rests_on(task(), Edit(due=day))
    assert not rests_on(task(), Edit(due=None))
    assert not rests_on(task(), Edit(title="x"))
    assert not rests_on(task(None), Edit(due=timed))
    assert not rests_on(task(is_all_day=True), Edit(due=timed))


def test_how_due_times_are_written_is_learned_from_an_edit_that_sets_one() -> None:
    timed, day = (Due.read(AFTERNOON, SANTIAGO, all_day=is_day) for is_day in (False, True))
    for edit, is_learned in (
        (Edit(title="x"), False),
        (Edit(due=None), False),
        (Edit(due=day), False),
        (Edit(due=timed), True),
    ):
        learning = mapper()
        learning.learn(edit, row())
        assert learning.sure_of_due(task()) is is_learned


def test_a_due_time_counts_as_misread_if_it_matches_only_in_the_other_form() -> None:
    now = mapper(due_at="wall")
    assert now.was_misread(task(), row())
    assert not now.was_misread(now.task(row()), row())
    assert not now.was_misread(task("2026-03-11T18:00:00.000Z"), row())
    assert not now.was_misread(task(zone="UTC"), row(zone="UTC"))


def test_an_unknown_zone_is_not_a_misreading() -> None:
    strange = row(zone="Santiago time")
    assert "due_at" in mapper(due_at="wall").task(strange).unreadable_fields
    assert not mapper().was_misread(mapper().task(strange), strange)
    assert not mapper().was_misread(task(None), strange)
    assert not mapper(due_at="wall").was_misread(mapper().task(strange), strange)


WALL_CLOCK = "2026-03-10T15:00:00.000"


def test_a_due_time_is_certain_only_if_both_possible_forms_mean_the_same() -> None:
    unknown = mapper()
    for due, is_sure, is_day_sure in (
        (task(), False, True),
        (task("2026-03-10T01:00:00.000Z"), False, False),  # the evening before in Santiago
        (task(zone="UTC"), True, True),
        (task(is_all_day=True), True, True),
        (task(None), True, True),
    ):
        assert unknown.sure_of_due(due) is is_sure
        assert unknown.sure_of_due(due, of_day=True) is is_day_sure
        assert mapper(due_at="utc").sure_of_due(due)


@pytest.mark.parametrize(
    ("due_times", "is_sure"),
    [
        ((), False),
        ((AFTERNOON,), False),
        ((None, "?", "2026-03-10"), False),
        ((WALL_CLOCK,), True),
        ((AFTERNOON, WALL_CLOCK, AFTERNOON), True),
    ],
)
def test_a_time_without_an_offset_shows_how_due_times_are_written(
    due_times: tuple[str | None, ...], *, is_sure: bool
) -> None:
    reading = mapper()
    reading.note(row(one) for one in due_times)
    assert reading.sure_of_due(task()) is is_sure


STATUS = {"id": "s-1", "name": "En Progreso", "color": None, "type": "in_progress", "order": 1}


def test_statuses_are_known_from_the_rows_that_show_them() -> None:
    catalogue = StatusCatalogue()
    TaskMapper(catalogue).note([row(), row(status_config=STATUS)])
    assert [one.name for one in catalogue.by_id.values()] == ["En Progreso"]


@pytest.mark.parametrize(
    ("edit", "answer", "name"),
    [
        (Edit(status=StatusChoice(name="Hecho")), {"task_status_config_id": "s-9"}, "Hecho"),
        (Edit(status=StatusChoice(name="Hecho")), {"task_status_config_id": "s-0"}, None),
        (Edit(status=StatusChoice(name="Hecho")), {"task_status_config_id": None}, None),
        (Edit(status=StatusChoice(name="Hecho")), {"task_status_config_id": "s-9", "status_config": STATUS}, None),
        (Edit(status=StatusChoice(position=2)), {"task_status_config_id": "s-9"}, None),
        (Edit(title="x"), {"task_status_config_id": "s-9"}, None),
    ],
    ids=["another id", "the same id", "no id", "a whole status", "by position", "no status"],
)
def test_the_id_that_a_task_got_with_the_name_of_a_status_is_that_statuss(
    edit: Edit, answer: JsonObject, name: str | None
) -> None:
    catalogue = StatusCatalogue([("Pendiente", "initial"), ("Hecho", "done")])
    TaskMapper(catalogue).learn_status(task(task_status_config_id="s-0"), edit, row(**answer))
    assert {one.id: one.name for one in catalogue.by_id.values()} == ({"s-9": name} if name else {})
