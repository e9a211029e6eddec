"""Checks the arguments that a model sent and converts them to typed ones; pure.

A value whose meaning is certain is accepted: with blanks around it, a list or an object as a JSON string, one value if
a list is expected, digits if a number is expected. Values that hosts fill in for omitted arguments (null, "", [], {},
0) count as omitted if they can mean nothing else. Everything else is refused with a sentence that says what to send.
The fields of an object are checked like arguments, and errors use their dotted names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.field_notes import NOTES
from taskhand.domain.query import TaskFilter
from taskhand.domain.task import IMMUTABLE, TaskDraft, TaskPatch
from taskhand.server.coercion import (
    NULL_AS_TEXT,
    choices,
    coerce,
    expected_choice,
    expected_type,
    is_empty,
    json_types,
    refused_value,
    squeeze,
)
from taskhand.server.fillers import TaskBody
from taskhand.server.list_of import ListItem, lists_of
from taskhand.server.other_names import nearest_names, other_tool, usual_names
from taskhand.server.schema import Schema, fields_of, item_fields, model_fields, objects_of

__all__ = ["OUTERMOST_CONNECTION", "parse_arguments"]

_Model = TypeVar("_Model", bound=BaseModel)

_BODY = frozenset(field.alias or name for body in (TaskDraft, TaskPatch) for name, field in body.model_fields.items())
"""Fields of the body of a task."""
_DOCUMENTED = _BODY - {"clear"}
"""Those of them that the CRM's documentation has."""

_ANY_TEXT = frozenset({"text", "reason", "query", "newStatusName"})
"""Arguments that may be any words, "null" too."""
_IN_PLACE_OF = {
    "description": "Send such text as addNote, with update_task once the task is there.",
    "aicustomerid": "A task here stays with its customer: to move it, create one there and delete this one.",
}
"""What to do where tasks of the CRM lack a field, or cannot change in it."""
OUTERMOST_CONNECTION: Final = "connection stands once, beside the call's other arguments: send one call for each."
"""What to do where a task among several has it, or what is to change, or a filter."""
_FALSE_IF_LEFT_OUT = frozenset({"dryRun", "withoutDate"})
"""Switches for which a 0 says what leaving them out says."""


