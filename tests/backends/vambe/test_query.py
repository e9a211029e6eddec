"""The window of Vambe's list for a query."""

import pytest

from behaviour.world import NOW
from taskhand.backends.vambe.query import WIDEST, window_of
from taskhand.domain.task_query import TaskQuery


def test_a_list_with_the_tasks_of_nobody_is_a_list_of_everyones() -> None:
    people = ("b", "a")
    assert window_of(TaskQuery(responsible_ids=people), NOW.date()).responsible_ids == ("a", "b")
    assert window_of(TaskQuery(responsible_ids=people, of_nobody=True), NOW.date()).responsible_ids == ()


@pytest.mark.parametrize(
    ("query", "days"),
    [
        (TaskQuery(from_date="2026-03-10", to_date="2026-03-12"), ("2026-03-08", "2026-03-14")),
        (TaskQuery(from_date="2026-03-10"), ("2026-03-08", WIDEST.last)),
        (TaskQuery(overdue=True), (WIDEST.first, "2026-03-04")),
        (TaskQuery(overdue=True, to_date="2026-03-01"), (WIDEST.first, "2026-03-03")),
        (TaskQuery(overdue=True, from_date="2026-03-10"), ("2026-03-08", "2026-03-08")),
        (TaskQuery(to_date="9999-12-31"), (WIDEST.first, "9999-12-31")),
        (TaskQuery(without_date=True), (WIDEST.first, WIDEST.first)),
    ],
)
def test_a_window_has_two_days_more_at_each_end_that_a_query_has(query: TaskQuery, days: tuple[str, str]) -> None:
    window = window_of(query, NOW.date())
    assert (window.first, window.last) == days
