import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from builders import TASK_ID, only_refuses, refused
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.errors import CallerError
from taskhand.server.arguments.parsing import parse_arguments
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.tool import Tool
from taskhand.server.tools import TOOLS

BY_NAME = {tool.name: tool for tool in TOOLS}
EVERYTHING = Capabilities(absent=frozenset())
SCHEMAS = {tool.name: input_schema(tool.arguments, EVERYTHING) for tool in TOOLS}
DRAFT = {"title": "Call back", "responsibleIds": [], "priority": "1"}


def parse_call(name: str, sent: dict[str, Any], capabilities: Capabilities = EVERYTHING) -> BaseModel:
    tool = BY_NAME[name]
    schema = SCHEMAS[name] if capabilities is EVERYTHING else input_schema(tool.arguments, capabilities)
    model: BaseModel = parse_arguments(tool.arguments, schema, sent, reads=tool.kind == "read", tool=name)
    return model


def parse_given(name: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The arguments that were understood as given, under the names they are sent by."""
    return parse_call(name, sent).model_dump(by_alias=True, exclude_unset=True)


def update(**sent: Any) -> dict[str, Any]:
    return {"id": TASK_ID} | sent


_OWN = {"properties": ({"name": "a", "value": "b;c"}, {"name": "n", "value": None}, {"name": "z", "value": "1.5"})}
_NOTHING: list[Any] = [None, "", []]
_FILLERS: list[Any] = [[], {}, "", None, "null", [{}], [{"name": "", "value": ""}]]
_PROPERTIES: list[tuple[Any, dict[str, Any]]] = [
    ({"z": 1.5, "a": ["b", "c"], "n": None}, _OWN),
    ([{"name": "z", "value": 1.50}, {"name": "a", "value": " b;c "}, {"name": "n", "value": ""}], _OWN),
    ([{"z": "1.5"}, {"a": "b;c", "n": None}], _OWN),
    ('{"z": "1.5", "a": "b;c", "n": ""}', _OWN),
    ({"yes": True, "count": 17}, {"properties": ({"name": "count", "value": "17"}, {"name": "yes", "value": "true"})}),
    *(({"n": empty}, {"properties": ({"name": "n", "value": None},)}) for empty in _NOTHING),
    *((filler, {}) for filler in _FILLERS),
]
"""Properties as they may be sent, and as they are understood."""


@pytest.mark.parametrize(
    ("tool", "sent", "expected"),
    [
        ("get_task", {"id": f" {TASK_ID}\n"}, {"id": TASK_ID}),
        ("update_task", update(title="  Call back "), update(title="Call back")),
        ("update_task", update(description="  as typed\n"), update(description="  as typed\n")),
        ("update_task", update(dueDate=" 2026-03-01 "), update(dueDate="2026-03-01")),
        ("update_task", update(priority=2), update(priority="2")),
        ("update_task", update(priority=" 2 "), update(priority="2")),
        ("update_task", update(newStatusPosition="3"), update(newStatusPosition=3)),
        ("update_task", update(newStatusPosition=" 3 "), update(newStatusPosition=3)),
        ("update_task", update(newStatusPosition=3.0), update(newStatusPosition=3)),
        ("update_task", update(newStatusName=42), update(newStatusName="42")),
        *(("update_task", update(title="x", properties=sent), update(title="x", **kept)) for sent, kept in _PROPERTIES),
        ("update_task", update(responsibleIds='["a", "b"]'), update(responsibleIds=("a", "b"))),
        ("update_task", update(responsibleIds=' ["a"] '), update(responsibleIds=("a",))),
        ("update_task", update(responsibleIds='"Ana Pérez"'), update(responsibleIds=("Ana Pérez",))),
        ("update_task", update(responsibleIds="me"), update(responsibleIds=("me",))),
        ("update_task", update(responsibleIds='"Ana" <a@x.cl>'), update(responsibleIds=('"Ana" <a@x.cl>',))),
        ("update_task", update(responsibleIds=[{"responsible_id": " a "}]), update(responsibleIds=("a",))),
        (
            "update_task",
            update(responsibleIds=[{"id": "a", "name": "Ana", "email": None}]),
            update(responsibleIds=("a",)),
        ),
        ("update_task", update(responsibleIds={"id": "a", "name": "Ana"}), update(responsibleIds=("a",))),
        ("update_task", update(responsibleIds='[{"id": "a"}, "b"]'), update(responsibleIds=("a", "b"))),
        ("list_tasks", {"status": [{"position": 1, "name": "Listo", "id": None}]}, {"status": ("Listo",)}),
        ("bulk_update_tasks", {"taskIds": [{"id": TASK_ID, "title": "Call"}]}, {"taskIds": (TASK_ID,)}),
        ("update_task", update(responsibleIds=[" a ", "b"]), update(responsibleIds=("a", "b"))),
        ("update_task", update(responsibleIds=[1.0, 2]), update(responsibleIds=("1", "2"))),
        ("update_task", update(priority=1.0), update(priority="1")),
        ("update_task", update(priority="1.0"), update(priority="1")),
        ("list_tasks", {"limit": "5.0"}, {"limit": 5}),
        ("get_task", {"id": 12.0}, {"id": "12"}),
        ("bulk_update_tasks", {"taskIds": "[7, 8.0]"}, {"taskIds": ("7", "8")}),
        ("list_tasks", {"fields": "title, due"}, {"fields": ("title", "due")}),
        ("list_tasks", {"fields": ["id", "title"]}, {"fields": ("title",)}),
        ("list_tasks", {"fields": ["id"]}, {"fields": ()}),
        (
            "list_tasks",
            {"fields": ["dueDate", "due", "aiContactId", "createdAt", "responsibleIds"]},
            {"fields": ("due", "ai_contact_id", "created_at", "responsibles")},
        ),
        (
            "list_tasks",
            {"order": "priority desc", "countBy": "person"},
            {"order": "priority", "countBy": "responsible"},
        ),
        ("list_tasks", {"order": "dueDate asc", "countBy": "dueday"}, {"order": "due", "countBy": "dueDay"}),
        (
            "reassign_task",
            {"id": TASK_ID, "responsibleIds": "Ana", "mode": "ADD"},
            {"id": TASK_ID, "responsibleIds": ("Ana",), "mode": "add"},
        ),
        ("list_tasks", {"order": "newest", "countBy": "assignee"}, {"order": "created", "countBy": "responsible"}),
        ("list_tasks", {"countBy": "dueDate"}, {"countBy": "dueDay"}),
        ("update_task", update(dueDate=None, description=None), update(dueDate=None, description=None)),
        ("list_tasks", {"limit": "10", "status": "done"}, {"limit": 10, "status": ("done",)}),
        ("list_tasks", {"overdue": "false"}, {"overdue": False}),
        ("list_tasks", {"fields": "title"}, {"fields": ("title",)}),
        ("list_tasks", {"fields": '["title","due"]'}, {"fields": ("title", "due")}),
        ("list_tasks", {"status": None, "limit": None, "order": None, "overdue": None, "fields": None}, {}),
        ("list_tasks", {"status": "", "cursor": "", "text": " ", "order": "", "limit": "", "overdue": ""}, {}),
        ("list_tasks", {"overdue": False, "limit": 1}, {"overdue": False, "limit": 1}),
        ("list_statuses", {}, {}),
    ],
)
def test_a_value_with_a_certain_meaning_is_coerced(tool: str, sent: dict[str, Any], expected: dict[str, Any]) -> None:
    assert parse_given(tool, sent) == expected


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        ("update_task", update(id=None)),
        ("reassign_task", update(responsibleIds=None)),
        ("get_task", {"id": None}),
        ("create_task", DRAFT | {"title": None}),
        ("create_task", DRAFT | {"responsibleIds": None}),
    ],
)
def test_null_is_refused_for_a_required_argument(tool: str, sent: dict[str, Any]) -> None:
    with refused("invalid_arguments") as caught:
        parse_call(tool, sent)
    assert "cannot be null" in caught.value.message


def test_an_empty_required_argument_of_a_read_is_not_taken_for_absent() -> None:
    assert parse_given("find_contacts", {"query": ""}) == {"query": ""}


def test_null_for_an_argument_of_ours_is_not_given() -> None:
    assert parse_given("reassign_task", update(responsibleIds=["me"], mode=None)) == update(responsibleIds=("me",))


def test_null_is_refused_where_the_backend_cannot_clear() -> None:
    with refused("invalid_arguments"):
        parse_call("update_task", update(dueDate=None), Capabilities(not_clearable=frozenset({"dueDate"})))


def test_a_field_that_the_backend_lacks_is_unknown() -> None:
    with refused("unknown_argument"):
        parse_call("update_task", update(description="x"), Capabilities(absent=frozenset({"description"})))


KINDS = "'created', 'updated', 'completed', 'reopened', 'reassigned' or 'deleted'"
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("update_task", update(title=True), "title must be a string."),
    ("update_task", update(title=1.5), "title must be a string."),
    ("update_task", update(title={"a": 1}), "title must be a string."),
    ("update_task", update(description=["x"]), "description must be a string."),
    ("update_task", update(newStatusPosition=True), "newStatusPosition must be a whole number."),
    ("update_task", update(newStatusPosition=1.5), "newStatusPosition must be a whole number."),
    ("update_task", update(newStatusPosition="three"), "newStatusPosition must be a whole number."),
    ("update_task", update(newStatusPosition=float("inf")), "newStatusPosition must be a whole number."),
    ("update_task", update(newStatusPosition=float("nan")), "newStatusPosition must be a whole number."),
    ("update_task", update(newStatusPosition=[]), "newStatusPosition must be a whole number."),
    ("update_task", update(responsibleIds="a, b"), 'responsibleIds must be a list of strings, e.g. ["..."].'),
    ("update_task", update(responsibleIds=""), 'responsibleIds must be a list of strings, e.g. ["..."].'),
    ("update_task", update(responsibleIds='["a'), 'responsibleIds must be a list of strings, e.g. ["..."].'),
    ("update_task", update(responsibleIds="[true]"), 'responsibleIds must be a list of strings, e.g. ["..."].'),
    ("update_task", update(responsibleIds=[1.5]), 'responsibleIds must be a list of strings, e.g. ["..."].'),
    ("update_task", update(description=0), "description must be a string."),
    ("update_task", update(title=0.0), "title must be a string."),
    ("update_task", update(clear=5), 'clear must be a list of strings, e.g. ["..."].'),
    ("update_task", update(clear=[["x"]]), 'clear must be a list of strings, e.g. ["..."].'),
    ("update_task", update(responsibleIds="[" * 100_000), 'responsibleIds must be a list of strings, e.g. ["..."].'),
    ("update_task", update(responsibleIds=[["a"]]), 'responsibleIds must be a list of strings, e.g. ["..."].'),
    ("update_task", update(responsibleIds=5), 'responsibleIds must be a list of strings, e.g. ["..."].'),
    ("update_task", update(responsibleIds={"a": 1}), 'responsibleIds must be a list of strings, e.g. ["..."].'),
    ("list_tasks", {"limit": -1}, "limit must be at least 1."),
    ("list_tasks", {"limit": 101}, "limit must be at most 100."),
    ("list_tasks", {"limit": True}, "limit must be a whole number."),
    ("list_tasks", {"limit": 10**30}, "limit must be at most 100."),
    ("list_tasks", {"overdue": "maybe"}, "overdue must be true or false."),
    ("list_tasks", {"overdue": 2}, "overdue must be true or false."),
    ("list_tasks", {"overdue": 0}, "overdue must be true or false."),
    ("list_tasks", {"order": "latest"}, "order must be 'due', 'created', 'oldest' or 'priority'."),
    ("list_tasks", {"order": ["due"]}, "order must be 'due', 'created', 'oldest' or 'priority'."),
    ("list_events", {"kinds": ["created", "moved"]}, f"kinds has 'moved'; each item must be {KINDS}."),
    ("reassign_task", update(responsibleIds=[], mode="swap"), "mode must be 'replace', 'add' or 'remove'."),
]


@pytest.mark.parametrize(("tool", "sent", "sentence"), WRONG)
def test_a_value_of_the_wrong_type_is_refused_with_the_expected_type(
    tool: str, sent: dict[str, Any], sentence: str
) -> None:
    with refused("invalid_arguments") as caught:
        parse_call(tool, sent)
    assert caught.value.message == sentence


def test_every_wrong_argument_is_named_at_once() -> None:
    with refused("invalid_arguments") as caught:
        parse_call("update_task", update(title=[], newStatusPosition="x", priority=True))
    for name in ("title", "newStatusPosition", "priority"):
        assert name in caught.value.message


def test_every_missing_argument_is_named_at_once() -> None:
    with refused("missing_argument") as caught:
        parse_call("create_task", {})
    for name in ("title", "responsibleIds"):
        assert f"{name} is required" in caught.value.message


def test_a_field_that_only_the_backend_requires_is_named_as_missing() -> None:
    with refused("missing_argument") as caught:
        parse_call("create_task", DRAFT, Capabilities(required_on_create=frozenset({"dueDate"})))
    assert caught.value.message.startswith("dueDate is required")


@pytest.mark.parametrize(
    ("tool", "name", "meant_name"),
    [
        ("update_task", "due_date", "dueDate"),
        ("update_task", "DueDate", "dueDate"),
        ("update_task", "due-date", "dueDate"),
        ("update_task", "duedate", "dueDate"),
        ("update_task", "status", "newStatusName"),
        ("update_task", "responsible_ids", "responsibleIds"),
        ("update_task", "Titel", "title"),
        ("list_tasks", "page_cursor", "cursor"),
        ("list_tasks", "includeCompleted", "status"),
        ("update_task", "due", "dueDate"),
        ("bulk_update_tasks", "ids", "taskIds"),
        ("delete_task", "task_ids", "ids"),
        ("get_task", "ID", "id"),
        ("get_task", "Id", "id"),
    ],
)
def test_an_unknown_argument_is_refused_with_the_nearest_one(tool: str, name: str, meant_name: str) -> None:
    with refused("unknown_argument") as caught:
        parse_call(tool, {name: "x"})
    assert caught.value.candidates[0].value == meant_name
    assert caught.value.next_step == f"Send {meant_name} instead."


FINISH_SEVERAL = "Send changes.newStatusName instead: a finished status, or an unfinished one to reopen tasks."
REPEAT = "Leave it out: a task is due once and does not repeat. create_tasks makes one for each day."


@pytest.mark.parametrize(
    ("tool", "sent", "instead"),
    [
        ("update_task", {"delete": True}, "Call delete_task instead: it deletes tasks."),
        *(
            (
                tool,
                {name: value},
                "To finish a task call complete_task instead; to reopen one call update_task with newStatusName.",
            )
            for tool, name, value in (
                ("update_task", "Is-Done", True),
                ("update_task", "completed", False),
                ("create_task", "completed", True),
            )
        ),
        ("complete_task", {"done": True}, "Leave it out: complete_task finishes a task."),
        ("bulk_update_tasks", {"changes": {"delete": True}}, "Call delete_task instead: it deletes tasks."),
        ("bulk_update_tasks", {"done": True}, FINISH_SEVERAL),
        ("bulk_update_tasks", {"changes": {"done": 1}}, FINISH_SEVERAL),
        ("create_task", {"recurrence": "weekly"}, REPEAT),
        ("update_task", {"repeat": "FREQ=WEEKLY"}, REPEAT),
        ("get_task", {"ids": ["a", "b"]}, "get_task takes one task: send id, once for each."),
        *(
            (
                tool,
                {name: ["a"]},
                "Call bulk_update_tasks instead: it changes several tasks at once, with taskIds and changes.",
            )
            for tool in ("update_task", "complete_task", "reassign_task")
            for name in ("ids", "task_ids")
        ),
    ],
)
def test_an_argument_that_another_tool_stands_for_is_refused_with_that_tool(
    tool: str, sent: dict[str, Any], instead: str
) -> None:
    with refused("unknown_argument") as caught:
        parse_call(tool, sent)
    assert (caught.value.next_step, caught.value.candidates) == (instead, ())


@pytest.mark.parametrize("name", ["updates", "reopen", "start", "reminder"])
def test_an_argument_that_only_looks_a_little_like_another_is_not_sent_as_that_one(name: str) -> None:
    with refused("unknown_argument") as caught:
        parse_call("update_task", {name: "x"})
    assert str(caught.value.next_step).startswith("The arguments are: id, title")


def test_an_argument_like_no_other_is_refused_with_the_list() -> None:
    with refused("unknown_argument") as caught:
        parse_call("reassign_task", {"xyzzy": 1})
    assert caught.value.next_step == "The arguments are: id, responsibleIds, idProperty, mode, dryRun, reason."


def test_an_unknown_argument_of_a_tool_without_arguments_is_refused() -> None:
    with refused("unknown_argument") as caught:
        parse_call("list_statuses", {"xyzzy": 1})
    assert caught.value.next_step == "Leave xyzzy out: this takes no arguments."


@pytest.mark.parametrize("name", ["created_at", "createdAt", "creator_id", "creatorId", "Created-At"])
@pytest.mark.parametrize("tool", ["create_task", "update_task"])
def test_an_immutable_field_is_refused_by_name(tool: str, name: str) -> None:
    with refused("immutable_field") as caught:
        parse_call(tool, (DRAFT if tool == "create_task" else update()) | {name: "x"})
    assert caught.value.message.startswith(f"{name} cannot be set")


def test_create_task_refuses_an_id() -> None:
    with refused("immutable_field"):
        parse_call("create_task", DRAFT | {"id": TASK_ID})


@pytest.mark.parametrize("name", ["id", "created_at", "creatorId"])
def test_a_filter_has_no_immutable_fields_only_unknown_ones(name: str) -> None:
    with refused("unknown_argument"):
        parse_call("list_tasks", {name: "x"})


@pytest.mark.parametrize("name", ["x" * 100_000, "i" + "-" * 100_000 + "d", "\ud800", "", "título\u0000"])
def test_an_odd_argument_name_is_refused_in_a_short_sentence(name: str) -> None:
    with pytest.raises(Exception, check=lambda error: getattr(error, "code", "") != "") as caught:
        parse_call("update_task", update() | {name: 1})
    said = str(caught.value)
    assert len(said) < 200
    said.encode()


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        ("update_task", update(title="a\ud800")),
        ("update_task", update(description="\udfff")),
        ("update_task", update(responsibleIds=["\ud800"])),
        ("update_task", update(responsibleIds='["\\ud800"]')),
        ("find_contacts", {"query": "Ana \ud83d"}),
        ("list_tasks", {"text": "\ud800"}),
    ],
)
def test_a_lone_surrogate_is_refused(tool: str, sent: dict[str, Any]) -> None:
    with refused("invalid_arguments") as caught:
        parse_call(tool, sent)
    caught.value.message.encode()


@pytest.mark.parametrize("name", ["title", "description", "priority", "newStatusPosition"])
@pytest.mark.parametrize("number", [10**30, -(10**30), 10**5_000], ids=["large", "negative", "huge"])
def test_a_huge_number_is_coerced_or_refused(name: str, number: int) -> None:
    only_refuses(lambda: parse_call("update_task", update() | {name: number}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
JSON_TEXT = st.text(st.sampled_from('[]{}",: 0a\\'))


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@given(st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_any_object_is_parsed_as_arguments_or_refused(tool: Tool[Any], data: st.DataObject) -> None:
    names = st.sampled_from([*SCHEMAS[tool.name]["properties"], "id"]) | st.text()
    sent = data.draw(st.dictionaries(names, JSON | JSON_TEXT, max_size=6))
    only_refuses(lambda: check_model(tool, sent))


def check_model(tool: Tool[Any], sent: dict[str, Any]) -> None:
    model = parse_call(tool.name, sent)
    assert isinstance(model, tool.arguments)
    assert type(model).model_validate(model.model_dump(by_alias=True, exclude_unset=True)) == model


ANY_OF = {
    "string": st.text() | st.integers(-99, 99).filter(bool),
    "array": st.lists(st.text(), min_size=1) | st.just('["x"]'),
    "boolean": st.booleans() | st.sampled_from(["true", "false"]),
    "null": st.none(),
}


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a property's schema allows, in any spelling that is understood."""
    if "properties" in schema:
        return fields_fitting(schema) | fields_fitting(schema).map(json.dumps)
    return st.one_of([_of_type(branch) for branch in schema.get("anyOf", [schema])])


def _of_type(branch: dict[str, Any]) -> st.SearchStrategy[Any]:
    if choices := branch.get("enum") or branch.get("items", {}).get("enum"):
        one = st.sampled_from(choices)
        return st.lists(one) if branch["type"] == "array" else one
    if fields := branch.get("items", {}).get("properties", {}):
        return st.lists(st.fixed_dictionaries({name: fitting(node) for name, node in fields.items()}), max_size=2)
    if branch["type"] != "integer":
        return ANY_OF[branch["type"]]
    numbers = st.integers(branch.get("minimum", 1), branch.get("maximum", 100))
    return numbers | numbers.map(str)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@given(st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_a_value_that_fits_the_schema_is_accepted(tool: Tool[Any], data: st.DataObject) -> None:
    schema = SCHEMAS[tool.name]
    assert isinstance(parse_call(tool.name, data.draw(fields_fitting(schema))), tool.arguments)


def fields_fitting(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects whose fields fit, and in which `clear` says that no null is meant."""
    required = {name: fitting(schema["properties"][name]) for name in schema.get("required", [])}
    optional = {name: fitting(node) for name, node in schema["properties"].items() if name not in required}
    if "clear" in optional:
        del optional["clear"]
        required["clear"] = st.just([])
    return st.fixed_dictionaries(required, optional=optional)


@pytest.mark.parametrize("word", ["null", "undefined", "None", " null "])
@pytest.mark.parametrize(
    ("tool", "names"),
    [
        ("list_tasks", ["limit", "overdue", "order", "fields", "responsibleIds", "cursor", "contact", "toDate"]),
        ("list_changes", ["taskId", "tool", "outcome", "since", "limit", "cursor"]),
        ("update_task", ["priority", "newStatusPosition", "responsibleIds", "addResponsibleIds", "dryRun", "clear"]),
        ("create_task", ["idempotencyKey", "dryRun"]),
        ("bulk_update_tasks", ["filter", "changes", "taskIds", "shiftDueDays"]),
    ],
)
def test_null_as_a_word_is_not_given_where_no_free_text_is_taken(word: str, tool: str, names: list[str]) -> None:
    base = {"update_task": update(), "create_task": DRAFT}.get(tool, {})
    for name in names:
        assert parse_given(tool, base | {name: word}) == parse_given(tool, base)


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        ("update_task", update(title="None")),
        ("update_task", update(newStatusName="undefined", priority="2")),
        ("create_task", DRAFT | {"title": "null"}),
        ("find_contacts", {"query": "null"}),
        ("list_tasks", {"text": "none", "responsibleIds": ["None"], "status": ["none"]}),
        ("delete_task", update(reason="null")),
    ],
)
def test_a_free_text_may_be_any_word(tool: str, sent: dict[str, Any]) -> None:
    assert {
        name: [*value] if isinstance(value, tuple) else value for name, value in parse_given(tool, sent).items()
    } == sent


def test_a_list_of_a_word_for_null_is_not_given() -> None:
    assert parse_given("list_tasks", {"fields": ["null"], "status": ["undefined"]}) == {}


MAY_BE_EMPTIED = ("description", "aiContactId", "aiCustomerId", "dueDate", "dueTime", "timezone")


@pytest.mark.parametrize("word", ["null", "None", "undefined"])
def test_a_word_for_null_is_ignored_in_a_create_and_never_written_by_a_change(word: str) -> None:
    for name in MAY_BE_EMPTIED:
        assert parse_given("create_task", DRAFT | {name: word}) == parse_given("create_task", DRAFT)
        assert parse_given("update_task", update(priority="2", clear=[]) | {name: word}) == parse_given(
            "update_task", update(priority="2")
        )
        for beside in ({}, {"priority": "2"}):
            with refused("ambiguous_nulls"):
                parse_given("update_task", update(**beside) | {name: word})
    with refused("invalid_arguments"):
        parse_given("update_task", update(title=word, priority="2"))


def test_an_empty_value_of_another_type_counts_as_omitted_unless_it_is_ambiguous() -> None:
    empty: Any
    for empty in ([], {}, 0):
        for name in MAY_BE_EMPTIED:
            assert parse_given("create_task", DRAFT | {name: empty}) == parse_given("create_task", DRAFT)
            assert parse_given("update_task", update(priority="2", clear=[]) | {name: empty}) == parse_given(
                "update_task", update(priority="2")
            )
            with refused("ambiguous_nulls"):
                parse_given("update_task", update(priority="2") | {name: empty})
        options = dict.fromkeys(["dryRun", "reason"], empty)
        assert parse_given("update_task", update(priority="2") | options) == parse_given(
            "update_task", update(priority="2")
        )
        assert (
            parse_given("list_tasks", {"order": empty})
            == parse_given("list_changes", {"tool": empty, "outcome": empty})
            == {}
        )
    reassign = update(responsibleIds=["me"])
    assert parse_given("reassign_task", reassign | {"mode": 0}) == parse_given("reassign_task", reassign | {"mode": []})


@pytest.mark.parametrize("clear", [[""], {}, 0, [" "]])
def test_an_empty_clear_of_any_form_means_that_nulls_are_not_given(clear: Any) -> None:
    nulls = dict.fromkeys(MAY_BE_EMPTIED)
    assert parse_given("update_task", update(priority="2", clear=clear) | nulls) == parse_given(
        "update_task", update(priority="2")
    )


@pytest.mark.parametrize(
    ("tool", "sent", "name"),
    [
        ("update_task", {"id": "t", "title": "", "priority": 0}, "priority"),
        ("update_task", {"id": "t", "title": "x", "priority": 0.0, "clear": []}, "priority"),
        ("update_task", {"id": "t", "priority": 0, "reason": ""}, "priority"),
        ("bulk_update_tasks", {"taskIds": ["t"], "changes": {"priority": 0}, "shiftDueDays": 0}, "changes.priority"),
    ],
)
def test_a_number_0_beside_fillers_is_no_low_priority(tool: str, sent: dict[str, Any], name: str) -> None:
    with refused("invalid_arguments") as caught:
        parse_given(tool, sent)
    assert name in caught.value.message
    assert parse_given("update_task", {"id": "t", "title": "x", "priority": 0})["priority"] == "0"
    assert parse_given("update_task", {"id": "t", "title": "", "priority": "0"})["priority"] == "0"


@pytest.mark.parametrize("position", [0, "0", "0.0"])
def test_a_status_position_of_0_is_taken_alone_and_beside_its_name_and_refused_beside_another_change(
    position: int | str,
) -> None:
    with refused("invalid_arguments") as caught:
        parse_given("update_task", update(newStatusPosition=position, priority="2"))
    assert "newStatusPosition is 0 beside another change" in caught.value.message
    for alone in (update(newStatusPosition=0), update(newStatusPosition=0, clear=[])):
        assert parse_given("update_task", alone)["newStatusPosition"] == 0
    named = update(newStatusPosition=0, newStatusName="Done")
    assert parse_given("update_task", named) == named
    other = update(newStatusPosition=1, priority="2")
    assert parse_given("update_task", other) == other


_WORDS = [
    "0",
    "null",
    "None",
    "\ud800",
    "x" * 10_001,
    "[]",
    "{}",
    '["a"]',
    '{"id": "a"}',
    "true",
    "none",
    "1.0",
    "a, b",
    "Año nuevo",
    "2026-03-01",
]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@given(words=st.lists(st.sampled_from(_WORDS) | st.text(max_size=30), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_takes_a_text_as_it_takes_the_same_text_with_a_blank_before_it(tool: Tool[Any], words: list[str]) -> None:
    schema = SCHEMAS[tool.name]
    texts = {name: node for name, node in schema["properties"].items() if node.get("type") == "string"}
    texts.pop("description", None)  # keeps its blanks
    sent = {name: words[index % len(words)].strip() for index, name in enumerate(texts)}
    assert _parsed_or_refused(tool, sent) == _parsed_or_refused(tool, {name: f" {text}" for name, text in sent.items()})


def _parsed_or_refused(tool: Tool[Any], sent: dict[str, Any]) -> object:
    """The arguments, or the sentence that refuses them."""
    try:
        return parse_call(tool.name, sent)
    except CallerError as error:
        return error.code, error.message
