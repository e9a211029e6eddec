"""The refusal of a request over a limit, and its answer."""

import json
from dataclasses import dataclass
from typing import Final

from mcp.types import INTERNAL_ERROR, INVALID_REQUEST
from starlette.responses import Response

__all__ = ["Refusal"]

_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Refusal:
    """`limit` is the name of the limit; `message` is for the client, with the limit's number.

    Without `retry_after_s` the same request is refused again.
    """

    status: int
    limit: str
    message: str
    retry_after_s: int | None = None

    def answer(self) -> Response:
        """A JSON-RPC error: MCP clients show its message."""
        is_rate = self.status == _TOO_MANY
        data: dict[str, object] = {"code": "too_many_requests" if is_rate else "request_too_large", "limit": self.limit}
        data["retryable"] = self.retry_after_s is not None
        headers = {}
        if self.retry_after_s is not None:
            data["retry_after_s"] = self.retry_after_s
            headers["Retry-After"] = str(self.retry_after_s)
        error = {"code": INTERNAL_ERROR if is_rate else INVALID_REQUEST, "message": self.message, "data": data}
        body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error})
        return Response(body, self.status, headers, "application/json")
