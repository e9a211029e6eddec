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

from taskhand.config.paths import is_mode_open_to_others
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


def check_writable(host_file: HostFile) -> None:
    """HostFileError for a file that its owner has made read-only: a replacement would ignore that permission."""
    if host_file.raw is not None and not (host_file.mode & stat.S_IWUSR and os.access(host_file.path, os.W_OK)):
        raise HostFileError(
            f"{host_file.path} is read-only, so nothing is written.",
            next_step=f"Allow writing it (chmod u+w {shlex.quote(str(host_file.path))}), "
            "or change it where it comes from.",
        )


def is_open_with_key(host_file: HostFile, keys: Collection[str]) -> bool:
    """Whether other users of this machine may read a file that holds keys."""
    return bool(keys) and host_file.raw is not None and is_mode_open_to_others(host_file.mode)


def protect(host_file: HostFile) -> HostFile:
    """Make the file readable for its owner alone. HostFileError if its permissions cannot be changed."""
    try:
        host_file.path.chmod(host_file.mode & ~_OTHERS)
    except OSError as error:
        raise HostFileError(f"{host_file.path} cannot be protected: {error.strerror}.") from None
    return replace(host_file, mode=host_file.mode & ~_OTHERS)


def replace_host_file(host_file: HostFile, text: str, *, copy: str | None, now: datetime) -> Path | None:
    """Replace the file's text atomically, and return the path of the backup, whose text is `copy`; None for none.

    HostFileError if the file cannot be written, OperatorError if it has changed since it was read.
    """
    check_writable(host_file)
    try:
        host_file.path.parent.mkdir(parents=True, exist_ok=True)
        new = _write_beside(host_file, text)
        try:
            _check_unchanged(host_file)
            backup = None if copy is None else _write_backup(host_file, copy, now)
            new.replace(host_file.path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise HostFileError(f"{host_file.path} cannot be written: {error.strerror}.") from None
    return backup


def _write_beside(host_file: HostFile, text: str) -> Path:
    """Write the new text to a temporary file beside the old one, synced to disk, with the old one's permissions."""
    with tempfile.NamedTemporaryFile(
        dir=host_file.path.parent, prefix=f".{host_file.path.name}.", delete=False
    ) as file:
        file.write(host_file.begins + text.encode())
        file.flush()
        os.fsync(file.fileno())
    new = Path(file.name)
    new.chmod(host_file.mode)
    return new


def read_backups(host_file: HostFile) -> Iterator[tuple[Path, str]]:
    """The file's backups with their texts, newest first, without those that cannot be read."""
    for path in sorted(
        host_file.path.parent.glob(f"{_escape_pattern(host_file.path.name)}.taskhand-*.bak"), reverse=True
    ):
        with suppress(OSError, UnicodeDecodeError):
            yield path, path.read_bytes().removeprefix(host_file.begins).decode()


def _write_backup(host_file: HostFile, text: str, now: datetime) -> Path | None:
    """Write a backup beside the file. Only the user may read it: it may hold keys of other servers."""
    if host_file.raw is None:
        return None
    for number in range(1_000):
        more = f"-{number}" if number else ""
        copy = host_file.path.with_name(f"{host_file.path.name}.taskhand-{now:%Y%m%d-%H%M%S}{more}.bak")
        with suppress(FileExistsError):
            descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), _OWN)
            with os.fdopen(descriptor, "wb") as file:
                file.write(host_file.begins + text.encode())
            return copy
    raise FileExistsError(17, "it has too many backups from this second")


def _check_unchanged(host_file: HostFile) -> None:
    """Refuse to overwrite a file that has changed since it was read: hosts write these files too."""
    now = host_file.path.read_bytes() if host_file.path.exists() else None
    if now != host_file.raw:
        raise OperatorError(
            f"{host_file.path} has changed meanwhile, so nothing is written.", next_step="Run it again."
        )


def _escape_pattern(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)
