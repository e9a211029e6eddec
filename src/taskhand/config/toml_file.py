"""A TOML file: its content, its permissions, and how errors name its keys and values."""

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskhand.config.paths import is_writable_by_others
from taskhand.domain.errors import OperatorError

__all__ = ["TomlFile", "describe_kind", "parse_toml_file", "quoted_key", "read_toml_file"]


@dataclass(frozen=True, slots=True)
class TomlFile:
    """The content of the file at `path`; `exists` is whether it is on disk.

    `writable_by_others` says whether other users of this machine may write it.
    """

    path: Path
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)
    exists: bool = True
    writable_by_others: bool = False


def read_toml_file(path: Path, noun: str, variable: str, *, must_exist: bool) -> TomlFile:
    """Read the file; errors use `noun` (its name for people) and the `variable` that sets its path.

    OperatorError if it cannot be read or is not TOML. A missing file has no content, unless it `must_exist`.
    """

    def unreadable(why: str) -> OperatorError:
        return OperatorError(f"The {noun} {path} {why}.", next_step=f"Correct it, or set {variable} to another file.")

    try:
        with path.open("rb") as file:
            raw, mode = file.read(), os.fstat(file.fileno()).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise unreadable("is not there") from None
        return TomlFile(path, exists=False)
    except OSError as error:
        raise unreadable(f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise unreadable("has a name that no file can have") from None
    return TomlFile(path, parse_toml_file(raw, unreadable), writable_by_others=is_writable_by_others(mode))


def parse_toml_file(raw: bytes, unreadable: Callable[[str], OperatorError]) -> dict[str, Any]:
    """Parse the content of a file; raises the error that `unreadable` makes of the reason if it is not TOML."""
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise unreadable("is not UTF-8") from None
    except ValueError as error:  # a number with thousands of digits raises ValueError, not TOMLDecodeError
        raise unreadable(f"is not TOML: {error}") from None
    except RecursionError:
        raise unreadable("is not TOML: it is nested too deeply") from None


def quoted_key(name: str) -> str:
    """The key as written in TOML, in quotes if it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def describe_kind(value: object) -> str:
    """The type of a value, in words."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)[:40]
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a date or time"
