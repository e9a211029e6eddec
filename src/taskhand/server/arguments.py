"""Check what a model sent and make typed arguments of it; pure.

A value whose meaning is certain is taken: with blanks around it, a list or an object as a JSON string, one value where
a list is expected, a number where its digits are expected, null where it can only mean *not given*. Everything else is
refused with a sentence that says what to send. The fields of an object are checked like arguments, and their names in
errors are dotted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.names import fold
from taskhand.domain.query import TaskFilter
from taskhand.domain.task import IMMUTABLE, TaskDraft, TaskPatch
from taskhand.server.coercion import coerce, expected_type, json_types, refused_value
from taskhand.server.schema import Schema, fields_of, objects_of

__all__ = ["parse_arguments"]

_Model = TypeVar("_Model", bound=BaseModel)

_DOCUMENTED = frozenset(
    field.alias or name for body in (TaskDraft, TaskPatch) for name, field in body.model_fields.items()
)
"""Fields of the documented body: null has a meaning there, or is refused."""


def parse_arguments(model: type[_Model], schema: Schema, sent: dict[str, Any], *, reads: bool) -> _Model:
    """The arguments as `model`; CallerError says which argument is wrong and what to send.

    Some hosts fill in every optional argument. A read takes null or an empty string for *not given* where null has no
    meaning of its own. A write does so for its own arguments, never for a field of the documented body.
    """
    faults = _Faults()
    values = _coerce_all(_Scope(model, schema, reads=reads), sent, faults)
    try:
        arguments = model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            faults.add(one, schema)
        raise faults.to_error() from None
    if faults.wrong or faults.missing:
        raise faults.to_error()
    return arguments


@dataclass(frozen=True, slots=True)
class _Scope:
    """A place where arguments stand: at the top of the call, or in the object with the dotted name `within`.

    `elsewhere` are the dotted names of the arguments around that object.
    """

    model: type[BaseModel]
    schema: Schema
    reads: bool
    within: str = ""
    elsewhere: Sequence[str] = ()

    @property
    def properties(self) -> Schema:
        """The schemas of the arguments here."""
        return fields_of(self.schema)

    @property
    def documented(self) -> frozenset[str]:
        """The fields of the documented body here; a filter has other fields of the same names."""
        return frozenset() if issubclass(self.model, TaskFilter) else _DOCUMENTED & self.properties.keys()

    def dotted(self, name: str) -> str:
        """The name of an argument here in errors."""
        return f"{self.within}.{name}" if self.within else name

    def inner(self, name: str) -> "_Scope | None":
        """The scope in an argument that is an object; None for any other argument."""
        body = objects_of(self.model).get(name)
        if body is None:
            return None
        around = tuple(self.dotted(other) for other in self.properties)
        return _Scope(body, self.properties[name], self.reads, self.dotted(name), around)

    def leaves_out(self, name: str, value: Any) -> bool:
        """Whether null or "" means that the argument is not given."""
        if value not in (None, "") or name in _required_in(self.schema):
            return False
        if self.reads:
            return True
        node = self.properties[name]
        if name in self.documented or (value is None and "null" in json_types(node)):
            return False
        # "" is not a value of a switch or an enum, and in an object it must not widen a filter that a write uses.
        takes_text = not self.within and "enum" not in node and json_types(node) <= {"string", "array", "object"}
        return value is None or takes_text


@dataclass(frozen=True, slots=True)
class _Faults:
    """The wrong and the missing arguments: a sentence for each, by dotted name."""

    wrong: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, error: ErrorDetails, schema: Schema) -> None:
        """Add what pydantic found, unless the argument has a fault already."""
        name, node = _locate(error["loc"], schema)
        if name in self.wrong or name in self.missing:
            return
        if error["type"] == "missing":
            self.missing[name] = _required(name, node)
        else:
            self.wrong[name] = _sentence(error, name, node)

    def to_error(self) -> CallerError:
        """One error with the first five sentences."""
        return CallerError(
            " ".join([*self.wrong.values(), *self.missing.values()][:5]),
            code="invalid_arguments" if self.wrong else "missing_argument",
            next_step="Send the call again with these arguments corrected.",
        )


def _coerce_all(scope: _Scope, sent: Mapping[str, Any], faults: _Faults) -> dict[str, Any]:
    """The values by name as they were meant, those in objects included; faults are added to `faults`."""
    properties, required = scope.properties, _required_in(scope.schema)
    for name in sent:
        if name not in properties:
            raise _unknown_argument(scope, name)
    values: dict[str, Any] = {}
    for name, node in properties.items():
        if name in sent and not scope.leaves_out(name, value := coerce(name, sent[name], node)):
            inner = scope.inner(name) if isinstance(value, dict) else None
            values[name] = value if inner is None else _coerce_all(inner, value, faults)
            if fault := refused_value(scope.dotted(name), value, node, optional=name not in required):
                faults.wrong[scope.dotted(name)] = fault
        elif name in required:
            faults.missing[scope.dotted(name)] = _required(scope.dotted(name), node)
    return values


def _required_in(schema: Schema) -> Sequence[str]:
    """The fields that an object must have."""
    for branch in schema.get("anyOf", [schema]):
        if "required" in branch:
            required: Sequence[str] = branch["required"]
            return required
    return ()


def _unknown_argument(scope: _Scope, name: str) -> CallerError:
    """The error for an argument that the tool, or an object in its arguments, does not have."""
    dotted, squeezed = scope.dotted(name[:60]), _squeeze(name[:60])
    own = {_squeeze(other): scope.dotted(other) for other in scope.properties}
    if squeezed not in own and scope.documented and squeezed in map(_squeeze, IMMUTABLE):
        return CallerError(
            f"{dotted} cannot be set: it never changes after a task is created.",
            code="immutable_field",
            next_step=f"Leave {dotted} out.",
        )
    misplaced = [] if squeezed in own else _namesakes(scope, squeezed)
    near = misplaced or [own[match] for match in get_close_matches(squeezed, own, n=3, cutoff=0.6)]
    listed = f"The {'fields' if scope.within else 'arguments'} are: {', '.join(own.values()) or 'none'}."
    return CallerError(
        f"There is no argument {dotted!r}.",
        code="unknown_argument",
        candidates=[Candidate(other) for other in near],
        next_step=f"Send {' or '.join(misplaced or near[:1])} instead." if near else listed,
    )


def _namesakes(scope: _Scope, squeezed: str) -> list[str]:
    """The arguments of the same name elsewhere in the call: around the object, or in another one."""
    inner = [
        scope.dotted(f"{name}.{other}")
        for name in objects_of(scope.model)
        for other in fields_of(scope.properties.get(name, {}))
    ]
    return [other for other in [*scope.elsewhere, *inner] if _squeeze(other.rpartition(".")[2]) == squeezed]


def _squeeze(name: str) -> str:
    return fold(name).replace("_", "").replace("-", "")


def _locate(location: Sequence[int | str], schema: Schema) -> tuple[str, Schema]:
    """The dotted name of the argument that an error is in, and its schema."""
    names: list[str] = []
    for part in location:
        fields = fields_of(schema)
        if part not in fields:
            break
        names.append(str(part))
        schema = fields[str(part)]
    return (".".join(names), schema) if names else (str(location[0]) if location else "arguments", {})


def _sentence(error: ErrorDetails, name: str, node: Schema) -> str:
    match error["type"]:
        case "literal_error":
            return f"{name} must be {error['ctx']['expected']}."
        case "greater_than_equal" | "less_than_equal":
            return f"{name} must be {error['msg'].removeprefix('Input should be ')}."
    return expected_type(name, node)


def _required(name: str, node: Schema) -> str:
    return f"{name} is required: {node.get('description', 'see the schema')}"
