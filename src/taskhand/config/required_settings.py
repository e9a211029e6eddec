"""What a backend must be told before it works, out of all that can be configured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from taskhand.config.settings import BackendName, Settings

__all__ = ["NEEDS", "SECRETS", "VARIABLES", "Need", "is_secret", "meaning"]


@dataclass(frozen=True, slots=True)
class Need:
    """A variable that a backend cannot do without, or is better for having."""

    variable: str
    required: bool = False


NEEDS: Mapping[BackendName, Sequence[Need]] = {
    "local": (),
    "vambe": (Need("VAMBE_API_KEY", required=True), Need("VAMBE_USER_ID")),
    "close": (Need("CLOSE_API_KEY", required=True), Need("TASKHAND_TIMEZONE")),
    "hubspot": (Need("HUBSPOT_ACCESS_TOKEN", required=True), Need("TASKHAND_TIMEZONE")),
}
"""What to ask whoever sets a backend up, in this order."""

_FIELDS: Mapping[str, FieldInfo] = {str(field.alias): field for field in Settings.model_fields.values()}

VARIABLES = frozenset(_FIELDS)
"""Everything that can be configured."""


def is_secret(variable: str) -> bool:
    """Whether the value of a variable must not be shown."""
    field = _FIELDS.get(variable)
    return field is not None and SecretStr in (field.annotation, *get_args(field.annotation))


SECRETS = frozenset(filter(is_secret, VARIABLES))
"""Those whose values must not be shown."""


def meaning(variable: str) -> str:
    """What a variable means, as plain text. KeyError for one that is not configured with."""
    return (_FIELDS[variable].description or "").replace("`", "")
