from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING

from builders import TASK_ID, only_refuses, refused
from taskhand.domain import task_rules
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.due import DueRequest
from taskhand.domain.query import TaskFilter
from taskhand.domain.reference_time import Reference
from taskhand.domain.task import TaskDraft, TaskPatch

EVERYTHING = Capabilities()
NOW = Reference(datetime(2026, 3, 4, 15, 30, tzinfo=UTC))


def patch(**fields: Any) -> TaskPatch:
    return TaskPatch.model_validate(fields)


def draft(**fields: Any) -> TaskDraft:
    return TaskDraft.model_validate({"title": "Call back", "responsibleIds": [], "priority": "1"} | fields)


def found(**fields: Any) -> TaskFilter:
    return TaskFilter.model_validate(fields)


@pytest.mark.parametrize("name", ["text", "contact", "taskType", "dealId"])
def test_a_filter_that_is_blank_is_refused(name: str) -> None:
    with refused("empty_filter"):
        task_rules.check_filter(found(**{name: "  "}), EVERYTHING)


def test_a_filter_by_a_field_that_tasks_do_not_have_is_refused() -> None:
    task_rules.check_filter(found(taskType="call"), Capabilities(absent=frozenset()))
    with refused("unknown_argument"):
        task_rules.check_filter(found(taskType="call"), EVERYTHING)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "nothing_to_change"),
        ({"newStatusName": "Pendiente", "newStatusPosition": 0}, "both_statuses"),
        ({"newStatusName": "", "newStatusPosition": 0}, "both_statuses"),
        ({"newStatusName": "  "}, "unknown_status"),
        ({"title": ""}, "invalid_title"),
        ({"title": " \t\n"}, "invalid_title"),
        ({"title": "\u200b\u202e"}, "invalid_title"),
        ({"title": "\ufe0f\u3164"}, "invalid_title"),
        ({"title": "x" * 1_001}, "too_long"),
        ({"description": "x" * 50_001}, "too_long"),
        ({"aiContactId": ""}, "invalid_id"),
        ({"aiCustomerId": " "}, "invalid_id"),
        ({"responsibleIds": [f"x{n}" for n in range(51)]}, "too_many_responsibles"),
        ({"priority": "high"}, "invalid_priority"),
        ({"dueDate": "whenever"}, "invalid_due_date"),
        ({"dueTime": "9"}, "invalid_due_time"),
        ({"timezone": "Mars/Base"}, "unknown_timezone"),
        ({"dueDate": None, "dueTime": "09:00"}, "due_date_required"),
    ],
)
def test_a_patch_that_the_documentation_forbids_is_refused(fields: dict[str, Any], code: str) -> None:
    with refused(code) as caught:
        task_rules.check_patch(patch(**fields), EVERYTHING, NOW)
    assert caught.value.next_step


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "x" * 1_000},
        {"description": None},
        {"description": ""},
        {"description": "x" * 50_000},
        {"newStatusName": "Whatever"},
        {"newStatusPosition": 0},
        {"newStatusPosition": -1},
        {"responsibleIds": []},
        {"responsibleIds": ["x"] * 50},
        {"aiContactId": None, "aiCustomerId": None},
        {"priority": "0"},
        {"dueDate": None},
        {"dueDate": None, "dueTime": None, "timezone": None},
        {"dueTime": "09:00"},
    ],
)
def test_a_patch_that_the_documentation_allows_passes(fields: dict[str, Any]) -> None:
    task_rules.check_patch(patch(**fields), EVERYTHING, NOW)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"title": " "}, "invalid_title"),
        ({"title": "x" * 1_001}, "too_long"),
        ({"description": "x" * 50_001}, "too_long"),
        ({"priority": "low"}, "invalid_priority"),
        ({"responsibleIds": [f"x{n}" for n in range(51)]}, "too_many_responsibles"),
        ({"aiContactId": ""}, "invalid_id"),
        ({"dueDate": "2026-02-30"}, "invalid_due_date"),
    ],
)
def test_a_draft_that_the_documentation_forbids_is_refused(fields: dict[str, Any], code: str) -> None:
    with refused(code):
        task_rules.check_draft(draft(**fields), EVERYTHING, NOW)


def test_a_whole_draft_passes() -> None:
    due = {"dueDate": "2026-05-02", "dueTime": "09:00", "timezone": "America/Santiago"}
    task_rules.check_draft(draft(description="Why", aiContactId="c", aiCustomerId=None, **due), EVERYTHING, NOW)


def test_fewer_responsibles_are_allowed_where_the_backend_says_so() -> None:
    with refused("too_many_responsibles") as caught:
        task_rules.check_responsibles(["a", "b"], Capabilities(most_responsibles=1))
    assert "at most 1" in caught.value.message
    task_rules.check_responsibles(["a"], Capabilities(most_responsibles=1))


