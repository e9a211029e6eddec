"""Objects among the arguments: their fields are understood as arguments are, and called by dotted names."""

import json
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import MISSING, Field

from builders import only_refuses, refused
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.task import Body, TaskPatch
from taskhand.domain.task_query import TaskFilter
from taskhand.server.arguments.parsing import parse_arguments
from taskhand.server.schemas.narrowed import input_schema

Ids = Annotated[tuple[str, ...], Field(description="Ids.")]


class Own(Body):
    """An object that no documentation knows."""

    label: str
    size: Annotated[int, Field(ge=1)] | MISSING = MISSING
    shade: Literal["light", "dark"] | MISSING = MISSING
    memo: str | None | MISSING = MISSING


class Bulk(Body):
    """One body for many tasks."""

    task_ids: Ids | MISSING = MISSING
    filter: TaskFilter | MISSING = MISSING
    changes: TaskPatch | MISSING = MISSING
    own: Own | None | MISSING = MISSING
    add_responsible_ids: Ids | MISSING = MISSING
    shift_due_days: int | MISSING = MISSING
    dry_run: bool | MISSING = MISSING
    mode: Literal["all", "some"] | MISSING = MISSING
    reason: str | MISSING = MISSING
    idempotency_key: str | MISSING = MISSING


class Needing(Body):
    """An object that must be given."""

    changes: TaskPatch
    own: Own | MISSING = MISSING


EVERYTHING = Capabilities(absent=frozenset())
NARROW = Capabilities(absent=frozenset({"description"}), not_clearable=frozenset({"dueDate"}))


def parse_body(sent: dict[str, Any], model: type[Body] = Bulk, capabilities: Capabilities = EVERYTHING) -> Body:
    return parse_arguments(model, input_schema(model, capabilities), sent, reads=False)


def parse_given(sent: dict[str, Any]) -> dict[str, Any]:
    """The arguments that were understood as given, under the names they are sent by."""
    return parse_body(sent).model_dump(by_alias=True, exclude_unset=True)


UNDERSTOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"title": "  Call back "}, {"title": "Call back"}),
    ({"description": "  as typed\n"}, {"description": "  as typed\n"}),
    ({"description": None, "dueDate": None}, {"description": None, "dueDate": None}),
    ({"priority": 2, "newStatusPosition": " 3 "}, {"priority": "2", "newStatusPosition": 3}),
    ({"responsibleIds": "me"}, {"responsibleIds": ("me",)}),
    ({"responsibleIds": '["a", " b"]'}, {"responsibleIds": ("a", "b")}),
    ({}, {}),
]


@pytest.mark.parametrize(("sent", "expected"), UNDERSTOOD)
@pytest.mark.parametrize("spelt", [dict, json.dumps, lambda fields: f" {json.dumps(fields)}\n"])
def test_fields_of_an_object_are_coerced_like_arguments(
    sent: dict[str, Any], expected: dict[str, Any], spelt: Any
) -> None:
    assert parse_given({"changes": spelt(sent)}) == {"changes": expected}


def test_an_object_is_accepted_as_json_and_as_text() -> None:
    window = {"status": "done", "overdue": "false", "priority": 1, "fromDate": " 2026-03-01 "}
    expected = {"status": ("done",), "overdue": False, "priority": "1", "fromDate": "2026-03-01"}
    assert parse_given({"filter": window}) == parse_given({"filter": json.dumps(window)}) == {"filter": expected}


@pytest.mark.parametrize(
    "name",
    ["taskIds", "filter", "changes", "addResponsibleIds", "shiftDueDays", "dryRun", "mode", "reason", "idempotencyKey"],
)
def test_null_for_an_optional_argument_of_ours_is_not_given(name: str) -> None:
    assert parse_given({name: None, "own": {"label": "x"}}) == {"own": {"label": "x"}}


