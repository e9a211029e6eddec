"""The configuration file, `taskhand.toml`. A key is the setting's variable in lower case.

Variables that begin with TASKHAND_ are at the top without that prefix, those of a CRM in a table of its name:

    backend = "vambe"
    plan_over = 20

    [vambe]
    api_key = "..."

A table `[connections.NAME]` is a CRM account of its own, with its own keys.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from taskhand.backends.factory import SettingKind
from taskhand.backends.registry import FACTORIES
from taskhand.config.connection_settings import TABLES
from taskhand.config.environment_variables import FILE_VARIABLES, VARIABLES
from taskhand.config.paths import is_mode_open_to_others
from taskhand.config.settings import FIELDS, Settings
from taskhand.domain.errors import Candidate, OperatorError

if TYPE_CHECKING:
    from taskhand.config.connection_tables import ConnectionTable

__all__ = ["SettingsFile", "parse_settings", "read_settings_file", "setting_key"]

_TABLES: Final = frozenset(factory.name for factory in FACTORIES if factory.settings.model_fields)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The values of the configuration file at `path`, by variable; `exists` is whether it is on disk.

    `open_to_others` says whether other users of this machine may read it; `tables` are its connections.
    """

    path: Path
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    exists: bool = True
    open_to_others: bool = False
    tables: "tuple[ConnectionTable, ...]" = ()


def read_settings_file(path: Path, *, must_exist: bool) -> SettingsFile:
    """Read the file. OperatorError if it cannot be read, is not TOML, or has an unknown key.

    A missing file gives no values, unless it `must_exist`.
    """
    try:
        with path.open("rb") as file:
            raw, mode = file.read(), os.fstat(file.fileno()).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise _unreadable(path, "is not there") from None
        return SettingsFile(path, exists=False)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from None
    return parse_settings(raw, path, open_to_others=is_mode_open_to_others(mode))


def parse_settings(raw: bytes, path: Path, *, open_to_others: bool = False) -> SettingsFile:
    """The file at `path` with these bytes. OperatorError as in `read_settings_file`."""
    parsed = _parse(raw, path)
    tables = _tables(parsed.pop(TABLES), path) if TABLES in parsed else ()
    return SettingsFile(path, _values(parsed, path), open_to_others=open_to_others, tables=tables)


def setting_key(variable: str) -> str:
    """The key of a setting in the file, with its table before a dot: `plan_over`, `vambe.api_key`."""
    table, _, name = variable.lower().partition("_")
    return f"{table}.{name}" if table in _TABLES else name


_VARIABLES: Final = {
    setting_key(name): name for name in (*sorted(VARIABLES), *sorted(FILE_VARIABLES)) if name != "TASKHAND_CONFIG"
}
_LISTS: Final = frozenset(Settings.variable(name) for name in FIELDS if Settings.is_kind(name, SettingKind.COMMA_LIST))
"""The variables with comma-separated values, which may be arrays in the file."""


def _nearest_keys(key: str) -> list[str]:
    """At most two known keys similar to an unknown one: by prefix, by spelling, or by the last word."""
    table, _, word = key.lower().rpartition(".")
    spelled = {variable.lower(): own for own, variable in _VARIABLES.items()} | {own: own for own in _VARIABLES}
    close = [spelled[match] for match in get_close_matches(key.lower(), spelled, n=1, cutoff=0.75)]
    same = [own for own in _VARIABLES if own.rpartition(".")[2] == word]
    longer = [own for own in _VARIABLES if table and own.startswith(f"{table}.") and word in own]
    return list(dict.fromkeys([*longer, *close, *same]))[:2]


def _unreadable(path: Path, why: str) -> OperatorError:
    return OperatorError(
        f"The configuration file {path} {why}.", next_step="Correct it, or set TASKHAND_CONFIG to another file."
    )


def _parse(raw: bytes, path: Path) -> dict[str, Any]:
    from taskhand.config.toml_file import parse_toml_file  # noqa: PLC0415  needed only if there is a file

    return parse_toml_file(raw, lambda why: _unreadable(path, why))


def _tables(content: object, path: Path) -> "tuple[ConnectionTable, ...]":
    from taskhand.config.connection_tables import read_tables  # noqa: PLC0415  most files have no such table

    return read_tables(content, path, lambda key, value, variable: _text(key, value, path, variable))


def _values(parsed: Mapping[str, Any], path: Path) -> dict[str, str]:
    rows = list(_rows(parsed))
    if unknown := [key for key, _ in rows if key not in _VARIABLES]:
        raise _unknown_settings_error(unknown, path)
    texts = {_VARIABLES[key]: _text(key, value, path, _VARIABLES[key]) for key, value in rows}
    return {variable: text for variable, text in texts.items() if text}


def _rows(parsed: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every key, with its table before a dot, and its value."""
    for key, value in parsed.items():
        if key in _TABLES and isinstance(value, dict):
            yield from ((f"{key}.{inner}", inner_value) for inner, inner_value in value.items())
        else:
            yield key, value


def _unknown_settings_error(keys: list[str], path: Path) -> OperatorError:
    near = {key: _nearest_keys(key) for key in keys}
    named = [f"{key[:60]!r}" + (f" (perhaps {' or '.join(near[key])})" if near[key] else "") for key in keys]
    return OperatorError(
        f"The configuration file {path} has unknown settings: {', '.join(named)}.",
        candidates=[Candidate(near_key) for key in keys for near_key in near[key]],
        next_step="Correct or remove them. A key is the variable in lower case without TASKHAND_; "
        "the keys of a CRM are in its table, such as api_key in [vambe].",
    )


def _text(key: str, value: object, path: Path, variable: str) -> str:
    """The value as text, as a variable would hold it.

    OperatorError for a table or a wrong list.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value).strip()
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case list() if variable in _LISTS and all(isinstance(item, str) for item in value):
            return ",".join(value)
    kind = "a table" if isinstance(value, dict) else "a list"
    raise OperatorError(f"{key} in {path} is {kind}; it must be a single value.")
