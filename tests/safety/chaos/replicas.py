"""Servers on one database, which are killed, paused and restarted, and the proxy that spreads requests on them."""

import http.client
import json
import random
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Timer
from typing import Any, Literal

from server.transports.server_process import META, Process

__all__ = ["Answer", "Replicas"]

_VERSION = str(META["io.modelcontextprotocol/protocolVersion"])
_HEADERS: dict[str, str] = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": _VERSION,
    "Mcp-Method": "tools/call",
    "Connection": "close",
}
_UNAVAILABLE = 503


@dataclass(frozen=True)
class Answer:
    """What a call was answered: `done`, `refused` with a code, or `lost`, where nobody knows what became of it."""

    kind: Literal["done", "refused", "lost"]
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The code of the error; empty without one."""
        return str(self.body.get("code", ""))

    @property
    def may_have_happened(self) -> bool:
        """Whether it is not known if anything was written."""
        return self.kind == "lost" or self.code in {"outcome_unknown", "internal_error"}


class Replicas:
    """Servers by number; one that is started again has another port."""

    def __init__(self, environment: Mapping[str, str], folder: Path, count: int, chance: random.Random) -> None:
        self._environment = dict(environment)
        self._store = folder / "tasks.sqlite"
        self._chance = chance
        self._lock = Lock()
        self._processes: dict[int, Process] = {}
        self._ports: dict[int, int] = {}
        self._waking: dict[int, Timer] = {}
        self.said: list[str] = []
        """What ended servers have logged."""
        for number in range(count):
            self.start(number)

    def start(self, number: int) -> None:
        """Start a server, and wait until it listens."""
        given = ("serve", "--http", "--port", "0", "--stateless")
        process = Process(self._store, *given, **self._environment)
        while (line := process.err.next()) is not None and not line.startswith("taskhand "):
            pass
        assert line is not None, "".join(process.err.all())
        with self._lock:
            self._processes[number] = process
            self._ports[number] = int(line.rstrip().removesuffix("/mcp").rpartition(":")[2])

    def end(self, number: int, how: signal.Signals, within_s: float = 60.0) -> None:
        """End a server: by SIGTERM the proxy hears of it first."""
        process = self._processes[number]
        if how is signal.SIGTERM:
            with self._lock:
                self._ports.pop(number, None)
        self._end_pause(number)
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            process.ends_within(within_s)
        with self._lock:
            self._ports.pop(number, None)
        process.__exit__()
        self.said += process.err.seen

    def pause(self, number: int, for_s: float) -> None:
        """Stop a server as SIGSTOP does, and let it go on after a while; nobody tells the proxy."""
        process = self._processes[number]
        self._end_pause(number)
        process.send_signal(signal.SIGSTOP)
        self._waking[number] = Timer(for_s, process.send_signal, [signal.SIGCONT])
        self._waking[number].start()

    def wake(self) -> None:
        """Let every server go on."""
        for number, process in self._processes.items():
            self._end_pause(number)
            process.send_signal(signal.SIGCONT)

    def _end_pause(self, number: int) -> None:
        """Have nothing wake a server later: two that look at a process at once may both read how it has ended."""
        if (waking := self._waking.pop(number, None)) is not None:
            waking.cancel()
            waking.join()

    def end_all(self) -> None:
        """End all servers, as an administrator does; one that does not end is killed."""
        self.wake()
        numbers = [*self._ports]
        for number in numbers:
            self._processes[number].send_signal(signal.SIGTERM)
        for number in numbers:
            self.end(number, signal.SIGTERM)

    def call(self, tool: str, arguments: Mapping[str, Any], timeout_s: float) -> Answer:
        """Call a tool of any server; one that listens no more, or refuses for it ends, is passed over."""
        params = {"name": tool, "arguments": dict(arguments), "_meta": META}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        with self._lock:
            ports = [*self._ports.values()]
        self._chance.shuffle(ports)
        for port in ports:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
            try:
                line.connect()
            except OSError:
                continue
            try:
                line.request("POST", "/mcp", body, _HEADERS | {"Mcp-Name": tool})
                reply = line.getresponse()
                said = reply.read()
            except (OSError, http.client.HTTPException):
                return Answer("lost")
            finally:
                line.close()
            if reply.status != _UNAVAILABLE:
                return _read(said)
        return Answer("refused", {"code": "no_replica", "retryable": True})


def _read(said: bytes) -> Answer:
    lines = [line[5:] for line in said.splitlines() if line.startswith(b"data:")]
    message = json.loads(lines[-1] if lines else said)
    if "result" not in message:
        return Answer("refused", {"code": "rpc", "message": str(message)})
    result = message["result"]
    if result.get("isError"):
        return Answer("refused", json.loads(result["content"][0]["text"])["error"])
    return Answer("done", result["structuredContent"])