@pytest.mark.parametrize("name", ["taskIds", "filter", "changes", "addResponsibleIds", "reason", "idempotencyKey"])
def test_a_blank_text_an_empty_list_or_object_could_be_is_not_given(name: str) -> None:
    assert parse_given({name: " ", "shiftDueDays": 1}) == {"shiftDueDays": 1}


@pytest.mark.parametrize("name", ["dryRun", "shiftDueDays", "mode"])
def test_a_blank_for_a_switch_a_number_or_an_enum_is_not_given(name: str) -> None:
    assert parse_given({name: ""}) == {}


def test_null_keeps_its_meaning_for_an_argument_that_takes_null() -> None:
    assert parse_given({"own": None}) == {"own": None}
    assert parse_given({"own": {"label": "x", "memo": None}}) == {"own": {"label": "x", "memo": None}}


@pytest.mark.parametrize("name", ["title", "newStatusName", "newStatusPosition", "responsibleIds", "priority"])
def test_null_in_a_field_that_cannot_be_emptied_counts_as_omitted(name: str) -> None:
    assert parse_given({"changes": {name: None, "dueDate": "2026-03-01"}}) == {"changes": {"dueDate": "2026-03-01"}}


def test_null_inside_a_filter_or_an_object_of_ours_is_not_given() -> None:
    blanks = dict.fromkeys(["responsibleIds", "priority", "text", "status", "overdue", "contact"])
    assert parse_given({"filter": blanks | {"toDate": "2026-03-01"}}) == {"filter": {"toDate": "2026-03-01"}}
    assert parse_given({"own": {"label": "x", "size": None}}) == {"own": {"label": "x"}}


def test_a_blank_value_does_not_widen_the_filter_of_a_bulk_change() -> None:
    assert parse_given({"filter": {"text": "", "contact": " "}}) == {"filter": {"text": "", "contact": ""}}
    with refused("invalid_arguments"):
        parse_body({"filter": {"status": ""}})


def test_a_read_takes_blanks_inside_an_object_for_not_given() -> None:
    sent = {"filter": {"text": "", "status": None, "toDate": "2026-03-01"}, "changes": ""}
    model = parse_arguments(Bulk, input_schema(Bulk, EVERYTHING), sent, reads=True)
    assert model.model_dump(by_alias=True, exclude_unset=True) == {"filter": {"toDate": "2026-03-01"}}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"changes": {"title": True}}, "changes.title must be a string."),
    ({"changes": {"priority": []}}, "changes.priority must be a string."),
    ({"changes": {"newStatusPosition": "three"}}, "changes.newStatusPosition must be a whole number."),
    ({"changes": {"responsibleIds": "a, b"}}, 'changes.responsibleIds must be a list of strings, e.g. ["..."].'),
    ({"changes": {"responsibleIds": ["a", True]}}, 'changes.responsibleIds must be a list of strings, e.g. ["..."].'),
    ({"changes": '{"title": {}}'}, "changes.title must be a string."),
    ({"filter": {"overdue": "maybe"}}, "filter.overdue must be true or false."),
    ({"own": {"label": "x", "size": 0}}, "own.size must be at least 1."),
    ({"own": {"label": "x", "shade": "red"}}, "own.shade must be 'light' or 'dark'."),
    ({"own": {"label": None}}, "own.label cannot be null."),
    ({"own": 5}, 'own must be an object, e.g. {"label": ...}.'),
    ({"changes": True}, 'changes must be an object, e.g. {"title": ...}.'),
    ({"changes": "title"}, 'changes must be an object, e.g. {"title": ...}.'),
    ({"changes": '{"title":'}, 'changes must be an object, e.g. {"title": ...}.'),
    ({"changes": '{"title": ' * 50_000}, 'changes must be an object, e.g. {"title": ...}.'),
    ({"changes": [{"title": "x"}]}, 'changes must be an object, e.g. {"title": ...}.'),
    ({"changes": {"title": "a\ud800"}}, "changes.title has characters that are not Unicode text."),
    ({"changes": '{"description": "\\ud800"}'}, "changes.description has characters that are not Unicode text."),
    ({"changes": {"responsibleIds": ["\udfff"]}}, "changes.responsibleIds has characters that are not Unicode text."),
    ({"changes": {"properties": {"a": "\ud800"}}}, "changes.properties has characters that are not Unicode text."),
    (
        {"changes": {"properties": "a=b"}},
        'changes.properties must be a list of objects, e.g. [{"name": ..., "value": ...}].',
    ),
    (
        {"changes": {"properties": [{"name": "a"}]}},
        'changes.properties must be a list of objects, e.g. [{"name": ..., "value": ...}].',
    ),
    ({"changes": {"title": 10**30}}, "changes.title is too large a number."),
]


