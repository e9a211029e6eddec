"""The chain of hashes that ties every row to all rows before it; pure.

A row's hash is the SHA-256 of the previous row's hash, its number and its body. Rows are numbered from 1 without a gap.
The head is the newest row, so that its removal is found. The anchor is the last row that was pruned from the oldest
end, and a `pruned` row attests to that pruning.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

from taskhand.journal.change_rows import COLUMNS

__all__ = ["START", "ChainFault", "ChainLink", "ChainWalk", "StoredRow", "next_link"]


class ChainLink(NamedTuple):
    """One row's number and hash."""

    seq: int
    hash: str


START: Final = ChainLink(0, "0" * 64)
"""The link before the first row."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it is stored; `columns` are those of entry.COLUMNS."""

    link: ChainLink
    columns: tuple[str | None, ...]
    body: str


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first row that is not right, and the problem with it in words that continue "Row 7 is not right: "."""

    seq: int
    problem: str


def next_link(previous: ChainLink, body: str) -> ChainLink:
    """The link of a new row after `previous`."""
    seq = previous.seq + 1
    return ChainLink(seq, sha256(f"{previous.hash}\n{seq}\n{body}".encode()).hexdigest())


class ChainWalk:
    """A walk along the chain from its anchor to its head; it stops at the first fault.

    A walk that begins within the chain, at a trusted row, does not check the anchor's attestation.
    """

    def __init__(self, anchor: ChainLink, *, begins_within: bool = False) -> None:
        self.last = anchor
        self._begins_within = begins_within
        self._anchor = anchor
        self._attested: ChainLink = START

    def check_row(self, row: StoredRow) -> tuple[Mapping[str, Any], ChainFault | None]:
        """Check the next row: its body, and the fault in it."""
        expected = next_link(self.last, row.body)
        if row.link.seq < expected.seq:
            return {}, ChainFault(row.link.seq, "it was added")
        if row.link.seq > expected.seq:
            return {}, ChainFault(expected.seq, "it is missing")
        if row.link != expected:
            return {}, ChainFault(expected.seq, "it was altered, or does not follow the row before it")
        body = _parse(row.body)
        wrong = [name for name, value in zip(COLUMNS, row.columns, strict=True) if body.get(name) != value]
        if wrong:
            return body, ChainFault(expected.seq, f"its {wrong[0]} was altered")
        match body:
            case {"kind": "pruned", "value": {"through": int(seq), "hash": str(digest)}}:
                self._attested = ChainLink(seq, digest)
        self.last = expected
        return body, None

    def check_end(self, head: ChainLink) -> ChainFault | None:
        """Check that the walk ended at `head`, and that a pruning attests to the anchor."""
        if head.seq > self.last.seq:
            return ChainFault(self.last.seq + 1, "it is missing")
        if head != self.last:
            return ChainFault(self.last.seq, "it is not the newest row that was written")
        if not self._begins_within and self._attested != self._anchor:
            return ChainFault(self._anchor.seq + 1, "rows before it were removed without a pruning")
        return None


def _parse(body: str) -> Mapping[str, Any]:
    """The body as an object; empty if it is not JSON: a forger can make the right hash of anything."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
