import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING, BaseModel, Field

from builders import ANA, BEN, DONE, MEMBERS, PENDING, on_people, status_list, task
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.capability_notes import field_notes
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotFound
from taskhand.domain.name_matching import Match
from taskhand.domain.receipt import Receipt
from taskhand.domain.task import Contact, StatusChoice, TaskDraft, TaskPatch
from taskhand.domain.task_query import TaskFilter, TaskQuery
from taskhand.domain.wording import Wording
from taskhand.server.render.errors import render_error
from taskhand.server.render.read_answers import (
    ContactsAnswer,
    ListAnswer,
    StatusesAnswer,
    TaskAnswer,
    TeamAnswer,
)
from taskhand.server.render.rendered_answer import render_text
from taskhand.server.render.task_rows import RowField
from taskhand.server.render.write_answer import render_write
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.schemas.portable import Schema, fields_of, output_schema
from taskhand.server.tools import TOOLS
from taskhand.service.list_tasks import TaskList
from taskhand.service.list_team_members import Team

EVERYTHING = Capabilities(absent=frozenset())
NARROW = Capabilities(
    absent=frozenset({"description", "aiContactId", "title"}),
    not_clearable=frozenset({"dueDate", "timezone", "unheardOf"}),
    priorities=("1", "2"),
)
INPUTS = [(tool.name, tool.arguments) for tool in TOOLS]
OUTPUTS = [(tool.name, tool.answer) for tool in TOOLS]


def nodes(schema: Any) -> Iterator[Schema]:
    """Every schema inside a schema, itself included."""
    if isinstance(schema, list):
        for item in schema:
            yield from nodes(item)
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            yield from (
                (part for inner in value.values() for part in nodes(inner)) if key == "properties" else nodes(value)
            )


@pytest.mark.parametrize(("name", "model"), INPUTS)
@pytest.mark.parametrize("capabilities", [EVERYTHING, NARROW], ids=["everything", "narrow"])
def test_an_input_schema_is_one_that_every_provider_accepts(
    name: str, model: type[BaseModel], capabilities: Capabilities
) -> None:
    schema = input_schema(model, capabilities)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert name
    assert schema["type"] == "object"
    assert not {"anyOf", "oneOf", "allOf", "not", "enum"} & schema.keys()
    for node in nodes(schema):
        assert not {"$ref", "$defs", "default", "title", "oneOf", "allOf", "const"} & node.keys()
        assert isinstance(node.get("type", ""), str)
        assert "type" in node or "anyOf" in node


@pytest.mark.parametrize(("name", "model"), INPUTS)
def test_every_argument_is_described_in_a_sentence_and_the_required_ones_come_first(
    name: str, model: type[BaseModel]
) -> None:
    schema = input_schema(model, EVERYTHING)
    required = schema.get("required", [])
    assert list(schema["properties"])[: len(required)] == required, name
    texts = [node["description"] for node in schema["properties"].values()]
    assert [text for text in texts if not text.endswith(".") or text.endswith("..")] == []


@pytest.mark.parametrize(("name", "model"), OUTPUTS)
def test_an_output_schema_stands_alone(name: str, model: type[BaseModel]) -> None:
    schema = output_schema(model)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object", name
    for node in nodes(schema):
        assert not {"$ref", "$defs", "default"} & node.keys()
        assert not isinstance(node.get("title"), str)


@pytest.mark.parametrize(("name", "model"), OUTPUTS)
def test_an_error_fits_every_output_schema(name: str, model: type[BaseModel]) -> None:
    error = json.loads(render_error(NotFound("There is no such task.", next_step="Take id from list_tasks.")))
    assert error["error"]["code"], name
    jsonschema.validate(error, output_schema(model))


class Inner(BaseModel):
    """A model inside a model."""

    title: str
    default: int = 3


