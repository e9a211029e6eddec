"""The schemas of arguments: pydantic makes the same ones, after it has built the validators."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from pydantic import MISSING, BaseModel, Field

from taskhand.domain.task import Body, TaskDraft, TaskPatch
from taskhand.domain.task_query import TaskFilter
from taskhand.server.schemas.portable import model_schema
from taskhand.server.tools import TOOLS

_MODELS: list[type[BaseModel]] = [*(tool.arguments for tool in TOOLS), TaskDraft, TaskPatch, TaskFilter]


class Limited(Body):
    """The limits that an argument of a new tool may have."""

    days: Annotated[int, Field(gt=0, lt=8, description="From 1 to 7.")]
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    code: Annotated[str, Field(min_length=2, max_length=5, pattern="^[a-z]+$")] | MISSING = MISSING
    words: Annotated[tuple[Annotated[str, Field(max_length=9)], ...], Field(min_length=1, max_length=3)] | None = None


@pytest.mark.parametrize("model", [*_MODELS, Limited], ids=lambda model: str(model.__name__))
def test_the_schema_of_arguments_is_the_one_that_pydantic_makes(model: type[BaseModel]) -> None:
    made = model.model_json_schema(by_alias=True)
    assert json.loads(json.dumps(model_schema(model))) == _shaped(made, made.get("$defs", {}))


def test_a_schema_is_made_without_the_validator() -> None:
    class Arguments(Body):
        id: str

    assert model_schema(Arguments)["required"] == ["id"]
    assert not Arguments.__pydantic_complete__


def test_an_annotation_that_no_argument_has_so_far_is_refused() -> None:
    class Arguments(Body):
        sizes: frozenset[float]

    with pytest.raises(TypeError, match=r"frozenset\[float\] has no schema here"):
        model_schema(Arguments)


def _shaped(node: Any, definitions: Mapping[str, Any]) -> Any:
    """pydantic's schema without references, and without the titles, defaults and docstrings that it adds."""
    if isinstance(node, list):
        return [_shaped(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    dropped = {"title", "default", "$defs", "$ref", "additionalProperties"}
    shaped = {key: _shaped(value, definitions) for key, value in node.items() if key not in {*dropped, "properties"}}
    if "$ref" in node:
        return _shaped(definitions[node["$ref"].rpartition("/")[2]], definitions) | shaped
    if "properties" in node:
        shaped["properties"] = {name: _shaped(value, definitions) for name, value in node["properties"].items()}
        shaped.pop("description", None)
    return shaped
