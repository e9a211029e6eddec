"""A write-ahead log that does not belong to the file beside it: a backup was restored over one that a crash has left.

SQLite would mix both without a word. A log that belongs to the file is written after it, unless a checkpoint has copied
pages from the log since; the log's index says which. https://www.sqlite.org/walformat.html
"""

import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["find_foreign_log"]

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_MAGIC: Final = frozenset({0x377F0682, 0x377F0683})
_INDEX: Final = struct.Struct(f"{'<' if sys.byteorder == 'little' else '>'}32x 8s 56x I 28x I")


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """How far checkpoints have copied a log: the numbers of frames that are in the file, and that may be there."""

    copied: int = 0
    begun: int = 0


def find_foreign_log(path: Path) -> Path | None:
    """The log beside the database at `path`, if the database is newer, no checkpoint explains it, and they differ.

    OSError where a file cannot be read.
    """
    log, index = path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
    try:
        if log.stat().st_size <= _HEADER.size or _changed_at(path) < _changed_at(log):
            return None
    except FileNotFoundError:
        return None
    with path.open("rb") as database, log.open("rb") as frames:
        header = frames.read(_HEADER.size)
        checkpoint = _read_checkpoint(index, header)
        is_foreign = _would_change(database, frames, header, checkpoint)
    # A process that copies or writes just now has made the difference itself.
    return log if is_foreign and _read_checkpoint(index, header) == checkpoint else None


def _changed_at(path: Path) -> int:
    """When the content or the file itself came to be as it is: a copy may keep the former time."""
    found = path.stat()
    return max(found.st_mtime_ns, found.st_ctime_ns if os.name != "nt" else 0)


def _read_checkpoint(index: Path, header: bytes) -> _Checkpoint:
    """What the index says of the checkpoints of the log with this header; none where it is about another log."""
    try:
        with index.open("rb") as file:
            salts, copied, begun = _INDEX.unpack(file.read(_INDEX.size))
    except (FileNotFoundError, struct.error):
        return _Checkpoint()
    return _Checkpoint(copied, max(copied, begun)) if salts == header[16:24] else _Checkpoint()


def _would_change(database: BinaryIO, frames: BinaryIO, header: bytes, checkpoint: _Checkpoint) -> bool:
    """Whether the log has a page that the file lacks, and that it cannot lack if both belong together."""
    page_bytes = _HEADER.unpack(header)[2]
    last = {page: (frame, at) for frame, page, at in _committed_frames(frames, header)}
    for page, (frame, at) in last.items():
        if checkpoint.begun and frame > checkpoint.copied:
            continue  # a checkpoint passes over the pages that a reader still needs as they were, or did not end
        frames.seek(at)
        database.seek((page - 1) * page_bytes)
        if frames.read(page_bytes) != database.read(page_bytes):
            return True
    return False


def _committed_frames(frames: BinaryIO, header: bytes) -> Iterator[tuple[int, int, int]]:
    """Number, page and place of the content of each frame that belongs to a commit."""
    magic, _, page_bytes, _, *salts, _, _ = _HEADER.unpack(header)
    pending: list[tuple[int, int, int]] = []
    number = 0
    frames.seek(_HEADER.size)
    while magic in _MAGIC and len(head := frames.read(_FRAME.size)) == _FRAME.size:
        page, pages, *own_salts, _, _ = _FRAME.unpack(head)
        if own_salts != salts:
            return  # left from before the log was begun anew
        number += 1
        pending.append((number, page, frames.tell()))
        frames.seek(page_bytes, os.SEEK_CUR)
        if pages:  # a commit
            yield from pending
            pending = []
