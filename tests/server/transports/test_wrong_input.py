"""Every kind of wrong input, at every tool, over both transports: it is refused readably, and nothing is written."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings

from server.example_calls import CHANGE, DRAFT, DUE_DATE, PLAN, TASK, VALID, fill_in
from server.transports.server_process import Caller, Message, Pipe, serving
from server.transports.task_calls import code_of, contents, create_task, error_of
from server.transports.wrong_calls import READS, TOGETHER, UNDATED, wrong_calls
from taskhand.server.tools import TOOLS

EXAMPLES = 50
MAX_REFUSAL = 3_000


class Target(NamedTuple):
    """A transport, the store behind it, and the ids in that store for TASK, PLAN, CHANGE and UNDATED."""

    caller: Caller
    store: Path
    ids: dict[str, str]


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, ...]]:
    """Both transports, each with a store of its own that holds two tasks."""
    with ExitStack() as stack:
        stores = [tmp_path_factory.mktemp(name) / "tasks.sqlite" for name in ("pipe", "web")]
        callers: list[Caller] = [stack.enter_context(Pipe(stores[0])), stack.enter_context(serving(stores[1]))]
        yield tuple(Target(c, store, _create_tasks(c)) for c, store in zip(callers, stores, strict=True))


def _create_tasks(caller: Caller) -> dict[str, str]:
    """Two tasks: one without a due date, and one that was changed and is planned to be changed again."""
    undated = create_task(caller, DRAFT | {"title": "Call another"})["id"]
    task = create_task(caller, DRAFT | {"dueDate": DUE_DATE})["id"]
    change = caller.call("update_task", {"id": task, "priority": "2"})
    plan = caller.call("update_task", {"id": task, "title": "Never to be seen", "dryRun": True})
    found = {CHANGE: change, PLAN: plan}
    names = {CHANGE: "changeId", PLAN: "planId"}
    return {TASK: task, UNDATED: undated} | {
        mark: one["result"]["structuredContent"][names[mark]] for mark, one in found.items()
    }


def _check_readable(message: Message) -> None:
    error, text = error_of(message), message["result"]["content"][0]["text"]
    assert error["code"] != "internal_error"
    assert error["message"].strip().endswith((".", ":", "!", "?", ")", "”"))
    assert isinstance(error["retryable"], bool)
    assert len(text) < MAX_REFUSAL
    for word in ("Traceback", "pydantic", "https://", 'File "'):
        assert word not in text


@pytest.mark.parametrize("tool", sorted(VALID))
def test_wrong_calls_are_refused_over_both_transports_and_write_nothing(targets: tuple[Target, ...], tool: str) -> None:
    before = [contents(target.store) for target in targets]

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck]
    )
    @given(wrong_calls(tool))
    def refused(arguments: dict[str, Any]) -> None:
        answers = [target.caller.call(tool, fill_in(arguments, target.ids)) for target in targets]
        for answer in answers:
            _check_readable(answer)
        assert code_of(answers[0]) == code_of(answers[1])

    refused()
    assert [contents(target.store) for target in targets] == before


@pytest.mark.parametrize(
    ("tool", "sent"), [pytest.param(tool, sent, id=tool) for tool, rows in TOGETHER.items() for sent in rows]
)
def test_arguments_that_exclude_each_other_are_refused(
    targets: tuple[Target, ...], tool: str, sent: dict[str, Any]
) -> None:
    for target in targets:
        before = contents(target.store)
        _check_readable(target.caller.call(tool, fill_in(VALID[tool] | sent, target.ids)))
        assert contents(target.store) == before


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        ("update_task", {"id": TASK, "newStatusPosition": True}),
        ("bulk_update_tasks", {"taskIds": [TASK], "shiftDueDays": True}),
        ("bulk_update_tasks", {"taskIds": [TASK], "changes": {"newStatusPosition": True}}),
        ("list_tasks", {"limit": True}),
    ],
)
def test_true_is_not_the_number_one(targets: tuple[Target, ...], tool: str, sent: dict[str, Any]) -> None:
    for target in targets:
        before = contents(target.store)
        error = error_of(target.caller.call(tool, fill_in(sent, target.ids)))
        assert "a whole number" in error["message"]
        assert contents(target.store) == before


def test_wrong_calls_cover_every_tool() -> None:
    assert sorted(VALID) == sorted(tool.name for tool in TOOLS)


@pytest.mark.parametrize("tool", sorted(VALID))
def test_the_valid_calls_are_accepted(targets: tuple[Target, ...], tool: str) -> None:
    for target in targets:
        before = contents(target.store)
        planned = {} if tool in READS else {"dryRun": True}
        answer = target.caller.call(tool, fill_in(VALID[tool], target.ids) | planned)["result"]
        assert answer["isError"] is False
        assert tool in READS or answer["structuredContent"]["count"] == 1
        assert contents(target.store) == before


@pytest.mark.parametrize("blank", [None, "", "  "])
@pytest.mark.parametrize("argument", ["reason", "idempotencyKey"])
def test_an_argument_about_the_call_may_be_left_blank(targets: tuple[Target, ...], argument: str, blank: Any) -> None:
    for target in targets:
        answer = target.caller.call("create_task", DRAFT | {"dryRun": True, argument: blank})
        assert answer["result"]["isError"] is False


@pytest.mark.parametrize("times", [1, 2])
def test_arguments_may_be_one_json_string(targets: tuple[Target, ...], times: int) -> None:
    for target in targets:
        arguments: Any = {"id": target.ids[TASK], "title": "Never to be seen", "priority": 0, "dryRun": True}
        for _ in range(times):
            arguments = f" {json.dumps(arguments)}\n"
        plan = target.caller.call("update_task", arguments)["result"]["structuredContent"]
        assert plan["count"] == 1
        assert "tasks" in target.caller.call("list_tasks", "")["result"]["structuredContent"]
        assert code_of(target.caller.call("get_task", [])) == "missing_argument"


@pytest.mark.parametrize("arguments", [["x"], "x", "[1]", 7, True])
def test_arguments_that_are_no_object_are_refused(targets: tuple[Target, ...], arguments: Any) -> None:
    for target in targets:
        for tool in VALID:
            error = target.caller.call(tool, arguments)["error"]
            assert error["code"] == -32602
            assert error["message"]


@pytest.mark.parametrize("tool", ["", "list_task", "LIST_TASKS", "../list_tasks", "delete everything"])
def test_an_unknown_tool_is_named(targets: tuple[Target, ...], tool: str) -> None:
    for target in targets:
        result = target.caller.call(tool, {})["result"]
        assert result["isError"] is True
        assert json.loads(result["content"][0]["text"])["error"]["code"] == "unknown_tool"


def _forge_cursor(cursor: str, key: object) -> str:
    """The cursor, going on after another position."""
    _, task, fingerprint = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    return base64.urlsafe_b64encode(json.dumps([key, task, fingerprint]).encode()).decode()


@pytest.mark.parametrize("key", [10**30, -(10**30), None, [], 1.5, 1, "", "7"])
def test_a_forged_cursor_is_refused(targets: tuple[Target, ...], key: object) -> None:
    for target in targets:
        page = {"order": "priority", "limit": 1}
        cursor = target.caller.call("list_tasks", page)["result"]["structuredContent"]["nextCursor"]
        assert (
            code_of(target.caller.call("list_tasks", page | {"cursor": _forge_cursor(cursor, key)})) == "invalid_cursor"
        )


@pytest.mark.parametrize("key", ["\ud800", 7, True, None])
def test_a_cursor_with_a_forged_date_is_refused(targets: tuple[Target, ...], key: object) -> None:
    for target in targets:
        cursor = target.caller.call("list_tasks", {"limit": 1})["result"]["structuredContent"]["nextCursor"]
        answer = target.caller.call("list_tasks", {"limit": 1, "cursor": _forge_cursor(cursor, key)})
        assert code_of(answer) == "invalid_cursor"


def test_a_cursor_of_brackets_without_end_is_refused(targets: tuple[Target, ...]) -> None:
    cursor = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    for target in targets:
        assert code_of(target.caller.call("list_tasks", {"cursor": cursor})) == "invalid_cursor"


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
def test_a_lone_surrogate_is_refused_over_http(targets: tuple[Target, ...], tool: str, argument: str) -> None:
    target = targets[1]
    before = contents(target.store)
    for value in ("cut \ud83d", {"title": "cut \ud83d"}, {"text": "cut \ud83d"}):
        _check_readable(target.caller.call(tool, fill_in(VALID[tool], target.ids) | {argument: value}))
    assert contents(target.store) == before


@pytest.mark.parametrize("window", [{"toDate": "9999-12-31"}, {"fromDate": "0001-01-01"}, {"fromDate": "9999-12-31"}])
def test_the_ends_of_the_calendar_are_days_like_any_other(targets: tuple[Target, ...], window: dict[str, str]) -> None:
    for target in targets:
        found = target.caller.call("list_tasks", window)["result"]
        assert found["isError"] is False
        assert found["structuredContent"]["tasks"]


@pytest.mark.parametrize(
    "window", [{"since": "0001-01-01T00:00:00+14:00"}, {"until": "9999-12-31T23:59:59-14:00"}, {"since": "2026-03-01"}]
)
def test_the_ends_of_time_are_times_like_any_other(targets: tuple[Target, ...], window: dict[str, str]) -> None:
    for target in targets:
        assert target.caller.call("list_changes", window)["result"]["structuredContent"]["changes"]
