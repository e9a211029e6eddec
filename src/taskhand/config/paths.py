"""Paths as people and hosts write them, with `~`, `$HOME` or `%APPDATA%`; the user's folders; permissions of files."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from taskhand.config.placeholders import clean_value
from taskhand.domain.errors import OperatorError

__all__ = [
    "config_folder",
    "data_folder",
    "expand_path",
    "home_folder",
    "is_mode_open_to_others",
    "is_writable_by_others",
]

_VARIABLE: Final = r"\$\{(?:env:)?(\w+)\}|\$(?:env:)?([A-Za-z_]\w*)|%([A-Za-z_]\w*)%"
_READ_BY_OTHERS: Final = 0o044
_WRITTEN_BY_OTHERS: Final = 0o022
_LEFT_OVER: Final = r"`|\A\w{2,}:/|\$[{(]|\{\{|\}\}|[<>\"]|%[A-Za-z_]\w*%|\A'|'\Z"


def expand_path(name: str, path: Path | str, environ: Mapping[str, str] | None = None) -> Path:
    """The path with `~` and variables replaced.

    OperatorError names the setting (`name`) for an unset variable and for any other placeholder, so that no file or
    folder gets such a name.
    """
    values = os.environ if environ is None else environ

    def value_of(match: re.Match[str]) -> str:
        variable = match[1] or match[2] or match[3]
        value = values.get(variable, "").strip()
        if value and not re.search(_VARIABLE, value):
            return value
        raise _refused_path_error(name, f"contains the variable {variable}, which has no value")

    expanded = re.sub(_VARIABLE, value_of, clean_value(str(path)))
    if re.search(_LEFT_OVER, expanded):
        raise _refused_path_error(name, "contains a placeholder, quotes, or characters that are not allowed in a path")
    if os.name != "nt" and re.match(r"[A-Za-z]:[\\/]", expanded):
        raise _refused_path_error(name, "is a Windows path, and this system is not Windows")
    try:
        whole = Path(expanded).expanduser()
    except RuntimeError:
        raise _refused_path_error(name, "names the home folder of an unknown user") from None
    if "~" in whole.parts:
        raise _refused_path_error(name, "has ~ after its beginning, which is not a home folder there")
    return whole


def data_folder() -> Path:
    """The folder of the user's data. OperatorError for a user without a home folder."""
    from platformdirs import user_data_path  # noqa: PLC0415  most starts name their files

    with _home_needed():
        return user_data_path("taskhand", appauthor=False)


def config_folder() -> Path:
    """The folder of the user's settings. OperatorError for a user without a home folder."""
    from platformdirs import user_config_path  # noqa: PLC0415  not needed if TASKHAND_CONFIG is set

    with _home_needed():
        return user_config_path("taskhand", appauthor=False)


def home_folder() -> Path:
    """The user's home folder. OperatorError for a user without one."""
    with _home_needed():
        # HOME, unless it is not absolute: then the folder in the user database, as for the folders above.
        if os.name != "nt" and not os.path.isabs(os.environ.get("HOME", os.sep)):  # noqa: PTH117  it may be empty
            return Path(f"~{_user_name()}").expanduser()
        return Path.home()


def _user_name() -> str:
    """The user's name in the system's user database. RuntimeError if the user is not in it."""
    import pwd  # noqa: PLC0415  POSIX only

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise RuntimeError from None


@contextmanager
def _home_needed() -> Iterator[None]:
    """The error for a user without a home folder, in HOME or in the system's user database."""
    try:
        yield
    except RuntimeError:
        raise OperatorError(
            "This user has no home folder for the files.",
            next_step="Set HOME to a folder of this user's, or name the files themselves: TASKHAND_DB and "
            "TASKHAND_JOURNAL, or --file of `taskhand install`.",
        ) from None


def is_mode_open_to_others(mode: int) -> bool:
    """Whether other users of this machine may read a file of this mode."""
    return os.name == "posix" and bool(mode & _READ_BY_OTHERS)


def is_writable_by_others(mode: int) -> bool:
    """Whether other users of this machine may write a file of this mode."""
    return os.name == "posix" and bool(mode & _WRITTEN_BY_OTHERS)


def _refused_path_error(name: str, why: str) -> OperatorError:
    return OperatorError(f"{name} {why}.", next_step=f"Write the whole path into {name}.")
