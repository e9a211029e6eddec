"""The input of an endpoint: one request and the state of the sandbox."""

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
    from taskhand.sandbox.hubspot.webhooks import AppWebhooks
    from taskhand.sandbox.messages import ReceivedRequest


@dataclass(frozen=True)
class RequestContext:
    """The request, the spec variant, the data, the time, a source of ids, and the path parameters as `values`.

    With `is_stale`, lists and searches are as they were before the last write. `scopes` are the token's; `used` is the
    number of requests today; `user_id` is the user whose token an OAuth app sent.
    """

    request: ReceivedRequest
    spec_variant: SpecVariant
    store: Store
    pipeline: TaskPipeline
    hooks: AppWebhooks
    now: dt.datetime
    fresh_id: Callable[[], str]
    scopes: frozenset[str]
    token: str
    values: Mapping[str, str] = field(default_factory=dict)
    is_stale: bool = False
    used: int = 0
    user_id: int | None = None

    @property
    def query(self) -> dict[str, str]:
        """The query; a repeated key has its last value."""
        return dict(self.request.pairs)

    @property
    def object_type(self) -> ObjectType:
        """The object type that the path names."""
        return find_object_type(self.values["kind"])

    @property
    def to_object_type(self) -> ObjectType:
        """The object type at the other end of an association."""
        return find_object_type(self.values["to"])

    def after(self, **span: float) -> dt.datetime:
        """Return the time after a span, such as `milliseconds=500`."""
        return self.now + dt.timedelta(**span)

    def flag(self, name: str) -> bool:
        """Whether a query parameter is `true`."""
        return self.query.get(name, "").lower() == "true"

    def several(self, name: str) -> list[str]:
        """Return an array parameter, written with commas, repeated keys, or both."""
        return [part for key, value in self.request.pairs if key == name for part in value.split(",") if part]

    def json(self) -> Any:
        """Return the JSON value of the body, or None without a body; invalid JSON is a 400."""
        try:
            return read_json(self.request.body) if self.request.body else None
        except ValueError as error:
            line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
            reason = getattr(error, "msg", str(error))
            text = f"Invalid input JSON on line {line}, column {column}: {reason}"
            raise ApiError(400, text, None) from error

    def object(self) -> dict[str, Any]:
        """Return the JSON object of the body; any other body is a 400."""
        body = self.json()
        if not isinstance(body, dict):
            raise ApiError(400, "Invalid input JSON on line 1, column 1: Expected an object", None)
        return body


def find_object_type(name: str) -> ObjectType:
    """Return the object type with this name or id, such as `0-27`; an unknown one is a 404."""
    if name not in BY_NAME:
        raise unknown_type(name)
    return BY_NAME[name]
