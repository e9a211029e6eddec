"""Sends webhooks to their subscribers over HTTP, each as soon as it is due."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio

if TYPE_CHECKING:
    from anyio.abc import ByteStream

    from taskhand.sandbox.emulator import Emulator

ANSWER_S: Final = 5.0  # documented for HubSpot, assumed for the others
MIN_PAUSE_S, MAX_PAUSE_S = 0.05, 1.0  # pauses between two checks for due deliveries
MAX_HEAD_BYTES = 65_536


async def post_webhook(url: str, headers: dict[str, str], body: bytes) -> int:
    """POST without following redirects, and return the status; OSError without a response in time."""
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    own = {"host": parts.netloc.rpartition("@")[2], "content-length": str(len(body)), "connection": "close"}
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in {**own, **headers}.items()), "", ""]
    try:
        with anyio.fail_after(ANSWER_S):
            async with await _connect(host, port, is_tls=is_tls) as stream:
                await stream.send("\r\n".join(lines).encode("latin-1") + body)
                return await _read_status(stream)
    except (anyio.BrokenResourceError, anyio.EndOfStream, ValueError, UnicodeError) as error:
        raise ConnectionError(f"no HTTP response: {error!r}") from error


async def _connect(host: str, port: int, *, is_tls: bool) -> ByteStream:
    if is_tls:
        return await anyio.connect_tcp(host, port, ssl_context=ssl.create_default_context())
    return await anyio.connect_tcp(host, port)


async def _read_status(stream: ByteStream) -> int:
    head = b""
    while b"\r\n" not in head and len(head) < MAX_HEAD_BYTES:
        head += await stream.receive()
    return int(head.split(maxsplit=2)[1])


async def deliver_always(emulator: Emulator) -> None:
    """Send every webhook as soon as it is due, until cancelled."""
    pause = MIN_PAUSE_S
    while True:
        sender = emulator.sender  # a reset replaces it
        if sender.outbox.is_empty():
            await sender.wait_for_change()
            continue
        sent = await sender.deliver(post_webhook)
        pause = MIN_PAUSE_S if sent else min(2 * pause, MAX_PAUSE_S)
        with anyio.move_on_after(pause):
            await sender.wait_for_change()
