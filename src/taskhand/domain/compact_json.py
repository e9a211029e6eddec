"""JSON without blanks; pure."""

import json

from pydantic_core import PydanticSerializationError, to_json

__all__ = ["compact_json"]


def compact_json(value: object, *, ensure_ascii: bool = False) -> str:
    """The value as JSON without blanks. With `ensure_ascii` it is ASCII: other characters are escaped."""
    try:
        return to_json(value, ensure_ascii=ensure_ascii).decode()
    except PydanticSerializationError:
        # A text may have half of a surrogate pair, which UTF-8 cannot encode: the slower standard library accepts it.
        return json.dumps(value, ensure_ascii=ensure_ascii, separators=(",", ":"))
