"""An HTTP request and its response as plain values."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True)
class ReceivedRequest:
    """A received request: percent-encoded path, lower-case header names, whole body."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None; `name` is in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query as decoded pairs, in order, blank values kept."""
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def has_json_type(self) -> bool:
        """Whether the Content-Type is `application/json`, with any parameters."""
        return self._media_type == "application/json"

    @property
    def form(self) -> dict[str, str] | None:
        """The decoded fields of a form, the last of each name; None for another body."""
        if self._media_type != FORM_TYPE:
            return None
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    @property
    def _media_type(self) -> str:
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Response:
    """A response: status, whole body, and the headers without Content-Length."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("content-type", JSON_TYPE),)

    @classmethod
    def of_json(cls, status: int, value: object, *headers: tuple[str, str], json_type: str = JSON_TYPE) -> Response:
        """Write `value` as compact JSON; `headers` follow the Content-Type."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return cls(status, text.encode(errors="replace"), (("content-type", json_type), *headers))

    def with_headers(self, *headers: tuple[str, str]) -> Response:
        """Add headers after the present ones."""
        return replace(self, headers=(*self.headers, *headers))

    def with_date(self, now: dt.datetime) -> Response:
        """Add the `Date` header (RFC 9110 §6.6.1), unless there is one."""
        if any(name.lower() == "date" for name, _ in self.headers):
            return self
        return self.with_headers(("date", format_datetime(now.astimezone(dt.UTC), usegmt=True)))


def read_json(text: str | bytes) -> Any:
    """Parse strict JSON; ValueError also for NaN, Infinity and too deep nesting."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not valid JSON")


def json_or_text(body: bytes) -> Any:
    """Return the JSON value of a body, its text if it is not JSON, or None if it is empty."""
    if not body:
        return None
    try:
        return read_json(body)
    except ValueError:
        return body.decode(errors="replace")
