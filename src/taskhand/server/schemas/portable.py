"""JSON schemas of models of arguments and answers that every model provider accepts; pure.

Gemini refuses `type` lists, `$ref`, `default` and `additionalProperties` in function declarations, and Google's own SDK
fails on `additionalProperties: false` (https://github.com/googleapis/python-genai/issues/2393). OpenAI's strict mode
needs it, together with every property in `required`: the libraries that add the one add the other. Arguments that are
not in the schema are refused all the same. OpenAI and Claude refuse combinators at the top of an input schema. All of
them accept `anyOf` with `null` on a property. Clients read output schemas, models do not.

A schema is read from the annotations of the fields, because pydantic's own needs the model's validator. A start lists
the arguments of every tool, and a session calls a few tools, so each builds its validator when it is first called.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import MISSING, BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema

__all__ = [
    "Schema",
    "fields_of",
    "item_fields",
    "model_fields",
    "model_schema",
    "objects_of",
    "output_names",
    "output_schema",
]

Schema = dict[str, Any]

_TYPES: Final = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}

_LIMITS: Final[dict[type, tuple[str, str]]] = {
    Ge: ("ge", "minimum"),
    Gt: ("gt", "exclusiveMinimum"),
    Le: ("le", "maximum"),
    Lt: ("lt", "exclusiveMaximum"),
    MinLen: ("min_length", "minLength"),
    MaxLen: ("max_length", "maxLength"),
}
"""The attribute and the keyword of each limit."""
_OF_ITEMS: Final[Mapping[type, str]] = {MinLen: "minItems", MaxLen: "maxItems"}
"""The keyword of a limit of an array, whose length is counted in items."""
_JSON_TYPES: Final[Mapping[type, str]] = {
    NoneType: "null",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    tuple: "array",
    dict: "object",
    BaseModel: "object",
}
"""The types of an answer's fields; a boolean comes before the integer that it is in Python."""


def model_schema(model: type[BaseModel]) -> Schema:
    """The schema of the fields by alias, without titles, defaults and references.

    TypeError for an annotation that no argument has so far.
    """
    if not model.__pydantic_fields_complete__:
        model.model_rebuild()  # an annotation names a class that is defined later
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    required = [name for name, info in fields.items() if info.is_required()]
    properties = {name: _with_mark(_of_type(info.annotation), info) for name, info in fields.items()}
    return ({"required": required} if required else {}) | {"type": "object", "properties": properties}


@cache
def output_schema(model: type[BaseModel]) -> Schema:
    """The outline of a tool's answer: the types of its `listed` fields, or of all fields if it lists none.

    Models read the answer, not its schema, and every conversation pays for the schema. An error fits it too, so no
    field is required. Gemini CLI takes the JSON of an error for structured content, and its SDK replaces content that
    does not fit by a message about the schema, so the model would not see the error.
    """
    annotations = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    listed = getattr(model, "listed", ()) or [name for name in annotations if name != "untrusted"]
    return {"type": "object", "properties": {name: _type_only(annotations[name]) for name in listed}}


@cache
def output_names(model: type[BaseModel]) -> Schema:
    """The names of the fields of a tool's answer, without their types."""
    return {"type": "object", "properties": {name: {} for name in output_schema(model)["properties"]}}


@cache
def objects_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The models of the arguments that are objects, by the argument's alias."""
    inner = {field.alias or name: _object_in(field.annotation) for name, field in model.model_fields.items()}
    return {name: body for name, body in inner.items() if body is not None}


@cache
def model_fields(model: type[BaseModel]) -> dict[str, Schema]:
    """The schemas of the model's fields as declared, with their notes, independent of the backend."""
    properties: dict[str, Schema] = model_schema(model)["properties"]
    return properties


def item_fields(node: Schema) -> dict[str, Schema]:
    """The schemas of the fields of a list's objects; empty for anything that is not a list of objects."""
    branches = node.get("anyOf", [node])
    return next((fields for branch in branches if (fields := fields_of(branch.get("items", {})))), {})


def fields_of(node: Schema) -> dict[str, Schema]:
    """The schemas of an object's fields; empty for anything that is not an object."""
    for branch in node.get("anyOf", [node]):
        if "properties" in branch:
            properties: dict[str, Schema] = branch["properties"]
            return properties
    return {}


def _of_type(annotation: Any) -> Schema:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        schema = _of_type(parts[0])
        for mark in parts[1:]:
            schema = _with_mark(schema, mark)
        return schema
    if origin in (Union, UnionType):
        branches = [_of_type(part) for part in parts if not _is_hidden(part)]
        return branches[0] if len(branches) == 1 else {"anyOf": branches}
    if origin is Literal:
        return {"enum": [*parts], "type": "string"}
    if origin in (tuple, list):
        return {"items": _of_type(parts[0]), "type": "array"}
    if annotation is Any:
        return {}
    if annotation in _TYPES:
        return {"type": _TYPES[annotation]}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return model_schema(annotation)
    raise TypeError(f"{annotation} has no schema here: add it.")


def _is_hidden(branch: Any) -> bool:
    """Whether a branch of a union is accepted and not in the schema."""
    marks = getattr(branch, "__metadata__", ())
    return branch is MISSING or any(isinstance(mark, SkipJsonSchema) for mark in marks)  # type: ignore[misc]  # a class


def _with_mark(schema: Schema, mark: Any) -> Schema:
    """The schema with what a mark of an annotation, or the info of a field, adds to it."""
    if isinstance(mark, FieldInfo):
        return _with_info(schema, mark)
    if isinstance(mark, WithJsonSchema):
        return dict(mark.json_schema or {})
    if type(mark) in _LIMITS:
        attribute, keyword = _LIMITS[type(mark)]
        if schema.get("type") == "array":
            keyword = _OF_ITEMS.get(type(mark), keyword)
        return schema | {keyword: getattr(mark, attribute)}
    pattern = getattr(mark, "pattern", None)  # pydantic's class for a pattern is private
    return schema if pattern is None else schema | {"pattern": pattern}


def _with_info(schema: Schema, info: FieldInfo) -> Schema:
    for mark in info.metadata:
        schema = _with_mark(schema, mark)
    added: Schema = {} if info.description is None else {"description": info.description}
    added |= info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    if "properties" in schema or not added:
        return schema | added
    return dict(sorted((schema | added).items()))  # in the order of pydantic's own schemas


def _object_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) not in (Annotated, Union, UnionType):
        return None
    return next((body for part in get_args(annotation) if (body := _object_in(part))), None)


def _type_only(annotation: Any) -> Schema:
    """The type of a value, or its types if it can be null, without its contents."""
    kinds = list(dict.fromkeys(_json_types(annotation)))
    return {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}


def _json_types(annotation: Any) -> Iterator[str]:
    """The JSON types of a value with this annotation.

    They are read from the annotation itself: pydantic's JSON schema needs the model's validator, and an answer builds
    its own when it is first given.
    """
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        for branch in get_args(annotation):
            yield from _json_types(branch)
    elif origin is Annotated:
        yield from _json_types(get_args(annotation)[0])
    elif isinstance(kind := origin or annotation, type):
        yield from [name for parent, name in _JSON_TYPES.items() if issubclass(kind, parent)][:1]
