"""JSON without blanks; pure."""

import json

from pydantic_core import PydanticSerializationError, to_json

__all__ = ["compact_json"]


def compact_json(value: object, *, ensure_ascii: bool = False) -> str:
    """The value as JSON without blanks. With `ensure_ascii` it is ASCII: other characters are escaped."""
    try:
        return to_json(value, ensure_ascii=ensure_ascii).decode()
    except PydanticSerializationError:
        # UTF-8 has no half of a surrogate pair, which a text may have. The standard library takes it, and more time.
        return json.dumps(value, ensure_ascii=ensure_ascii, separators=(",", ":"))
