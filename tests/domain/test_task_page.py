import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import TASK_ID, refused, task
from taskhand.domain.date_window import Period
from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import Match
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_cursor import cursor_after, position_after, resume
from taskhand.domain.task_page import select_page
from taskhand.domain.task_query import NO_DUE, Order, TaskQuery, task_sort_key
from taskhand.domain.task_times import TaskTimes

QUERY = TaskQuery(text="Ñandú", from_date="2026-01-01")
ORDERS: list[Order] = ["due", "created", "oldest", "priority"]
TIMED = task(due_at="2026-03-01T18:00:00.000Z", due_timezone="America/Santiago")
DAY = task(due_at="2026-03-01T00:00:00.000Z", is_all_day=True, due_timezone="America/Santiago")


def encode_cursor(value: object) -> str:
    return raw(json.dumps(value).encode())


def raw(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    ("of", "order", "key"),
    [
        (TIMED, "due", "2026-03-01T15:00:00"),
        (DAY, "due", "2026-03-01"),
        (task(), "due", NO_DUE),
        (task(), "created", "2026-03-01T10:00:00.000Z"),
        (task(priority=2), "priority", "0~"),
        (task(priority=0), "priority", "2~"),
    ],
)
def test_the_sort_key_of_a_task_follows_the_order(of: Task, order: Order, key: str) -> None:
    assert task_sort_key(of, order) == key


def test_a_day_sorts_before_its_times_and_no_due_date_sorts_last() -> None:
    keys = [task_sort_key(one, "due") for one in (DAY, TIMED, task())]
    assert keys == sorted(keys, key=str)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("of", [TIMED, DAY, task()])
def test_a_cursor_resumes_where_the_page_ended(of: Task, order: Order) -> None:
    query = replace(QUERY, order=order)
    expected = replace(query, after=(task_sort_key(of, order), TASK_ID))
    assert resume(query, cursor_after(of, query)) == resume(query, position_after(of, query)) == expected


@pytest.mark.parametrize(("limit", "more"), [(1, True), (2, False), (3, False)])
def test_a_page_has_a_next_one_if_a_task_is_left(limit: int, more: bool) -> None:  # noqa: FBT001  a column of the table
    page = select_page([task(id="1"), task(id="2")], TaskQuery(limit=limit), lambda _: False)
    assert (len(page.tasks), page.more) == (min(limit, 2), more)


ROWS = {
    "a": task(due_at="2026-03-02T00:00:00.000Z", is_all_day=True, priority=1, created_at="2026-03-01T10:00:00.000Z"),
    "b": task(due_at="2026-03-02T00:00:00.000Z", is_all_day=True, priority=1, created_at="2026-03-01T10:00:00.000Z"),
    "c": task(due_at="2026-03-01T00:00:00.000Z", is_all_day=True, priority=None, created_at="2026-03-03T10:00:00.000Z"),
    "d": task(priority=2, created_at="2026-03-02T10:00:00.000Z"),
}


