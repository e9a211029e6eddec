"""Whether a moment of a task lies in a span of days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from builders import task
from taskhand.domain.task_times import UNKNOWN, Period, moment_of

TICK = timedelta(microseconds=1)


def test_a_span_begins_with_its_first_day_and_ends_before_the_day_after_its_last_in_the_zone() -> None:
    span = Period.of_days("created", "2026-03-02", "2026-03-03", ZoneInfo("America/Santiago"))
    first, end = datetime(2026, 3, 2, 3, tzinfo=UTC), datetime(2026, 3, 4, 3, tzinfo=UTC)
    moments = (first - TICK, first, end - TICK, end, None)
    assert [span.contains(at) for at in moments] == [False, True, True, False, False]


def test_a_moment_without_an_offset_is_in_utc() -> None:
    assert moment_of(task(created_at="2026-03-02T09:00:00"), UNKNOWN, "created") == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert moment_of(task(created_at="yesterday"), UNKNOWN, "created") is None
