"""Edits of the configuration file by commands; everything else in it stays unchanged."""

import os
from datetime import datetime

from taskhand.cli.terminal import print_line
from taskhand.config.effective_settings import find_settings_path
from taskhand.config.paths import is_mode_open_to_others
from taskhand.domain.errors import OperatorError
from taskhand.install.host_file import HostFile, check_writable, protect, read_host_file, replace_host_file

__all__ = ["open_settings_file", "uneditable_error", "write_settings_file"]


def open_settings_file() -> HostFile:
    """The configuration file, which may be missing. OperatorError if it cannot be read or written."""
    file = read_host_file(find_settings_path(os.environ))
    check_writable(file)
    return file


def write_settings_file(file: HostFile, text: str, *, holds_secret: bool) -> None:
    """Write the file; other users may not read it if it now holds a secret."""
    if holds_secret and file.raw is not None and is_mode_open_to_others(file.mode):
        file = protect(file)
        print_line(f"Only you can read {file.path} now. It holds a secret, and others could read it before.")
    replace_host_file(file, text, copy=None, now=datetime.now().astimezone())


def uneditable_error(file: HostFile, error: ValueError) -> OperatorError:
    """The error for a file whose form does not allow the edit."""
    return OperatorError(
        f"{file.path} cannot be changed ({error}), so nothing is written.",
        next_step="Correct the file by hand, or edit its tables [connections.NAME] yourself.",
    )