def parse_arguments(
    model: type[_Model],
    schema: Schema,
    sent: dict[str, Any],
    *,
    reads: bool,
    tool: str = "",
    others: Mapping[str, Schema] | None = None,
) -> _Model:
    """The arguments as `model`; CallerError says which argument is wrong and what to send.

    `tool` is the name of the tool that is called. `reads` is whether it only reads: an empty value in a filter that a
    write uses is not taken for *not given*, since it would widen what is written to. `others` are the schemas of the
    other connections by name.
    """
    faults = _Faults()
    values = _coerce_all(_Scope(model, schema, reads=reads, tool=tool, others=others or {}), sent, faults)
    try:
        arguments = model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            faults.add(one, schema)
        raise faults.to_error() from None
    faults.add_lacking(arguments, schema)
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
    replaced: bool = False
    """Whether the call has another argument in place of this object: what is empty in it is not given."""
    filled: bool = False
    """Whether an argument around this object says nothing: the host may fill in what was left out."""
    tool: str = ""
    others: Mapping[str, Schema] = field(default_factory=dict)
    """The schemas of the same place on other connections, by name."""

    @property
    def properties(self) -> Schema:
        """The schemas of the arguments here."""
        return fields_of(self.schema)

    @property
    def required(self) -> Sequence[str]:
        """The arguments that must be given here."""
        branches = [branch["required"] for branch in self.schema.get("anyOf", [self.schema]) if "required" in branch]
        return branches[0] if branches else ()

    @property
    def documented(self) -> frozenset[str]:
        """The fields of the documented body here; a filter has other fields of the same names."""
        return frozenset() if issubclass(self.model, TaskFilter) else _DOCUMENTED & self.properties.keys()

    @property
    def body(self) -> TaskBody | None:
        """The body of a task that stands here; None where none does."""
        kind = next((kind for kind in (TaskDraft, TaskPatch) if issubclass(self.model, kind)), None)
        if kind is None:
            return None
        return TaskBody(kind, self.properties, self.required, self.within, beside_change=self.replaced)

    def dotted(self, name: str) -> str:
        """The name of an argument here in errors."""
        return f"{self.within}.{name}" if self.within else name

    def inner(self, name: str, given: Mapping[str, Any]) -> "_Scope | None":
        """The scope in an argument that is an object, beside the other `given`; None for any other argument."""
        body = objects_of(self.model).get(name)
        if body is None:
            return None
        around = tuple(self.dotted(other) for other in self.properties)
        replaced, filled = self._is_replaced(name, given), any(map(is_empty, given.values()))
        others = {key: fields_of(schema)[name] for key, schema in self.others.items() if name in fields_of(schema)}
        schema, within = self.properties[name], self.dotted(name)
        return _Scope(body, schema, self.reads, within, around, replaced, filled, self.tool, others)

    def item_schemas(self, name: str) -> tuple[Schema, Mapping[str, Schema]]:
        """The schema of the objects in a list, here and on other connections."""
        found = {key: fields_of(schema).get(name, {}) for key, schema in self.others.items()}
        return self.properties[name]["items"], {key: node["items"] for key, node in found.items() if "items" in node}

    def having(self, squeezed: str) -> list[str]:
        """The other connections that have an argument."""
        return [key for key, schema in self.others.items() if squeezed in map(squeeze, fields_of(schema))]

    def keep_given(self, coerced: Mapping[str, Any]) -> dict[str, Any]:
        """The values that say something."""
        body = self.body
        kept = {
            name: value
            for name, value in coerced.items()
            if (body is not None and name in _BODY) or not self._leaves_out(name, value, coerced)
        }
        return kept if body is None else body.read(kept)

    def uncertain_priority(self, sent: Mapping[str, Any]) -> str | None:
        """The sentence for the number 0 as the priority of a change if a host may have filled it in; else None."""
        priority = sent.get("priority")
        if not issubclass(self.model, TaskPatch) or isinstance(priority, bool | str) or priority != 0:
            return None
        if not self.filled and not any(is_empty(value) for name, value in sent.items() if name != "priority"):
            return None
        name = self.dotted("priority")
        return f'It is not certain that {name} 0 is meant, beside values that say nothing: send "0" for it, or null.'

    def _leaves_out(self, name: str, value: Any, given: Mapping[str, Any]) -> bool:
        """Whether a value says no more than that the argument is not given."""
        if name in self.required:
            return False
        if value is None:
            return "null" not in json_types(model_fields(self.model)[name])
        if isinstance(value, str) and value in NULL_AS_TEXT and name not in _ANY_TEXT:
            return True
        if issubclass(self.model, TaskFilter) and not self.reads and not self.replaced:
            return False
        return self._is_filler(name, value, given)

    def _is_filler(self, name: str, value: Any, given: Mapping[str, Any]) -> bool:
        """Whether a value is an empty one that can mean nothing else."""
        types = json_types(self.properties[name])
        match value:
            case "":
                return True
            case bool():
                return False
            case 0 | 0.0 if "boolean" in types:
                return name in _FALSE_IF_LEFT_OUT
            case 0 | 0.0:
                return self.reads or self._is_replaced(name, given) or "string" in types
            case ():
                return self.reads or self.replaced or "array" not in types
            case dict():
                return not value and (self.reads or self._is_replaced(name, given) or "object" not in types)
            case _:
                return False

    def _is_replaced(self, name: str, given: Mapping[str, Any]) -> bool:
        """Whether another argument is given that can take the place of this one."""
        notes = model_fields(self.model)[name].get(NOTES, {})
        return any(not is_empty(given.get(other)) for other in notes.get("empty_beside", ()))


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
        if error["type"] == "missing" and len(error["loc"]) == name.count(".") + 1:
            self.missing[name] = _required(name, node)
        else:
            self.wrong[name] = _sentence(error, name, node)

    def add_lacking(self, arguments: BaseModel, schema: Schema) -> None:
        """Add the lists with a value that this backend lacks."""
        model = type(arguments)
        for attribute, info in model.model_fields.items():
            name, value = info.alias or attribute, getattr(arguments, attribute)
            if isinstance(value, tuple) and choices(model_fields(model)[name]):
                node = fields_of(schema)[name]
                if not {*value} <= {*choices(node)}:
                    self.wrong.setdefault(name, expected_choice(name, node))

    def to_error(self) -> CallerError:
        """One error with the first five sentences."""
        return CallerError(
            " ".join([*self.wrong.values(), *self.missing.values()][:5]),
            code="invalid_arguments" if self.wrong else "missing_argument",
            next_step=f"Send the call again with these arguments {'corrected' if self.wrong else 'added'}.",
        )


