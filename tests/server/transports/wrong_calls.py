"""Wrong calls: for each argument of a tool the values that it refuses, in the example of that tool."""

from contextlib import suppress
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from pydantic import BaseModel

from server.example_calls import DRAFT, REQUIRED, TASK, VALID
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.name_matching import fold
from taskhand.domain.task import TaskPatch
from taskhand.domain.task_query import NOBODY as NOBODY_WORDS
from taskhand.domain.task_query import TaskFilter
from taskhand.server.arguments.coercion import is_empty
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.tools import TOOLS

__all__ = ["READS", "TOGETHER", "UNDATED", "wrong_calls"]

NOBODY = "00000000-0000-4000-8000-00000000dead"
UNDATED = "{undated task}"
"""Stands for the id of a task without a due date."""

INSTEAD_OF = {
    "filter": "taskIds",
    "shiftDueDays": "changes",
    "ids": "id",
}
"""Arguments that are tried without one of the valid call: beside it some of their values say nothing."""

READS = frozenset(tool.name for tool in TOOLS if tool.kind == "read")


def _is_date_or_time(text: str) -> bool:
    """Whether the text is a valid value after all: hypothesis also draws constants that it finds in the sources."""
    for kind in (date, time, datetime):
        with suppress(ValueError):
            kind.fromisoformat(text.strip())
            return True
    return False


words = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=30).filter(
    lambda text: not _is_date_or_time(text)
)
odd = st.sampled_from(
    ["\x00", "'; DROP TABLE task; --", "../../etc/passwd", "\u202e", "%s%n", "{0}", "null", "💥" * 20]
)
junk = words | odd
no_text = st.sampled_from([True, False, 1.5, [], ["x"], {}, {"id": "x"}])
no_list = st.sampled_from([True, 1.5, {}, [1], [None], [["me"]], [{"id": "x"}], "", "me, Ana", "[1]", "["])
no_flag = st.sampled_from([2, -1, 1.5, [], {}, ["true"], "perhaps", 10**30])
no_object = st.sampled_from([True, 1.5, 7, [], ["x"], "x", "{", "[]", "null", "\x00"])
no_number = st.sampled_from([1.5, [], {}, "first", "1.5", "9" * 5000, [1]])


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text.strip())) == text.strip().lower()
    except ValueError:
        return False


