"""The result of an endpoint, before the headers that every response has."""

from __future__ import annotations

from typing import Any, NamedTuple

from taskhand.sandbox.messages import Response

JSON_TYPE = "application/json;charset=utf-8"


class JsonResponse(NamedTuple):
    """A status and the JSON value of the body; None for no body."""

    status: int
    value: Any = None

    def response(self, correlation: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
        """Write the response with its correlation and request ids."""
        headers = (("x-hubspot-correlation-id", correlation), ("x-request-id", correlation), *headers)
        if self.value is None:
            return Response(self.status, b"", headers)
        return Response.of_json(self.status, self.value, *headers, json_type=JSON_TYPE)


NO_CONTENT = JsonResponse(204)
