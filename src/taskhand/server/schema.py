"""JSON schemas that every model provider accepts; pure.

Gemini refuses `type` lists, `$ref` and `default` in function declarations, OpenAI and Claude combinators at the top of
an input schema; all accept `anyOf` with `null` on a property. Output schemas are read by clients, not by models.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.query import TaskFilter
from taskhand.domain.task import TaskDraft, TaskPatch
from taskhand.service.call import RepeatableOptions

__all__ = ["Schema", "fields_of", "input_schema", "objects_of", "output_schema"]

Schema = dict[str, Any]

_NULL_CLAUSE = re.compile(r"; null [^.;]*")
_EMPTY_CLAUSE = re.compile(r"; \[\] [^.;]*")
_ABOUT_THE_CALL = frozenset(str(field.alias) for field in RepeatableOptions.model_fields.values())
"""What is said about a call comes after what it is about."""
_NOISE = frozenset({"title", "default", "$defs"})

_DESCRIBED_IN: dict[type[BaseModel], str] = {
    TaskDraft: "create_task",
    TaskPatch: "update_task",
    TaskFilter: "list_tasks",
}
"""The tool whose arguments a body is: as an object inside another tool its fields are not described again."""

_SAYS_MORE_OF = {
    "addResponsibleIds": "responsibleIds",
    "removeResponsibleIds": "responsibleIds",
    "mode": "responsibleIds",
    "shiftDueDays": "dueDate",
}
"""Arguments of ours that mean nothing without a documented field."""
_FOR_SEVERAL_PEOPLE = frozenset({"addResponsibleIds", "removeResponsibleIds", "mode"})
"""With one person on a task there is nothing to add to, and nothing to keep."""


def input_schema(model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """What a tool takes, with only the fields and values that the backend can express, also inside its objects."""
    return _input_schema(model, capabilities)


@lru_cache(maxsize=256)
def _input_schema(model: type[BaseModel], capabilities: Capabilities) -> Schema:
    return _narrowed(_plain(model), model, capabilities)


@cache
def output_schema(model: type[BaseModel]) -> Schema:
    """What a tool answers; a nullable value is written as a list of types, which is the shortest."""
    short: Schema = _short(_plain(model, mode="serialization"))
    return short


@cache
def objects_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The arguments of `model` that are objects with fields of their own, by the names they are sent by."""
    inner = {field.alias or name: _object_in(field.annotation) for name, field in model.model_fields.items()}
    return {name: body for name, body in inner.items() if body is not None}


def fields_of(node: Schema) -> dict[str, Schema]:
    """The fields that a schema gives an object; none where it is something else."""
    for branch in node.get("anyOf", [node]):
        if "properties" in branch:
            properties: dict[str, Schema] = branch["properties"]
            return properties
    return {}


def _object_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) not in (Annotated, Union, UnionType):
        return None
    return next((body for part in get_args(annotation) if (body := _object_in(part))), None)


