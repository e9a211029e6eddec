"""What a row means: whether it was read rightly, and whether a due time was made from what it shows."""

from typing import Any

import pytest

from backends.vambe.wired import TASK
from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.vambe.mapping import TaskReader, rests_on
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.status_catalogue import StatusCatalogue
from taskhand.domain.task import Task

SANTIAGO = "America/Santiago"
AFTERNOON = "2026-03-10T18:00:00.000Z"
"""Three o'clock in Santiago."""


def row(due_at: str | None = AFTERNOON, zone: str | None = SANTIAGO, **more: Any) -> JsonObject:
    due: JsonObject = {"due_at": due_at, "due_timezone": zone, "is_all_day": False}
    links: JsonObject = {"ai_contact_id": None, "ai_customer_id": None, "task_responsibles": []}
    found: JsonObject = {"id": TASK, "title": "", "description": None, "priority": 1, **links, **due, **more}
    return found


def reader(**configured: Any) -> TaskReader:
    return TaskReader(StatusCatalogue(), **configured)


def task(due_at: str | None = AFTERNOON, zone: str | None = SANTIAGO, **more: Any) -> Task:
    return reader().task(row(due_at, zone, **more))


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
        learning = reader()
        learning.learn(edit, row())
        assert learning.sure_of_due(task()) is is_learned


def test_a_task_was_misread_where_its_row_is_so_only_in_the_other_way() -> None:
    now = reader(due_at="wall")
    assert now.was_misread(task(), row())
    assert not now.was_misread(now.task(row()), row())
    assert not now.was_misread(task("2026-03-11T18:00:00.000Z"), row())
    assert not now.was_misread(task(zone="UTC"), row(zone="UTC"))


def test_an_unknown_zone_is_not_a_misreading() -> None:
    strange = row(zone="Santiago time")
    assert "due_at" in reader().task(strange, due_at="wall").unreadable_fields
    assert not reader().was_misread(reader().task(strange), strange)
