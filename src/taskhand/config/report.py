"""The effective settings, and where each value comes from.

By precedence: a flag of the command line, an environment variable, the configuration file, the default.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

from pydantic import SecretStr

from taskhand.backends.registry import FACTORIES, find_factory
from taskhand.config.credentials import MARK
from taskhand.config.file import SettingsFile, key_of, read_settings_file
from taskhand.config.settings import Settings, read_environment
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

__all__ = ["DEFAULT", "Configuration", "Origin", "load_configuration"]

_PREFIXES: Final = tuple(factory.prefix for factory in FACTORIES if factory.settings.model_fields)
_NEARLY: Final = 0.85
"""How similar to a setting a variable of a CRM must be to be reported: other programs use such variables too."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: the `name` of the flag, variable or key, and the `file` of a key."""

    kind: Literal["flag", "environment", "file", "default"]
    name: str = ""
    file: Path | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.name}" if self.file else self.name
        return f"{self.kind} {where}".rstrip()


DEFAULT: Final = Origin("default")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, the origin of each by field name, the configuration file, and warnings about them."""

    settings: Settings
    origins: Mapping[str, Origin]
    file: SettingsFile
    warnings: tuple[CheckResult, ...] = ()

    def display_value(self, name: str) -> str | None:
        """The value of a setting as text to show; "set" for a secret, None where there is no value."""
        value = getattr(self.settings, name)
        if value is None:
            return None
        if isinstance(value, SecretStr):
            return "set"
        if isinstance(value, bool):
            return str(value).lower()
        return _without_password(str(value))

    @property
    def why(self) -> str:
        """Why this backend is chosen. OperatorError where none can be."""
        backend = self.settings.backend
        if self.settings.chosen_backend:
            return f"chosen by {self.origins['chosen_backend']}"
        given = [name for name in find_factory(backend).credentials if name in self.origins]
        reasons = [f"{Settings.variable(name)} is set ({self.origins[name]})" for name in given]
        return " and ".join(reasons) or "no credential of a CRM is set"


def load_configuration(environ: Mapping[str, str], flags: Mapping[str, object]) -> Configuration:
    """The effective configuration. A flag that is None was not given.

    OperatorError names the variable, or the key and the file, of an invalid value.
    """
    variables = read_environment(environ)
    file = _file(variables.get("TASKHAND_CONFIG"))
    typed = {Settings.variable(name): (f"--{name}", value) for name, value in flags.items() if value is not None}
    settings = Settings.of(
        {**file.values, **variables, **{variable: value for variable, (_, value) in typed.items()}},
        {name: f"{key_of(name)} in {file.path}" for name in file.values if name not in {*variables, *typed}},
    )
    origins: dict[str, Origin] = {}
    for name in Settings.model_fields:
        variable = Settings.variable(name)
        if variable in typed:
            origins[name] = Origin("flag", typed[variable][0])
        elif variable in variables:
            origins[name] = Origin("environment", variable)
        elif variable in file.values:
            origins[name] = Origin("file", key_of(variable), file.path)
    warnings = (*_typos(environ), *_open_secrets(origins, file))
    return Configuration(settings, origins, file, warnings)


def _file(given: object) -> SettingsFile:
    """The file that TASKHAND_CONFIG names, or `taskhand.toml` in the user's configuration folder."""
    if given is None:
        from platformdirs import user_config_path  # noqa: PLC0415  needed only where TASKHAND_CONFIG is not set

        return read_settings_file(user_config_path("taskhand", appauthor=False) / "taskhand.toml", must_exist=False)
    try:
        path = Path(str(given)).expanduser()
    except RuntimeError:
        raise OperatorError(f"TASKHAND_CONFIG {given} names the home folder of an unknown user.") from None
    return read_settings_file(path, must_exist=True)


def _typos(environ: Mapping[str, str]) -> Iterable[CheckResult]:
    """Warnings about variables that look like settings but are unknown. Their values are not shown."""
    known = [Settings.variable(name) for name in Settings.model_fields]
    for name in sorted(environ):
        ours = name.startswith("TASKHAND_")
        if name in known or not environ[name].strip() or not (ours or name.startswith(_PREFIXES)):
            continue
        near = get_close_matches(name, known, n=1, cutoff=0.6 if ours else _NEARLY)
        if ours or near:
            remedy = f"Rename it to {near[0]}" if near else "Correct its name"
            yield CheckResult(
                "configuration", "warning", f"{name[:60]} is an unknown setting.", f"{remedy}, or unset it."
            )


def _open_secrets(origins: Mapping[str, Origin], file: SettingsFile) -> Iterable[CheckResult]:
    """A warning where other users can read a secret in the file. A reference to the keyring is no secret."""
    held = [
        origin.name
        for name, origin in origins.items()
        if origin.file and Settings.is_secret(name) and not file.values[Settings.variable(name)].startswith(MARK)
    ]
    if held and file.open_to_others:
        found = f"{file.path} holds {', '.join(held)}, and other users of this machine can read it."
        yield CheckResult("configuration", "warning", found, f"Run: chmod 600 {file.path}")


def _without_password(text: str) -> str:
    """A URL with its user and password masked; any other text unchanged."""
    return re.sub(r"://.*@", "://***@", text)