def _narrowed(schema: Schema, model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """An object's schema as the backend needs it, what is required first."""
    properties = _offered(schema["properties"], model, capabilities)
    for name, body in objects_of(model).items():
        if name in properties:
            properties[name] = _inner(properties[name], body, capabilities)
    needed = capabilities.required_on_create if issubclass(model, TaskDraft) else frozenset()
    for name in needed:
        properties[name] = _without_null(properties[name])
    required = [name for name in properties if name in {*schema.get("required", ()), *needed}]
    optional = sorted((name for name in properties if name not in required), key=_ABOUT_THE_CALL.__contains__)
    shaped: Schema = {"type": "object", "properties": {name: properties[name] for name in [*required, *optional]}}
    return shaped | ({"required": required} if required else {}) | {"additionalProperties": False}


def _offered(properties: Schema, model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """The fields that the backend has, with the values that it has."""
    absent = capabilities.absent | (capabilities.absent_on_update if issubclass(model, TaskPatch) else frozenset())
    several = capabilities.most_responsibles > 1
    offered = {
        name: _without_null(node) if name in capabilities.not_clearable else node
        for name, node in properties.items()
        if name not in absent and _SAYS_MORE_OF.get(name) not in absent and (several or name not in _FOR_SEVERAL_PEOPLE)
    }
    if "enum" in offered.get("priority", ()):
        offered["priority"] = _digits(offered["priority"], capabilities.priorities)
    if "responsibleIds" in offered and not issubclass(model, TaskFilter):
        offered["responsibleIds"] = _people(offered["responsibleIds"], capabilities)
    return offered


def _inner(node: Schema, model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """An argument that is an object, narrowed as the arguments of a tool are; said in few words where they are its."""
    tool = next((name for body, name in _DESCRIBED_IN.items() if issubclass(model, body)), None)
    said = " ".join(filter(None, [node.get("description"), tool and f"Fields as in {tool}."]))

    def shaped(branch: Schema) -> Schema:
        if "properties" not in branch:
            return branch
        narrowed = _narrowed(branch, model, capabilities)
        return _undescribed(narrowed) if tool else narrowed

    inner = {"anyOf": [shaped(branch) for branch in node["anyOf"]]} if "anyOf" in node else shaped(node)
    return ({"description": said} if said else {}) | inner


def _undescribed(schema: Schema) -> Schema:
    """The object's schema without what is said of its fields."""
    fields = {
        name: {key: value for key, value in node.items() if key != "description"}
        for name, node in schema["properties"].items()
    }
    return schema | {"properties": fields}


def _plain(model: type[BaseModel], mode: JsonSchemaMode = "validation") -> Schema:
    """The model's schema without references, titles and defaults."""
    raw = model.model_json_schema(by_alias=True, mode=mode)
    inlined: Schema = _inlined(raw, raw.get("$defs", {}))
    return inlined


def _inlined(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
        # What is said of this use of a model is kept; what its class says of itself is for its readers.
        return target | {key: value for key, value in node.items() if key not in _NOISE | {"$ref"}}
    kept: Schema = {key: value for key, value in node.items() if key not in _NOISE and key != "properties"}
    shaped: Schema = {key: _inlined(value, definitions) for key, value in kept.items()}
    if "properties" in node:
        # A property may itself be called "title": only keywords are noise, names are not.
        shaped["properties"] = {name: _inlined(value, definitions) for name, value in node["properties"].items()}
    shaped.pop("description", None) if "properties" in node else None
    return shaped


def _digits(node: Schema, allowed: Sequence[str]) -> Schema:
    if "description" not in node:
        return node | {"enum": list(allowed)}
    said = node["description"].rstrip(".").split(", ")
    told = ", ".join(meaning for meaning in said if meaning[0] in allowed)
    return node | {"enum": list(allowed), "description": f"{told}."}


def _people(node: Schema, capabilities: Capabilities) -> Schema:
    one = {"maxItems": 1} if capabilities.most_responsibles == 1 else {}
    if not capabilities.least_responsibles:
        return node | one
    return _told_less(node, _EMPTY_CLAUSE) | one | {"minItems": capabilities.least_responsibles}


def _without_null(node: Schema) -> Schema:
    branches = [branch for branch in node.get("anyOf", ()) if branch.get("type") != "null"]
    if not branches:
        return node
    kept: Schema = {key: value for key, value in node.items() if key != "anyOf"} | branches[0]
    # What null would do is the last clause of a description: it goes where null cannot be sent.
    return _told_less(kept, _NULL_CLAUSE)


def _told_less(node: Schema, clause: re.Pattern[str]) -> Schema:
    """The schema, its description without a clause about what cannot be sent."""
    return node | {"description": clause.sub("", node["description"])} if "description" in node else node


def _short(node: Any) -> Any:
    if isinstance(node, list):
        return [_short(item) for item in node]
    if not isinstance(node, dict):
        return node
    short = {key: _short(value) for key, value in node.items() if key != "additionalProperties" or value is not False}
    match node.get("anyOf"):
        case [{"type": str(kind), **rest}, {"type": "null"}] if not rest:
            del short["anyOf"]
            return {"type": [kind, "null"], **short}
        case _:
            return short
