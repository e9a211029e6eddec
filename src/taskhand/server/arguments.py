"""From what a model sent to typed arguments: understood where the meaning is certain, else refused saying what to send.

Certain are: surrounding blanks, a list or object sent as a JSON string, one value where a list is expected, a number
where its digits are expected, null where it can only mean *not given*. The fields of an object are read as arguments
are, and called by dotted names. Pure.
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
"""Fields of the documented body: null is theirs to mean something, or to be refused."""


def parse_arguments(model: type[_Model], schema: Schema, sent: dict[str, Any], *, reads: bool) -> _Model:
    """The arguments as `model`; CallerError says which one is wrong and what to send.

    Some hosts fill in every optional argument. A read takes null or an empty string for *not given* where null has no
    meaning of its own; a write does so for its own arguments, never for a field of the documented body.
    """
    found = _Faults()
    values = _coerce_all(_Scope(model, schema, reads=reads), sent, found)
    try:
        checked = model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            found.add(one, schema)
        raise found.refusal() from None
    if found.wrong or found.missing:
        raise found.refusal()
    return checked


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where arguments stand: those of the call, or those inside the object that `within` names.

    `elsewhere` are the dotted names of what can be sent in other places of the same call.
    """

    model: type[BaseModel]
    schema: Schema
    reads: bool
    within: str = ""
    elsewhere: Sequence[str] = ()

    @property
    def properties(self) -> Schema:
        """What can be sent here."""
        return fields_of(self.schema)

    @property
    def documented(self) -> frozenset[str]:
        """The fields of the documented body here: a filter has namesakes of some."""
        return frozenset() if issubclass(self.model, TaskFilter) else _DOCUMENTED & self.properties.keys()

    def dotted(self, name: str) -> str:
        """The name that an argument here is called by."""
        return f"{self.within}.{name}" if self.within else name

    def inside(self, name: str) -> "_Scope | None":
        """The place inside one of the objects here; None for anything else."""
        if name not in objects_of(self.model):
            return None
        around = tuple(self.dotted(other) for other in self.properties)
        return _Scope(objects_of(self.model)[name], self.properties[name], self.reads, self.dotted(name), around)

    def leaves_out(self, name: str, value: Any) -> bool:
        """Whether null or a blank says no more of an argument than leaving it out."""
        if value not in (None, "") or name in _required_in(self.schema):
            return False
        if self.reads:
            return True
        node = self.properties[name]
        if name in self.documented or (value is None and "null" in json_types(node)):
            return False
        # A blank is no choice of a switch or a word, and inside an object it must not widen what a filter writes to.
        silent = not self.within and "enum" not in node and json_types(node) <= {"string", "array", "object"}
        return value is None or silent


@dataclass(frozen=True, slots=True)
class _Faults:
    """What is wrong with arguments, and which are missing: a sentence each, by dotted name."""

    wrong: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, error: ErrorDetails, schema: Schema) -> None:
        """One more thing that is wrong, unless something is known of that argument already."""
        name, node = _locate(error["loc"], schema)
        if name in self.wrong or name in self.missing:
            return
        if error["type"] == "missing":
            self.missing[name] = _required(name, node)
        else:
            self.wrong[name] = _sentence(error, name, node)

    def refusal(self) -> CallerError:
        """Everything that was found, in one sentence each."""
        return CallerError(
            " ".join([*self.wrong.values(), *self.missing.values()][:5]),
            code="invalid_arguments" if self.wrong else "missing_argument",
            next_step="Send the call again with these arguments corrected.",
        )


def _coerce_all(place: _Scope, sent: Mapping[str, Any], found: _Faults) -> dict[str, Any]:
    """The values by name as they were meant, those of objects included; what is wrong with them is added to `found`."""
    properties, required = place.properties, _required_in(place.schema)
    for name in sent:
        if name not in properties:
            raise _unknown(place, name)
    values: dict[str, Any] = {}
    for name, node in properties.items():
        called = place.dotted(name)
        if name in sent and not place.leaves_out(name, value := coerce(name, sent[name], node)):
            inside = place.inside(name)
            values[name] = _coerce_all(inside, value, found) if inside and isinstance(value, dict) else value
            if said := refused_value(called, value, node, optional=name not in required):
                found.wrong[called] = said
        elif name in required:
            found.missing[called] = _required(called, node)
    return values


def _required_in(schema: Schema) -> Sequence[str]:
    """The fields that an object must have."""
    for branch in schema.get("anyOf", [schema]):
        if "required" in branch:
            required: Sequence[str] = branch["required"]
            return required
    return ()


def _unknown(place: _Scope, name: str) -> CallerError:
    """The refusal of an argument that the tool, or an object in its arguments, does not have."""
    called, squeezed = place.dotted(name[:60]), _squeeze(name[:60])
    own = {_squeeze(other): place.dotted(other) for other in place.properties}
    if squeezed not in own and place.documented and squeezed in map(_squeeze, IMMUTABLE):
        return CallerError(
            f"{called} cannot be set: it never changes after a task is created.",
            code="immutable_field",
            next_step=f"Leave {called} out.",
        )
    misplaced = [] if squeezed in own else _namesakes(place, squeezed)
    near = misplaced or [own[match] for match in get_close_matches(squeezed, own, n=3, cutoff=0.6)]
    listed = f"The {'fields' if place.within else 'arguments'} are: {', '.join(own.values()) or 'none'}."
    return CallerError(
        f"There is no argument {called!r}.",
        code="unknown_argument",
        candidates=[Candidate(other) for other in near],
        next_step=f"Send {' or '.join(misplaced or near[:1])} instead." if near else listed,
    )


def _namesakes(place: _Scope, squeezed: str) -> list[str]:
    """What is called so in another place of the same call: around the object, or inside one."""
    inner = [
        place.dotted(f"{name}.{other}")
        for name in objects_of(place.model)
        for other in fields_of(place.properties.get(name, {}))
    ]
    return [other for other in [*place.elsewhere, *inner] if _squeeze(other.rpartition(".")[2]) == squeezed]


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
