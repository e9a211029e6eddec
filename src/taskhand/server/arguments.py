"""From what a model sent to typed arguments: understood where the meaning is certain, else refused saying what to send.

Certain are: surrounding blanks, a list or object sent as a JSON string, one value where a list is expected, a number
where its digits are expected. Pure.
"""

import json
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from taskhand.errors import CallerError, Candidate
from taskhand.names import fold
from taskhand.server.schema import Schema
from taskhand.task import IMMUTABLE

__all__ = ["understood"]

_Model = TypeVar("_Model", bound=BaseModel)

_FREE_TEXT = frozenset({"description"})
"""Arguments whose blanks are the caller's own."""


def understood(model: type[_Model], schema: Schema, sent: dict[str, Any], *, reads: bool) -> _Model:
    """The arguments as `model`; CallerError says which one is wrong and what to send.

    A read takes null or an empty string for *not given* where null has no meaning of its own: some hosts fill in
    every optional argument.
    """
    properties = schema["properties"]
    for name in sent:
        if name not in properties:
            raise _unknown(name, list(properties))
    values = {name: _meant(name, value, _kinds(properties[name])) for name, value in sent.items()}
    if reads:
        required = schema.get("required", ())
        values = {name: value for name, value in values.items() if value not in (None, "") or name in required}
    try:
        return model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _invalid(error.errors(include_url=False), properties) from None


def _kinds(schema: Schema) -> set[str]:
    """The JSON types that a property takes."""
    return {branch["type"] for branch in schema.get("anyOf", [schema])}


def _meant(name: str, value: Any, kinds: set[str]) -> Any:
    match value:
        case str() if "string" in kinds:
            return value if name in _FREE_TEXT else value.strip()
        case str() if "array" in kinds:
            return _list_meant(value.strip())
        case str():
            return value.strip()
        case bool():
            return value
        case int() if "string" in kinds:
            return str(value)
        case list() if "array" in kinds:
            return tuple(item.strip() if isinstance(item, str) else item for item in value)
        case _:
            return value


def _list_meant(text: str) -> Any:
    """A list sent as text: as JSON, or as its only item; several items in one text are not told apart here."""
    if text[:1] in ("[", '"'):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return tuple(parsed) if isinstance(parsed, list) else (parsed,)
    return (text,) if text and "," not in text else text


def _unknown(name: str, known: list[str]) -> CallerError:
    """The refusal of an argument that the tool does not have."""
    if name in IMMUTABLE or _squeezed(name) in {_squeezed(field) for field in IMMUTABLE}:
        return CallerError(
            f"{name} cannot be set: it never changes after a task is created.",
            code="immutable_field",
            next_step=f"Leave {name} out.",
        )
    squeezed = {_squeezed(other): other for other in known}
    near = [squeezed[match] for match in get_close_matches(_squeezed(name), squeezed, n=3, cutoff=0.6)]
    listed = ", ".join(known) or "none"
    return CallerError(
        f"There is no argument {name[:60]!r}.",
        code="unknown_argument",
        candidates=[Candidate(other) for other in near],
        next_step=f"Send {near[0]} instead." if near else f"The arguments are: {listed}.",
    )


def _squeezed(name: str) -> str:
    return fold(name).replace("_", "").replace("-", "")


def _invalid(errors: list[ErrorDetails], properties: Schema) -> CallerError:
    """The refusal of arguments of the wrong kind: every one of them in one sentence each."""
    sentences = dict.fromkeys(_sentence(error, properties) for error in errors)
    missing = all(error["type"] == "missing" for error in errors)
    return CallerError(
        " ".join(list(sentences)[:5]),
        code="missing_argument" if missing else "invalid_arguments",
        next_step="Send the call again with these arguments corrected.",
    )


def _sentence(error: ErrorDetails, properties: Schema) -> str:
    name = str(error["loc"][0]) if error["loc"] else "arguments"
    kinds = _kinds(properties[name]) if name in properties else set()
    match error["type"]:
        case "missing":
            return f"{name} is required: {properties[name].get('description', 'see the schema')}"
        case "string_unicode":
            return f"{name} has characters that are not Unicode text."
        case "literal_error":
            return f"{name} must be {error['ctx']['expected']}."
        case "greater_than_equal" | "less_than_equal":
            return f"{name} must be {error['msg'].removeprefix('Input should be ')}."
    if error["input"] is None:
        return f"{name} cannot be null; leave it out instead."
    if "array" in kinds:
        return f'{name} must be a list of strings, e.g. ["..."].'
    wanted = {"integer": "a whole number", "boolean": "true or false", "string": "a string"}
    return (
        f"{name} must be {' or '.join(wanted[kind] for kind in sorted(kinds) if kind in wanted) or 'as in the schema'}."
    )
