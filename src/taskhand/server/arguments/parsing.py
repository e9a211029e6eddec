"""Checks the arguments that a model sent and converts them to typed ones; pure.

A value whose meaning is certain is accepted: with blanks around it, a list or an object as a JSON string, one value if
a list is expected, digits if a number is expected. Values that hosts fill in for omitted arguments (null, "", [], {},
0) count as omitted if they can mean nothing else. Everything else is refused with a sentence that says what to send.
The fields of an object are checked like arguments, and errors use their dotted names.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from taskhand.domain.errors import CallerError
from taskhand.server.arguments.accepted_types import choices, expected_choice, expected_type
from taskhand.server.arguments.coercion import coerce
from taskhand.server.arguments.plain_texts import are_plain_texts
from taskhand.server.arguments.scope import ArgumentScope
from taskhand.server.arguments.unknown import joined_unknown_error, unknown_argument_error
from taskhand.server.schemas.portable import Schema, fields_of, model_fields
from taskhand.server.tool import ListItem, lists_of

__all__ = ["parse_arguments"]

_Model = TypeVar("_Model", bound=BaseModel)


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
    write uses does not mean *not given*, because that would widen the write. `others` are the schemas of the
    other connections by name.
    """
    if are_plain_texts(sent, schema):
        with suppress(ValidationError):  # the code below finds the fault and explains it
            return model.model_validate(sent, by_alias=True, by_name=False)
    faults = _Faults()
    try:
        scope = ArgumentScope(model, schema, reads=reads, tool=tool, others=others or {})
        values = _coerce_all(scope, sent, faults)
    except CallerError:
        if faults.unknown:
            raise faults.to_error() from None
        raise
    try:
        arguments = model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            faults.add(detail, schema)
        raise faults.to_error() from None
    faults.add_lacking(arguments, schema)
    if faults.wrong or faults.missing or faults.unknown:
        raise faults.to_error()
    return arguments


@dataclass(frozen=True, slots=True)
class _Faults:
    """Wrong and missing arguments: a sentence for each, by dotted name; `unknown` are errors of unknown arguments."""

    wrong: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, CallerError] = field(default_factory=dict)

    def add(self, error: ErrorDetails, schema: Schema) -> None:
        """Add what pydantic found, unless the argument has a fault already."""
        name, node = _locate(error["loc"], schema)
        if name in self.wrong or name in self.missing:
            return
        if error["type"] == "missing" and len(error["loc"]) == name.count(".") + 1:
            self.missing[name] = _required_text(name, node)
        else:
            self.wrong[name] = _sentence(error, name, node)

    def add_lacking(self, arguments: BaseModel, schema: Schema) -> None:
        """Add the lists with a value that this backend lacks."""
        for attribute, name in _chosen_from(type(arguments)):
            if isinstance(value := getattr(arguments, attribute), tuple):
                node = fields_of(schema)[name]
                allowed = choices(node)
                if lacking := [key for key in value if key not in allowed]:
                    self.wrong.setdefault(name, expected_choice(name, node, lacking[0]))

    def to_error(self) -> CallerError:
        """One error with the first five sentences, after those on the unknown arguments."""
        if self.unknown:
            meant = {candidate.value for error in self.unknown.values() for candidate in error.candidates}
            missing = [sentence for name, sentence in self.missing.items() if name not in meant]
            return joined_unknown_error(self.unknown, [*self.wrong.values(), *missing])
        return CallerError(
            " ".join([*self.wrong.values(), *self.missing.values()][:5]),
            code="invalid_arguments" if self.wrong else "missing_argument",
            next_step=f"Send the call again with these arguments {'corrected' if self.wrong else 'added'}.",
        )


@cache
def _chosen_from(model: type[BaseModel]) -> list[tuple[str, str]]:
    """The arguments with values to choose from: their attributes and names."""
    named = [(attribute, info.alias or attribute) for attribute, info in model.model_fields.items()]
    return [(attribute, name) for attribute, name in named if choices(model_fields(model)[name])]


def _coerce_all(scope: ArgumentScope, sent: Mapping[str, Any], faults: _Faults) -> dict[str, Any]:
    """The converted values by name, those in objects included; faults are added to `faults`."""
    properties, required = scope.properties, scope.required
    for name in sent:
        if name not in properties:
            faults.unknown[scope.dotted_name(name)] = unknown_argument_error(scope, name)
    coerced = {name: coerce(name, sent[name], properties[name]) for name in filter(sent.__contains__, properties)}
    given, values = scope.keep_given(coerced), dict[str, Any]()
    if fault := scope.uncertain_priority(sent):
        faults.wrong[scope.dotted_name("priority")] = fault
    for name in filter({*given, *required}.__contains__, properties):
        node = properties[name]
        if name in given:
            inner = scope.inner(name, coerced) if isinstance(given[name], dict) else None
            values[name] = given[name] if inner is None else _coerce_all(inner, given[name], faults)
            if (body := lists_of(scope.model).get(name)) is not None and isinstance(given[name], tuple):
                values[name] = tuple(
                    _parse_item(body, *scope.item_schemas(name), item, reads=scope.reads) for item in given[name]
                )
            if inner is not None and inner.replaced and not values[name]:
                del values[name]
            elif fault := scope.refusal(name, given[name]):
                faults.wrong[scope.dotted_name(name)] = fault
        else:
            faults.missing[scope.dotted_name(name)] = _required_text(scope.dotted_name(name), node)
    return values


def _parse_item(
    body: type[BaseModel], schema: Schema, others: Mapping[str, Schema], sent: Any, *, reads: bool
) -> ListItem:
    """One object of a list, checked like the arguments of a call; a fault of it is its own."""
    if not isinstance(sent, dict):
        return ListItem(sent, CallerError(expected_type("It", schema), next_step="Send an object in its place."))
    try:
        # a new task has nothing to empty
        body_fields = {name: value for name, value in sent.items() if name != "clear"}
        return ListItem(sent, parse_arguments(body, schema, body_fields, reads=reads, others=others))
    except CallerError as error:
        return ListItem(sent, error)


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
            return expected_choice(name, node, error["input"])
        case "greater_than_equal":
            return f"{name} must be at least {error['ctx']['ge']}."
        case "less_than_equal":
            return f"{name} must be at most {error['ctx']['le']}."
    return expected_type(name, node)


def _required_text(name: str, node: Schema) -> str:
    return f"{name} is required: {node['description']}" if "description" in node else f"{name} is required."
