"""Repairs requests that clients send in a form that the SDK does not read."""

import json
from typing import Any, Final

from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.server.transports.first_header import first_header

__all__ = ["repair_requests"]

_VERSION, _METHOD = b"mcp-protocol-version", b"mcp-method"
_MAX_READ: Final = 64 * 1024
"""Bytes of a body that are read to decide whether it is `initialize`, which is short."""


def repair_requests(app: ASGIApp) -> ASGIApp:
    """`app` for which `/mcp/` is `/mcp`, and `initialize` is of the older era, whatever version its header names.

    Starlette redirects `/mcp/` to an absolute URL, whose scheme is `http` behind a proxy that ends TLS. A client that
    sent `server/discover` may repeat the header of that request when it falls back to `initialize`.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] != "/" and scope["path"].endswith("/"):
                scope = dict(scope) | {"path": scope["path"].rstrip("/") or "/"}
            if _may_be_initialize(scope):
                messages = await _read(receive)
                if _is_initialize(b"".join(message.get("body", b"") for message in messages)):
                    scope = dict(scope) | {"headers": [pair for pair in scope["headers"] if pair[0] != _VERSION]}
                receive = _replay(messages, receive)
        await app(scope, receive, send)

    return answer


def _may_be_initialize(scope: Scope) -> bool:
    """Whether the headers name a version of the newer era or an unknown one, and no method other than `initialize`."""
    if first_header(scope, _METHOD) not in {None, "initialize"}:
        return False
    version = first_header(scope, _VERSION)
    return version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS


async def _read(receive: Receive) -> list[Message]:
    """The messages of the body; only the first ones if it is long."""
    messages = [await receive()]
    size = len(messages[-1].get("body", b""))
    while messages[-1].get("more_body", False) and size <= _MAX_READ:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
    return messages


def _is_initialize(body: bytes) -> bool:
    try:
        sent: Any = json.loads(body) if len(body) <= _MAX_READ else None
    except (ValueError, RecursionError):
        return False
    return isinstance(sent, dict) and sent.get("method") == "initialize"


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """A `receive` that returns these messages again, then the others."""
    waiting = iter(messages)

    async def receive_again() -> Message:
        return next(waiting, None) or await receive()

    return receive_again
