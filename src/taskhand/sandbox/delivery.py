"""Puts an answer on the wire, or breaks off as a fault demands."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio

from taskhand.sandbox.messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

RESET = "taskhand.sandbox.reset"  # the key in scope["state"] of what resets the TCP connection
CLOSE = "taskhand.sandbox.close"  # the key of what closes it once the bytes written have left


async def read_request(scope: Scope, receive: Receive) -> Request | None:
    """Read a whole request; None when the client left before it ended."""
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
    return Request(scope["method"], raw.decode("latin-1"), scope["query_string"].decode("latin-1"), headers, body)


async def send_answer(answer: Response, send: Send) -> None:
    """Send the whole answer."""
    await _start(answer, send)
    await send({"type": "http.response.body", "body": answer.body})


async def send_half(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Announce the whole body, send half of it, close."""
    await _start(answer, send)
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    await _break(scope, receive, CLOSE)


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the connection before a byte of an answer."""
    await _break(scope, receive, RESET)


async def wait(sleep: Callable[[float], Awaitable[None]], seconds: float, receive: Receive) -> None:
    """Sleep, but no longer than the client stays."""
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            await _gone(receive)
            group.cancel_scope.cancel()

        group.start_soon(watch)
        await sleep(seconds)
        group.cancel_scope.cancel()


async def _start(answer: Response, send: Send) -> None:
    headers = [*answer.headers, ("content-length", str(len(answer.body)))]
    encoded = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})


async def _break(scope: Scope, receive: Receive, how: str) -> None:
    breaker = scope.get("state", {}).get(how)
    if breaker is None:  # no socket under this application: the nearest thing that its caller can see
        raise ConnectionResetError("the sandbox reset the connection")
    breaker()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
