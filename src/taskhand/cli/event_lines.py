"""An event as a line for people, and as a line of JSON; pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from taskhand.domain.truncation import truncate

__all__ = ["to_fields", "to_json_line"]

_MAX_LENGTH = 80


def to_json_line(row: Mapping[str, Any]) -> str:
    """The row of list_events on one line."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def to_fields(row: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a row for people: time, connection, kind, task, changes, and who made them."""
    yield _describe_time(row)
    yield row.get("connection", "")
    yield row["kind"]
    yield json.dumps(row["title"], ensure_ascii=False) if "title" in row else ""
    yield f"({row['id']})"
    yield "; ".join(_describe_change(field, sides) for field, sides in row.get("changed", {}).items())
    yield f"by {row['by']}" if "by" in row else ""
    yield row.get("changeId", "")


def _describe_time(row: Mapping[str, Any]) -> str:
    if "at" in row:
        return str(row["at"])
    return " to ".join(row.get("between", ())) or "at an unknown time"


def _describe_change(field: str, sides: Mapping[str, Any]) -> str:
    after = _describe_value(sides.get("to"))
    return f"{field}: {_describe_value(sides['from'])} -> {after}" if "from" in sides else f"{field}: {after}"


def _describe_value(value: object) -> str:
    match value:
        case None | []:
            return "none"
        case list():
            return ", ".join(map(str, value))
        case _:
            return truncate(str(value), _MAX_LENGTH)
