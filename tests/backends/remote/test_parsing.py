"""How the values of a CRM's answers are read, whatever is in their place."""

from datetime import UTC, datetime
from typing import Any

import pytest

from builders import refused
from builders import task as task_with
from taskhand.backends.remote.parsing import (
    filled_text,
    id_of,
    objects,
    optional_text,
    read_task,
    response_date,
    rows_in,
    text_or_none,
    utc_moment,
    value_at,
)
from taskhand.domain.errors import InvalidAnswer
from taskhand.domain.task import Task
from taskhand.http.response_body import Reply
from taskhand.http.retry import RequestKind


@pytest.mark.parametrize(
    ("value", "text", "filled"), [("Call", "Call", "Call"), ("", "", None), (None, None, None), (7, None, None)]
)
def test_only_a_string_is_read_as_a_text(value: object, text: str | None, filled: str | None) -> None:
    assert text_or_none(value) == text
    assert filled_text(value) == filled
    assert id_of({"id": value}) == (filled or "")


def test_an_optional_text_may_be_missing_empty_or_null_and_nothing_else() -> None:
    assert [optional_text(row, "a") for row in ({"a": "Call"}, {"a": ""}, {"a": None}, {})] == [
        "Call",
        None,
        None,
        None,
    ]
    with pytest.raises(TypeError, match="a"):
        optional_text({"a": 7}, "a")


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-02T15:00:00-03:00", datetime(2026, 3, 2, 18, tzinfo=UTC)),
        ("2026-03-02T15:00:00", datetime(2026, 3, 2, 15, tzinfo=UTC)),
        ("soon", None),
        ("0001-01-01T00:00:00+14:00", None),
        (1_772_463_600, None),
    ],
)
def test_a_moment_is_in_utc_and_none_where_no_calendar_has_it(value: object, moment: datetime | None) -> None:
    assert utc_moment(value) == moment


def test_a_row_without_an_id_has_an_empty_one() -> None:
    assert id_of({}) == ""


def test_the_rows_of_a_list_are_objects_and_an_answer_without_the_list_is_invalid() -> None:
    assert rows_in("Close", {"data": [{"id": "1"}, 7]}, "data") == [{"id": "1"}, {}]
    assert objects([{"id": "1"}, 7]) == [{"id": "1"}]
    assert objects({"id": "1"}) == []
    for json in ({}, {"data": {"id": "1"}}):
        with refused("upstream_invalid", InvalidAnswer):
            rows_in("Close", json, "data")


@pytest.mark.parametrize(
    ("json", "value"), [({"a": {"b": 7}}, 7), ({"a": {}}, None), ({"a": [7]}, None), ([], None), ({}, None)]
)
def test_a_value_at_a_path_is_none_where_the_path_ends(json: Any, value: object) -> None:
    assert value_at(json, "a", "b") == value


def test_a_task_that_cannot_be_read_at_all_keeps_its_id_and_the_log_has_the_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def read() -> Task:
        raise KeyError("of a bug")

    assert read_task("t1", lambda: task_with(title="Call")).title == "Call"
    task = read_task("t1", read)
    assert task.id == "t1"
    assert "title" in task.unreadable_fields
    assert "id" not in task.unreadable_fields
    assert "of a bug" in caplog.text


def test_the_date_of_an_answer_is_an_instant_in_utc() -> None:
    [dated, undated] = [
        Reply(200, None, headers, "/tasks", RequestKind.READ)
        for headers in ({"date": "Mon, 02 Mar 2026 12:30:00 GMT"}, {"age": "0"})
    ]
    assert response_date(dated) == datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    assert response_date(undated) is None
