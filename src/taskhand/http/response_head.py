"""Removes junk from the head of a response: lines that are not header fields; pure.

Proxies and CRMs send such lines, and a parser that refuses the whole response for one would hide the outcome of a
write. A line about framing is not removed: the parser refuses it, so that an attacker cannot move the end of a body.
"""

import re
from typing import Final

__all__ = ["HeadReader"]

_MAX_BYTES: Final = 100 * 1024
"""A longer head is passed on unchanged, and refused by the parser."""
_END: Final = re.compile(rb"\r?\n\r?\n")
_FIELD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?[ \t]*")
"""A header field that the parser accepts (RFC 9110 §5.1 and §5.5, and control characters but NUL in values)."""
_FRAMING: Final = re.compile(rb"content-length|transfer-encoding", re.IGNORECASE)
_INFORMATIONAL: Final = re.compile(rb"HTTP/1\.[01] 1(?!01)\d\d")


class HeadReader:
    """Passes on the bytes of one connection; `expect` announces a head, after a request was written."""

    def __init__(self) -> None:
        self._held: bytearray | None = None

    def expect(self) -> None:
        """The next bytes are a head."""
        if self._held is None:
            self._held = bytearray()

    def feed(self, data: bytes) -> bytes | None:
        """The bytes to pass on; None if more of a head has to come first. Empty `data` is the end."""
        if self._held is None:
            return data
        self._held += data
        passed = b""
        while (end := _END.search(self._held)) is not None:
            head = bytes(self._held[: end.end()])
            passed += _without_junk(head)
            del self._held[: end.end()]
            if not _INFORMATIONAL.match(head):
                passed += self._release()
                return passed
        if not data or len(self._held) > _MAX_BYTES:
            return passed + self._release()
        return passed or None

    def _release(self) -> bytes:
        held, self._held = self._held, None
        return bytes(held or b"")


def _without_junk(head: bytes) -> bytes:
    """The head without the lines that are not header fields."""
    first, *lines = head.split(b"\n")
    kept, is_kept = [first], False
    for line in lines:
        text = line.removesuffix(b"\r")
        if not text:
            kept.append(line)
        elif text[:1] in {b" ", b"\t"}:  # it continues the line before it
            if is_kept or _FRAMING.search(text):
                kept.append(line)
        else:
            is_kept = _FIELD.fullmatch(text) is not None or _FRAMING.search(text) is not None
            if is_kept:
                kept.append(line)
    return b"\n".join(kept)
