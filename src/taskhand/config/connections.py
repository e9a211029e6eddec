"""The CRM accounts that the configuration names."""

from dataclasses import dataclass
from typing import Final

from taskhand.config.settings import Settings

__all__ = ["DEFAULT_CONNECTION", "ConnectionSettings"]

DEFAULT_CONNECTION: Final = "default"
"""The connection that variables outside of any connection's table describe."""


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """One CRM account: the settings that it is opened with, and what it is, in the operator's words."""

    name: str
    settings: Settings
    description: str | None = None
