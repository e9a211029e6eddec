"""The effective settings, and where each value comes from.

By precedence: a flag of the command line, an environment variable, the configuration file, the default.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from taskhand.backends.registry import FACTORIES, find_factory
from taskhand.config.connection_settings import DEFAULT_CONNECTION, ConnectionSettings, SettingOrigin
from taskhand.config.environment_variables import Variables, read_variables
from taskhand.config.paths import config_folder, expand_path, is_mode_open_to_others
from taskhand.config.placeholders import clean_value
from taskhand.config.settings import FIELDS, SettingNote, Settings, find_usable_values, reference_in
from taskhand.config.settings_file import SettingsFile, read_settings_file, setting_key
from taskhand.config.unknown_variables import find_misnomers, find_typos
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import CallerError, Candidate, OperatorError

__all__ = ["Configuration", "find_settings_path", "load_configuration"]

_FIELD_NAMES: Final = {Settings.variable(name): name for name in FIELDS}


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, the origin of each by field name, the configuration file, and warnings about them.

    The settings are the server's and those of the connection `default`, if it exists.
    """

    settings: Settings
    origins: Mapping[str, SettingOrigin]
    file: SettingsFile
    warnings: tuple[CheckResult, ...] = ()
    named: tuple[ConnectionSettings, ...] = ()
    has_default: bool = True
    chosen: str | None = None

    @property
    def connections(self) -> tuple[ConnectionSettings, ...]:
        """The connections, at least one: `default`, then those of the file in file order.

        A `chosen` connection is the only one.
        """
        return tuple(connection for connection in self.all_connections if self.chosen in {None, connection.name})

    @property
    def connection_names(self) -> list[str]:
        """The names of all connections, chosen or not."""
        return [connection.name for connection in self.all_connections]

    @property
    def remark(self) -> str | None:
        """A note for people if the built-in store is used because a CRM's credential is invalid."""
        return None if self.named else self.settings.remark

    @property
    def all_connections(self) -> tuple[ConnectionSettings, ...]:
        """All connections, chosen or not."""
        default = ConnectionSettings(DEFAULT_CONNECTION, self.settings, origins=self.origins)
        connections = (default, *self.named) if self.has_default else self.named
        if len(connections) <= 1:
            return connections
        return tuple(replace(connection, name_in_files=connection.name) for connection in connections)

    def only(self, name: str) -> "Configuration":
        """The configuration of a server with only the connection of this name.

        CallerError with the candidates if it does not exist or another one is chosen.
        """
        if name.strip().lower() in self.connection_names:
            if self.chosen not in {None, name.strip().lower()}:
                raise CallerError(
                    f"Both {self.chosen} and {name.strip().lower()} are chosen, and they are two connections.",
                    next_step="Name one of them.",
                )
            return replace(self, chosen=name.strip().lower())
        names = self.connection_names
        raise CallerError(
            f"There is no connection {name[:60]!r}.",
            code="unknown_connection",
            candidates=[Candidate(connection.name, connection.description) for connection in self.all_connections],
            next_step=f"There {'are' if names[1:] else 'is'} {_join_names(names, 'and')}.",
        )

    @property
    def backend_reason(self) -> str:
        """The reason for the only connection's backend. OperatorError if none can be chosen."""
        [only] = self.connections
        backend = only.settings.backend
        if only.keys:
            return f"the connection {only.name} of {self.file.path}"
        if self.settings.chosen_backend:
            return f"chosen by {self.origins['chosen_backend']}"
        given = [name for name in find_factory(backend).credentials if name in self.origins]
        reasons = [f"{Settings.variable(name)} is set ({self.origins[name]})" for name in given]
        return " and ".join(reasons) or "no credential of a CRM is set"


