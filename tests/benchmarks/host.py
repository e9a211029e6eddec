"""A minimal MCP host: starts a server process, exchanges lines with it and reads its memory."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from variables import PREFIXES

__all__ = ["BARE", "Host", "plain_environment", "taskhand"]

BARE = Path(__file__).parent / "bare"
"""The folder of the bare servers that Taskhand is compared with."""

_HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}
_BOUND_S = 20.0


def plain_environment(**more: str) -> dict[str, str]:
    """The environment without variables that configure a server, plus `more`."""
    ours = (*PREFIXES, "FASTMCP_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PYTHONUTF8": "1", "FASTMCP_CHECK_FOR_UPDATES": "off"} | more


def taskhand(*arguments: str) -> list[str]:
    """The command that starts Taskhand."""
    return [sys.executable, "-m", "taskhand", *arguments]


class Host:
    """A running server over stdio; a context manager that initializes the session and ends the server."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], errors: IO[bytes] | int = subprocess.DEVNULL
    ) -> None:
        """Start the process: `spawned` is the start in seconds of `perf_counter`; `errors` receives standard error."""
        self.spawned = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603  our own commands
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=dict(environment),
            bufsize=0,
        )
        self._last = 0
        self._answers = _read_end(self._process.stdout)

    def __enter__(self) -> Self:
        self.ask("initialize", **_HELLO)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    def __exit__(self, *_: object) -> None:
        _write_end(self._process.stdin).close()
        self._answers.close()
        self._process.wait(_BOUND_S)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of one request; AssertionError for an error."""
        self._last += 1
        self._send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        return self._answer()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool; AssertionError for a refusal."""
        result = self.ask("tools/call", name=tool, arguments=arguments)
        assert not result.get("isError"), result
        content: dict[str, Any] = result["structuredContent"]
        return content

    def line(self, tool: str, arguments: Mapping[str, Any]) -> bytes:
        """The line that a call is sent as; build it before the timing starts."""
        self._last += 1
        params = {"name": tool, "arguments": arguments}
        return _line({"jsonrpc": "2.0", "id": self._last, "method": "tools/call", "params": params})

    def timed(self, line: bytes) -> float:
        """Seconds from a line to its answer; AssertionError for an error or a refusal."""
        begin = time.perf_counter()
        _write_end(self._process.stdin).write(line)
        answer = self._answers.readline()
        took = time.perf_counter() - begin
        assert b'"structuredContent":' in answer, answer[:500]
        return took

    def peak_kib(self) -> int:
        """The peak resident memory in KiB."""
        return self._status("VmHWM")

    def resident_kib(self) -> int:
        """The resident memory in KiB."""
        return self._status("VmRSS")

    def _status(self, name: str) -> int:
        """A value of /proc/<pid>/status (Linux only); `ru_maxrss` would include the parent's memory at the fork."""
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(text.partition(f"{name}:")[2].split()[0])

    def _send(self, message: dict[str, Any]) -> None:
        _write_end(self._process.stdin).write(_line(message))

    def _answer(self) -> dict[str, Any]:
        """The next response; notifications before it are skipped."""
        while True:
            message = json.loads(self._answers.readline())
            if "id" in message and "method" not in message:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _write_end(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _read_end(stream: IO[bytes] | None) -> IO[bytes]:
    """Standard output with a buffer. The pipe has none, so that written lines leave at once."""
    assert stream is not None
    return os.fdopen(os.dup(stream.fileno()), "rb")
