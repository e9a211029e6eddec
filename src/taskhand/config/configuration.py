"""The effective settings, and where each value comes from.

By precedence: a flag of the command line, an environment variable, the configuration file, the default.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

from pydantic import SecretStr

from taskhand.backends.registry import FACTORIES, find_factory
from taskhand.config.connections import DEFAULT_CONNECTION, ConnectionSettings
from taskhand.config.credentials import FILE_SUFFIX, REFERENCES
from taskhand.config.file import SettingsFile, key_of, read_settings_file
from taskhand.config.paths import config_folder, expand_path, is_open_to_others
from taskhand.config.settings import Note, Settings, Variables, find_usable, read_variables
from taskhand.config.unknown_variables import find_misnomers
from taskhand.config.variables import FILE_VARIABLES, VARIABLES
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

__all__ = ["DEFAULT", "Configuration", "Origin", "load_configuration"]

_PREFIXES: Final = tuple(factory.prefix for factory in FACTORIES if factory.settings.model_fields)
_FIELD_NAMES: Final = {Settings.variable(name): name for name in Settings.model_fields}
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

    @property
    def connections(self) -> tuple[ConnectionSettings, ...]:
        """The CRM accounts, in the order of the file; at least one."""
        return (ConnectionSettings(DEFAULT_CONNECTION, self.settings),)

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
    variables = read_variables(environ)
    file = _file(variables.values.get("TASKHAND_CONFIG"), environ)
    flagged = {Settings.variable(name): name for name, value in flags.items() if value is not None}
    merged = _Merged(environ)
    merged.add(
        Variables({variable: str(flags[name]) for variable, name in flagged.items()}, {}, {}),
        lambda name: Origin("flag", name),
    )
    merged.add(variables, lambda name: Origin("environment", name))
    rest = {name: text for name, text in file.values.items() if name.removesuffix(FILE_SUFFIX) not in merged.values}
    merged.add(read_variables(rest), lambda name: Origin("file", key_of(name), file.path))
    settings = Settings.of(merged.values, merged.called).with_notes(merged.notes)
    settings = settings.with_notes(_misnomers(environ, settings, merged.referenced))
    origins = {_FIELD_NAMES[variable]: origin for variable, origin in merged.origins.items()}
    origins |= {name: Origin("flag", f"--{name}") for name in flagged.values()}
    notes = [CheckResult("configuration", "warning", note.found, note.remedy) for note in settings.notes]
    warnings = (
        *notes,
        *_typos(environ, notes, merged.referenced),
        *_settings_without_crm(settings, origins),
        *_open_secrets(origins, file),
        *_open_files(merged.files, merged.origins),
    )
    return Configuration(settings, origins, file, warnings)


@dataclass(slots=True)
class _Merged:
    """The values of several sources: of each setting the first that can be used, with its origin."""

    environ: Mapping[str, str] = field(repr=False)
    values: dict[str, object] = field(default_factory=dict, repr=False)
    origins: dict[str, Origin] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    referenced: set[str] = field(default_factory=set)

    @property
    def called(self) -> dict[str, str]:
        """What a setting is called in an error: its variable, or its key and the file."""
        kept = {variable: origin for variable, origin in self.origins.items() if origin.kind != "flag"}
        return {variable: _called(origin) for variable, origin in kept.items()}

    def add(self, given: Variables, origin_of: Callable[[str], Origin]) -> None:
        """Add what no earlier source has; a placeholder counts as not set, with a note."""
        rest = {variable: value for variable, value in given.values.items() if variable not in self.values}
        origins = {variable: origin_of(given.names.get(variable, variable)) for variable in rest}
        called = {variable: _called(origin) for variable, origin in origins.items()}
        usable = find_usable(rest, called, self.environ)
        self.values |= usable.values
        self.origins |= {variable: origins[variable] for variable in usable.values}
        self.notes += usable.notes
        self.files |= {name: path for name, path in {**given.files, **usable.files}.items() if name in usable.values}
        self.referenced |= usable.referenced


def _called(origin: Origin) -> str:
    return f"{origin.name} in {origin.file}" if origin.file else origin.name


def _file(given: str | None, environ: Mapping[str, str]) -> SettingsFile:
    """The file that TASKHAND_CONFIG names, or `taskhand.toml` in the user's configuration folder."""
    if given is None:
        try:
            folder = config_folder()
        except OperatorError:  # a user without a home folder has no such file
            return SettingsFile(Path("~", "taskhand.toml"), there=False)
        return read_settings_file(folder / "taskhand.toml", must_exist=False)
    return read_settings_file(expand_path("TASKHAND_CONFIG", given, environ), must_exist=True)


