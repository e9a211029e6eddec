import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING, BaseModel, Field

from contract.builders import ANA, BEN, DONE, MEMBERS, PENDING, known, on_people, task
from taskhand.backend import Capabilities
from taskhand.change import Match, Receipt
from taskhand.edit import Edit
from taskhand.server.schema import Schema, input_schema, output_schema
from taskhand.server.tools import TOOLS
from taskhand.server.view import (
    ContactsAnswer,
    ListAnswer,
    RowField,
    StatusesAnswer,
    TaskAnswer,
    TeamAnswer,
    WriteAnswer,
    compact,
)
from taskhand.service.list_tasks import TaskList
from taskhand.service.look_up import Team
from taskhand.task import Contact, StatusChoice, TaskQuery

EVERYTHING = Capabilities()
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
    assert schema["additionalProperties"] is False
    assert not {"anyOf", "oneOf", "allOf", "not", "enum"} & schema.keys()
    for node in nodes(schema):
        assert not {"$ref", "$defs", "default", "title", "oneOf", "allOf", "const"} & node.keys()
        assert isinstance(node.get("type", ""), str)
        assert "type" in node or "anyOf" in node


@pytest.mark.parametrize(("name", "model"), INPUTS)
def test_every_argument_is_described_and_the_required_ones_come_first(name: str, model: type[BaseModel]) -> None:
    schema = input_schema(model, EVERYTHING)
    required = schema.get("required", [])
    assert list(schema["properties"])[: len(required)] == required, name
    assert all(node.get("description") for node in schema["properties"].values())


@pytest.mark.parametrize(("name", "model"), OUTPUTS)
def test_an_output_schema_stands_alone(name: str, model: type[BaseModel]) -> None:
    schema = output_schema(model)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object", name
    for node in nodes(schema):
        assert not {"$ref", "$defs", "default"} & node.keys()
        assert not isinstance(node.get("title"), str)


class Inner(BaseModel):
    """A model inside a model."""

    title: str
    default: int = 3


class Odd(BaseModel):
    """A model whose fields are called like keywords."""

    title: Annotated[str, Field(description="A name, not a keyword.")]
    properties: Annotated[str, Field(description="So is this.")] = "x"
    first: Inner
    second: Annotated[Inner, Field(description="Said of this use of it.")]
    many: list[Inner] = []
    kind: Literal["title", "default"] = "title"
    extra: Annotated[str | None, Field(description="Maybe.")] | MISSING = MISSING


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
    assert schema["required"] == ["responsibleIds", "priority"]


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
    assert input_schema(model, NARROW)["properties"]["priority"]["enum"] == ["1", "2"]
    assert input_schema(model, EVERYTHING)["properties"]["priority"]["enum"] == ["0", "1", "2"]


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
    StatusesAnswer.of(known(PENDING, DONE)),
    StatusesAnswer.of(known(complete=False)),
    TeamAnswer.of(Team(MEMBERS, ANA.id)),
    TeamAnswer.of(Team((), None)),
    TaskAnswer.of(WHOLE),
    TaskAnswer.of(BARE),
    ContactsAnswer.of([Contact(id="c", name="Acme", phone=None, email="a@acme.cl", customer_id=None)], 20),
    ContactsAnswer.of([], 20),
    ListAnswer.of(TaskList((WHOLE, BARE), TaskQuery(), more=True, members=BY_ID, overdue=frozenset()), MISSING),
    ListAnswer.of(
        TaskList((WHOLE, BARE), TaskQuery(), more=False, members=BY_ID, overdue=frozenset({BARE.id})), FIELDS
    ),
    ListAnswer.of(TaskList((), TaskQuery(), more=False, members={}, overdue=frozenset()), ()),
    WriteAnswer.of(RECEIPT),
    WriteAnswer.of(Receipt(BARE, note="Nothing was written.")),
    WriteAnswer.of(Receipt.of(None, WHOLE, Edit(), ())),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_a_real_answer_fits_its_output_schema(answer: BaseModel) -> None:
    sent = json.loads(compact(answer))
    jsonschema.validate(sent, output_schema(type(answer)))
    assert {*sent} <= {*output_schema(type(answer))["properties"]}


@given(st.text(), st.none() | st.text(), st.integers(), st.booleans())
def test_any_task_fits_its_output_schema(title: str, description: str | None, priority: int, all_day: bool) -> None:  # noqa: FBT001
    answer = TaskAnswer.of(task(title=title, description=description, priority=priority, is_all_day=all_day))
    jsonschema.validate(json.loads(compact(answer)), output_schema(TaskAnswer))
