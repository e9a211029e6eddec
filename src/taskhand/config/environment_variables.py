"""The environment variables of the settings: their names, which of them hold credentials, and descriptions."""

from typing import TYPE_CHECKING

from taskhand.backends.factory import is_secret
from taskhand.config.credentials import FILE_SUFFIX
from taskhand.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

__all__ = ["FILE_VARIABLES", "SECRETS", "VARIABLES", "describe_variable", "is_secret_variable"]

_FIELDS: "Mapping[str, FieldInfo]" = {str(field.alias): field for field in Settings.model_fields.values()}

VARIABLES = frozenset(_FIELDS)
"""The names of all variables."""

SECRETS = frozenset(name for name, field in _FIELDS.items() if is_secret(field))
"""The variables whose values must not be shown."""

FILE_VARIABLES = frozenset(f"{name}{FILE_SUFFIX}" for name in SECRETS)
"""The variables that name the file of a credential."""


def is_secret_variable(variable: str) -> bool:
    """Whether the value of a variable must not be shown."""
    return variable in SECRETS


def describe_variable(variable: str) -> str:
    """The description of a variable, as plain text. KeyError for an unknown one."""
    return (_FIELDS[variable].description or "").replace("`", "")
