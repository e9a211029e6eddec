"""Whether a moment of a task lies in a span of days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from builders import task
from taskhand.domain.date_window import Period
from taskhand.domain.task_times import UNKNOWN, TaskTimes, moment_of

TICK = timedelta(microseconds=1)


def test_a_span_begins_with_its_first_day_and_ends_before_the_day_after_its_last_in_the_zone() -> None:
    span = Period.of_days("created", "2026-03-02", "2026-03-03", ZoneInfo("America/Santiago"))
    first, end = datetime(2026, 3, 2, 3, tzinfo=UTC), datetime(2026, 3, 4, 3, tzinfo=UTC)
    moments = (first - TICK, first, end - TICK, end, None)
    assert [span.contains(at) for at in moments] == [False, True, True, False, False]


def test_a_moment_without_an_offset_is_in_utc() -> None:
    assert moment_of(task(created_at="2026-03-02T09:00:00"), UNKNOWN, "created") == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert moment_of(task(created_at="yesterday"), UNKNOWN, "created") is None


def test_each_moment_is_its_own_and_one_that_is_not_known_is_none() -> None:
    at = {hour: datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (9, 10)}
    times = TaskTimes(updated=at[9], completed=at[10])
    assert [moment_of(task(), times, moment) for moment in ("updated", "completed")] == [at[9], at[10]]
    assert [moment_of(task(), UNKNOWN, moment) for moment in ("updated", "completed")] == [None, None]


def test_a_period_without_a_day_or_beyond_the_calendar_is_open() -> None:
    early, late = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
    spans = [
        Period.of_days("created", first, last, ZoneInfo("Asia/Tokyo"))
        for first, last in [(None, "2026-03-02"), ("2026-03-02", None), ("0001-01-01", "9999-12-31")]
    ]
    assert [(span.contains(early), span.contains(late)) for span in spans] == [
        (True, False),
        (False, True),
        (True, True),
    ]
