"""The routes of webhooks: what a request must be to be looked at."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from taskhand.server.transports.peer_address import peer_address

__all__ = ["PATH", "Received", "webhook_routes"]

PATH: Final = "/webhooks"
_MOST_BYTES: Final = 1024 * 1024
"""Of a delivery: HubSpot's of a hundred events have some 60 KB, Close's of one task less."""
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_TOO_LARGE, _NOT_ALLOWED, _LEFT = 413, 405, 400


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came, and the address that it came from."""

    connection: str
    secret: str = field(repr=False)
    method: str
    uri: str = field(repr=False)
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    address: str


def webhook_routes(take: Callable[[Received], Awaitable[int]]) -> list[Route]:
    """The address of each connection, and below it one with a secret; other methods than POST are told so by all.

    `take` takes a delivery, and returns the status of the answer.
    """

    async def answer(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=_NOT_ALLOWED, headers={"Allow": "POST"})
        body = await _read(request)
        if isinstance(body, int):
            return Response(status_code=body)
        return Response(status_code=await take(_received(request, body)))

    paths = (f"{PATH}/{{connection}}", f"{PATH}/{{connection}}/{{secret}}")
    return [Route(path, answer, methods=_METHODS) for path in paths]


async def _read(request: Request) -> bytes | int:
    """The raw body; the status of the refusal where it is too large, or does not come."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > _MOST_BYTES:
        return _TOO_LARGE
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > _MOST_BYTES:
                return _TOO_LARGE
    except ClientDisconnect:
        return _LEFT
    return bytes(body)


def _received(request: Request, body: bytes) -> Received:
    scope = request.scope
    raw = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    target = (raw + (b"?" + query if query else b"")).decode("latin-1")
    return Received(
        connection=request.path_params["connection"],
        secret=request.path_params.get("secret", ""),
        method=request.method,
        uri=f"{scope['scheme']}://{request.headers.get('host', '')}{target}",
        target=target,
        headers=dict(request.headers),
        body=body,
        address=peer_address(scope),
    )
