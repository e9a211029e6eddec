"""The standard streams of the process: writing never fails, and never waits for the reader of standard error.

A command has done its work when it prints, so output that cannot be written or encoded must not fail it. A server that
logs must not wait for a host that never reads its standard error: the pipe holds only some hundred lines. The pipe
itself stays blocking: the host may share it, so its mode would change for the host too.
"""

import codecs
import io
import os
import select
import sys
import threading
from collections import deque
from errno import EPIPE
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["Diagnostics", "is_output_lost", "is_output_unread", "lost_output", "prepare_streams"]

_MAX_BYTES: Final = 256 * 2**10
"""Maximum buffered bytes of standard error; further output is dropped."""

_FLUSH_S: Final = 0.3
"""Seconds that a flush waits for the reader of standard error; it waits again only after some was read."""

_ASCII: Final = {"✓": "+", "✗": "x", "→": "->", "←": "<-", "■": "*", "·": "-", "…": "..."}
"""The ASCII forms of our own symbols for encodings without them; other characters are printed as escapes."""

_ERRORS: Final = "taskhand.terminal"


def prepare_streams() -> None:
    """Make the standard streams tolerant.

    Closed ones are opened on the null device, so that no other file gets their descriptor.

    https://docs.python.org/3/library/sys.html#sys.stdin: they are None if their descriptors are closed.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest free descriptor, which is this one
    codecs.register_error(_ERRORS, _replace_unencodable)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = _tolerant_stream(sys.stdout, 1, _StandardOutput)
    sys.stderr = _tolerant_stream(sys.stderr, 2, Diagnostics)


def is_output_lost() -> bool:
    """Whether standard output was lost: its reader has closed it, or the disk is full."""
    return _StandardOutput.problem is not None


def is_output_unread() -> bool:
    """Whether the reader of standard output has closed it, as far as that can be seen without writing."""
    if is_output_lost():
        return True
    if not hasattr(select, "poll"):  # Windows
        return False
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):  # a program has put a stream without a descriptor there
        return False
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def lost_output() -> str | None:
    """The reason why standard output was lost; None if it was not, or its reader closed it, as `head` does."""
    problem = _StandardOutput.problem
    return None if problem is None or problem.errno == EPIPE else problem.strerror


def _tolerant_stream(stream: TextIO | None, descriptor: int, kind: "type[_StandardOutput | Diagnostics]") -> TextIO:
    """The stream on this descriptor, or one that a program has set. A terminal is written to directly."""
    encoding = "utf-8" if stream is None else stream.encoding
    if stream is not None and not _is_on(stream, descriptor):
        return stream
    if os.isatty(descriptor) and isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_ERRORS)
        return stream
    _make_blocking(descriptor)
    return io.TextIOWrapper(kind(descriptor), encoding=encoding, errors=_ERRORS, write_through=True)  # type: ignore[type-var]  # a raw stream is enough


def _is_on(stream: TextIO, descriptor: int) -> bool:
    try:
        return stream.fileno() == descriptor
    except (AttributeError, OSError, ValueError):
        return False


def _make_blocking(descriptor: int) -> None:
    """Make a pipe blocking again that a parent process made non-blocking: Python's files do not retry."""
    if os.name == "posix":
        os.set_blocking(descriptor, True)


def _replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    """Replace what the stream's encoding does not have: https://docs.python.org/3/library/codecs.html#error-handlers."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(
        _ASCII.get(character, character.encode("ascii", "backslashreplace").decode()) for character in lost
    ), error.end


class _DescriptorStream(io.RawIOBase):
    """A write-only stream on a descriptor that is not a terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """The number of the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """False."""
        return False

    def writable(self) -> bool:
        """True."""
        return True


class _StandardOutput(_DescriptorStream):
    """Standard output that does not fail without a reader or on a full disk; `problem` is the error that ended it."""

    problem: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        rest = memoryview(data)
        while rest and _StandardOutput.problem is None:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                _StandardOutput.problem = error
        return memoryview(data).nbytes


class Diagnostics(_DescriptorStream):
    """Standard error that never waits for its reader: a thread writes, and what does not fit is dropped and counted.

    Text that cannot be written, because the pipe is closed or the disk full, is dropped.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._held = 0
        self._dropped = 0
        self._is_stalled = False
        self._thread: threading.Thread | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Queue the text for the thread, or drop it if the buffer is full."""
        text = bytes(data)
        with self._changed:
            if self._held + len(text) > _MAX_BYTES:
                self._dropped += 1
            else:
                if self._dropped:
                    self._append(_report_dropped(self._dropped))
                    self._dropped = 0
                self._append(text)
            if self._thread is None:
                # A daemon thread: the process may end while it waits for the reader.
                self._thread = threading.Thread(target=self._write_all, name="stderr", daemon=True)
                self._thread.start()
        return len(text)

    def flush(self) -> None:
        """Wait until all is written, for at most `_FLUSH_S`, unless the last wait timed out."""
        with self._changed:
            if not self._is_stalled and not self._changed.wait_for(lambda: not self._held, _FLUSH_S):
                self._is_stalled = True

    def _append(self, text: bytes) -> None:
        self._waiting.append(text)
        self._held += len(text)
        self._changed.notify_all()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._dropped)
                line = self._waiting[0] if self._waiting else None
                dropped = self._dropped
            self._write_whole(_report_dropped(dropped) if line is None else line)
            with self._changed:
                if line is None:
                    self._dropped -= dropped
                else:
                    self._held -= len(self._waiting.popleft())
                self._is_stalled = False
                self._changed.notify_all()

    def _write_whole(self, text: bytes) -> None:
        while text:
            try:
                text = text[os.write(self._descriptor, text) :]
            except OSError:
                return


def _report_dropped(count: int) -> bytes:
    return f"taskhand: {count} lines are missing here: standard error was not read in time.\n".encode()