class Odd(BaseModel):
    """A model whose fields are called like keywords."""

    title: Annotated[str, Field(description="A name, not a keyword")]
    properties: Annotated[str, Field(description="So is this")] = "x"
    first: Inner
    second: Annotated[Inner, Field(description="Said of this use of it")]
    many: list[Inner] = []
    kind: Literal["title", "default"] = "title"
    extra: Annotated[str | None, Field(description="Maybe")] | MISSING = MISSING


def test_a_property_called_like_a_keyword_survives() -> None:
    schema = input_schema(Odd, EVERYTHING)
    assert {"title", "properties", "first", "second", "many", "kind", "extra"} == schema["properties"].keys()
    assert schema["properties"]["title"] == {"type": "string", "description": "A name, not a keyword."}
    assert schema["properties"]["kind"]["enum"] == ["title", "default"]
    assert schema["properties"]["many"]["items"]["properties"].keys() == {"title", "default"}
    assert schema["properties"]["first"]["properties"]["default"] == {"type": "integer"}


def test_absent_fields_are_not_offered_and_not_required() -> None:
    draft = {tool.name: tool.arguments for tool in TOOLS}["create_task"]
    schema = input_schema(draft, NARROW)
    assert not {"description", "aiContactId", "title"} & schema["properties"].keys()
    assert schema["required"] == ["responsibleIds"]


@pytest.mark.parametrize("tool", ["create_task", "update_task"])
def test_a_field_that_cannot_be_cleared_takes_no_null_and_keeps_its_description(tool: str) -> None:
    body = {tool.name: tool.arguments for tool in TOOLS}[tool]
    properties = input_schema(body, NARROW)["properties"]
    assert properties["dueDate"]["type"] == "string"
    assert properties["dueDate"]["description"]
    assert "anyOf" not in properties["dueDate"]
    assert {"type": "null"} in properties["aiCustomerId"]["anyOf"]


@pytest.mark.parametrize("tool", ["create_task", "update_task", "list_tasks"])
def test_only_the_priorities_of_the_backend_are_offered(tool: str) -> None:
    model = {tool.name: tool.arguments for tool in TOOLS}[tool]
    assert choices(input_schema(model, NARROW)["properties"]["priority"]) == ["1", "2"]
    assert choices(input_schema(model, EVERYTHING)["properties"]["priority"]) == ["0", "1", "2"]


def choices(node: Schema) -> list[str]:
    """The values of an argument, which may be null too."""
    return [value for branch in node.get("anyOf", [node]) for value in branch.get("enum", ())]


ForSeveral = Annotated[
    str,
    Field(description="Said once", json_schema_extra=field_notes(needs="responsibleIds", for_several_people=True)),
]


class Outer(BaseModel):
    """A tool with a documented body, a filter and an object of its own in its arguments."""

    filter: Annotated[TaskFilter, Field(description="Which tasks")] | MISSING = MISSING
    changes: Annotated[TaskPatch, Field(description="What to set")] | MISSING = MISSING
    maybe: Annotated[TaskPatch | None, Field(description="Or nothing")] | MISSING = MISSING
    draft: TaskDraft | MISSING = MISSING
    own: Annotated["Own", Field(description="Ours")]
    added: ForSeveral | MISSING = MISSING
    removed: ForSeveral | MISSING = MISSING
    days: Annotated[int, Field(description="Days", json_schema_extra=field_notes(needs="dueDate"))] | MISSING = MISSING


class Own(BaseModel):
    """An object whose fields no other tool describes."""

    needed: Annotated[str, Field(description="Described here")]
    priority: int = 3
    responsibleIds: tuple[str, ...] = ()  # noqa: N815


ONE_PERSON = Capabilities(
    absent=frozenset({"description"}),
    absent_on_update=frozenset({"aiContactId"}),
    not_clearable=frozenset({"dueDate"}),
    required_on_create=frozenset({"aiCustomerId"}),
    priorities=("1", "2"),
    least_responsibles=1,
    most_responsibles=1,
)


