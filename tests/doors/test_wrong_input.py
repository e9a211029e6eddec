"""Every kind of wrong input, at every tool, through both doors: refused readably, and nothing is written."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doors.pipe import Caller, Message, Pipe, serving
from doors.tales import DRAFT, code_of, contents, error_of, made
from taskhand.server.tools import TOOLS

EXAMPLES = 30
LONGEST_REFUSAL = 3_000
NOBODY = "00000000-0000-4000-8000-00000000dead"
TASK = "{task}"
"""Stands for the id of the one task in the store."""

VALID: dict[str, dict[str, Any]] = {
    "list_statuses": {},
    "list_team_members": {},
    "list_tasks": {"limit": 5},
    "get_task": {"id": TASK},
    "find_contacts": {"query": "acme"},
    "create_task": DRAFT,
    "update_task": {"id": TASK, "title": "Never to be seen"},
    "complete_task": {"id": TASK},
    "reassign_task": {"id": TASK, "responsibleIds": []},
}
"""A call of each tool that would be answered, were nothing wrong with it."""

REQUIRED = {
    "get_task": ("id",),
    "find_contacts": ("query",),
    "create_task": ("title", "responsibleIds", "priority"),
    "update_task": ("id",),
    "complete_task": ("id",),
    "reassign_task": ("id", "responsibleIds"),
}

NULLABLE = frozenset({"description", "dueDate", "dueTime", "timezone", "aiContactId", "aiCustomerId"})
READS = frozenset({"list_statuses", "list_team_members", "list_tasks", "get_task", "find_contacts"})

words = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=30)
odd = st.sampled_from(
    ["\x00", "'; DROP TABLE task; --", "../../etc/passwd", "\u202e", "%s%n", "{0}", "null", "💥" * 20]
)
junk = words | odd
no_text = st.sampled_from([True, False, 1.5, [], ["x"], {}, {"id": "x"}])
no_list = st.sampled_from([True, 1.5, {}, [1], [None], [["me"]], [{"id": "x"}], "", "me, Ana", "[1]", "["])
no_flag = st.sampled_from([2, -1, 1.5, [], {}, ["true"], "perhaps", 10**30])
no_number = st.sampled_from([1.5, [], {}, "first", "1.5", "9" * 5000, [1]])


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text.strip())) == text.strip().lower()
    except ValueError:
        return False


ids = no_text | junk.filter(lambda text: not _is_uuid(text)) | st.sampled_from([NOBODY, 7, "", f"{NOBODY}x"])
days = no_text | st.sampled_from(["2026-02-30", "tomorrow", "01/03/2026", "2026-3-1", "2026-01-01T00:00", 20260101])
people = no_list | st.lists(words.filter(lambda text: text.strip().casefold() != "me"), min_size=1, max_size=3)
names = no_text | st.sampled_from(["Done", "Pendient", "zzz", 3, "\u202e"])
WRONG: dict[str, st.SearchStrategy[Any]] = {
    "id": ids,
    "title": no_text | st.sampled_from(["", "  ", "\n", "x" * 1_001]),
    "description": no_text | st.just("x" * 50_001),
    "dueDate": days | junk | st.sampled_from(["", "0001-01-01", "9999-12-31T23:59:59-14:00", "2026-03-01T25:00Z"]),
    "dueTime": no_text | junk | st.sampled_from(["25:00", "9:00", "15:00:00", "3pm", "", 1500]),
    "timezone": no_text | junk | st.sampled_from(["Mars/Base", "", "../etc/localtime", "GMT+25", "America"]),
    "responsibleIds": people | st.just([NOBODY]) | st.just([""]),
    "aiContactId": no_text | st.sampled_from(["", "   "]),
    "aiCustomerId": no_text | st.sampled_from(["", "   "]),
    "priority": no_text | st.sampled_from(["3", "-1", "high", "Low", 3, -1, 10**30, "٢", "01", "1.0", "!"]),
    "newStatusName": names | st.sampled_from(["", "  "]),
    "newStatusPosition": no_number | st.sampled_from([0, 4, -1, 10**30, "0"]),
    "mode": no_text | junk | st.just("REPLACE"),
    "query": no_text | st.sampled_from(["", " ", "a", " á "]),
    "fromDate": days,
    "toDate": days,
    "includeTasksWithoutDates": no_flag,
    "overdue": no_flag,
    "status": no_list.filter(bool) | st.just([]) | st.just(["Donne"]) | st.just(["zzz", "done"]),
    "text": no_text,
    "contact": no_text,
    "order": no_text | junk | st.just("DUE"),
    "limit": no_number | st.sampled_from([0, 101, -1, 10**30, "0", "101"]),
    "cursor": no_text | junk.filter(lambda text: bool(text.strip())) | st.sampled_from(["W10", "bnVsbA", "e30", "%%%"]),
    "fields": no_list.filter(bool) | st.just(["Title"]) | st.just(["id; --"]),
}
"""What each argument may never be."""

TOGETHER: dict[str, list[dict[str, Any]]] = {
    "create_task": [
        {"dueTime": "15:00"},
        {"dueDate": "2026-03-01", "dueTime": "15:00"},
        {"dueDate": None, "dueTime": "15:00", "timezone": "America/Santiago"},
        {"dueDate": "2026-09-06", "dueTime": "00:30", "timezone": "America/Santiago"},
        {"timezone": "America/Santiago"},
        {"responsibleIds": ["me"] * 51},
    ],
    "update_task": [
        {"newStatusName": "Completado", "newStatusPosition": 3},
        {"dueTime": "15:00", "timezone": "America/Santiago"},
        {"dueDate": None, "dueTime": "15:00"},
    ],
    "complete_task": [{"newStatusName": "Pendiente"}, {"newStatusName": "En Progreso"}],
    "reassign_task": [{"responsibleIds": [], "mode": "add"}, {"responsibleIds": [], "mode": "remove"}],
    "list_tasks": [{"fromDate": "2026-03-02", "toDate": "2026-03-01"}, {"responsibleIds": ["me", "nobody"]}],
}
"""What may not come together, though each alone might."""

IMMUTABLE = ("created_at", "createdAt", "creator_id", "creatorId", "Creator-Id")


class Door(NamedTuple):
    """One way in, the store behind it, and the task in that store."""

    caller: Caller
    store: Path
    task: str


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Door, ...]]:
    """Both doors, each with a store of its own that holds one task."""
    with ExitStack() as stack:
        stores = [tmp_path_factory.mktemp(name) / "tasks.sqlite" for name in ("pipe", "web")]
        callers: list[Caller] = [stack.enter_context(Pipe(stores[0])), stack.enter_context(serving(stores[1]))]
        yield tuple(Door(c, store, made(c)["id"]) for c, store in zip(callers, stores, strict=True))


def _calls(tool: str) -> st.SearchStrategy[dict[str, Any]]:
    """Wrong calls of a tool: a wrong value, a wrong name, something missing, or things that may not come together."""
    properties = next(each for each in TOOLS if each.name == tool).arguments.model_fields.values()
    fields = [field.alias or "" for field in properties]
    kinds = [words.filter(lambda name: name not in fields).map(lambda name: VALID[tool] | {name: "x"})]
    kinds.append(st.sampled_from(IMMUTABLE).map(lambda name: VALID[tool] | {name: "x"}))
    kinds += [_wrong_value(tool, name) for name in fields]
    if lacking := REQUIRED.get(tool):
        kinds.append(st.sampled_from(lacking).map(lambda name: {k: v for k, v in VALID[tool].items() if k != name}))
    if tool in TOGETHER:
        kinds.append(st.sampled_from(TOGETHER[tool]).map(lambda given: VALID[tool] | given))
    return st.one_of(kinds)


def _wrong_value(tool: str, name: str) -> st.SearchStrategy[dict[str, Any]]:
    """The valid call with one argument wrong; a read takes an empty one for not given, unless it must be there."""
    values = WRONG[name]
    required = name in REQUIRED.get(tool, ())
    if name not in NULLABLE and (required or tool not in READS):
        values |= st.none()
    if tool in READS and not required:
        values = values.filter(lambda value: value not in (None, "", " "))
    return values.map(lambda value: VALID[tool] | {name: value})


def _check_readable(message: Message) -> None:
    error, text = error_of(message), message["result"]["content"][0]["text"]
    assert error["code"] != "internal_error"
    assert error["message"].strip().endswith((".", ":", "!", "?", ")", "”"))
    assert isinstance(error["retryable"], bool)
    assert len(text) < LONGEST_REFUSAL
    for word in ("Traceback", "pydantic", "https://", 'File "'):
        assert word not in text


def _place(arguments: dict[str, Any], door: Door) -> dict[str, Any]:
    return {name: door.task if value == TASK else value for name, value in arguments.items()}


@pytest.mark.parametrize("tool", sorted(VALID))
def test_wrong_calls_are_refused_readably_through_both_doors_and_write_nothing(
    doors: tuple[Door, ...], tool: str
) -> None:
    before = [contents(door.store) for door in doors]

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck]
    )
    @given(_calls(tool))
    def refused(arguments: dict[str, Any]) -> None:
        answers = [door.caller.call(tool, _place(arguments, door)) for door in doors]
        for answer in answers:
            _check_readable(answer)
        assert code_of(answers[0]) == code_of(answers[1])

    refused()
    assert [contents(door.store) for door in doors] == before


@pytest.mark.parametrize(("tool", "argument"), [("update_task", "newStatusPosition"), ("list_tasks", "limit")])
def test_true_is_not_the_number_one(doors: tuple[Door, ...], tool: str, argument: str) -> None:
    for door in doors:
        before = contents(door.store)
        target = {"id": door.task} if "id" in VALID[tool] else {}
        _check_readable(door.caller.call(tool, target | {argument: True}))
        assert contents(door.store) == before


def test_every_tool_is_covered() -> None:
    assert sorted(VALID) == sorted(tool.name for tool in TOOLS)


@pytest.mark.parametrize("tool", sorted(set(VALID) - {"create_task", "update_task", "complete_task", "reassign_task"}))
def test_what_the_wrong_calls_start_from_is_right(doors: tuple[Door, ...], tool: str) -> None:
    for door in doors:
        assert door.caller.call(tool, _place(VALID[tool], door))["result"]["isError"] is False


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
        made(door.caller)
        page = {"order": "priority", "limit": 1}
        cursor = door.caller.call("list_tasks", page)["result"]["structuredContent"]["nextCursor"]
        assert code_of(door.caller.call("list_tasks", page | {"cursor": _forged(cursor, key)})) == "invalid_cursor"


@pytest.mark.parametrize("key", ["\ud800", 7, True, None])
def test_a_cursor_with_a_forged_date_is_refused(doors: tuple[Door, ...], key: object) -> None:
    for door in doors:
        made(door.caller)
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
    ],
)
def test_half_a_character_is_refused_over_http(doors: tuple[Door, ...], tool: str, argument: str) -> None:
    door = doors[1]
    before = contents(door.store)
    _check_readable(door.caller.call(tool, _place(VALID[tool], door) | {argument: "cut \ud83d"}))
    assert contents(door.store) == before


@pytest.mark.parametrize("window", [{"toDate": "9999-12-31"}, {"fromDate": "0001-01-01"}, {"fromDate": "9999-12-31"}])
def test_the_ends_of_the_calendar_are_days_like_any_other(doors: tuple[Door, ...], window: dict[str, str]) -> None:
    for door in doors:
        found = door.caller.call("list_tasks", window)["result"]
        assert found["isError"] is False
        assert found["structuredContent"]["tasks"]
