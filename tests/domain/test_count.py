"""The groups in which a count puts a task."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from builders import task
from taskhand.domain.count import groups_of
from taskhand.domain.task import Status
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
