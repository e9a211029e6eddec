"""A host that never reads the server's standard error, or has closed it: neither a call nor the end waits for it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from server.transports.server_process import META, environment
from time_limits import BOUND_S

NOISY = {"TASKHAND_LOG_LEVEL": "DEBUG", "TASKHAND_LIBRARY_LOG_LEVEL": "DEBUG"}
CALLS = 20
"""Each is logged, and the pipe is full from the start."""


@contextmanager
def full_pipe() -> Iterator[int]:
    """The end to write to of a pipe that is full, and that nobody reads."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 1024)
    except BlockingIOError:
        os.set_blocking(write, True)
    try:
        yield write
    finally:
        os.close(read)
        os.close(write)


@contextmanager
def start_program(store: Path, stderr: Any, *arguments: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """The program with its standard error there; killed at the end."""
    popen = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "taskhand", *arguments],
        env=environment(store, **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        encoding="utf-8",
    )
    with popen:
        try:
            yield popen
        finally:
            popen.kill()


def request(number: int) -> str:
    params = {"name": "get_task", "arguments": {"id": "7"}, "_meta": META}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})


def count_answers(popen: subprocess.Popen[str], calls: int) -> int:
    """How many of so many calls were answered, one after the other."""
    assert popen.stdin
    assert popen.stdout
    for number in range(calls):
        popen.stdin.write(f"{request(number)}\n")
        popen.stdin.flush()
        assert json.loads(popen.stdout.readline())["id"] == number
    return calls


def test_over_stdio_every_call_is_answered_and_the_end_of_input_ends_the_process(store_file: Path) -> None:
    with full_pipe() as nobody, start_program(store_file, nobody, **NOISY) as popen:
        assert count_answers(popen, CALLS) == CALLS
        popen.communicate(timeout=BOUND_S)
        assert popen.returncode == 0


def test_over_http_every_call_is_answered_and_a_signal_ends_the_process(store_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ("serve", "--http", "--port", str(port))
    with full_pipe() as nobody, start_program(store_file, nobody, *arguments, **NOISY) as popen:
        statuses = [_post(port, number) for number in range(CALLS)]
        popen.send_signal(signal.SIGTERM)
        assert popen.wait(BOUND_S) == 0
    assert statuses == [200] * CALLS


@pytest.mark.parametrize("target", ["/dev/full", None])
def test_a_standard_error_that_cannot_be_written_breaks_nothing(store_file: Path, target: str | None) -> None:
    if target is None:  # a pipe whose reader is gone
        read, stderr = os.pipe()
        os.close(read)
    else:
        stderr = os.open(target, os.O_WRONLY)
    with start_program(store_file, stderr, **NOISY) as popen:
        os.close(stderr)
        assert count_answers(popen, 3) == 3
        popen.communicate(timeout=BOUND_S)
        assert popen.returncode == 0


def _post(port: int, number: int) -> int:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "get_task",
    }
    while True:  # until it listens
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=BOUND_S)
        try:
            connection.request("POST", "/mcp", request(number), headers)
            return connection.getresponse().status
        except ConnectionRefusedError:
            if number:
                raise
        finally:
            connection.close()