ids = no_text | junk.filter(lambda text: not _is_uuid(text)) | st.sampled_from([NOBODY, 7, "", f"{NOBODY}x"])
days = no_text | st.sampled_from(["2026-02-30", "soon", "01/03/2026", "2026-03", "2026-01-01T00:00", 20260101])
_MEANT = NOBODY_WORDS | {"me", "null", "undefined"}
"""Words that mean somebody, nobody, or that nothing was given."""
people = no_list | st.lists(words.filter(lambda text: fold(text) not in _MEANT), min_size=1, max_size=3)
names = no_text | st.sampled_from(["Donne", "Pendient", "zzz", 3, "\u202e"])
unknown_ids = no_text | junk | st.sampled_from([NOBODY, 7, "", TASK])
undated = words.map(lambda text: f"never {text}")
"""Words that name no day, as `mon` does."""
moments = no_text | undated | st.sampled_from(["soon", "2026-02-30", "01/03/2026", "2026-03", "2026-03-01T25:00"])
WRONG: dict[str, st.SearchStrategy[Any]] = {
    "id": ids,
    "title": no_text | st.sampled_from(["", "  ", "\n", "x" * 1_001]),
    "description": no_text | st.just("x" * 50_001),
    "dueDate": days
    | odd
    | undated
    | st.sampled_from(["", "0001-01-01", "9999-12-31T23:59:59-14:00", "2026-03-01T25:00Z"]),
    "dueTime": no_text | junk | st.sampled_from(["25:00", "3:00", "15:00:01", "13pm", "", 1500]),
    "timezone": no_text | junk | st.sampled_from(["Mars/Base", "", "../etc/localtime", "GMT+25", "America"]),
    "responsibleIds": people | st.just([NOBODY]) | st.just([""]),
    "aiContactId": no_text | st.sampled_from(["", "   "]),
    "aiCustomerId": no_text | st.sampled_from(["", "   "]),
    "priority": no_text | st.sampled_from(["3", "-1", "high", "Low", 3, -1, 10**30, "٢", "01", "1.5", "!"]),
    "newStatusName": names | st.sampled_from(["", "  "]),
    "newStatusPosition": no_number | st.sampled_from([0, 4, -1, 10**30, "0"]),
    "clear": st.sampled_from(
        [5, True, {"a": 1}, [["dueDate"]], ["title"], ["id"], ["zzz"], "title, zzz", ["dueDate", 5]]
    ),
    "taskType": no_text | junk,
    "dealId": no_text | junk,
    "resolution": no_text | junk,
    "properties": st.sampled_from([5, "x", [7], ["a=b"], {"a": {"b": 1}}, [{"name": "a"}]]),
    "idProperty": no_text | junk,
    "addNote": no_text | st.just("x" * 10_001),
    "mode": no_text | junk | st.just("swap"),
    "query": no_text | st.sampled_from(["", " ", "a", " á "]),
    "fromDate": days,
    "toDate": days,
    "includeTasksWithoutDates": no_flag,
    "withoutDate": no_flag,
    "dateField": no_text | junk | st.sampled_from(["deadline", "created_at", "completed"]),
    "overdue": no_flag,
    "text": no_text,
    "contact": no_text,
    "countBy": no_text | junk | st.sampled_from(["stage", "dueTime", "day"]),
    "status": no_list.filter(bool) | st.just([]) | st.just(["Donne"]) | st.just(["zzz", "done"]),
    "order": no_text | junk | st.just("deadline"),
    "limit": no_number | st.sampled_from([0, 101, -1, 10**30, "0", "101"]),
    "cursor": no_text
    | junk.filter(lambda text: not text.strip().isdigit())
    | st.sampled_from(["W10", "bnVsbA", "e30", "%%%"]),
    "fields": no_list.filter(bool) | st.just(["headline"]) | st.just(["id; --"]),
    "idempotencyKey": no_text | st.just("x" * 201),
    "taskIds": no_list | st.sampled_from([[], ["7"], ["7", "8"], [NOBODY], [f"x{n}" for n in range(1_001)]]),
    "ids": no_list | st.sampled_from([[], ["7"], ["7", "8"], [NOBODY], [f"x{n}" for n in range(1_001)]]),
    "tasks": st.sampled_from(
        [True, 1.5, [], ["x"], [7], [{}], [[]], {}, "x", "{", "null", [DRAFT, DRAFT], [DRAFT] * 51]
    )
    | no_text.map(lambda title: [DRAFT | {"title": title}])
    | words.map(lambda name: [DRAFT | {f"{name}!": "x"}]),
    "addResponsibleIds": people | st.sampled_from([[], [NOBODY], [""]]),
    "removeResponsibleIds": people | st.sampled_from([[], [NOBODY], [""]]),
    "except": no_list | people,
    "shiftDueDays": no_number | st.sampled_from([0, 3_661, -3_661, 10**30, "0"]),
    "planId": unknown_ids,
    "changeId": unknown_ids,
    "taskId": no_text | st.sampled_from(["7", "x", f"{NOBODY}x", "\u202e"]),
    "tool": no_text | st.sampled_from(["update", "change_task", "list_tasks", "'; --"]),
    "since": moments,
    "until": moments,
    "outcome": no_text | junk | st.just("done"),
    "kinds": no_list.filter(bool) | st.just(["edited"]) | st.just(["created", "x; --"]),
    "people": people.filter(bool),
}
"""What each argument may never be; values of another type are enough if it has no line."""

WITHIN: dict[str, tuple[type[BaseModel], list[Any]]] = {
    "filter": (TaskFilter, [{}, {"limit": 5}, {"taskIds": [TASK]}, {"includeTasksWithoutDates": True}, {"text": ""}]),
    "changes": (TaskPatch, [{}, {"id": TASK}, {"creator_id": "x"}, {"dryRun": True}, {"shiftDueDays": 1}]),
}
"""Arguments that are objects: what their fields are, and what else they may never be."""

