"""The sentence for a value that pydantic refuses, from the code of the error and its facts; pure."""

from collections.abc import Mapping
from typing import Final

from pydantic_core import ErrorDetails

__all__ = ["describe_invalid"]

_TIME: Final = "a date and time with its offset, such as 2026-03-02T15:00:00Z"
_KINDS: Final[Mapping[str, str]] = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "path": "a path",
    "datetime": _TIME,
    "timezone": _TIME,
}
"""The kind of value that is expected, by the first word of the error's code."""


def describe_invalid(error: ErrorDetails) -> str:
    """The sentence, without a full stop: what the value must be, or the text of a validator of ours."""
    facts = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "it is required"
        case "extra_forbidden":
            return "there is no such field"
        case "value_error":
            return str(facts["error"])
        case "literal_error":
            return f"it must be {facts['expected']}"
        case "greater_than_equal":
            return f"it must be at least {facts['ge']:.9g}"
        case "less_than_equal":
            return f"it must be at most {facts['le']:.9g}"
    kind = _KINDS.get(error["type"].partition("_")[0])
    return f"it must be {kind}" if kind else error["msg"]
