"""The rules of a filter."""

from typing import Any

import pytest

from builders import refused
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.filter_rules import check_filter
from taskhand.domain.task_query import TaskFilter

EVERYTHING = Capabilities()


def filter_of(**fields: Any) -> TaskFilter:
    return TaskFilter.model_validate(fields)


@pytest.mark.parametrize("name", ["text", "contact", "taskType", "dealId"])
def test_a_filter_that_is_blank_is_refused(name: str) -> None:
    with refused("empty_filter"):
        check_filter(filter_of(**{name: "  "}), EVERYTHING)


def test_a_filter_by_a_field_that_tasks_do_not_have_is_refused() -> None:
    for fields in ({"taskType": "call"}, {"dealId": "d"}):
        check_filter(filter_of(**fields), Capabilities(absent=frozenset()))
        with refused("unknown_argument"):
            check_filter(filter_of(**fields), EVERYTHING)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"priority": "someday"}, "invalid_priority"),
        ({"fromDate": "2026-02-30"}, "invalid_date"),
        ({"toDate": "soon"}, "invalid_date"),
        ({"fromDate": "2026-05-03", "toDate": "2026-05-02"}, "invalid_window"),
        ({"responsibleIds": []}, "empty_filter"),
        ({"status": []}, "empty_filter"),
        ({"dateField": "created"}, "invalid_window"),
        ({"dateField": "updated", "fromDate": "2026-05-02"}, "invalid_window"),
        ({"dateField": "completed", "toDate": "2026-05-02"}, "invalid_window"),
        ({"withoutDate": True, "includeTasksWithoutDates": False}, "invalid_window"),
        ({"withoutDate": True, "overdue": True}, "invalid_window"),
        ({"withoutDate": True, "fromDate": "2026-05-02"}, "invalid_window"),
        ({"withoutDate": True, "dateField": "due", "toDate": "2026-05-02"}, "invalid_window"),
    ],
)
def test_a_filter_that_cannot_match_any_task_is_refused(fields: dict[str, Any], code: str) -> None:
    with refused(code):
        check_filter(filter_of(**fields), EVERYTHING)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"fromDate": "2026-05-02", "toDate": "2026-05-02"},
        {"toDate": "2026-05-02"},
        {"status": ["done"]},
        {"dateField": "due"},
        {"text": "x", "contact": "c", "priority": "1", "responsibleIds": ["a"]},
        {"dateField": "created", "toDate": "2026-05-02"},
        {"withoutDate": True, "overdue": False, "includeTasksWithoutDates": True},
        {"withoutDate": True, "dateField": "created", "toDate": "2026-05-02"},
        {"withoutDate": False, "overdue": True, "fromDate": "2026-05-02"},
    ],
)
def test_every_filter_is_optional_and_a_window_may_be_one_day(fields: dict[str, Any]) -> None:
    check_filter(filter_of(**fields), EVERYTHING)


def test_a_window_of_a_moment_that_the_crm_does_not_know_is_answered_with_those_that_it_knows() -> None:
    knows = Capabilities(known=("created", "updated", "completed_by"))
    check_filter(filter_of(dateField="updated", fromDate="2026-05-02"), knows)
    with refused("invalid_window") as caught:
        check_filter(filter_of(dateField="completed", fromDate="2026-05-02"), knows)
    assert [one.value for one in caught.value.candidates] == ["due", "created", "updated"]
    assert "list_events" in str(caught.value.next_step)
    with refused("invalid_window") as caught:
        check_filter(filter_of(dateField="updated", fromDate="2026-05-02"), EVERYTHING)
    assert caught.value.next_step == "Other windows: dateField due or created."