@pytest.mark.parametrize(("sent", "sentence"), WRONG)
def test_a_wrong_field_of_an_object_is_refused_by_its_dotted_name(sent: dict[str, Any], sentence: str) -> None:
    with refused("invalid_arguments") as caught:
        parse_body(sent)
    assert caught.value.message == sentence


def test_every_fault_is_named_at_once_at_any_depth() -> None:
    with refused("invalid_arguments") as caught:
        parse_body({"changes": {"title": [], "priority": True}, "own": {}, "dryRun": "maybe"})
    for name in ("changes.title", "changes.priority", "own.label is required", "dryRun"):
        assert name in caught.value.message


def test_a_missing_object_and_a_missing_field_are_named() -> None:
    with refused("missing_argument") as caught:
        parse_body({"own": {}}, Needing)
    assert "changes is required" in caught.value.message
    assert "own.label is required" in caught.value.message
    with refused("invalid_arguments") as caught:
        parse_body({"changes": None}, Needing)
    assert caught.value.message == "changes cannot be null."


UNKNOWN: list[tuple[dict[str, Any], str, str]] = [
    ({"changes": {"due_date": "x"}}, "changes.due_date", "changes.dueDate"),
    ({"changes": {"prioritty": "1"}}, "changes.prioritty", "changes.priority"),
    ({"changes": {"status": "done"}}, "changes.status", "changes.newStatusName"),
    ({"changes": '{"Titel": "x"}'}, "changes.Titel", "changes.title"),
    ({"changes": {"taskIds": ["x"]}}, "changes.taskIds", "taskIds"),
    ({"changes": {"shift_due_days": 1}}, "changes.shift_due_days", "shiftDueDays"),
    ({"remove_responsible_ids": ["x"]}, "remove_responsible_ids", "changes.removeResponsibleIds"),
    ({"filter": {"from": "x"}}, "filter.from", "filter.fromDate"),
    ({"dueDate": "x"}, "dueDate", "changes.dueDate"),
    ({"priority": "1"}, "priority", "filter.priority or changes.priority"),
    ({"responsible_ids": ["x"]}, "responsible_ids", "filter.responsibleIds or changes.responsibleIds"),
    ({"task_id": "x"}, "task_id", "taskIds"),
]


@pytest.mark.parametrize(("sent", "called", "instead"), UNKNOWN)
def test_an_unknown_field_is_refused_with_the_argument_to_send_instead(
    sent: dict[str, Any], called: str, instead: str
) -> None:
    with refused("unknown_argument") as caught:
        parse_body(sent)
    assert caught.value.message == f"There is no argument '{called}'."
    assert caught.value.next_step == f"Send {instead} instead."
    assert [one.value for one in caught.value.candidates][: instead.count(" or ") + 1] == instead.split(" or ")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dueDate", "cannot be emptied: a task of this CRM must have one"),
        ("title", "cannot be emptied: a task of this CRM must have one"),
        ("priority", "has no empty value: send it with one of 0, 1, 2"),
        ("description", "is no argument with this CRM"),
        ("addNote", "only adds to a task or takes from it"),
        ("due date", "is no argument"),
        ("due_at", "is no argument"),
    ],
)
def test_a_name_in_clear_that_cannot_be_emptied_is_refused_with_the_reason(name: str, why: str) -> None:
    with refused("invalid_arguments") as caught:
        parse_body({"changes": {"clear": [name]}}, capabilities=NARROW)
    assert caught.value.message == f"changes.clear names '{name}', which {why}."