TOGETHER: dict[str, list[dict[str, Any]]] = {
    "create_task": [
        {"dueTime": "15:00"},
        {"dueDate": "2026-03-01", "dueTime": "15:00"},
        {"dueDate": None, "dueTime": "15:00", "timezone": "America/Santiago"},
        {"dueDate": "2026-09-06", "dueTime": "00:30", "timezone": "America/Santiago"},
        {"timezone": "America/Santiago"},
    ],
    "update_task": [
        {"newStatusName": "Completado", "newStatusPosition": 3},
        {"id": UNDATED, "dueTime": "15:00", "timezone": "America/Santiago"},
        {"dueDate": None, "dueTime": "15:00"},
        {"addResponsibleIds": ["me"], "clear": ["responsibleIds"]},
        {"removeResponsibleIds": ["me"], "responsibleIds": ["me"]},
        {"addNote": "called", "description": "Why"},
        {"addResponsibleIds": ["me"], "removeResponsibleIds": ["me"]},
    ],
    "complete_task": [{"newStatusName": "Pendiente"}, {"newStatusName": "En Progreso"}],
    "reassign_task": [{"responsibleIds": [], "mode": "add"}, {"responsibleIds": [], "mode": "remove"}],
    "list_tasks": [
        {"fromDate": "2026-03-02", "toDate": "2026-03-01"},
        {"responsibleIds": ["me", "no such person"]},
        {"withoutDate": True, "fromDate": "2026-03-01"},
        {"withoutDate": True, "includeTasksWithoutDates": False},
        {"withoutDate": True, "overdue": True},
        {"dateField": "created"},
    ],
    "bulk_update_tasks": [
        {"filter": {"priority": "1"}},
        {"changes": {"dueDate": "2026-03-20"}, "shiftDueDays": 1},
        {"changes": {"addResponsibleIds": ["me"], "responsibleIds": ["me"]}},
        {"changes": {"addResponsibleIds": ["me"], "removeResponsibleIds": ["me"]}},
        {"changes": {"newStatusName": "Completado", "newStatusPosition": 3}},
        {"taskIds": [UNDATED], "changes": {"dueTime": "15:00", "timezone": "America/Santiago"}},
    ],
    "list_changes": [{"since": "2026-03-02", "until": "2026-03-01"}],
}
"""What may not come together, though each alone might."""

IMMUTABLE = ("created_at", "createdAt", "creator_id", "creatorId", "Creator-Id")


def wrong_calls(tool: str) -> st.SearchStrategy[dict[str, Any]]:
    """Wrong calls of a tool: a wrong value, a wrong name, or something missing."""
    properties = next(each for each in TOOLS if each.name == tool).arguments.model_fields.values()
    fields = [field.alias or "" for field in properties]
    kinds = [words.filter(lambda name: name not in fields).map(lambda name: VALID[tool] | {name: "x"})]
    kinds.append(st.sampled_from(IMMUTABLE).map(lambda name: VALID[tool] | {name: "x"}))
    kinds += [_wrong_value(tool, name) for name in fields]
    if lacking := REQUIRED[tool]:
        kinds.append(st.sampled_from(lacking).map(lambda name: {k: v for k, v in VALID[tool].items() if k != name}))
    return st.one_of(kinds)


_OF_ANOTHER_TYPE = {"string": no_text, "array": no_list, "boolean": no_flag, "integer": no_number, "object": no_object}


def _of_another_type(tool: str, name: str) -> st.SearchStrategy[Any]:
    """What an argument refuses for its type alone."""
    model = next(each for each in TOOLS if each.name == tool).arguments
    schema = input_schema(model, Capabilities())["properties"][name]
    return _OF_ANOTHER_TYPE[schema.get("anyOf", [schema])[0]["type"]]


def _values_for(tool: str, name: str) -> st.SearchStrategy[Any]:
    """What an argument refuses."""
    if name in WITHIN:
        return _wrong_object(name)
    return WRONG[name] if name in WRONG else _of_another_type(tool, name)


def _wrong_value(tool: str, name: str) -> st.SearchStrategy[dict[str, Any]]:
    """The valid call with one argument wrong; what a host fills in for an argument is no wrong one."""
    values = _values_for(tool, name)
    if name in REQUIRED[tool] or name in INSTEAD_OF:
        values |= st.none()
    else:
        values = values.filter(lambda value: not _says_nothing(value))
    others = {other: value for other, value in VALID[tool].items() if other != INSTEAD_OF.get(name)}
    return values.map(lambda value: others | {name: value})


def _says_nothing(value: Any) -> bool:
    """Whether the value means that the argument is not given."""
    text = value.strip() if isinstance(value, str) else value
    return text in ("null", "undefined", "None") or is_empty(text)


def _wrong_object(name: str) -> st.SearchStrategy[Any]:
    """What is no object, or one with a wrong field; an empty field of a filter is taken for not given."""
    model, others = WITHIN[name]
    kinds = [_field_alone(field.alias or "") for field in model.model_fields.values()]
    return st.one_of(*kinds, no_object, st.sampled_from(others), words.map(lambda field: {f"{field}!": "x"}))


def _field_alone(name: str) -> st.SearchStrategy[Any]:
    return WRONG[name].filter(lambda value: value is not None).map(lambda value: {name: value})
