"""The CRM accounts that the configuration names, and where each of their settings comes from."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from taskhand.backends.registry import find_factory
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError

__all__ = ["DEFAULT", "DEFAULT_CONNECTION", "TABLES", "ConnectionSettings", "SettingOrigin"]

TABLES: Final = "connections"
"""The configuration file's table of connections."""

DEFAULT_CONNECTION: Final = "default"
"""The connection of the settings outside of the connections' tables."""


@dataclass(frozen=True, slots=True)
class SettingOrigin:
    """The source of a value: the `name` of the flag, variable or key, and the `file` of a key.

    `reference` is the text that refers to a secret, such as `keyring:NAME`; None for the value itself.
    """

    kind: Literal["flag", "environment", "file", "default"]
    name: str = ""
    file: Path | None = None
    reference: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.name}" if self.file else self.name
        return f"{self.kind} {where}{f' ({self.reference})' if self.reference else ''}".rstrip()

    @property
    def called(self) -> str:
        """The name of the setting in errors."""
        return f"{self.name} in {self.file}" if self.file else self.name


DEFAULT: Final = SettingOrigin("default")


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """One CRM account: its settings, and the operator's description of it.

    `origins` has, by field name, the origin of each setting that is not a default; `keys` has the names of settings
    that are not set by their variables. `name_in_files` is its name in people.toml, None for the only one.
    """

    name: str
    settings: Settings
    description: str | None = None
    origins: Mapping[str, SettingOrigin] = field(default_factory=dict, repr=False)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    name_in_files: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "ConnectionSettings":
        """The only connection, which has these settings."""
        return cls(DEFAULT_CONNECTION, settings)

    @property
    def credentials(self) -> Iterator[str]:
        """The origin of each credential that is set: a reference, a variable, or a key of the file."""
        for name in find_factory(self.settings.backend).credentials:
            if self.settings.value(name) is not None:
                origin = self.origins.get(name, DEFAULT)
                yield origin.reference or origin.called

    def is_shared(self, credential: str) -> bool:
        """Whether a text is this connection's shared credential."""
        kept = map(self.settings.value, find_factory(self.settings.backend).credentials)
        return credential in [secret.get_secret_value() for secret in kept if secret is not None]

    def setting_names(self, fields: Iterable[str]) -> list[str]:
        """The names of fields of Settings for the operator of this connection: keys of its table, or variables."""
        return [self.keys.get(variable, variable) for variable in map(Settings.variable, fields)]

    def reword(self, error: OperatorError) -> OperatorError:
        """A copy of the error in this connection's own words."""
        message, step = map(self.in_own_words, (error.message, error.next_step or ""))
        return error.but(message=message, next_step=step or None)

    def in_own_words(self, text: str) -> str:
        """The text with this connection's keys in place of variables, which a table does not use."""
        if not self.keys:
            return text
        return re.sub(rf"\b(?:{'|'.join(self.keys)})\b", lambda match: self.keys[match[0]], text)
