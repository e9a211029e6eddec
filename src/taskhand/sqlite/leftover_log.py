"""A write-ahead log that does not belong to the file beside it: a backup was restored over one that a crash has left.

SQLite would mix both without a word. A log that belongs to the file is written after it, or holds nothing else than the
file does, once a checkpoint has copied it there. https://www.sqlite.org/fileformat2.html#walformat
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["find_foreign_log"]

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_MAGIC: Final = frozenset({0x377F0682, 0x377F0683})


def find_foreign_log(path: Path) -> Path | None:
    """The log beside the database at `path`, if it is no newer than that and would change it; OSError."""
    log = path.with_name(f"{path.name}-wal")
    try:
        if log.stat().st_size <= _HEADER.size or _changed_at(path) < _changed_at(log):
            return None
    except FileNotFoundError:
        return None
    with path.open("rb") as database, log.open("rb") as frames:
        return log if _would_change(database, frames) else None


def _changed_at(path: Path) -> int:
    """When the content or the file itself came to be as it is: a copy may keep the former time."""
    found = path.stat()
    return max(found.st_mtime_ns, found.st_ctime_ns if os.name != "nt" else 0)


def _would_change(database: BinaryIO, frames: BinaryIO) -> bool:
    """Whether the committed pages of the log differ from those of the database."""
    magic, _, page_bytes, _, *salts, _, _ = _HEADER.unpack(frames.read(_HEADER.size))
    if magic not in _MAGIC:
        return False  # SQLite ignores it too
    committed: dict[int, int] = {}
    pending: dict[int, int] = {}
    while len(head := frames.read(_FRAME.size)) == _FRAME.size:
        number, pages, *own_salts, _, _ = _FRAME.unpack(head)
        if own_salts != salts:
            break  # left from before the log was begun anew
        pending[number] = frames.tell()
        frames.seek(page_bytes, os.SEEK_CUR)
        if pages:  # a commit
            committed |= pending
            pending = {}
    for number, at in committed.items():
        frames.seek(at)
        database.seek((number - 1) * page_bytes)
        if frames.read(page_bytes) != database.read(page_bytes):
            return True
    return False
