"""Fixtures: a clock that only `sleep` moves, raw servers on loopback, and a tracer that records its spans."""

from __future__ import annotations

import socket
import struct
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, cast

import anyio
import anyio.abc
import anyio.lowlevel
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, Tracer

from taskhand.http.client import Client
from taskhand.http.upstream import Limits, Runtime, Upstream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
    from typing import Any

    import httpx2

    from taskhand.call.observers import RequestObserver
    from taskhand.http.rate_limiter import RateLimiter

KEY = "sk-very-secret-4711"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Time:
    """A clock that only `sleep` moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await anyio.lowlevel.checkpoint()


@pytest.fixture
def time() -> Time:
    return Time()


@dataclass(frozen=True)
class Step:
    """How the server treats one request: whether it reads it, what it sends, and how it ends."""

    send: bytes = b""
    then: Literal["keep", "close", "reset", "hang"] = "keep"
    reads: bool = True


def answer(status: int, body: bytes = b"{}", **headers: str) -> Step:
    """A whole answer; `_` in a header's name stands for `-`."""
    fields = {"content-length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return Step(f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + body)


@dataclass(frozen=True)
class Received:
    """A request, and the bytes of it that came first and at once."""

    line: str
    headers: Mapping[str, str]
    body: bytes
    at_once: bytes


@pytest.fixture
def steps() -> type[Steps]:
    return Steps


class Steps:
    """Steps that end a request in different ways."""

    answer = staticmethod(answer)
    SILENT = Step(then="hang")
    RESET_AFTER_READING = Step(then="reset")
    RESET_BEFORE_READING = Step(then="reset", reads=False)
    CLOSED_AFTER_READING = Step(then="close")
    NOT_HTTP = Step(b"SSH-2.0-OpenSSH\r\n\r\n", then="close")
    CUT = Step(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id":', then="close")
    STALLED = Step(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id":', then="hang")


class Server:
    """A raw server on loopback that takes one step for each request, and repeats the last one."""

    answer = staticmethod(answer)

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.steps: list[Step] = [answer(200)]
        self.received: list[Received] = []
        self.connections = 0

    async def serve(self, stream: anyio.abc.ByteStream) -> None:
        self.connections += 1
        async with stream:
            try:
                while await self._one(stream, BufferedByteReceiveStream(stream)):
                    pass
            except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.IncompleteRead):
                return

    async def _one(self, stream: anyio.abc.ByteStream, incoming: BufferedByteReceiveStream) -> bool:
        step = self.steps[0]
        if step.reads:
            self.received.append(await _read(incoming))
            step = self.steps[0]
        if len(self.steps) > 1:
            self.steps.pop(0)
        if step.send:
            await stream.send(step.send)
        if step.then == "hang":
            await incoming.receive()
        if step.then == "reset":
            linger = struct.pack("ii", 1, 0)  # close with RST instead of FIN
            attribute = anyio.abc.SocketAttribute.raw_socket
            stream.extra(attribute).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)  # noqa: S610 - not Django's
        return step.then == "keep"


async def _read(incoming: BufferedByteReceiveStream) -> Received:
    at_once = await incoming.receive()
    incoming.feed_data(at_once)
    head = (await incoming.receive_until(b"\r\n\r\n", 65_536)).decode("latin-1")
    line, *rest = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in rest)}
    length = int(headers.get("content-length", "0"))
    return Received(line, headers, await incoming.receive_exactly(length) if length else b"", at_once)


@pytest.fixture
async def servers() -> AsyncGenerator[Callable[[], Awaitable[Server]]]:
    """Start as many servers as wanted; all end with the test."""
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:

        async def start() -> Server:
            listener = await stack.enter_async_context(
                await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
            )
            port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
            server = Server(port)
            tasks.start_soon(listener.serve, server.serve)
            return server

        yield start
        tasks.cancel_scope.cancel()


@pytest.fixture
async def server(servers: Callable[[], Awaitable[Server]]) -> Server:
    return await servers()


@pytest.fixture
def unused_port() -> int:
    """A port of this machine where connections are refused."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class RecordedSpan(NonRecordingSpan):
    def __init__(self, name: str, kind: object, attributes: Mapping[str, Any]) -> None:
        super().__init__(INVALID_SPAN_CONTEXT)
        self.name, self.kind, self.attributes = name, kind, dict(attributes)
        self.status: object = None

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_status(self, status: object, description: str | None = None) -> None:
        self.status = (status, description)


class Memory:
    """A tracer that records its spans."""

    def __init__(self) -> None:
        self.spans: list[RecordedSpan] = []

    @contextmanager
    def start_as_current_span(
        self, name: str, *, kind: object, attributes: Mapping[str, Any], record_exception: bool
    ) -> Generator[RecordedSpan]:
        assert not record_exception
        self.spans.append(RecordedSpan(name, kind, attributes))
        yield self.spans[-1]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def runtime(time: Time, memory: Memory) -> Runtime:
    return Runtime(
        monotonic=time.clock,
        wall=lambda: 1_800_000_000.0,
        sleep=time.sleep,
        jitter=lambda: 0.5,
        new_reference=lambda: "ref-1",
        tracer=cast("Tracer", memory),
    )


class Clients:
    """Opens clients that end with the test."""

    def __init__(self, stack: AsyncExitStack, runtime: Runtime) -> None:
        self._stack = stack
        self._runtime = runtime

    async def __call__(
        self,
        base_url: str,
        *,
        limits: Limits | None = None,
        rate_limiter: RateLimiter | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        observer: RequestObserver | None = None,
        **about: Any,
    ) -> Client:
        if transport is not None:
            await self._stack.enter_async_context(transport)
        upstream = Upstream(
            name="Acme", base_url=base_url, auth={"x-api-key": KEY}, credential_name="ACME_KEY", **about
        )
        client = Client(
            upstream,
            rate_limiter=rate_limiter,
            runtime=replace(
                self._runtime,
                observer=observer,
                limits=limits or Limits(connect_s=2.0, read_s=0.15, total_s=20.0),
                transport=transport,
            ),
        )
        return await self._stack.enter_async_context(client)


@pytest.fixture
async def clients(runtime: Runtime) -> AsyncGenerator[Clients]:
    async with AsyncExitStack() as stack:
        yield Clients(stack, runtime)
