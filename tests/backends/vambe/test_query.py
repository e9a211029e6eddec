"""The window of Vambe's list for a query."""

from behaviour.world import NOW
from taskhand.backends.vambe.query import window_of
from taskhand.domain.task_query import TaskQuery


def test_a_list_with_the_tasks_of_nobody_is_a_list_of_everyones() -> None:
    people = ("b", "a")
    assert window_of(TaskQuery(responsible_ids=people), NOW.date()).responsible_ids == ("a", "b")
    assert window_of(TaskQuery(responsible_ids=people, of_nobody=True), NOW.date()).responsible_ids == ()
