"""The routes of webhooks, which check the form of a request before its content."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from taskhand.server.transports.peer_address import peer_address

__all__ = ["PATH", "Received", "webhook_routes"]

PATH: Final = "/webhooks"
_MAX_BYTES: Final = 1024 * 1024
"""Maximum size of a delivery: a hundred events have some 60 KB from HubSpot; Close sends one task each."""
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_TOO_LARGE, _NOT_ALLOWED, _LEFT = 413, 405, 400


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived, with the address of its sender."""

    connection: str
    secret: str = field(repr=False)
    method: str
    uri: str = field(repr=False)
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    address: str


def webhook_routes(take: Callable[[Received], Awaitable[int]]) -> list[Route]:
    """The path of each connection, and a path with a secret below it; other methods than POST are answered with 405.

    `take` receives a delivery and returns the status of the answer.
    """

    async def answer(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=_NOT_ALLOWED, headers={"Allow": "POST"})
        body = await _read(request)
        if isinstance(body, int):
            return Response(status_code=body)
        return Response(status_code=await take(_to_received(request, body)))

    paths = (f"{PATH}/{{connection}}", f"{PATH}/{{connection}}/{{secret}}")
    return [Route(path, answer, methods=_METHODS) for path in paths]


async def _read(request: Request) -> bytes | int:
    """The raw body; or the status of the refusal if it is too large or does not arrive."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > _MAX_BYTES:
        return _TOO_LARGE
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > _MAX_BYTES:
                return _TOO_LARGE
    except ClientDisconnect:
        return _LEFT
    return bytes(body)


def _to_received(request: Request, body: bytes) -> Received:
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