def _misnomers(environ: Mapping[str, str], settings: Settings, referenced: Collection[str]) -> list[Note]:
    """Notes about variables that may be meant as the missing credential: of the chosen CRM, else of any."""
    known = VARIABLES | FILE_VARIABLES | {*referenced}
    chosen = [find_factory(settings.chosen_backend)] if settings.chosen_backend else FACTORIES
    needing = [factory for factory in chosen if factory.credentials]
    if not all(map(settings.lacks_credential, needing)):
        return []
    return [note for factory in needing for note in find_misnomers(environ, factory, known)]


def _typos(
    environ: Mapping[str, str], notes: Iterable[CheckResult], referenced: Collection[str]
) -> Iterable[CheckResult]:
    """Warnings about variables that look like settings but are unknown, and to which no setting refers.

    Their values are not shown.
    """
    told = " ".join(note.found for note in notes).split()
    for name in sorted(environ):
        ours = name.upper().startswith("TASKHAND_")
        if name in VARIABLES | FILE_VARIABLES or name in told or name in referenced or not environ[name].strip():
            continue
        if not ours and not name.startswith(_PREFIXES):
            continue
        near = get_close_matches(name.upper(), sorted(VARIABLES), n=1, cutoff=0.6 if ours else _NEARLY)
        if ours or near:
            remedy = f"Rename it to {near[0]}" if near else "Correct its name"
            yield CheckResult(
                "configuration", "warning", f"{name[:60]} is an unknown setting.", f"{remedy}, or unset it."
            )


def _open_secrets(origins: Mapping[str, Origin], file: SettingsFile) -> Iterable[CheckResult]:
    """A warning where other users can read a secret in the file. A reference is no secret."""
    held = [
        origin.name
        for name, origin in origins.items()
        if origin.file
        and Settings.is_secret(name)
        and not file.values.get(Settings.variable(name), REFERENCES[0]).startswith(REFERENCES)
    ]
    if held and file.open_to_others:
        found = f"{file.path} holds {', '.join(held)}, and other users of this machine can read it."
        yield CheckResult("configuration", "warning", found, f"Run: chmod 600 {file.path}")


def _open_files(files: Mapping[str, Path], origins: Mapping[str, Origin]) -> Iterable[CheckResult]:
    """A warning for each used file of a credential that is this user's and that other users can read.

    A file of another owner, as container platforms mount them, cannot be protected from here.
    """
    if not files:
        return
    import shlex  # noqa: PLC0415  most starts need none

    for variable, path in files.items():
        if _is_own_and_open(path):
            found = f"The file that {_called(origins[variable])} names can be read by other users of this machine."
            yield CheckResult("configuration", "warning", found, f"Run: chmod 600 {shlex.quote(str(path))}")


def _is_own_and_open(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return is_open_to_others(status.st_mode) and status.st_uid == os.geteuid()


def _settings_without_crm(settings: Settings, origins: Mapping[str, Origin]) -> Iterable[CheckResult]:
    """A warning for each CRM that has settings while the embedded store is in use because nothing chooses a CRM.

    Where a note says what is wrong with the CRM's credential, that is said already.
    """
    crms = [factory for factory in FACTORIES if factory.credentials]
    if settings.chosen_backend or not all(map(settings.lacks_credential, crms)):
        return
    noted = {note.variable for note in settings.notes}
    for factory in crms:
        credentials = [Settings.variable(name) for name in factory.credentials]
        given = [_called(origins[name]) for name in factory.settings.model_fields if name in origins]
        if given and noted.isdisjoint(credentials):
            verb = "is" if len(given) == 1 else "are"
            found = f"{_joined(given, 'and')} {verb} set, but the backend is local."
            remedy = f"Set {_joined([*credentials, 'TASKHAND_BACKEND'], 'or')}."
            yield CheckResult("configuration", "warning", found, remedy)


def _joined(names: Sequence[str], word: str) -> str:
    """The names with commas, and the word before the last."""
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _without_password(text: str) -> str:
    """A URL with its user and password masked; any other text unchanged."""
    return re.sub(r"://.*@", "://***@", text)
