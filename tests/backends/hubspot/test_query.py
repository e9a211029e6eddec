"""Searches: within HubSpot's limits whatever is asked for, and none that leaves out what is wanted."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from taskhand.backends.hubspot.query import searches
from taskhand.domain.query import NO_DUE, TaskQuery
from taskhand.domain.task import Status, StatusChoice

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
STATUSES = {
    value: Status(id=value, name=value, color=None, type=kind, order=1)
    for value, kind in (("NOT_STARTED", "initial"), ("COMPLETED", "done"))
}
DAYS = st.one_of(st.none(), st.dates().map(lambda day: day.isoformat()))
CHOICES = st.sampled_from([StatusChoice.of(one) for one in STATUSES.values()] + [StatusChoice(name="Later")])
QUERIES = st.builds(
    TaskQuery,
    responsible_ids=st.one_of(
        st.none(), st.lists(st.integers(1, 10**10).map(str), min_size=1, max_size=120).map(tuple)
    ),
    from_date=DAYS,
    to_date=DAYS,
    include_tasks_without_dates=st.booleans(),
    statuses=st.one_of(st.none(), st.lists(CHOICES, min_size=1).map(tuple)),
    overdue=st.sampled_from([None, True, False]),
    priority=st.sampled_from([None, 0, 1, 2]),
    contact=st.one_of(st.none(), st.just("101")),
    order=st.just("due"),
    after=st.sampled_from([None, ("2026-03-10", "5"), ("2026-03-10T09:00:00", "5"), (NO_DUE, "5")]),
)


@given(QUERIES)
def test_no_search_is_larger_than_hubspot_takes(query: TaskQuery) -> None:
    for search in searches(query, STATUSES, NOW):
        groups = search.body(None).get("filterGroups", [])
        sizes = [len(group["filters"]) for group in groups]
        assert len(groups) <= 5
        assert max(sizes, default=0) <= 6
        assert sum(sizes) <= 18
        assert len(str(search.body("9800"))) <= 3_000


def test_a_status_that_is_known_by_name_alone_is_not_filtered_by() -> None:
    query = TaskQuery(statuses=(StatusChoice(name="Later"), StatusChoice(id="COMPLETED")))
    (search,) = searches(query, STATUSES, NOW)
    assert "filterGroups" not in search.body(None)


def test_by_priority_there_is_a_search_for_each_from_where_the_page_begins() -> None:
    assert len(list(searches(TaskQuery(order="priority"), STATUSES, NOW))) == 3
    assert len(list(searches(TaskQuery(order="priority", after=(0, "5")), STATUSES, NOW))) == 1
    assert len(list(searches(TaskQuery(order="priority", priority=1), STATUSES, NOW))) == 1
