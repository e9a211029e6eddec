"""Reads requests and sends responses, or breaks the connection for a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio

from taskhand.sandbox.messages import ReceivedRequest, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

RESET = "taskhand.sandbox.reset"  # key in scope["state"] of the function that resets the TCP connection
CLOSE = "taskhand.sandbox.close"  # key of the function that closes it after the written bytes were sent


async def read_request(scope: Scope, receive: Receive) -> ReceivedRequest | None:
    """Read a whole request; None if the client disconnected before its end."""
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    headers = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"])
    return ReceivedRequest(
        scope["method"], raw.decode("latin-1"), scope["query_string"].decode("latin-1"), headers, body
    )


async def send_response(response: Response, send: Send) -> None:
    """Send a whole response."""
    await _start(response, send)
    await send({"type": "http.response.body", "body": response.body})


async def send_half(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the headers for the whole body and half of the body, then close the connection."""
    await _start(response, send)
    half = response.body[: len(response.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    await _break(scope, receive, CLOSE)


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the connection before any byte of a response."""
    await _break(scope, receive, RESET)


async def wait(sleep: Callable[[float], Awaitable[None]], seconds: float, receive: Receive) -> None:
    """Sleep, but return early if the client disconnects."""
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            await _wait_for_disconnect(receive)
            group.cancel_scope.cancel()

        group.start_soon(watch)
        await sleep(seconds)
        group.cancel_scope.cancel()


async def _start(response: Response, send: Send) -> None:
    headers = [*response.headers, ("content-length", str(len(response.body)))]
    encoded = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})


async def _break(scope: Scope, receive: Receive, breaker_name: str) -> None:
    breaker = scope.get("state", {}).get(breaker_name)
    if breaker is None:  # served without a socket, as by an ASGI test client
        raise ConnectionResetError("the sandbox reset the connection")
    breaker()
    await _wait_for_disconnect(receive)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