@pytest.mark.parametrize("capabilities", [EVERYTHING, NARROW, ONE_PERSON], ids=["everything", "narrow", "one"])
def test_an_object_among_the_arguments_is_one_that_every_provider_accepts(capabilities: Capabilities) -> None:
    schema = input_schema(Outer, capabilities)
    jsonschema.Draft202012Validator.check_schema(schema)
    for node in nodes(schema):
        assert not {"$ref", "$defs", "default", "title", "oneOf", "allOf", "const"} & node.keys()
        assert isinstance(node.get("type", ""), str)
        assert "type" in node or "anyOf" in node
        assert "additionalProperties" not in node


def inside(name: str, capabilities: Capabilities = EVERYTHING) -> Schema:
    return fields_of(input_schema(Outer, capabilities)["properties"][name])


def without_descriptions(schema: Schema) -> Schema:
    return {name: {key: node[key] for key in node if key != "description"} for name, node in schema.items()}


@pytest.mark.parametrize("capabilities", [EVERYTHING, NARROW, ONE_PERSON], ids=["everything", "narrow", "one"])
@pytest.mark.parametrize(("name", "body"), [("changes", TaskPatch), ("maybe", TaskPatch), ("draft", TaskDraft)])
def test_an_object_is_narrowed_as_the_same_body_is_in_its_own_tool(
    name: str, body: type[BaseModel], capabilities: Capabilities
) -> None:
    assert inside(name, capabilities) == without_descriptions(input_schema(body, capabilities)["properties"])


def test_every_field_of_a_filter_inside_takes_null_for_hosts_that_send_every_field() -> None:
    fields, alone = inside("filter"), without_descriptions(input_schema(TaskFilter, EVERYTHING)["properties"])
    assert fields.keys() == alone.keys()
    for name, node in fields.items():
        assert {"type": "null"} in node["anyOf"]
        assert alone[name] in (node, node["anyOf"][0])


def test_fields_that_the_backend_lacks_are_left_out_of_nested_objects() -> None:
    changes = inside("changes", ONE_PERSON)
    assert not {"description", "aiContactId"} & changes.keys()
    assert changes["dueDate"] == {"type": "string"}
    assert choices(changes["priority"]) == ["1", "2"]
    people = changes["responsibleIds"]["anyOf"][0]
    assert (people["minItems"], people["maxItems"]) == (1, 1)
    assert "maxItems" not in inside("filter", ONE_PERSON)["responsibleIds"]
    draft = input_schema(Outer, ONE_PERSON)["properties"]["draft"]
    assert draft["required"] == ["title", "responsibleIds", "aiCustomerId"]


def test_fields_described_by_another_tool_are_not_described_again() -> None:
    properties = input_schema(Outer, EVERYTHING)["properties"]
    assert {name: node["description"] for name, node in properties.items() if fields_of(node)} == {
        "filter": "Which tasks. Fields as in list_tasks.",
        "changes": "What to set. Fields as in update_task.",
        "maybe": "Or nothing. Fields as in update_task.",
        "draft": "Fields as in create_task.",
        "own": "Ours.",
    }
    for name in ("filter", "changes", "maybe", "draft"):
        assert not any("description" in node for node in inside(name).values())


def test_an_object_that_no_tool_describes_keeps_its_descriptions() -> None:
    assert inside("own", ONE_PERSON) == {
        "needed": {"type": "string", "description": "Described here."},
        "priority": {"type": "integer"},
        "responsibleIds": {"type": "array", "items": {"type": "string"}, "maxItems": 1, "minItems": 1},
    }
    assert inside("own")["responsibleIds"] == {"type": "array", "items": {"type": "string"}}


def test_a_nullable_object_stays_nullable_in_the_schema() -> None:
    branches = input_schema(Outer, EVERYTHING)["properties"]["maybe"]["anyOf"]
    assert [branch["type"] for branch in branches] == ["object", "null"]


