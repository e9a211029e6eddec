"""Every kind of wrong input, at every tool, through both doors: refused readably, and nothing is written."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings

from server.transports.pipe import Caller, Message, Pipe, serving
from server.transports.tales import DRAFT, code_of, contents, error_of, made
from server.transports.wrong import CHANGE, PLAN, READS, TASK, TOGETHER, VALID, wrong_calls
from taskhand.server.tools import TOOLS

EXAMPLES = 50
LONGEST_REFUSAL = 3_000


class Door(NamedTuple):
    """One way in, the store behind it, and the ids there that TASK, PLAN and CHANGE stand for."""

    caller: Caller
    store: Path
    ids: dict[str, str]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Door, ...]]:
    """Both doors, each with a store of its own that holds two tasks."""
    with ExitStack() as stack:
        stores = [tmp_path_factory.mktemp(name) / "tasks.sqlite" for name in ("pipe", "web")]
        callers: list[Caller] = [stack.enter_context(Pipe(stores[0])), stack.enter_context(serving(stores[1]))]
        yield tuple(Door(c, store, _furnished(c)) for c, store in zip(callers, stores, strict=True))


def _furnished(door: Caller) -> dict[str, str]:
    """Two tasks, of which one was changed and is planned to be changed again."""
    made(door, DRAFT | {"title": "Call another"})
    task = made(door)["id"]
    change = door.call("update_task", {"id": task, "priority": "2"})
    plan = door.call("update_task", {"id": task, "title": "Never to be seen", "dryRun": True})
    found = {CHANGE: change, PLAN: plan}
    names = {CHANGE: "changeId", PLAN: "planId"}
    return {TASK: task} | {mark: one["result"]["structuredContent"][names[mark]] for mark, one in found.items()}


def _check_readable(message: Message) -> None:
    error, text = error_of(message), message["result"]["content"][0]["text"]
    assert error["code"] != "internal_error"
    assert error["message"].strip().endswith((".", ":", "!", "?", ")", "”"))
    assert isinstance(error["retryable"], bool)
    assert len(text) < LONGEST_REFUSAL
    for word in ("Traceback", "pydantic", "https://", 'File "'):
        assert word not in text


def _place(value: Any, door: Door) -> Any:
    """The arguments with the ids of this door's store."""
    match value:
        case str():
            return door.ids.get(value, value)
        case list():
            return [_place(item, door) for item in value]
        case dict():
            return {name: _place(item, door) for name, item in value.items()}
        case _:
            return value


@pytest.mark.parametrize("tool", sorted(VALID))
def test_wrong_calls_are_refused_readably_through_both_doors_and_write_nothing(
    doors: tuple[Door, ...], tool: str
) -> None:
    before = [contents(door.store) for door in doors]

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck]
    )
    @given(wrong_calls(tool))
    def refused(arguments: dict[str, Any]) -> None:
        answers = [door.caller.call(tool, _place(arguments, door)) for door in doors]
        for answer in answers:
            _check_readable(answer)
        assert code_of(answers[0]) == code_of(answers[1])

    refused()
    assert [contents(door.store) for door in doors] == before


@pytest.mark.parametrize(
    ("tool", "sent"), [pytest.param(tool, sent, id=tool) for tool, rows in TOGETHER.items() for sent in rows]
)
def test_what_may_not_come_together_is_refused(doors: tuple[Door, ...], tool: str, sent: dict[str, Any]) -> None:
    for door in doors:
        before = contents(door.store)
        _check_readable(door.caller.call(tool, _place(VALID[tool] | sent, door)))
        assert contents(door.store) == before


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        ("update_task", {"id": TASK, "newStatusPosition": True}),
        ("bulk_update_tasks", {"taskIds": [TASK], "shiftDueDays": True}),
        ("bulk_update_tasks", {"taskIds": [TASK], "changes": {"newStatusPosition": True}}),
        ("list_tasks", {"limit": True}),
    ],
)
def test_true_is_not_the_number_one(doors: tuple[Door, ...], tool: str, sent: dict[str, Any]) -> None:
    for door in doors:
        before = contents(door.store)
        error = error_of(door.caller.call(tool, _place(sent, door)))
        assert "a whole number" in error["message"]
        assert contents(door.store) == before


def test_every_tool_is_covered() -> None:
    assert sorted(VALID) == sorted(tool.name for tool in TOOLS)


@pytest.mark.parametrize("tool", sorted(VALID))
def test_what_the_wrong_calls_start_from_is_right(doors: tuple[Door, ...], tool: str) -> None:
    for door in doors:
        before = contents(door.store)
        planned = {} if tool in READS else {"dryRun": True}
        answer = door.caller.call(tool, _place(VALID[tool], door) | planned)["result"]
        assert answer["isError"] is False
        assert tool in READS or answer["structuredContent"]["count"] == 1
        assert contents(door.store) == before


