"""JSON schemas that every model provider accepts; pure.

Gemini refuses `type` lists, `$ref` and `default` in function declarations, OpenAI and Claude combinators at the top of
an input schema; all accept `anyOf` with `null` on a property. Output schemas are read by clients, not by models.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from taskhand.backend import Capabilities
from taskhand.task import TaskDraft, TaskFilter, TaskPatch

__all__ = ["Schema", "input_schema", "output_schema"]

Schema = dict[str, Any]

_NULL_CLAUSE = re.compile(r"; null [^.;]*")
_EMPTY_CLAUSE = re.compile(r"; \[\] [^.;]*")
_NOISE = frozenset({"title", "default", "$defs"})


def input_schema(model: type[BaseModel], capabilities: Capabilities) -> Schema:
    """What a tool takes, with only the fields and values that the backend can express."""
    schema = _plain(model)
    properties = schema["properties"]
    absent_here = capabilities.absent_on_update if issubclass(model, TaskPatch) else frozenset()
    for name in (capabilities.absent | absent_here) & properties.keys():
        del properties[name]
    for name in capabilities.not_clearable & properties.keys():
        properties[name] = _without_null(properties[name])
    if "priority" in properties:
        properties["priority"] = _digits(properties["priority"], capabilities.priorities)
    if "responsibleIds" in properties and not issubclass(model, TaskFilter):
        properties["responsibleIds"] = _people(properties["responsibleIds"], capabilities)
    if "mode" in properties and capabilities.most_responsibles == 1:
        del properties["mode"]  # with one person on a task there is nothing to add to, and nothing to keep
    needed = capabilities.required_on_create if issubclass(model, TaskDraft) else frozenset()
    required = [name for name in properties if name in {*schema.get("required", ()), *needed}]
    for name in needed:
        properties[name] = _without_null(properties[name])
    optional = [name for name in properties if name not in required]
    shaped: Schema = {"type": "object", "properties": {name: properties[name] for name in [*required, *optional]}}
    return shaped | ({"required": required} if required else {}) | {"additionalProperties": False}


@cache
def output_schema(model: type[BaseModel]) -> Schema:
    """What a tool answers; a nullable value is written as a list of types, which is the shortest."""
    short: Schema = _short(_plain(model, mode="serialization"))
    return short


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
        target = definitions[node["$ref"].rpartition("/")[2]]
        return _inlined(target | {key: value for key, value in node.items() if key != "$ref"}, definitions)
    kept: Schema = {key: value for key, value in node.items() if key not in _NOISE and key != "properties"}
    shaped: Schema = {key: _inlined(value, definitions) for key, value in kept.items()}
    if "properties" in node:
        # A property may itself be called "title": only keywords are noise, names are not.
        shaped["properties"] = {name: _inlined(value, definitions) for name, value in node["properties"].items()}
    shaped.pop("description", None) if "properties" in node else None
    return shaped


def _digits(node: Schema, allowed: Sequence[str]) -> Schema:
    said = node["description"].rstrip(".").split(", ")
    told = ", ".join(meaning for meaning in said if meaning[0] in allowed)
    return node | {"enum": list(allowed), "description": f"{told}."}


def _people(node: Schema, capabilities: Capabilities) -> Schema:
    one = {"maxItems": 1} if capabilities.most_responsibles == 1 else {}
    if not capabilities.least_responsibles:
        return node | one
    told = _EMPTY_CLAUSE.sub("", node["description"])
    return node | one | {"minItems": capabilities.least_responsibles, "description": told}


def _without_null(node: Schema) -> Schema:
    branches = [branch for branch in node.get("anyOf", ()) if branch.get("type") != "null"]
    if not branches:
        return node
    kept: Schema = {key: value for key, value in node.items() if key != "anyOf"} | branches[0]
    # What null would do is the last clause of a description: it goes where null cannot be sent.
    return kept | {"description": _NULL_CLAUSE.sub("", node.get("description", ""))}


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
