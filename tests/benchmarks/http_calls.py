"""Streamable HTTP calls per second with 1 to 64 clients, alternating with a bare no-op tool.

Each client sends its next call after the answer to the previous one. All clients run in one event loop of this process,
which only counts bytes, so that the server is the bottleneck.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.figure import Measurement
from benchmarks.host import BARE, Host, plain_environment, taskhand

__all__ = ["body_length", "measure", "open_server", "rate", "request_bytes"]

CLIENTS = (1, 4, 16, 64)
ROUNDS = 30
SECONDS = 0.2
"""Seconds of each turn. Many short turns spread other load of the machine over both servers."""

_VERSION = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": _VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def measure(rounds: int = ROUNDS, clients: Sequence[int] = CLIENTS) -> Measurement:
    """`get_task` calls; the figure is the lowest ratio of all numbers of clients."""
    with TemporaryDirectory() as folder:
        environment = plain_environment(TASKHAND_DB=str(Path(folder) / "tasks.sqlite"), TASKHAND_REQUESTS_S="0")
        with Host(taskhand(), environment) as host:
            made = host.call("create_task", title="Call Acme", responsibleIds=["me"], priority="1")
        ours, bare = taskhand("serve", "--http", "--port", "0"), [sys.executable, str(BARE / "no_op.py")]
        with open_server(ours, environment) as our_port, open_server(bare, environment) as bare_port:
            calls = (
                request_bytes(our_port, "get_task", {"id": made["task"]["id"]}),
                request_bytes(bare_port, "nothing", {}),
            )
            ratios = {count: _ratio([(our_port, calls[0]), (bare_port, calls[1])], count, rounds) for count in clients}
    rows = [f"| {count} | {ratio:.2f} x |" for count, ratio in ratios.items()]
    details = "\n".join(["| clients | `get_task` a second, against the no-op |", "| --- | --- |", *rows])
    return Measurement({"http_calls": min(ratios.values())}, details)


def _ratio(targets: Sequence[tuple[int, bytes]], clients: int, rounds: int) -> float:
    """Calls answered by Taskhand for each call answered by the bare server; the first turn is not counted."""
    turns = [[asyncio.run(rate([(port, call)] * clients)) for port, call in targets] for _ in range(rounds + 1)]
    return sum(ours for ours, _ in turns[1:]) / sum(bare for _, bare in turns[1:])


async def rate(calls: Sequence[tuple[int, bytes]], seconds: float = SECONDS) -> float:
    """Calls a second of as many clients as there are calls, each with its port."""
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(partial(_Client, call), "127.0.0.1", port) for port, call in calls]
    callers = [caller for _, caller in opened]
    begin = perf_counter()
    for caller in callers:
        caller.send()
    await asyncio.sleep(seconds)
    answered = sum(caller.answered for caller in callers)
    took = perf_counter() - begin
    for caller in callers:
        caller.leave()
    assert answered, "no call was answered"
    return answered / took


class _Client(asyncio.Protocol):
    """Sends the same call again and again, and counts the answers."""

    def __init__(self, call: bytes) -> None:
        self._call = call
        self._got = b""
        self._transport: asyncio.Transport | None = None
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, gap, body = self._got.partition(b"\r\n\r\n")
        if gap and len(body) >= body_length(head):
            assert b'"structuredContent":' in body, body[:300]
            self._got = b""
            self.answered += 1
            self.send()

    def send(self) -> None:
        """Send the call."""
        if self._transport is not None:
            self._transport.write(self._call)

    def leave(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None


def body_length(head: bytes) -> int:
    """The length of the body that the head of an answer says."""
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def request_bytes(port: int, tool: str, arguments: dict[str, Any]) -> bytes:
    """The bytes of a call in protocol version 2026-07-28."""
    params = {"name": tool, "arguments": arguments, "_meta": _META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    head = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": _VERSION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
        "Content-Length": str(len(body)),
    }
    lines = [f"{name}: {value}" for name, value in head.items()]
    return "\r\n".join(["POST /mcp HTTP/1.1", *lines, "", ""]).encode() + body


@contextmanager
def open_server(command: Sequence[str], environment: dict[str, str]) -> Iterator[int]:
    """A server over HTTP; yields the port that its first line names."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603
        assert process.stderr is not None
        try:
            yield int(process.stderr.readline().rstrip().removesuffix("/mcp").rpartition(":")[2])
        finally:
            process.terminate()
