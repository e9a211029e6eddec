"""A host's file on disk: read, backed up, and replaced atomically."""

import codecs
import os
import shlex
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from taskhand.config.paths import is_open_to_others
from taskhand.domain.errors import OperatorError

__all__ = [
    "HostFile",
    "HostFileError",
    "check_writable",
    "is_open_with_key",
    "protect",
    "read_backups",
    "read_host_file",
    "replace_host_file",
]

_OWN = stat.S_IRUSR | stat.S_IWUSR
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class HostFileError(OperatorError):
    """A host's file cannot be read or written, so that an entry has to be added by hand."""


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file as it was read: its path with symbolic links resolved, its bytes (None for no file), and its text.

    `begins` is its byte order mark, `mode` its permissions.
    """

    path: Path
    raw: bytes | None
    text: str
    begins: bytes = b""
    mode: int = _OWN


def read_host_file(path: Path) -> HostFile:
    """Read a file; it may be missing. HostFileError for one that cannot be read, or is not UTF-8."""
    real = Path(os.path.realpath(path))
    try:
        if real.exists() and not (real.is_file() or real.is_dir()):  # reading a pipe would wait for ever
            raise HostFileError(f"{path} is not a regular file, so nothing is written.")
        raw = real.read_bytes()
        mode = stat.S_IMODE(real.stat().st_mode)
        begins = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
        return HostFile(real, raw, raw.removeprefix(begins).decode(), begins, mode)
    except FileNotFoundError:
        return HostFile(real, None, "")
    except UnicodeDecodeError:
        raise HostFileError(f"{path} is not text in UTF-8, so nothing is written.") from None
    except OSError as error:
        raise HostFileError(f"{path} cannot be read: {error.strerror}.") from None


def check_writable(found: HostFile) -> None:
    """HostFileError for a file that its owner has made read-only: a replacement would ignore that permission."""
    if found.raw is not None and not (found.mode & stat.S_IWUSR and os.access(found.path, os.W_OK)):
        raise HostFileError(
            f"{found.path} is read-only, so nothing is written.",
            next_step=f"Allow writing it (chmod u+w {shlex.quote(str(found.path))}), or change it where it comes from.",
        )


def is_open_with_key(found: HostFile, keys: Collection[str]) -> bool:
    """Whether other users of this machine may read a file that holds keys."""
    return bool(keys) and found.raw is not None and is_open_to_others(found.mode)


def protect(found: HostFile) -> HostFile:
    """Make the file readable for its owner alone. HostFileError if its permissions cannot be changed."""
    try:
        found.path.chmod(found.mode & ~_OTHERS)
    except OSError as error:
        raise HostFileError(f"{found.path} cannot be protected: {error.strerror}.") from None
    return replace(found, mode=found.mode & ~_OTHERS)


def replace_host_file(found: HostFile, text: str, *, copy: str | None, now: datetime) -> Path | None:
    """Replace the file's text atomically, and return the path of the backup, whose text is `copy`; None for none.

    HostFileError if the file cannot be written, OperatorError if it has changed since it was read.
    """
    check_writable(found)
    try:
        found.path.parent.mkdir(parents=True, exist_ok=True)
        new = _write_beside(found, text)
        try:
            _check_unchanged(found)
            backup = None if copy is None else _write_backup(found, copy, now)
            new.replace(found.path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise HostFileError(f"{found.path} cannot be written: {error.strerror}.") from None
    return backup


def _write_beside(found: HostFile, text: str) -> Path:
    """Write the new text to a temporary file beside the old one, synced to disk, with the old one's permissions."""
    with tempfile.NamedTemporaryFile(dir=found.path.parent, prefix=f".{found.path.name}.", delete=False) as file:
        file.write(found.begins + text.encode())
        file.flush()
        os.fsync(file.fileno())
    new = Path(file.name)
    new.chmod(found.mode)
    return new


def read_backups(found: HostFile) -> Iterator[tuple[Path, str]]:
    """The file's backups with their texts, newest first, without those that cannot be read."""
    for path in sorted(found.path.parent.glob(f"{_escape_pattern(found.path.name)}.taskhand-*.bak"), reverse=True):
        with suppress(OSError, UnicodeDecodeError):
            yield path, path.read_bytes().removeprefix(found.begins).decode()


def _write_backup(found: HostFile, text: str, now: datetime) -> Path | None:
    """Write a backup beside the file. Only the user may read it: it may hold keys of other servers."""
    if found.raw is None:
        return None
    for number in range(1_000):
        more = f"-{number}" if number else ""
        copy = found.path.with_name(f"{found.path.name}.taskhand-{now:%Y%m%d-%H%M%S}{more}.bak")
        with suppress(FileExistsError):
            descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), _OWN)
            with os.fdopen(descriptor, "wb") as file:
                file.write(found.begins + text.encode())
            return copy
    raise FileExistsError(17, "it has too many backups from this second")


def _check_unchanged(found: HostFile) -> None:
    """Refuse to overwrite a file that has changed since it was read: hosts write these files too."""
    now = found.path.read_bytes() if found.path.exists() else None
    if now != found.raw:
        raise OperatorError(f"{found.path} has changed meanwhile, so nothing is written.", next_step="Run it again.")


def _escape_pattern(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)
