from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING

from builders import TASK_ID, only_refuses, refused, task
from taskhand.domain import task_rules
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.due_request import DueRequest
from taskhand.domain.properties import PropertyValue
from taskhand.domain.reference_time import Reference
from taskhand.domain.task import TaskDraft, TaskPatch

EVERYTHING = Capabilities()
NOW = Reference(datetime(2026, 3, 4, 15, 30, tzinfo=UTC))


def patch(**fields: Any) -> TaskPatch:
    return TaskPatch.model_validate(fields)


def draft(**fields: Any) -> TaskDraft:
    return TaskDraft.model_validate({"title": "Call back", "responsibleIds": [], "priority": "1"} | fields)


def check(body: TaskDraft | TaskPatch) -> None:
    """Check a body and its due fields, as every tool does that takes one."""
    if isinstance(body, TaskPatch):
        task_rules.check_patch(body, EVERYTHING)
    else:
        task_rules.check_body(body, EVERYTHING)
    task_rules.parse_due(body, NOW)


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
        ({"title": "x", "aiContactId": "NULL "}, "invalid_id"),
        ({"dealId": "undefined"}, "invalid_id"),
        ({"dealId": "x" * 201}, "too_long"),
        ({"aiContactId": "x" * 201}, "too_long"),
        ({"aiCustomerId": "x" * 201}, "too_long"),
        ({"responsibleIds": ["a"], "addResponsibleIds": ["b"]}, "several_changes"),
        ({"responsibleIds": ["a"], "removeResponsibleIds": ["b"]}, "several_changes"),
        ({"addNote": "called", "description": "x"}, "several_changes"),
        ({"addNote": "called", "description": None}, "several_changes"),
        ({"addNote": " \u200b"}, "nothing_to_change"),
    ],
)
def test_a_patch_that_the_documentation_forbids_is_refused(fields: dict[str, Any], code: str) -> None:
    with refused(code) as caught:
        check(patch(**fields))
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
        {"addNote": "."},
        {"addResponsibleIds": ["a"], "removeResponsibleIds": ["b"]},
        {"responsibleIds": ["a"], "addNote": "called"},
        {"aiContactId": "x" * 200, "aiCustomerId": "nullable", "dealId": "x" * 200},
    ],
)
def test_a_patch_that_the_documentation_allows_passes(fields: dict[str, Any]) -> None:
    check(patch(**fields))


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
        check(draft(**fields))


def test_a_draft_with_every_field_is_accepted() -> None:
    due = {"dueDate": "2026-05-02", "dueTime": "09:00", "timezone": "America/Santiago"}
    check(draft(description="Why", aiContactId="c", aiCustomerId=None, **due))


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


def test_a_task_id_is_checked_with_the_pattern_of_the_backend() -> None:
    task_rules.check_id("1234", Capabilities(id_pattern=r"\d+"))


def test_properties_are_few_and_each_is_given_once() -> None:
    few = [PropertyValue(name=f"p{n}", value="1") for n in range(50)]
    task_rules.check_properties(few)
    with refused("too_long"):
        task_rules.check_properties([*few, PropertyValue(name="p50", value="1")])
    with refused("invalid_arguments") as caught:
        task_rules.check_properties([few[0], few[1], PropertyValue(name="p1", value=None)])
    assert "'p1' twice" in caught.value.message


@pytest.mark.parametrize(
    ("name", "field", "send"),
    [
        ("description", "description", "update_task"),
        ("due", "due_at", "dueTime"),
        ("responsible_ids", "task_responsibles", "all responsibleIds"),
    ],
)
def test_a_change_to_part_of_an_unreadable_field_is_refused_with_a_replacement(
    name: str, field: str, send: str
) -> None:
    task_rules.check_readable(task(), name)
    task_rules.check_readable(task(unreadable=("title",)), name)
    with refused("unreadable_field") as caught:
        task_rules.check_readable(task(unreadable=(field,)), name)
    assert send in str(caught.value.next_step)


def test_a_title_may_be_as_long_as_the_backend_says() -> None:
    short = Capabilities(longest_title=5)
    task_rules.check_patch(patch(title="x" * 5), short)
    with refused("too_long") as caught:
        task_rules.check_patch(patch(title="x" * 6), short)
    assert (caught.value.message, caught.value.next_step) == ("title has 6 characters.", "Send at most 5.")


def test_a_malformed_id_may_be_a_unique_property_where_tasks_and_the_tool_have_properties() -> None:
    cases = (frozenset({"properties"}), True, False), (frozenset[str](), True, True), (frozenset[str](), False, False)
    for absent, has_id_property, named in cases:
        with refused("invalid_id") as caught:
            task_rules.check_id("A-1", Capabilities(absent=absent), has_id_property=has_id_property)
        assert ("idProperty" in str(caught.value.next_step)) is named


def test_the_due_fields_of_a_body_keep_null_apart_from_not_given() -> None:
    request = task_rules.parse_due(patch(dueDate="2026-05-02", dueTime=None), NOW)
    assert request == DueRequest(date(2026, 5, 2), None, MISSING)


@given(st.fixed_dictionaries({}, optional={name: st.text() for name in ("title", "priority", "newStatusName")}))
def test_any_text_in_a_patch_is_accepted_or_refused(fields: dict[str, str]) -> None:
    only_refuses(lambda: check(patch(**fields)))


@given(st.text())
def test_any_text_for_an_id_is_accepted_or_refused(text: str) -> None:
    only_refuses(lambda: task_rules.check_id(text, EVERYTHING))