@pytest.mark.parametrize("digit", ["0", "1", "2"])
def test_a_documented_digit_is_a_priority(digit: str) -> None:
    task_rules.check_priority(digit, EVERYTHING)


@pytest.mark.parametrize(("word", "digit"), [("low", "0"), ("Medium", "1"), (" HIGH ", "2")])
def test_a_priority_word_is_refused_naming_its_digit(word: str, digit: str) -> None:
    with refused("invalid_priority") as caught:
        task_rules.check_priority(word, EVERYTHING)
    assert f'send "{digit}"' in str(caught.value.next_step)
    assert [candidate.value for candidate in caught.value.candidates] == ["0", "1", "2"]


@pytest.mark.parametrize("value", ["3", "-1", "", "1.0", "urgent", "٢", 2, 1.0, True, None])
def test_any_other_value_is_refused_as_a_priority(value: object) -> None:
    with refused("invalid_priority"):
        task_rules.check_priority(value, EVERYTHING)


def test_a_priority_that_the_backend_lacks_is_refused_and_not_proposed() -> None:
    with refused("invalid_priority") as caught:
        task_rules.check_priority("0", Capabilities(priorities=("1", "2")))
    assert [candidate.value for candidate in caught.value.candidates] == ["1", "2"]


@pytest.mark.parametrize("task_id", [TASK_ID, TASK_ID.upper()])
def test_a_uuid_is_a_task_id(task_id: str) -> None:
    task_rules.check_id(task_id, EVERYTHING)


@pytest.mark.parametrize(
    "task_id",
    [
        "",
        "1",
        "../x",
        "..",
        f"{TASK_ID}/../x",
        f"{TASK_ID}\n",
        f" {TASK_ID}",
        f"{TASK_ID}?x=1",
        TASK_ID.replace("-", ""),
        "null",
        TASK_ID.replace("1", "\u0661"),
        "\ud800",
        "a" * 10_000,
    ],
)
def test_a_malformed_id_is_refused_with_a_short_message(task_id: str) -> None:
    with refused("invalid_id") as caught:
        task_rules.check_id(task_id, EVERYTHING)
    assert len(caught.value.message) < 120
    caught.value.message.encode()


def test_the_backend_decides_what_a_task_id_looks_like() -> None:
    task_rules.check_id("1234", Capabilities(id_pattern=r"\d+"))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"priority": "high"}, "invalid_priority"),
        ({"fromDate": "2026-02-30"}, "invalid_date"),
        ({"toDate": "soon"}, "invalid_date"),
        ({"fromDate": "2026-05-03", "toDate": "2026-05-02"}, "invalid_window"),
        ({"responsibleIds": []}, "empty_filter"),
        ({"status": []}, "empty_filter"),
    ],
)
def test_a_filter_that_cannot_match_any_task_is_refused(fields: dict[str, Any], code: str) -> None:
    with refused(code):
        task_rules.check_filter(found(**fields), EVERYTHING)


@pytest.mark.parametrize(
    "fields",
    [{}, {"fromDate": "2026-05-02", "toDate": "2026-05-02"}, {"toDate": "2026-05-02"}, {"status": ["done"]}],
)
def test_every_filter_is_optional_and_a_window_may_be_one_day(fields: dict[str, Any]) -> None:
    task_rules.check_filter(found(**fields), EVERYTHING)


def test_the_due_fields_of_a_body_keep_null_apart_from_not_given() -> None:
    request = task_rules.check_patch(patch(dueDate="2026-05-02", dueTime=None), EVERYTHING, NOW)
    assert request == DueRequest(date(2026, 5, 2), None, MISSING)


@given(st.fixed_dictionaries({}, optional={name: st.text() for name in ("title", "priority", "newStatusName")}))
def test_any_text_in_a_patch_is_accepted_or_refused(fields: dict[str, str]) -> None:
    only_refuses(lambda: task_rules.check_patch(patch(**fields), EVERYTHING, NOW))


@given(st.text())
def test_any_text_for_an_id_is_accepted_or_refused(text: str) -> None:
    only_refuses(lambda: task_rules.check_id(text, EVERYTHING))


@pytest.mark.parametrize(
    ("sent", "digits", "next_step"),
    [
        ("high", ("0", "1", "2"), 'For high send "2".'),
        ("urgent", ("0", "1", "2"), 'Send "0" or "1" or "2".'),
        ("low", ("1", "2"), 'Send "1" or "2".'),
        ("0", ("1", "2"), 'Send "1" or "2".'),
    ],
)
def test_a_wrong_priority_is_answered_with_one_that_the_backend_has(
    sent: str, digits: tuple[Any, ...], next_step: str
) -> None:
    with refused("invalid_priority") as caught:
        task_rules.check_priority(sent, Capabilities(priorities=digits))
    assert caught.value.next_step == next_step
