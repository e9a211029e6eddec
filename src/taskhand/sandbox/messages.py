"""One HTTP call and its answer as plain values, and the table that says which route a call is for."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """What arrived: the path as it was encoded, header names in lower case, the body whole."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Give the first value of a header, or None; `name` in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query as decoded pairs, in order, blank values kept."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True)
class Response:
    """What goes back: a status, the headers besides Content-Length, and the whole body."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("content-type", JSON_TYPE),)

    @classmethod
    def of_json(cls, status: int, value: object, *headers: tuple[str, str]) -> Response:
        """Answer with a JSON value and, after its Content-Type, `headers`."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return cls(status, text.encode(errors="replace"), (("content-type", JSON_TYPE), *headers))

    def dated(self, now: dt.datetime | None) -> Response:
        """Add the `Date` header, unless there is one or no clock."""
        if now is None or any(name.lower() == "date" for name, _ in self.headers):
            return self
        return replace(self, headers=(*self.headers, ("date", format_datetime(now.astimezone(dt.UTC), usegmt=True))))


@dataclass(frozen=True)
class RouteMatch:
    """The route that a call is for: its key, such as `PUT /tasks/{id}`, and the values in its path."""

    key: str
    values: dict[str, str]


def find_route(keys: Iterable[str], method: str, path: str) -> RouteMatch | None:
    """Find the first of `keys` that fits; a trailing slash is ignored, as Express does by default."""
    parts = [unquote(part) for part in path.rstrip("/").split("/")]
    for key in keys:
        verb, _, template = key.partition(" ")
        values = _values(template.split("/"), parts)
        if verb == method and values is not None:
            return RouteMatch(key, values)
    return None


def _values(template: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(template) != len(parts):
        return None
    pairs = list(zip(template, parts, strict=True))
    if any(name != part for name, part in pairs if not name.startswith("{")):
        return None
    return {name.strip("{}"): part for name, part in pairs if name.startswith("{")}


def read_json(text: str | bytes) -> Any:
    """Read strict JSON: ValueError for NaN, Infinity and endless nesting too."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def json_or_text(body: bytes) -> Any:  # JSON is of any type
    """Read a body for the log: its JSON value, else its text, else None when there is none."""
    if not body:
        return None
    try:
        return read_json(body)
    except ValueError:
        return body.decode(errors="replace")