ONLY_FOR_SEVERAL = {"added", "removed"}


def test_adding_and_removing_people_is_not_offered_where_a_task_has_one() -> None:
    assert input_schema(Outer, EVERYTHING)["properties"].keys() >= ONLY_FOR_SEVERAL
    assert not ONLY_FOR_SEVERAL & input_schema(Outer, ONE_PERSON)["properties"].keys()


def test_an_argument_about_a_field_that_the_backend_lacks_is_not_offered() -> None:
    assert "days" in input_schema(Outer, ONE_PERSON)["properties"]
    lacking = Capabilities(absent=frozenset({"dueDate", "responsibleIds"}))
    assert not {"days", *ONLY_FOR_SEVERAL} & input_schema(Outer, lacking)["properties"].keys()


NONE = frozenset[str]()
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
WHOLE = task(
    description="Why",
    due_at="2026-03-01T18:00:00.000Z",
    due_timezone="America/Santiago",
    ai_contact_id="c",
    task_responsibles=on_people(ANA.id, "gone"),
    url="https://crm.example/1",
)
BARE = task(status_config=None, creator_id=None, task_status_config_id=None)
BY_ID = {member.id: member for member in MEMBERS}
FIELDS: tuple[RowField, ...] = ("title", "description", "url", "overdue", "created_at", "ai_contact_id")
RECEIPT = Receipt.of(
    BARE,
    WHOLE,
    Edit(title="Other", due=None, responsible_ids=(BEN.id,), status=StatusChoice.of(DONE), priority=0),
    (Match("responsibleIds", "ben", BEN.id, BEN.name),),
)
ANSWERS: list[BaseModel] = [
    StatusesAnswer.of(status_list(PENDING, DONE)),
    StatusesAnswer.of(status_list(complete=False)),
    TeamAnswer.of(Team(MEMBERS, ANA.id)),
    TeamAnswer.of(Team((), None)),
    TaskAnswer.of(WHOLE),
    TaskAnswer.of(BARE),
    ContactsAnswer.of([Contact(id="c", name="Acme", phone=None, email="a@acme.cl", customer_id=None)], 20),
    ContactsAnswer.of([], 20),
    ListAnswer.of(
        TaskList((WHOLE, BARE), TaskQuery(), more=True, members=BY_ID, overdue=frozenset(), now=NOW), MISSING
    ),
    ListAnswer.of(
        TaskList((WHOLE, BARE), TaskQuery(), more=False, members=BY_ID, overdue=frozenset({BARE.id}), now=NOW), FIELDS
    ),
    ListAnswer.of(TaskList((), TaskQuery(), more=False, members={}, overdue=NONE, now=NOW), ()),
    render_write(RECEIPT, Wording()),
    render_write(Receipt(BARE, note="Nothing was written."), Wording()),
    render_write(Receipt.of(None, WHOLE, Edit(), ()), Wording()),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_a_real_answer_fits_its_output_schema(answer: BaseModel) -> None:
    sent = json.loads(render_text(answer))
    schema = output_schema(type(answer))
    jsonschema.validate(sent, schema)
    assert {*schema["properties"]} & {*sent}


@given(st.text(), st.none() | st.text(), st.integers(), st.booleans())
def test_any_task_fits_its_output_schema(title: str, description: str | None, priority: int, all_day: bool) -> None:  # noqa: FBT001
    answer = TaskAnswer.of(task(title=title, description=description, priority=priority, is_all_day=all_day))
    jsonschema.validate(json.loads(render_text(answer)), output_schema(TaskAnswer))


def test_only_the_schema_of_a_change_describes_null() -> None:
    new, change = (input_schema(model, EVERYTHING)["properties"] for model in (TaskDraft, TaskPatch))
    for name in ("description", "dueTime", "aiContactId", "aiCustomerId"):
        assert "; null " in change[name]["description"]
        assert "null" not in new[name]["description"]
