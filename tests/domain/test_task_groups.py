"""The groups in which a count puts a task."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from builders import ANA, BEN, STARTED, on_people, task
from taskhand.domain.task import Status, Task
from taskhand.domain.task_groups import NOBODY, CountBy, groups_of
from taskhand.domain.task_times import UNKNOWN, TaskTimes


@pytest.mark.parametrize(
    ("kind", "times", "group"),
    [
        ("done", TaskTimes(completed=datetime(2026, 3, 3, 1, tzinfo=UTC)), "2026-03-02 Mon"),  # by the zone's clock
        ("done", UNKNOWN, "day not known"),
        ("master_done", UNKNOWN, "day not known"),
        ("initial", UNKNOWN, "not finished"),
    ],
)
def test_a_finished_task_whose_day_is_not_known_is_not_counted_as_unfinished(
    kind: str, times: TaskTimes, group: str
) -> None:
    status = Status(id="1", name="Any", color=None, type=kind, order=1)
    assert groups_of(task(status_config=status), times, "completedDay", ZoneInfo("America/Santiago")) == (group,)


@pytest.mark.parametrize(
    ("by", "counted", "groups"),
    [
        ("responsible", task(task_responsibles=on_people(BEN.id, ANA.id)), (BEN.id, ANA.id)),
        ("responsible", task(), (NOBODY,)),
        ("status", task(status_config=STARTED), ("En Progreso",)),
        ("status", task(status_config=None), ("unknown",)),
        ("priority", task(priority=0), ("low",)),
        ("priority", task(priority=2), ("high",)),
        ("priority", task(priority=None), ("low",)),
        ("dueDay", task(), ("no date",)),
        ("dueDay", task(due_at="2026-03-02T00:00:00.000Z", is_all_day=True), ("2026-03-02 Mon",)),
        (
            "dueDay",  # on the clock of the task, not of the count
            task(due_at="2026-03-02T01:00:00.000Z", due_timezone="America/Santiago"),
            ("2026-03-01 Sun",),
        ),
    ],
)
def test_a_task_counts_in_the_groups_that_its_fields_name(by: CountBy, counted: Task, groups: tuple[str, ...]) -> None:
    assert groups_of(counted, UNKNOWN, by, ZoneInfo("Asia/Tokyo")) == groups
