"""What clients send over HTTP in another form than the SDK reads, put right before it does."""

import json
from typing import Any, Final

from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["accept_initialize_after_discover", "accept_trailing_slash"]

_VERSION, _METHOD = "mcp-protocol-version", "mcp-method"
_MOST_READ: Final = 64 * 1024
"""Bytes of a body that are read to see whether it is `initialize`, which is short."""


def accept_trailing_slash(app: ASGIApp) -> ASGIApp:
    """`app` where `/mcp/` is `/mcp`.

    Starlette redirects it to an absolute address instead, whose scheme is `http` behind a proxy that ends TLS.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != "/" and scope["path"].endswith("/"):
            scope = dict(scope) | {"path": scope["path"].rstrip("/") or "/"}
        await app(scope, receive, send)

    return answer


def accept_initialize_after_discover(app: ASGIApp) -> ASGIApp:
    """`app` where `initialize` belongs to the older era, whatever version its header names.

    A client that asked with `server/discover` may still send the header of that request when it falls back.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _may_be_initialize(Headers(scope=scope)):
            messages = await _read(receive)
            if _is_initialize(b"".join(message.get("body", b"") for message in messages)):
                kept = [pair for pair in scope["headers"] if pair[0].decode("latin-1") != _VERSION]
                scope = dict(scope) | {"headers": kept}
            receive = _replay(messages, receive)
        await app(scope, receive, send)

    return answer


def _may_be_initialize(headers: Headers) -> bool:
    """Whether the headers name a version of the newer era, or an unknown one, and no other method."""
    version, method = headers.get(_VERSION), headers.get(_METHOD)
    return version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS and method in {None, "initialize"}


async def _read(receive: Receive) -> list[Message]:
    """The messages of the body, the first ones where it is long."""
    messages = [await receive()]
    size = len(messages[-1].get("body", b""))
    while messages[-1].get("more_body", False) and size <= _MOST_READ:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
    return messages


def _is_initialize(body: bytes) -> bool:
    try:
        sent: Any = json.loads(body) if len(body) <= _MOST_READ else None
    except (ValueError, RecursionError):
        return False
    return isinstance(sent, dict) and sent.get("method") == "initialize"


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """Receive these messages again, then the others."""
    waiting = iter(messages)

    async def receive_again() -> Message:
        return next(waiting, None) or await receive()

    return receive_again