def test_nulls_that_may_be_fillers_are_refused_with_the_call_to_send() -> None:
    with refused("ambiguous_nulls") as caught:
        parse_body({"changes": {"title": "x", "description": None, "aiContactId": None}})
    assert caught.value.message.startswith("Nothing was written")
    assert "changes.clear" in str(caught.value.next_step)
    with refused("ambiguous_nulls"):
        parse_body({"changes": {"addNote": "x", "description": "", "dueDate": ""}})


def test_a_field_like_no_other_is_refused_with_the_list() -> None:
    with refused("unknown_argument") as caught:
        parse_body({"own": {"xyzzy": 1}})
    assert caught.value.next_step == "The fields are: own.label, own.size, own.shade, own.memo."


def test_a_field_that_the_backend_lacks_is_unknown_inside_an_object() -> None:
    with refused("unknown_argument") as caught:
        parse_body({"changes": {"description": "x"}}, capabilities=NARROW)
    assert caught.value.message == "There is no argument 'changes.description' with this CRM."
    with refused("invalid_arguments") as caught:
        parse_body({"changes": {"dueDate": None}}, capabilities=NARROW)
    assert caught.value.message == (
        "changes.dueDate cannot be null: a task of this CRM must have one; leave it out to keep it."
    )


@pytest.mark.parametrize("name", ["id", "created_at", "createdAt", "creator_id", "Creator-Id"])
def test_an_immutable_field_inside_an_object_is_refused_by_its_dotted_name(name: str) -> None:
    with refused("immutable_field") as caught:
        parse_body({"changes": {name: "x"}})
    assert caught.value.message.startswith(f"changes.{name} cannot be set")
    assert caught.value.next_step == f"Leave changes.{name} out."


@pytest.mark.parametrize(("place", "others"), [("filter", {}), ("own", {"label": "x"})])
def test_a_filter_or_an_object_of_ours_has_no_immutable_fields_only_unknown_ones(
    place: str, others: dict[str, str]
) -> None:
    with refused("unknown_argument") as caught:
        parse_body({place: {"id": "x"} | others})
    assert caught.value.message == f"There is no argument '{place}.id'."


@pytest.mark.parametrize("name", ["x" * 100_000, "\ud800", "", "a.b", "changes.title"])
def test_an_odd_field_name_is_refused_in_a_short_sentence(name: str) -> None:
    with refused("unknown_argument") as caught:
        parse_body({"changes": {name: 1}})
    assert len(caught.value.message) < 200
    caught.value.message.encode()


def test_coercion_does_not_change_the_sent_arguments() -> None:
    sent = {"changes": {"title": " x "}, "taskIds": "a", "filter": None}
    parse_body(sent)
    assert sent == {"changes": {"title": " x "}, "taskIds": "a", "filter": None}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [field.alias or "" for model in (Bulk, TaskPatch, Own) for field in model.model_fields.values()]
)
FIELDS = st.dictionaries(NAMES, JSON, max_size=4)


@given(st.dictionaries(NAMES, JSON | FIELDS | FIELDS.map(json.dumps), max_size=4))
@settings(max_examples=150)
def test_any_objects_are_parsed_or_refused(sent: dict[str, Any]) -> None:
    only_refuses(lambda: understood_twice(sent))


def understood_twice(sent: dict[str, Any]) -> None:
    once = parse_given(sent)
    assert parse_body(once).model_dump(by_alias=True, exclude_unset=True) == once
