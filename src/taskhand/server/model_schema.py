"""The JSON schema of a model of arguments, read from the annotations of its fields; pure.

pydantic's own JSON schema needs the model's validator. A start lists the arguments of every tool, and a session calls a
few tools, so each builds its validator when it is first called.
"""

from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import MISSING, BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema

__all__ = ["Schema", "model_schema"]

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
"""The attribute and the keyword of each limit; a limit of a string's length is one of items for an array."""


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
        if keyword.endswith("Length") and schema.get("type") == "array":
            keyword = keyword.replace("Length", "Items")
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
