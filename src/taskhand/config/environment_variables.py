"""The environment variables of the settings: their names, which hold credentials, and their values, also in files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from taskhand.backends.factory import SettingKind, is_secret
from taskhand.config.credentials import FILE_SUFFIX, REFERENCES, read_credential_file
from taskhand.config.paths import expand_path
from taskhand.config.placeholders import clean_value, find_flaw
from taskhand.config.settings import FIELDS
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = [
    "FILE_VARIABLES",
    "SECRETS",
    "VARIABLES",
    "Variables",
    "describe_variable",
    "is_required_variable",
    "is_secret_variable",
    "read_variables",
]

_FIELDS: "Mapping[str, FieldInfo]" = {str(field.alias): field for field in FIELDS.values()}

VARIABLES = frozenset(_FIELDS)
"""The names of all variables."""

SECRETS = frozenset(name for name, field in _FIELDS.items() if is_secret(field))
"""The variables whose values must not be shown."""

FILE_VARIABLES = frozenset(f"{name}{FILE_SUFFIX}" for name in SECRETS)
"""The variables that name the file of a credential."""


@dataclass(frozen=True, slots=True)
class Variables:
    """The values of settings by variable.

    `names` has the names of values that were given under another name, `files` the files that values were read from.
    """

    values: Mapping[str, str] = field(repr=False)
    names: Mapping[str, str]
    files: Mapping[str, Path]


def read_variables(environ: Mapping[str, str]) -> Variables:
    """The settings in an environment or a file, by variable; a blank one counts as not set.

    The variable NAME_FILE may name a file with the credential, as container platforms provide it. If that file cannot
    be read, the value is a reference to it. OperatorError if NAME is set too.
    """
    files = {f"{variable}{FILE_SUFFIX}": variable for variable in SECRETS}
    values = {
        name: value
        for name, text in environ.items()
        if (name in VARIABLES or name in files) and (value := clean_value(text))
    }
    names: dict[str, str] = {}
    paths: dict[str, Path] = {}
    for name in sorted(values.keys() & files.keys()):
        variable, path = files[name], values.pop(name)
        given = values.get(variable, "")
        if given.startswith(REFERENCES) or (given and find_flaw(given, variable, is_secret=True) is None):
            raise OperatorError(f"{variable} and {name} are both set.", next_step="Unset one of them.")
        names[variable] = name
        try:
            values[variable] = read_credential_file(name, path)
            paths[variable] = expand_path(name, path)
        except OperatorError:
            values[variable] = f"file:{path}"
    return Variables(values, names, paths)


def is_secret_variable(variable: str) -> bool:
    """Whether the value of a variable must not be shown."""
    return variable in SECRETS


def describe_variable(variable: str) -> str:
    """The description of a variable, as plain text. KeyError for an unknown one."""
    return (_FIELDS[variable].description or "").replace("`", "")


def is_required_variable(variable: str) -> bool:
    """Whether a backend cannot be used without the variable, and its value may be shown."""
    return SettingKind.REQUIRED in _FIELDS[variable].metadata
