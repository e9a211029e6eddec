"""A proxy in front of several servers, which sends every request to one of them at random.

A server that refuses a connection, ends it without an answer, or answers 503, is left out for that request, as load
balancers do: a server that is gone resets the connections that it had not accepted.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import anyio
from anyio.abc import ByteReceiveStream, ByteStream, SocketAttribute

__all__ = ["SpreadingProxy", "spreading"]

_HEAD_END = b"\r\n\r\n"


class SpreadingProxy:
    """Passes requests on; `answered` counts those that each server has answered, by its port."""

    def __init__(self, ports: Sequence[int], seed: int = 20) -> None:
        self.ports = [*ports]
        self.port = 0
        self.answered: Counter[int] = Counter()
        self._random = Random(seed)  # noqa: S311  no secret

    @property
    def origin(self) -> str:
        """The address of the proxy."""
        return f"http://127.0.0.1:{self.port}"

    async def pass_on(self, client: ByteStream) -> None:
        """Pass one request on, and its answer back; then the connection ends."""
        async with client:
            request = await _read_request(client)
            if request is None:
                return
            for port in self._random.sample(self.ports, len(self.ports)):
                if await self._has_answered(port, request, client):
                    self.answered[port] += 1
                    return
            await client.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async def _has_answered(self, port: int, request: bytes, client: ByteStream) -> bool:
        try:
            server = await anyio.connect_tcp("127.0.0.1", port)
        except OSError:
            return False
        async with server:
            try:
                await server.send(request)
                first = await server.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return False
            if first.startswith(b"HTTP/1.1 503"):
                return False
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_end_with_client, client, tasks.cancel_scope)
                try:
                    await client.send(first)
                    async for part in server:
                        await client.send(part)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    pass
                tasks.cancel_scope.cancel()
        return True


async def _read_request(client: ByteReceiveStream) -> bytes | None:
    """A request whole, which asks for the end of the connection after its answer; None where none came."""
    request = b""
    try:
        while _HEAD_END not in request:
            request += await client.receive()
        head, _, body = request.partition(_HEAD_END)
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        while length and len(body) < int(length[1]):
            body += await client.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return None
    head = re.sub(rb"(?im)^connection:.*\r\n", b"", head + b"\r\n")
    return head + b"Connection: close" + _HEAD_END + body


async def _end_with_client(client: ByteReceiveStream, scope: anyio.CancelScope) -> None:
    """End the passing on where the client leaves."""
    try:
        while True:
            await client.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        scope.cancel()


@asynccontextmanager
async def spreading(ports: Sequence[int]) -> AsyncIterator[SpreadingProxy]:
    """A proxy on a free port of this machine, in front of the servers on these."""
    proxy = SpreadingProxy(ports)
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        proxy.port = listener.extra(SocketAttribute.local_port)  # noqa: S610  no Django
        tasks.start_soon(listener.serve, proxy.pass_on)
        yield proxy
        tasks.cancel_scope.cancel()
