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

_LARGEST = 10**15
"""Beyond this no argument means a number."""


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
    unsayable = {name: said for name, value in values.items() if (said := _unsayable(name, value, properties[name]))}
    try:
        checked = model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        others = [one for one in error.errors(include_url=False) if str(one["loc"][0]) not in unsayable]
        raise _invalid(others, properties, list(unsayable.values())) from None
    lacking = [_required(name, properties) for name in schema.get("required", ()) if name not in values]
    if unsayable or lacking:
        raise _invalid([], properties, [*unsayable.values(), *lacking])
    return checked


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
        case int() if "string" in kinds and abs(value) < _LARGEST:
            return str(value)
        case list() if "array" in kinds:
            return _items(value)
        case _:
            return value


def _list_meant(text: str) -> Any:
    """A list sent as text: as JSON, or as its only item; several items in one text are not told apart here."""
    if text[:1] in ("[", '"'):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return _items(parsed if isinstance(parsed, list) else [parsed])
    return (text,) if text and "," not in text else text


def _items(values: list[Any]) -> tuple[Any, ...]:
    return tuple(item.strip() if isinstance(item, str) else item for item in values)


def _unsayable(name: str, value: Any, schema: Schema) -> str | None:
    """What the types would let through: null where a backend has none, true for 1, half a character."""
    kinds = _kinds(schema)
    if value is None and "null" not in kinds:
        return f"{name} cannot be null; leave it out instead."
    if isinstance(value, bool) and "boolean" not in kinds:
        return _wrong_kind(name, kinds)
    if isinstance(value, int) and "integer" not in kinds and abs(value) >= _LARGEST:
        return f"{name} is too large a number."
    texts = [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        return f"{name} has characters that are not Unicode text."
    return None


def _unknown(name: str, known: list[str]) -> CallerError:
    """The refusal of an argument that the tool does not have."""
    short, squeezed = name[:60], {_squeezed(other): other for other in known}
    immutable = {_squeezed(field) for field in IMMUTABLE}
    if _squeezed(short) in immutable and _squeezed(short) not in squeezed:
        return CallerError(
            f"{short} cannot be set: it never changes after a task is created.",
            code="immutable_field",
            next_step=f"Leave {short} out.",
        )
    near = [squeezed[match] for match in get_close_matches(_squeezed(short), squeezed, n=3, cutoff=0.6)]
    listed = ", ".join(known) or "none"
    return CallerError(
        f"There is no argument {short!r}.",
        code="unknown_argument",
        candidates=[Candidate(other) for other in near],
        next_step=f"Send {near[0]} instead." if near else f"The arguments are: {listed}.",
    )


def _squeezed(name: str) -> str:
    return fold(name).replace("_", "").replace("-", "")


def _invalid(errors: list[ErrorDetails], properties: Schema, unsayable: list[str]) -> CallerError:
    """The refusal of arguments of the wrong kind: every one of them in one sentence each."""
    sentences = list(dict.fromkeys([*unsayable, *(_sentence(error, properties) for error in errors)]))
    missing = not unsayable and all(error["type"] == "missing" for error in errors)
    return CallerError(
        " ".join(sentences[:5]),
        code="missing_argument" if missing else "invalid_arguments",
        next_step="Send the call again with these arguments corrected.",
    )


def _sentence(error: ErrorDetails, properties: Schema) -> str:
    name = str(error["loc"][0]) if error["loc"] else "arguments"
    kinds = _kinds(properties[name]) if name in properties else set()
    match error["type"]:
        case "missing":
            return _required(name, properties)
        case "literal_error":
            return f"{name} must be {error['ctx']['expected']}."
        case "greater_than_equal" | "less_than_equal":
            return f"{name} must be {error['msg'].removeprefix('Input should be ')}."
    return _wrong_kind(name, kinds)


def _required(name: str, properties: Schema) -> str:
    return f"{name} is required: {properties[name].get('description', 'see the schema')}"


def _wrong_kind(name: str, kinds: set[str]) -> str:
    if "array" in kinds:
        return f'{name} must be a list of strings, e.g. ["..."].'
    wanted = {"integer": "a whole number", "boolean": "true or false", "string": "a string"}
    return (
        f"{name} must be {' or '.join(wanted[kind] for kind in sorted(kinds) if kind in wanted) or 'as in the schema'}."
    )
