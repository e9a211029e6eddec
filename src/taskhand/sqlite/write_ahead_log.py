"""Detects a write-ahead log that does not belong to its file: a backup was restored over a crashed database.

SQLite would silently mix both. The log of a file is newer than the file, unless a checkpoint has copied pages from the
log since, which the log's index records. https://www.sqlite.org/walformat.html

A copy may keep the modification time (`cp -p`), so the inode's change time counts too. That also changes with the
owner, the mode or the name, so it is ignored if both files got it together. Then only a file that is too old by its own
change counter shows that the log is foreign.
"""

import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

__all__ = ["find_foreign_log"]

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_MAGIC: Final = frozenset({0x377F0682, 0x377F0683})
_CHANGE_COUNTER: Final = struct.Struct(">24x I")
_TOGETHER_NS: Final = 1_000_000_000
"""The longest time that one command takes from one file to the other, as it changes owners or moves both."""
_INDEX: Final = struct.Struct(f"{'<' if sys.byteorder == 'little' else '>'}32x 8s 56x I 28x I")


class _Checkpoint(NamedTuple):
    """The progress of checkpoints of a log: the numbers of frames surely copied, and possibly copied, to the file."""

    copied: int = 0
    begun: int = 0


class _Times(NamedTuple):
    """Modification time and inode change time of a file, in nanoseconds."""

    content: int
    file: int

    @classmethod
    def of_file(cls, path: Path) -> "_Times":
        status = path.stat()
        return cls(status.st_mtime_ns, status.st_ctime_ns if os.name != "nt" else 0)

    @property
    def latest(self) -> int:
        return max(self.content, self.file)

    def is_after(self, log: "_Times") -> bool:
        """Whether the database file with these times is newer than its log."""
        was_log_touched = log.file > log.content
        is_together = was_log_touched and self.file - log.file < _TOGETHER_NS
        return self.content > log.content or (self.file > log.file and not is_together)


def find_foreign_log(path: Path) -> Path | None:
    """Find the log beside the database at `path`, if it belongs to another database.

    It does if the database is newer, no checkpoint explains that, and they differ; or if the database is older than the
    one on which the log was begun. OSError if a file cannot be read.
    """
    log, index = path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
    try:
        times, log_times = _Times.of_file(path), _Times.of_file(log)
        if log.stat().st_size <= _HEADER.size or times.latest < log_times.latest:
            return None
    except FileNotFoundError:
        return None
    with path.open("rb") as database, log.open("rb") as frames:
        header = frames.read(_HEADER.size)
        checkpoint = _read_checkpoint(index, header)
        if times.is_after(log_times):
            is_foreign = _would_change(database, frames, header, checkpoint)
        else:
            is_foreign = _is_behind(database, frames, header)
    # A process that copies or writes just now has made the difference itself.
    return log if is_foreign and _read_checkpoint(index, header) == checkpoint else None


def _read_checkpoint(index: Path, header: bytes) -> _Checkpoint:
    """Read from the index the progress of checkpoints of the log with this header; zero if it is about another log."""
    try:
        with index.open("rb") as file:
            salts, copied, begun = _INDEX.unpack(file.read(_INDEX.size))
    except (FileNotFoundError, struct.error):
        return _Checkpoint()
    return _Checkpoint(copied, max(copied, begun)) if salts == header[16:24] else _Checkpoint()


def _would_change(database: BinaryIO, frames: BinaryIO, header: bytes, checkpoint: _Checkpoint) -> bool:
    """Whether the log has a page that differs from the file, and that a file of its own would already contain."""
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


def _is_behind(database: BinaryIO, frames: BinaryIO, header: bytes) -> bool:
    """Whether the database is older than the one on which the log was begun.

    The first writer of page 1 writes the change counter that it has read plus one, which may equal that of the file
    already, but never exceeds it by more than one. https://www.sqlite.org/fileformat2.html#file_change_counter
    """
    for _, page, at in _committed_frames(frames, header):
        if page == 1:
            begun, own = _read_change_counter(frames, at), _read_change_counter(database, 0)
            return begun is not None and own is not None and begun > own + 1
    return False


def _read_change_counter(file: BinaryIO, page_1: int) -> int | None:
    """Read the change counter of page 1, which begins at this offset; None if the file is too short."""
    file.seek(page_1)
    head = file.read(_CHANGE_COUNTER.size)
    return int(_CHANGE_COUNTER.unpack(head)[0]) if len(head) == _CHANGE_COUNTER.size else None


def _committed_frames(frames: BinaryIO, header: bytes) -> Iterator[tuple[int, int, int]]:
    """Number, page and content offset of each committed frame."""
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
