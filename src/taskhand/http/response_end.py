"""Finds the end of a response in the bytes of a connection; later bytes are not a response; pure.

A parser keeps such bytes, and would read them as the response to the next request.
"""

import re
from typing import Final

__all__ = ["ResponseEnd"]

_HEAD: Final = re.compile(rb"HTTP/1\.[01] (\d{3}).*?\r?\n\r?\n", re.DOTALL)
_CHUNKED: Final = re.compile(rb"^transfer-encoding[ \t]*:[^\n]*chunked", re.IGNORECASE | re.MULTILINE)
_LENGTH: Final = re.compile(rb"^content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_SIZE: Final = re.compile(rb"[0-9a-fA-F]{1,15}")
_SWITCHING: Final = 101
_FIRST_FINAL: Final = 200
_WITHOUT_BODY: Final = frozenset({204, 304})
"""Statuses of responses without a body, independent of their headers (RFC 9112 §6.3)."""
_CRLF: Final = 2
_MAX_COMPARED: Final = 65_536
"""Maximum bytes of a response that is compared with the bytes after it."""


class ResponseEnd:
    """Cuts off the bytes after the response to one request.

    `surplus` holds the bytes that were cut off. A response without a length ends with its connection.
    """

    def __init__(self) -> None:
        self.surplus = b""
        self._response = bytearray()
        self._left: int | None = None  # the remaining bytes of the body, or of its chunk; None if the end is unknown
        self._is_chunked = False
        self._line = bytearray()  # the received part of the line with the size of a chunk
        self._in_trailer = False
        self._is_in_body = self._is_over = False

    @property
    def has_other_answer(self) -> bool:
        """Whether a different response follows, so that it is unknown which of the two belongs to the request."""
        return self.surplus.startswith(b"HTTP/") and self.surplus != self._response

    def cut(self, data: bytes) -> bytes:
        """The bytes that belong to the response; heads come whole."""
        at = 0
        while not self._is_in_body:
            if (head := _HEAD.match(data, at)) is None:
                self._is_in_body = True
                break
            at = head.end()
            if (status := int(head[1])) >= _FIRST_FINAL or status == _SWITCHING:
                self._begin_body(status, head[0])
            elif at == len(data):
                return self._pass_on(data)  # the next head comes later
        if not self._is_over:
            at = self._end_in(data, at)
        self.surplus += data[at:]
        return self._pass_on(data[:at])

    def _pass_on(self, data: bytes) -> bytes:
        if len(self._response) <= _MAX_COMPARED:
            self._response += data
        return data

    def _begin_body(self, status: int, head: bytes) -> None:
        self._is_in_body = True
        if status in _WITHOUT_BODY:
            self._left = 0
        elif status != _SWITCHING and _CHUNKED.search(head):
            self._is_chunked, self._left = True, 0
        elif status != _SWITCHING and (length := _LENGTH.search(head)):
            self._left = int(length[1])

    def _end_in(self, data: bytes, at: int) -> int:
        """The index in these bytes where the response ends; their length if it continues. The body begins at `at`."""
        while self._left is not None:
            step = min(self._left, len(data) - at)
            self._left, at = self._left - step, at + step
            if self._left == 0 and not self._is_chunked:
                self._is_over = True
            if self._is_over or at == len(data):
                return at
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or len(data)]
            if not end:
                return len(data)
            self._read_line(bytes(self._line).strip())
            self._line.clear()
            at = end
        return len(data)

    def _read_line(self, line: bytes) -> None:
        """Read the line before a chunk, or one of the trailer, which ends with an empty one (RFC 9112 §7.1)."""
        if self._in_trailer:
            self._is_over = not line
        elif (size := _SIZE.match(line)) is None:
            self._left = None
        elif length := int(size[0], 16):
            self._left = length + _CRLF
        else:
            self._in_trailer = True