@pytest.mark.parametrize("blank", [None, "", "  "])
@pytest.mark.parametrize("argument", ["reason", "idempotencyKey"])
def test_an_argument_about_the_call_may_be_left_blank(doors: tuple[Door, ...], argument: str, blank: Any) -> None:
    for door in doors:
        answer = door.caller.call("create_task", DRAFT | {"dryRun": True, argument: blank})
        assert answer["result"]["isError"] is False


@pytest.mark.parametrize("arguments", [[], ["x"], "x", 7, True])
def test_arguments_that_are_no_object_are_refused(doors: tuple[Door, ...], arguments: Any) -> None:
    for door in doors:
        for tool in VALID:
            error = door.caller.call(tool, arguments)["error"]
            assert error["code"] == -32602
            assert error["message"]


@pytest.mark.parametrize("tool", ["", "list_task", "LIST_TASKS", "../list_tasks", "delete everything"])
def test_an_unknown_tool_is_named(doors: tuple[Door, ...], tool: str) -> None:
    for door in doors:
        result = door.caller.call(tool, {})["result"]
        assert result["isError"] is True
        assert json.loads(result["content"][0]["text"])["error"]["code"] == "unknown_tool"


def _forged(cursor: str, key: object) -> str:
    """The cursor, going on after another position."""
    _, task, fingerprint = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    return base64.urlsafe_b64encode(json.dumps([key, task, fingerprint]).encode()).decode()


@pytest.mark.parametrize("key", [10**30, -(10**30), None, [], 1.5, "1"])
def test_a_forged_cursor_is_refused(doors: tuple[Door, ...], key: object) -> None:
    for door in doors:
        page = {"order": "priority", "limit": 1}
        cursor = door.caller.call("list_tasks", page)["result"]["structuredContent"]["nextCursor"]
        assert code_of(door.caller.call("list_tasks", page | {"cursor": _forged(cursor, key)})) == "invalid_cursor"


@pytest.mark.parametrize("key", ["\ud800", 7, True, None])
def test_a_cursor_with_a_forged_date_is_refused(doors: tuple[Door, ...], key: object) -> None:
    for door in doors:
        cursor = door.caller.call("list_tasks", {"limit": 1})["result"]["structuredContent"]["nextCursor"]
        answer = door.caller.call("list_tasks", {"limit": 1, "cursor": _forged(cursor, key)})
        assert code_of(answer) == "invalid_cursor"


def test_a_cursor_of_brackets_without_end_is_refused(doors: tuple[Door, ...]) -> None:
    cursor = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    for door in doors:
        assert code_of(door.caller.call("list_tasks", {"cursor": cursor})) == "invalid_cursor"


@pytest.mark.parametrize(
    ("tool", "argument"),
    [
        ("create_task", "title"),
        ("create_task", "description"),
        ("create_task", "dueDate"),
        ("create_task", "aiContactId"),
        ("create_task", "priority"),
        ("update_task", "newStatusName"),
        ("update_task", "timezone"),
        ("list_tasks", "text"),
        ("list_tasks", "contact"),
        ("list_tasks", "cursor"),
        ("find_contacts", "query"),
        ("get_task", "id"),
        ("create_task", "reason"),
        ("create_task", "idempotencyKey"),
        ("bulk_update_tasks", "taskIds"),
        ("bulk_update_tasks", "filter"),
        ("bulk_update_tasks", "changes"),
        ("delete_task", "id"),
        ("apply_plan", "planId"),
        ("undo_change", "changeId"),
        ("list_changes", "taskId"),
        ("list_changes", "since"),
    ],
)
def test_half_a_character_is_refused_over_http(doors: tuple[Door, ...], tool: str, argument: str) -> None:
    door = doors[1]
    before = contents(door.store)
    for value in ("cut \ud83d", {"title": "cut \ud83d"}, {"text": "cut \ud83d"}):
        _check_readable(door.caller.call(tool, _place(VALID[tool], door) | {argument: value}))
    assert contents(door.store) == before


@pytest.mark.parametrize("window", [{"toDate": "9999-12-31"}, {"fromDate": "0001-01-01"}, {"fromDate": "9999-12-31"}])
def test_the_ends_of_the_calendar_are_days_like_any_other(doors: tuple[Door, ...], window: dict[str, str]) -> None:
    for door in doors:
        found = door.caller.call("list_tasks", window)["result"]
        assert found["isError"] is False
        assert found["structuredContent"]["tasks"]


@pytest.mark.parametrize(
    "window", [{"since": "0001-01-01T00:00:00+14:00"}, {"until": "9999-12-31T23:59:59-14:00"}, {"since": "2026-03-01"}]
)
def test_the_ends_of_time_are_times_like_any_other(doors: tuple[Door, ...], window: dict[str, str]) -> None:
    for door in doors:
        assert door.caller.call("list_changes", window)["result"]["structuredContent"]["changes"]