@pytest.mark.parametrize(
    ("order", "ids"), [("due", "cabd"), ("created", "cdba"), ("oldest", "abdc"), ("priority", "dabc")]
)
@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_the_pages_of_a_list_have_every_task_once_and_in_order(order: Order, ids: str, limit: int) -> None:
    tasks = [ROWS[one].model_copy(update={"id": one}) for one in "dbca"]
    query, found = TaskQuery(order=order, limit=limit), ""
    for _ in range(-(-len(ids) // limit)):
        page = select_page(tasks, query, lambda _: False)
        found += "".join(one.id for one in page.tasks)
        assert page.more is (found != ids)
        query = resume(query, cursor_after(page.tasks[-1], query))
    assert found == ids


def test_a_task_that_cannot_be_read_is_named_and_left_out_where_it_may_match() -> None:
    hidden = [task(id="1", unreadable=("priority",)), task(id="2", unreadable=("title",), priority=0)]
    times = {"3": TaskTimes(completed_by="ana"), "4": TaskTimes(completed_by="ben")}
    page = select_page([*hidden, task(id="3", priority=2), task(id="4")], TaskQuery(priority=2), lambda _: False, times)
    assert ([one.id for one in page.tasks], page.unreadable) == (["3"], ("1",))
    assert dict(page.times) == {"3": times["3"]}


@given(st.text(min_size=1), st.text(), st.integers(0, 2), st.sampled_from(ORDERS))
def test_a_cursor_can_encode_any_task(task_id: str, created: str, priority: int, order: Order) -> None:
    query = replace(QUERY, order=order)
    of = task(id=task_id, created_at=created, priority=priority)
    assert resume(query, cursor_after(of, query)).after == (task_sort_key(of, order), task_id)


def test_a_cursor_stays_valid_after_a_change_of_the_shown_fields() -> None:
    smaller = replace(QUERY, limit=5, links=frozenset(), matched=(Match("fromDate", "today", "x", "2026-01-01"),))
    assert resume(smaller, cursor_after(TIMED, QUERY)).limit == 5
    found, named = (replace(QUERY, statuses=(StatusChoice("Listo", 4, status_id),)) for status_id in ("s-4", None))
    assert resume(found, cursor_after(TIMED, named)).after is not None


def test_the_cursor_of_a_later_page_belongs_to_the_same_list() -> None:
    later = resume(QUERY, cursor_after(DAY, QUERY))
    assert resume(QUERY, cursor_after(TIMED, later)).after == ("2026-03-01T15:00:00", TASK_ID)


@pytest.mark.parametrize(
    "other",
    [
        {"order": "created"},
        {"order": "priority"},
        {"text": "other"},
        {"text": None},
        {"from_date": "2026-01-02"},
        {"to_date": "2026-01-02"},
        {"include_tasks_without_dates": False},
        {"responsible_ids": ("x",)},
        {"statuses": (StatusChoice("x"),)},
        {"overdue": False},
        {"priority": 0},
        {"contact": "x"},
        {"of_nobody": True},
        {"without_date": True},
        {"period": Period("created", None, None)},
        {"task_type": "x"},
        {"deal_id": "x"},
        {"connection": "x"},
    ],
)
def test_a_cursor_of_another_list_is_refused(other: dict[str, Any]) -> None:
    with refused("invalid_cursor"):
        resume(replace(QUERY, **other), cursor_after(TIMED, QUERY))


@pytest.mark.parametrize(
    ("chosen", "other"),
    [
        (StatusChoice("x"), StatusChoice("y")),
        (StatusChoice(position=1), StatusChoice(position=2)),
        (StatusChoice("x", 1), StatusChoice("y", 1)),
    ],
)
def test_a_cursor_belongs_to_the_statuses_of_its_list(chosen: StatusChoice, other: StatusChoice) -> None:
    query = replace(QUERY, statuses=(chosen,))
    assert resume(query, cursor_after(TIMED, query)).after is not None
    with refused("invalid_cursor"):
        resume(replace(QUERY, statuses=(other,)), cursor_after(TIMED, query))


FINGERPRINT = json.loads(base64.urlsafe_b64decode(cursor_after(task(), QUERY) + "=="))[2]

GARBAGE = {
    "empty": "",
    "text": "next",
    "not ASCII": "ñandú",
    "surrogate": "\ud800",
    "no JSON": raw(b"next"),
    "no UTF-8": raw(b"\xff\xfe"),
    "null": encode_cursor(None),
    "number": encode_cursor(7),
    "object": encode_cursor({"a": 1, "b": 2, "c": 3}),
    "too short": encode_cursor(["a", "b"]),
    "too long": encode_cursor(["a", "b", FINGERPRINT, "d"]),
    "wrong fingerprint": encode_cursor(["2026-03-01", TASK_ID, "0" * 12]),
    "key of another type": encode_cursor([1, TASK_ID, FINGERPRINT]),
    "key is a list": encode_cursor([["a"], TASK_ID, FINGERPRINT]),
    "id is no text": encode_cursor(["2026-03-01", 1, FINGERPRINT]),
    "id with half a character": encode_cursor(["2026-03-01", "\ud800", FINGERPRINT]),
    "large number": raw(b"[" + b"9" * 400 + b",1,2]"),
    "huge number": raw(b"[" + b"9" * 5_000 + b",1,2]"),
    "deeply nested": raw(b"[" * 100_000),
    "deeply nested objects": raw(b'{"a":' * 100_000),
}


@pytest.mark.parametrize("cursor", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_cursor_that_cannot_be_decoded_is_refused(cursor: str) -> None:
    with refused("invalid_cursor"):
        resume(QUERY, cursor)


@pytest.mark.parametrize("key", [10**300, 1.0, None, "", "3~"], ids=["large", "float", "null", "empty", "lower"])
def test_a_cursor_with_a_forged_priority_is_refused(key: object) -> None:
    query = replace(QUERY, order="priority")
    _, task_id, fingerprint = json.loads(base64.urlsafe_b64decode(cursor_after(task(), query) + "=="))
    with refused("invalid_cursor"):
        resume(query, encode_cursor([key, task_id, fingerprint]))


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists)
PARTS = st.tuples(JSON, JSON, JSON | st.just(FINGERPRINT))


@given(st.text() | st.binary().map(raw) | JSON.map(encode_cursor) | PARTS.map(encode_cursor))
@example(cursor_after(TIMED, QUERY))
@example(encode_cursor(["", "", FINGERPRINT]))
def test_any_text_for_a_cursor_is_decoded_or_refused(cursor: str) -> None:
    try:
        after = resume(QUERY, cursor).after
    except CallerError as error:
        after = (error.code, "")
    assert after is not None
    assert list(map(type, after)) == [str, str]
    assert after[1] or after[0] == "invalid_cursor"