def _coerce_all(scope: _Scope, sent: Mapping[str, Any], faults: _Faults) -> dict[str, Any]:
    """The values by name as they were meant, those in objects included; faults are added to `faults`."""
    properties, required = scope.properties, scope.required
    for name in sent:
        if name not in properties:
            raise _unknown_argument(scope, name)
    coerced = {name: coerce(name, sent[name], node) for name, node in properties.items() if name in sent}
    given, values = scope.keep_given(coerced), dict[str, Any]()
    if fault := scope.uncertain_priority(sent):
        faults.wrong[scope.dotted("priority")] = fault
    for name, node in properties.items():
        if name in given:
            inner = scope.inner(name, coerced) if isinstance(given[name], dict) else None
            values[name] = given[name] if inner is None else _coerce_all(inner, given[name], faults)
            if (body := lists_of(scope.model).get(name)) is not None and isinstance(given[name], tuple):
                values[name] = tuple(
                    _parse_item(body, *scope.item_schemas(name), one, reads=scope.reads) for one in given[name]
                )
            if inner is not None and inner.replaced and not values[name]:
                del values[name]
            elif fault := refused_value(scope.dotted(name), given[name], node, optional=name not in required):
                faults.wrong[scope.dotted(name)] = fault
        elif name in required:
            faults.missing[scope.dotted(name)] = _required(scope.dotted(name), node)
    return values


def _parse_item(
    body: type[BaseModel], schema: Schema, others: Mapping[str, Schema], sent: Any, *, reads: bool
) -> ListItem:
    """One object of a list, checked like the arguments of a call; a fault of it is its own."""
    if not isinstance(sent, dict):
        return ListItem(sent, CallerError(expected_type("It", schema), next_step="Send an object in its place."))
    try:
        told = {name: value for name, value in sent.items() if name != "clear"}  # a new task has nothing to empty
        return ListItem(sent, parse_arguments(body, schema, told, reads=reads, others=others))
    except CallerError as error:
        return ListItem(sent, error)


def _unknown_argument(scope: _Scope, name: str) -> CallerError:
    """The error for an argument that the tool, or an object in its arguments, does not have."""
    dotted, squeezed = scope.dotted(name[:60]), squeeze(name[:60])
    own = {squeeze(other): scope.dotted(other) for other in scope.properties}
    if squeezed not in own and scope.documented and squeezed in map(squeeze, IMMUTABLE):
        return CallerError(
            f"{dotted} cannot be set: it never changes after a task is created.",
            code="immutable_field",
            next_step=f"Leave {dotted} out.",
        )
    near = _names_like(squeezed, own)
    exact = [] if squeezed in own else _namesakes(scope, squeezed)
    misplaced = exact if near else _misplaced(scope, squeezed, exact)
    near = misplaced or near
    listed = f"The {'fields' if scope.within else 'arguments'} are: {', '.join(own.values())}."
    if not own:
        listed = f"Leave {dotted} out: this takes no arguments."
    declared = {squeeze(other): node for other, node in model_fields(scope.model).items()}
    is_absent = squeezed not in own and squeezed in declared
    if is_absent and not misplaced and squeezed in _IN_PLACE_OF:
        listed, near = _IN_PLACE_OF[squeezed], []
        if squeezed == "description" and "addNote" in scope.properties:
            listed = f"Send such text as {scope.dotted('addNote')}."
    if squeezed == "connection" and scope.others:
        listed, near = OUTERMOST_CONNECTION, []
    for_several_people = is_absent and declared[squeezed].get(NOTES, {}).get("for_several_people")
    if for_several_people and "responsibleIds" in scope.properties:
        listed, near = "A task has one person here: responsibleIds replaces them. Ask whether that is meant.", []
    if not exact and squeezed not in own and (elsewhere := _other_tool(scope, squeezed)):
        listed, near, misplaced = elsewhere, [], []
    where = " with this CRM" if is_absent else ""
    if is_absent and (having := scope.having(squeezed)):
        where += f"; it is only on {' and '.join(having)}"
        if not misplaced and listed.startswith("The "):
            listed, near = f"Leave {dotted} out, or send the call to the connection that is meant.", []
    return CallerError(
        f"There is no argument {dotted!r}{where}.",
        code="unknown_argument",
        candidates=[Candidate(other) for other in near],
        next_step=f"Send {' or '.join(misplaced or near[:1])} instead." if near else listed,
    )


