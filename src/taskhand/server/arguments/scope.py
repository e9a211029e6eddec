"""A scope of arguments: the top of a call, or an object in it; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from pydantic import BaseModel

from taskhand.domain.name_matching import normalize_argument
from taskhand.domain.task import TaskDraft, TaskPatch
from taskhand.domain.task_query import TaskFilter
from taskhand.server.arguments.accepted_types import json_types
from taskhand.server.arguments.coercion import is_empty
from taskhand.server.arguments.filler_values import OtherArguments, TaskBody
from taskhand.server.arguments.refused_values import refused_value
from taskhand.server.schemas.portable import Schema, fields_of, model_fields, objects_of

__all__ = ["ArgumentScope"]

_BODY = frozenset(field.alias or name for body in (TaskDraft, TaskPatch) for name, field in body.model_fields.items())
"""Fields of the body of a task."""
_DOCUMENTED = _BODY - {"clear"}
"""The documented fields among them."""


@dataclass(frozen=True)
class ArgumentScope:
    """A scope of arguments: the top of the call, or the object with the dotted name `within`.

    `elsewhere` are the dotted names of the arguments around that object.
    """

    model: type[BaseModel]
    schema: Schema
    reads: bool
    within: str = ""
    elsewhere: Sequence[str] = ()
    replaced: bool = False
    """Whether the call has another argument in place of this object; empty values in it then mean not given."""
    filled: bool = False
    """Whether an argument around this object is empty: then the host may fill in omitted arguments."""
    tool: str = ""
    others: Mapping[str, Schema] = field(default_factory=dict)
    """The schemas of the same scope on other connections, by name."""

    @cached_property
    def properties(self) -> Schema:
        """The schemas of the arguments here."""
        return fields_of(self.schema)

    @cached_property
    def required(self) -> Sequence[str]:
        """The arguments that must be given here."""
        for branch in self.schema.get("anyOf", [self.schema]):
            if "required" in branch:
                return cast("Sequence[str]", branch["required"])
        return ()

    @property
    def documented(self) -> frozenset[str]:
        """The fields of the documented body here; a filter has other fields of the same names."""
        return frozenset() if issubclass(self.model, TaskFilter) else _DOCUMENTED & self.properties.keys()

    @property
    def body(self) -> TaskBody | None:
        """The body of a task in this scope; None if it has none."""
        kind = next((kind for kind in (TaskDraft, TaskPatch) if issubclass(self.model, kind)), None)
        if kind is None:
            return None
        return TaskBody(kind, self.properties, self.required, self.within, beside_change=self.replaced)

    @property
    def _other_arguments(self) -> OtherArguments:
        """The arguments here that are not fields of a task's body."""
        return OtherArguments(self.model, self.properties, self.required, self.reads, is_replaced=self.replaced)

    def dotted_name(self, name: str) -> str:
        """The name of an argument here in errors."""
        return f"{self.within}.{name}" if self.within else name

    def inner(self, name: str, arguments: Mapping[str, Any]) -> "ArgumentScope | None":
        """The scope in an argument that is an object, beside the other `arguments`; None for any other argument."""
        body = objects_of(self.model).get(name)
        if body is None:
            return None
        around = tuple(self.dotted_name(other) for other in self.properties)
        replaced = self._other_arguments.has_replacement(name, arguments)
        filled = any(map(is_empty, arguments.values()))
        others = {key: fields_of(schema)[name] for key, schema in self.others.items() if name in fields_of(schema)}
        schema, within = self.properties[name], self.dotted_name(name)
        return ArgumentScope(body, schema, self.reads, within, around, replaced, filled, self.tool, others)

    def item_schemas(self, name: str) -> tuple[Schema, Mapping[str, Schema]]:
        """The schema of the objects in a list, here and on other connections."""
        schemas = {key: fields_of(schema).get(name, {}) for key, schema in self.others.items()}
        return self.properties[name]["items"], {key: node["items"] for key, node in schemas.items() if "items" in node}

    def connections_with(self, normalized: str) -> list[str]:
        """The other connections that have an argument."""
        return [key for key, schema in self.others.items() if normalized in map(normalize_argument, fields_of(schema))]

    def keep_given(self, coerced: Mapping[str, Any]) -> dict[str, Any]:
        """The values without those that a host only filled in."""
        body, others = self.body, self._other_arguments
        kept = {
            name: value
            for name, value in coerced.items()
            if (body is not None and name in _BODY) or not others.is_filler(name, value, coerced)
        }
        return kept if body is None else body.read(kept)

    def refusal(self, name: str, value: Any) -> str | None:
        """The sentence for a value that is refused; None for one that this backend takes."""
        nullable = value is None and "null" in json_types(model_fields(self.model).get(name, {}))
        optional = name not in self.required
        return refused_value(self.dotted_name(name), value, self.properties[name], optional=optional, nullable=nullable)

    def uncertain_priority(self, sent: Mapping[str, Any]) -> str | None:
        """The sentence for the number 0 as the priority of a change if a host may have filled it in; else None."""
        priority = sent.get("priority")
        if not issubclass(self.model, TaskPatch) or isinstance(priority, bool | str) or priority != 0:
            return None
        if not self.filled and not any(is_empty(value) for name, value in sent.items() if name != "priority"):
            return None
        name = self.dotted_name("priority")
        return f'A host may have filled in {name} 0, like other arguments here: send "0" to set it, or null.'
