"""The answer of an endpoint before it is written: a status and a JSON value, or nothing."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from taskhand.sandbox.messages import Response

JSON = ("content-type", "application/json;charset=utf-8")


class Reply(NamedTuple):
    """A status, and the value of the body; None for no body."""

    status: int
    value: Any = None

    def answer(self, correlation: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
        """Write it, compactly, with the ids that every response has."""
        ids = (("x-hubspot-correlation-id", correlation), ("x-request-id", correlation))
        if self.value is None:
            return Response(self.status, b"", (*ids, *headers))
        text = json.dumps(self.value, ensure_ascii=False, separators=(",", ":"))
        return Response(self.status, text.encode(errors="replace"), (JSON, *ids, *headers))


NOTHING = Reply(204)