def load_configuration(
    environ: Mapping[str, str], flags: Mapping[str, object], file: SettingsFile | None = None
) -> Configuration:
    """The effective configuration. A flag that is None was not given; `file` replaces the file on disk.

    OperatorError names the variable, or the key and the file, of an invalid value.
    """
    variables = read_variables(environ)
    file = file or _file(variables.values.get("TASKHAND_CONFIG"), environ)
    flagged = {Settings.variable(name): name for name, value in flags.items() if value is not None}
    merged = _Merged(environ)
    merged.add(
        Variables({variable: str(flags[name]) for variable, name in flagged.items()}, {}, {}),
        lambda name: SettingOrigin("flag", name),
    )
    merged.add(_outside_of_tables(variables, file), lambda name: SettingOrigin("environment", name))
    merged.add(read_variables(file.values), lambda name: SettingOrigin("file", setting_key(name), file.path))
    settings = Settings.of(merged.values, merged.called, environ).with_notes(merged.notes)
    origins = {_FIELD_NAMES[variable]: origin for variable, origin in merged.origins.items()}
    origins |= {name: SettingOrigin("flag", f"--{name}") for name in flagged.values()}
    named, has_default = _build_connections(settings, origins, file, merged) if file.tables else ((), True)
    if has_default:
        settings = settings.with_notes(find_misnomers(environ, settings, merged.referenced))
    all_notes = [*settings.notes, *(note for connection in named for note in connection.settings.notes)]
    notes = [CheckResult("configuration", "warning", note.found, note.remedy) for note in all_notes]
    warnings = (
        *notes,
        *find_typos(environ, notes, merged.referenced),
        *(_settings_without_crm(settings, origins) if has_default else _settings_without_use(origins)),
        *_warn_of_readable_secrets(origins, file, named),
        *_warn_of_readable_files(merged.files),
    )
    configuration = Configuration(settings, origins, file, warnings, named, has_default)
    return _mask_all_secrets(configuration) if named else configuration


def _outside_of_tables(variables: Variables, file: SettingsFile) -> Variables:
    """The variables that are not only those of a connection's table."""
    if not file.tables:
        return variables
    from taskhand.config.connection_tables import drop_table_secrets  # noqa: PLC0415  few files have tables

    return drop_table_secrets(variables, file)


def _build_connections(
    settings: Settings, origins: Mapping[str, SettingOrigin], file: SettingsFile, merged: "_Merged"
) -> tuple[tuple[ConnectionSettings, ...], bool]:
    """The connections of the file's tables, and whether the settings outside of them choose a backend too."""
    from taskhand.config.connection_tables import (  # noqa: PLC0415  few files have tables
        build_connection,
        find_default_settings,
        find_shared,
    )

    outside_of_tables = find_default_settings(settings)
    if outside_of_tables and any(table.name == DEFAULT_CONNECTION for table in file.tables):
        outside = _join_names([origins[name].called for name in outside_of_tables], "and")
        raise OperatorError(
            f"connections.{DEFAULT_CONNECTION} in {file.path} and {outside} define the same connection.",
            next_step="Give the table another name, or unset the settings outside of it.",
        )
    shared = find_shared(merged.values)
    store = merged.values.get("TASKHAND_DB")
    built = [build_connection(table, shared, origins, store, merged.environ) for table in file.tables]
    for connection, usable in built:
        merged.referenced |= usable.referenced
        merged.files += [(connection.origins[_FIELD_NAMES[name]].called, path) for name, path in usable.files.items()]
    return tuple(connection for connection, _ in built), bool(outside_of_tables)


def _mask_all_secrets(configuration: Configuration) -> Configuration:
    """These connections, each of which masks the secrets of all."""
    from taskhand.config.duplicate_connections import find_duplicates  # noqa: PLC0415  few files have tables

    duplicates = tuple(find_duplicates(configuration.connections, configuration.file.path))
    secrets = [
        *configuration.settings.secrets,
        *(secret for connection in configuration.named for secret in connection.settings.secrets),
    ]
    named = tuple(
        replace(connection, settings=connection.settings.with_secrets(secrets)) for connection in configuration.named
    )
    settings = configuration.settings.with_secrets(secrets)
    return replace(configuration, settings=settings, named=named, warnings=(*configuration.warnings, *duplicates))


@dataclass(slots=True)
class _Merged:
    """The merged values of several sources: for each setting the first usable value, with its origin."""

    environ: Mapping[str, str] = field(repr=False)
    values: dict[str, object] = field(default_factory=dict, repr=False)
    origins: dict[str, SettingOrigin] = field(default_factory=dict)
    notes: list[SettingNote] = field(default_factory=list)
    files: list[tuple[str, Path]] = field(default_factory=list)
    referenced: set[str] = field(default_factory=set)

    @property
    def called(self) -> dict[str, str]:
        """The name of a setting in errors: its variable, or its key and the file."""
        kept = {variable: origin for variable, origin in self.origins.items() if origin.kind != "flag"}
        return {variable: origin.called for variable, origin in kept.items()}

    def add(self, variables: Variables, origin_of: Callable[[str], SettingOrigin]) -> None:
        """Add the values that no earlier source has; a placeholder counts as not set, with a note."""
        rest = {variable: value for variable, value in variables.values.items() if variable not in self.values}
        origins = {
            variable: replace(
                origin_of(variables.names.get(variable, variable)), reference=reference_in(variable, value)
            )
            for variable, value in rest.items()
        }
        called = {variable: origin.called for variable, origin in origins.items()}
        usable = find_usable_values(rest, called, self.environ)
        self.values |= usable.values
        self.origins |= {variable: origins[variable] for variable in usable.values}
        self.notes += usable.notes
        files = {**variables.files, **usable.files}
        self.files += [(called[variable], path) for variable, path in files.items() if variable in usable.values]
        self.referenced |= usable.referenced


