"""What an endpoint has on its desk while it works on one call."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import ApiError, unknown_type
from taskhand.sandbox.hubspot.object_types import BY_NAME, ObjectType
from taskhand.sandbox.messages import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.hubspot.pipeline import TaskPipeline
    from taskhand.sandbox.hubspot.spec_variant import SpecVariant
    from taskhand.sandbox.hubspot.store import Store
    from taskhand.sandbox.hubspot.webhooks import Webhooks
    from taskhand.sandbox.messages import Request


@dataclass(frozen=True)
class RequestContext:
    """The call, the values in its path, the reading in force, what is stored, the time, and fresh ids.

    With `is_stale`, lists and searches are as they were before the last write. `scopes` are the
    token's; `used` counts the calls of the day.
    """

    request: Request
    spec_variant: SpecVariant
    store: Store
    portal: TaskPipeline
    hooks: Webhooks
    now: dt.datetime
    fresh_id: Callable[[], str]
    scopes: frozenset[str]
    token: str
    values: Mapping[str, str] = field(default_factory=dict)
    is_stale: bool = False
    used: int = 0

    @property
    def query(self) -> dict[str, str]:
        """The query; of a repeated key, the last value."""
        return dict(self.request.pairs)

    @property
    def kind(self) -> ObjectType:
        """The kind of record that the path is about."""
        return find_object_type(self.values["kind"])

    @property
    def to_kind(self) -> ObjectType:
        """The kind on the far side of an association."""
        return find_object_type(self.values["to"])

    def after(self, **span: float) -> dt.datetime:
        """Tell the time after a span, such as `milliseconds=500`."""
        return self.now + dt.timedelta(**span)

    def flag(self, name: str) -> bool:
        """Whether a key of the query says true."""
        return self.query.get(name, "").lower() == "true"

    def several(self, name: str) -> list[str]:
        """Read an array of the query: commas, repeats, or both."""
        return [part for key, value in self.request.pairs if key == name for part in value.split(",") if part]

    def json(self) -> Any:
        """Read the body; what is no JSON is refused, nothing at all is None."""
        try:
            return read_json(self.request.body) if self.request.body else None
        except ValueError as error:
            line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
            reason = getattr(error, "msg", str(error))
            text = f"Invalid input JSON on line {line}, column {column}: {reason}"
            raise ApiError(400, text, None) from error

    def object(self) -> dict[str, Any]:
        """Read a body that must be an object."""
        body = self.json()
        if not isinstance(body, dict):
            raise ApiError(400, "Invalid input JSON on line 1, column 1: Expected an object", None)
        return body


def find_object_type(name: str) -> ObjectType:
    """Give the kind of that name, or id such as `0-27`."""
    if name not in BY_NAME:
        raise unknown_type(name)
    return BY_NAME[name]
