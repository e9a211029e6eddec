"""Messages on standard input and output, one on each line, read and written in the event loop.

The SDK's streams pass each line through threads, which takes as long as the rest of a short call. This module registers
the pipe, socket or terminal with the event loop. Windows cannot do that for a pipe, so on Windows the SDK's streams are
used.
"""

import os
import select
import socket
import stat
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, Protocol

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError

__all__ = ["MessageSink", "open_standard_streams"]

_READ_BYTES: Final = 65_536
_PRIVATE: Final = 3
"""The first descriptor that is not a standard one."""


class MessageSink(Protocol):
    """Sends messages to the client; raises anyio.BrokenResourceError if the client has closed its end."""

    async def send(self, item: SessionMessage, /) -> None:
        """Send one message."""
        ...

    async def aclose(self) -> None:
        """Stop sending."""
        ...


@asynccontextmanager
async def open_standard_streams(
    on_closed: Callable[[], object],
) -> AsyncIterator[tuple[AsyncIterable[SessionMessage | Exception], MessageSink]]:
    """The messages of the client, with an exception for a line that is no message, and the sink for answers.

    `on_closed` is called if the client closes its end of standard output. Other readers of standard input see its end,
    and other output to standard output goes to standard error.
    """
    if sys.platform == "win32":
        from mcp.server.stdio import stdio_server  # noqa: PLC0415  only Windows needs its threads

        async with stdio_server() as streams:
            yield streams
    else:
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123, ASYNC230  a descriptor is what is wanted
            source = _take_over(0, nothing.fileno())
        yield _read_messages(source), _MessageWriter(_take_over(1, 2), on_closed)


def _take_over(fd: int, instead: int) -> int:
    """A private duplicate of `fd`; `fd` itself is redirected to `instead`."""
    import fcntl  # noqa: PLC0415  Windows has none

    taken = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _PRIVATE)
    os.dup2(instead, fd)
    return taken


async def _read_messages(fd: int) -> AsyncIterator[SessionMessage | Exception]:
    """The messages until the end of the input."""
    async for line in _read_lines(fd):
        try:
            yield SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValidationError as error:
            yield error


async def _read_lines(fd: int) -> AsyncIterator[str]:
    """The lines until the end of the input; text after the last line break is a line, too."""
    begun: list[bytes] = []
    waits = _may_wait(fd)
    while data := await _read(fd, waits=waits):
        *ended, rest = data.split(b"\n")
        for line in ended:
            yield b"".join((*begun, line)).decode("utf-8", "replace")
            begun = []
        begun.append(rest)
    if last := b"".join(begun):
        yield last.decode("utf-8", "replace")


async def _read(fd: int, *, waits: bool) -> bytes:
    """Some bytes of the input; empty at its end."""
    while True:
        if waits:
            await anyio.wait_readable(fd)
        try:
            return os.read(fd, _READ_BYTES)
        except BlockingIOError:
            continue  # another process that reads the same pipe was faster
        except OSError:
            return b""


def _may_wait(fd: int) -> bool:
    """Whether a read may block, which it never does for a file or the null device."""
    return stat.S_ISFIFO(mode := os.fstat(fd).st_mode) or stat.S_ISSOCK(mode) or os.isatty(fd)


class _MessageWriter:
    """Writes each message as one line, completely even if its sender is cancelled meanwhile."""

    def __init__(self, fd: int, on_closed: Callable[[], object]) -> None:
        self._fd = fd
        self._on_closed = on_closed
        self._line = anyio.Lock(fast_acquire=True)
        self._room = select.poll()
        self._room.register(fd, select.POLLOUT)
        is_socket = stat.S_ISSOCK(os.fstat(fd).st_mode)
        self._write_some = _socket_writer(fd) if is_socket else partial(os.write, fd)

    async def send(self, item: SessionMessage, /) -> None:
        """Write the message; anyio.BrokenResourceError if the client has closed its end."""
        line = item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
        async with self._line:
            try:
                left = line[self._write(line) :]
                while left:
                    with anyio.CancelScope(shield=True):
                        await anyio.wait_writable(self._fd)
                    left = left[self._write(left) :]
            except OSError as error:
                self._on_closed()
                raise anyio.BrokenResourceError from error

    async def aclose(self) -> None:
        """Do nothing: every message is written already."""

    def _write(self, data: bytes) -> int:
        """Write as many bytes as fit without blocking, and return their number."""
        written = 0
        with suppress(BlockingIOError):
            while written < len(data) and self._room.poll(0):
                # A pipe that has room takes this many bytes at once.
                written += self._write_some(data[written : written + select.PIPE_BUF])
        return written


def _socket_writer(fd: int) -> Callable[[bytes], int]:
    """A function that writes to a socket, which may have less room than a pipe."""
    to_client = socket.socket(fileno=fd)
    return lambda data: to_client.send(data, socket.MSG_DONTWAIT)
