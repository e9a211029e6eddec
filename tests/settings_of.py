"""Settings by the names of their fields, of which none is unknown."""

from collections.abc import Mapping
from typing import Any

from taskhand.backends.registry import find_factory
from taskhand.config.settings import FIELDS, Settings

__all__ = ["required_variables", "settings_of"]


def settings_of(fields: Mapping[str, Any]) -> Settings:
    """The settings with these fields. `Settings` ignores an unknown name, and a test would not see that."""
    assert fields.keys() <= FIELDS.keys(), fields.keys() - FIELDS.keys()
    return Settings(**fields)


def required_variables(backend: str) -> dict[str, str]:
    """The variables that a backend needs besides the credential, with values of no account."""
    return {Settings.variable(name): "sandbox" for name in find_factory(backend).required}