def find_settings_path(environ: Mapping[str, str]) -> Path:
    """The path of the configuration file, which may be missing. OperatorError for an invalid path."""
    given = clean_value(environ.get("TASKHAND_CONFIG", ""))
    return expand_path("TASKHAND_CONFIG", given, environ) if given else config_folder() / "taskhand.toml"


def _file(config_path: str | None, environ: Mapping[str, str]) -> SettingsFile:
    """The file that TASKHAND_CONFIG names, or `taskhand.toml` in the user's configuration folder."""
    try:
        path = find_settings_path(environ)
    except OperatorError:
        if config_path is None:  # a user without a home folder has no settings file
            return SettingsFile(Path("~", "taskhand.toml"), exists=False)
        raise
    return read_settings_file(path, must_exist=config_path is not None)


def _warn_of_readable_secrets(
    origins: Mapping[str, SettingOrigin], file: SettingsFile, named: Sequence[ConnectionSettings]
) -> Iterable[CheckResult]:
    """A warning if other users can read a secret in the file. A reference is not a secret."""
    given = (pair for table in (origins, *(connection.origins for connection in named)) for pair in table.items())
    held = dict.fromkeys(
        origin.name
        for name, origin in given
        if origin.file and Settings.is_secret(name) and not origin.reference and not origin.name.endswith("_file")
    )
    if held and file.open_to_others:
        found = f"{file.path} holds {', '.join(held)}, and other users of this machine can read it."
        yield CheckResult("configuration", "warning", found, f"Run: chmod 600 {file.path}")


def _warn_of_readable_files(files: Sequence[tuple[str, Path]]) -> Iterable[CheckResult]:
    """A warning for each credential file in use that this user owns and other users can read.

    A file of another owner, as container platforms mount them, cannot be protected from here.
    """
    if not files:
        return
    import shlex  # noqa: PLC0415  most starts need none

    for called, path in files:
        if _is_own_and_open(path):
            found = f"The file that {called} names can be read by other users of this machine."
            yield CheckResult("configuration", "warning", found, f"Run: chmod 600 {shlex.quote(str(path))}")


def _is_own_and_open(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return is_mode_open_to_others(status.st_mode) and status.st_uid == os.geteuid()


def _settings_without_crm(settings: Settings, origins: Mapping[str, SettingOrigin]) -> Iterable[CheckResult]:
    """A warning for each CRM with settings, if the built-in store is used because no CRM is chosen.

    No warning for a CRM whose credential has a note: the note says what is wrong.
    """
    crms = [factory for factory in FACTORIES if factory.credentials]
    if settings.chosen_backend or not all(map(settings.lacks_credential, crms)):
        return
    noted = {note.variable for note in settings.notes}
    for factory in crms:
        credentials = [Settings.variable(name) for name in factory.credentials]
        given = [origins[name].called for name in factory.settings.model_fields if name in origins]
        if given and noted.isdisjoint(credentials):
            verb = "is" if len(given) == 1 else "are"
            found = f"{_join_names(given, 'and')} {verb} set, but the backend is local."
            remedy = f"Set {_join_names([*credentials, 'TASKHAND_BACKEND'], 'or')}."
            yield CheckResult("configuration", "warning", found, remedy)


def _settings_without_use(origins: Mapping[str, SettingOrigin]) -> Iterable[CheckResult]:
    """A warning about CRM settings outside of the tables if no CRM is chosen there."""
    fields = [name for factory in FACTORIES for name in factory.settings.model_fields]
    if given := [origins[name].called for name in fields if name in origins]:
        verb = "is" if len(given) == 1 else "are"
        found = f"{_join_names(given, 'and')} {verb} set, and no connection uses {'it' if verb == 'is' else 'them'}."
        remedy = "Move it into the table of a connection, or unset it."
        yield CheckResult("configuration", "warning", found, remedy)


def _join_names(names: Sequence[str], word: str) -> str:
    """The names, separated by commas and this word before the last."""
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1])))