def _names_like(squeezed: str, own: Mapping[str, str]) -> list[str]:
    """The dotted names of the arguments here that may be meant."""
    if squeezed in own:
        return [own[squeezed]]
    similar = [*usual_names(squeezed, own), *nearest_names(squeezed, own)]
    return [*dict.fromkeys(own[match] for match in similar)][:3]


def _other_tool(scope: _Scope, squeezed: str) -> str | None:
    """What to do in place of sending an argument that asks for what another tool does."""
    if issubclass(scope.model, TaskFilter) and scope.within:
        return None
    finishing = [*map(scope.dotted, scope.properties), *_namesakes(scope, squeeze("newStatusName"))]
    of_several = next((name for name in finishing if name.endswith(".newStatusName")), None)
    known = map(squeeze, scope.properties)
    return other_tool(scope.tool, squeezed, known, reads=scope.reads, finished_by=of_several)


def _namesakes(scope: _Scope, squeezed: str) -> list[str]:
    """The arguments of the same name elsewhere in the call: around the object, or in another one."""
    return [other for other in _names_beside(scope) if squeeze(other.rpartition(".")[2]) == squeezed]


def _misplaced(scope: _Scope, squeezed: str, exact: Sequence[str]) -> list[str]:
    """The arguments elsewhere in the call that may be meant: those of this name, and the usual ones.

    Only those of this name if one is no filter's: the value is then for what the call changes.
    """
    filters = [scope.dotted(name) for name, body in objects_of(scope.model).items() if issubclass(body, TaskFilter)]
    if any(one.rpartition(".")[0] not in filters for one in exact):
        return [*exact]
    return [*dict.fromkeys([*exact, *_usual_beside(scope, squeezed)])]


def _usual_beside(scope: _Scope, squeezed: str) -> list[str]:
    """The arguments elsewhere in the call that the name usually stands for: at most one in each object."""
    beside: dict[str, dict[str, str]] = {}
    for dotted in _names_beside(scope):
        within, _, name = dotted.rpartition(".")
        beside.setdefault(within, {})[squeeze(name)] = dotted
    found = ((names, usual_names(squeezed, names)) for names in beside.values())
    return [names[usual[0]] for names, usual in found if usual]


def _names_beside(scope: _Scope) -> list[str]:
    """The dotted names of the arguments elsewhere in the call."""
    inner = [
        scope.dotted(f"{name}.{other}")
        for name in objects_of(scope.model)
        for other in fields_of(scope.properties.get(name, {}))
    ]
    of_items = [
        scope.dotted(f"{name}[].{other}")
        for name in lists_of(scope.model)
        for other in item_fields(scope.properties.get(name, {}))
    ]
    return [*scope.elsewhere, *inner, *of_items]


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
        case "literal_error" if choices(node):
            return expected_choice(name, node)
        case "literal_error":
            return f"{name} must be {error['ctx']['expected']}."
        case "greater_than_equal" | "less_than_equal":
            return f"{name} must be {error['msg'].removeprefix('Input should be ')}."
    return expected_type(name, node)


def _required(name: str, node: Schema) -> str:
    return f"{name} is required: {node['description']}" if "description" in node else f"{name} is required."
