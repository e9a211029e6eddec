"""The program as a host meets it: a process of its own, its pipes line by line, its socket request by request."""

import http.client
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol, Self

from server.transports.forked_command import ForkedProcess, run_forked
from time_limits import BOUND_S

__all__ = [
    "HELLO",
    "META",
    "Caller",
    "Message",
    "Pipe",
    "Process",
    "Web",
    "environment",
    "output",
    "run",
    "serving",
]

_FRESH_S = 1.0
"""How long an idle connection is sure to stay open."""

_AT_ONCE_S = 2.0
"""Hosts kill a server that takes longer to end."""

_VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": _VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "pipe", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
"""What every request of the new era carries."""

HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "pipe", "version": "1"},
}
"""How a session of the old era begins."""

Message = dict[str, Any]


def environment(store: Path, **more: str) -> dict[str, str]:
    """The environment of a program on `store`, with nothing configured besides."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKHAND_")}
    ours = {"TASKHAND_DB": str(store), "TASKHAND_CONFIG": os.devnull, "TASKHAND_USER": "Elisa Mora"}
    return kept | ours | {"PYTHONUTF8": "1"} | more


def run(store: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end with nothing on standard input."""
    return run_forked(arguments, environment(store, **more), BOUND_S)


def output(store: Path, *arguments: str, **more: str) -> str:
    """What the command prints, having gone well."""
    done = run(store, *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


class _Lines:
    """The lines of a stream, read as they come; `seen` are all that came so far."""

    def __init__(self, stream: IO[str]) -> None:
        self.seen: list[str] = []
        self._stream = stream
        self._new: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def next(self) -> str | None:
        """The next line, None at the end of the stream."""
        return self._new.get(timeout=BOUND_S)

    def all(self) -> list[str]:
        """Every line there ever was, once the stream has ended."""
        self._reader.join(BOUND_S)
        assert not self._reader.is_alive()
        return self.seen

    def _read(self) -> None:
        for line in self._stream:
            self.seen.append(line)
            self._new.put(line)
        self._new.put(None)


class Process:
    """A running `taskhand`; killed at the end of its `with`, if it still runs."""

    def __init__(self, store: Path, *arguments: str, **more: str) -> None:
        pipes = [os.pipe() for _ in range(3)]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
        self._process = ForkedProcess(arguments, environment(store, **more), theirs)
        for one in theirs:
            os.close(one)
        self.stdin = os.fdopen(pipes[0][1], "w", encoding="utf-8")
        self._streams = [os.fdopen(pipe[0], encoding="utf-8") for pipe in pipes[1:]]
        self.out, self.err = map(_Lines, self._streams)
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.send_signal(signal.SIGKILL)
        self.ends_within(BOUND_S)
        self.out.all()
        self.err.all()
        for stream in (self.stdin, *self._streams):
            _close(stream)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        self._process.send_signal(number)

    def ends_within(self, seconds: float) -> int:
        """The exit code; subprocess.TimeoutExpired where it takes longer."""
        return self._process.wait(seconds)

    def ends_at_once(self) -> int:
        """The exit code of a process that ends before a host kills it; on a busy machine in twice its time so far."""
        return self.ends_within(max(_AT_ONCE_S, 2 * (time.monotonic() - self._began)))


class Caller(Protocol):
    """Something that calls tools by raw JSON-RPC and hands back the whole message."""

    def call(self, tool: str, arguments: Any) -> Message:
        """The answer to one call."""
        ...


class Pipe(Process):
    """A server over standard input and output, spoken to by raw lines."""

    def __init__(self, store: Path, **more: str) -> None:
        super().__init__(store, **more)
        self._last = 0
        self._answers: dict[object, Message] = {}

    def send(self, line: str) -> None:
        """One line as it stands."""
        self.stdin.write(f"{line}\n")
        self.stdin.flush()

    def ask(self, method: str, **params: Any) -> int:
        """Send a request of the new era; its id."""
        self._last += 1
        body = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": params | {"_meta": META}}
        self.send(json.dumps(body))
        return self._last

    def ask_tool(self, tool: str, arguments: Any) -> int:
        """Send a tool call; its id."""
        return self.ask("tools/call", name=tool, arguments=arguments)

    def answer(self, request: object) -> Message:
        """The answer to a request, however many others come first."""
        while request not in self._answers:
            line = self.out.next()
            assert line is not None, "".join(self.err.all())
            message = json.loads(line)
            self._answers[message.get("id")] = message
        return self._answers.pop(request)

    def call(self, tool: str, arguments: Any) -> Message:
        return self.answer(self.ask_tool(tool, arguments))

    def answers_at_the_end(self) -> dict[object, Message]:
        """Every answer that was ever written, by id, once the process has ended."""
        return {message.get("id"): message for message in map(json.loads, self.out.all())}


class Web:
    """A server over HTTP, spoken to by raw requests."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}/mcp"
        self._line = self.connection()
        self._used = time.monotonic()

    def connection(self) -> http.client.HTTPConnection:
        """A connection of one's own."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND_S)

    def post(self, body: bytes, **headers: str) -> tuple[int, bytes]:
        """One POST to /mcp on the shared connection: status and body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"} | named
        return self._exchange("POST", "/mcp", body, sent)

    def get(self, path: str) -> tuple[int, bytes]:
        """One GET on the shared connection: status and body."""
        return self._exchange("GET", path, None, {})

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if time.monotonic() - self._used > _FRESH_S:
            self._line.close()  # the server lets idle connections go; the next request opens another
        self._line.request(method, path, body, headers)
        reply = self._line.getresponse()
        answer = reply.status, reply.read()
        self._used = time.monotonic()
        return answer

    def call(self, tool: str, arguments: Any) -> Message:
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": META},
        }
        _, reply = self.post(
            json.dumps(body).encode(), MCP_Protocol_Version=_VERSION, Mcp_Method="tools/call", Mcp_Name=tool
        )
        message: Message = json.loads(reply)
        return message

    def close(self) -> None:
        """Let the shared connection go."""
        self._line.close()


@contextmanager
def serving(store: Path, *arguments: str, **more: str) -> Iterator[Web]:
    """A server over HTTP on a free port."""
    with Process(store, "serve", "--http", "--port", "0", *arguments, **more) as process:
        while (line := process.err.next()) is not None and not line.startswith("taskhand "):
            pass  # what is wrong with the configuration is said first
        assert line is not None, "".join(process.err.all())
        web = Web(process, int(line.rstrip().removesuffix("/mcp").rpartition(":")[2]))
        try:
            yield web
        finally:
            web.close()


def _close(stream: IO[str]) -> None:
    """Close a pipe whose other end may be gone with lines unread."""
    with suppress(BrokenPipeError):
        stream.close()
