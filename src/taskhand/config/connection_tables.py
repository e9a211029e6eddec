"""The tables of the configuration file that name CRM accounts.

    [connections.north]
    backend = "hubspot"
    description = "The sales team in Santiago"
    access_token = "keyring:north"

The keys of a table are the settings of its backend without their prefix. Imported only if the file has such a table.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from taskhand.backends.factory import BackendFactory
from taskhand.backends.registry import FACTORIES, NAMES, BackendName, find_factory
from taskhand.config.connection_settings import TABLES, ConnectionSettings, SettingOrigin
from taskhand.config.credentials import VARIABLE_MARK
from taskhand.config.environment_variables import Variables
from taskhand.config.multi_user_settings import TeamSettings
from taskhand.config.placeholders import clean_value
from taskhand.config.settings import FIELDS, Settings, Usable, find_usable_values, reference_in
from taskhand.config.settings_file import SettingsFile
from taskhand.domain.display_text import one_line
from taskhand.domain.errors import Candidate, OperatorError

__all__ = [
    "ConnectionTable",
    "build_connection",
    "check_name",
    "drop_table_secrets",
    "find_default_settings",
    "find_shared",
    "keys_of",
    "read_tables",
]

_NAME: Final = re.compile(r"[a-z0-9_-]{1,40}")
_RESERVED: Final = {"all": "all connections", "other": "a connection that does not exist"}
"""Names that metrics use for values of no single connection."""

_MAX_DESCRIPTION: Final = 120
"""Maximum characters: agents read the description in every list of tools."""

_OWN_KEYS: Final = ("backend", "description")
_STORE: Final = {"db": "TASKHAND_DB", "user": "TASKHAND_USER", "language": "TASKHAND_LANGUAGE"}
"""The keys of a connection to a built-in store."""

_NOT_SHARED: Final = frozenset({"chosen_backend", "db"})
"""The settings that distinguish accounts, which connections do not share."""

TextOf = Callable[[str, object, str], str]
"""Converts the value of a key to text as a variable would hold it; the last argument is the variable."""


@dataclass(frozen=True, slots=True)
class ConnectionTable:
    """One table: its texts by variable, and the name of each key."""

    name: str
    backend: BackendName
    file: Path
    description: str | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def key_of(self, variable: str) -> str:
        """The key of a variable, with the tables before it."""
        keys = {variable: key for key, variable in keys_of(find_factory(self.backend)).items()}
        return f"{TABLES}.{self.name}.{keys[variable]}"


def keys_of(factory: BackendFactory[Any]) -> dict[str, str]:
    """The keys of a connection to this backend, and the variable of each."""
    variables = [Settings.variable(name) for name in factory.settings.model_fields]
    store = {} if factory.account else _STORE
    return (
        {"timezone": "TASKHAND_TIMEZONE"}
        | store
        | {variable.removeprefix(factory.prefix).lower(): variable for variable in variables}
    )


def read_tables(content: object, path: Path, text_of: TextOf) -> tuple[ConnectionTable, ...]:
    """The connections in the parsed file. OperatorError names the key that is wrong, and the file."""
    if not isinstance(content, dict):
        raise _table_error(TABLES, path, "is no table", "Write a table [connections.NAME] for each CRM account.")
    spelt: dict[str, str] = {}
    for name in content:
        if (other := spelt.setdefault(name.casefold(), name)) != name:
            called = f"{TABLES}.{other[:60]} and {TABLES}.{name[:60]}"
            raise _table_error(called, path, "differ only by the case of letters", "Give one of them another name.")
    return tuple(_read_table(name, table, path, text_of) for name, table in content.items())


def check_name(name: str, called: str) -> None:
    """OperatorError for an invalid connection name; `called` says where the name is."""
    if name.lower() in _RESERVED:
        raise OperatorError(
            f"{called} is reserved: it stands for {_RESERVED[name.lower()]}.", next_step="Choose another name."
        )
    if _NAME.fullmatch(name):
        return
    near = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:40]
    raise OperatorError(
        f"{called} is not a valid name of a connection, which has 1 to 40 of the characters a-z, 0-9, _ and -.",
        next_step=f"Call it {near}." if near else "Call it by a short word for the account.",
    )


def _read_table(name: str, table: object, path: Path, text_of: TextOf) -> ConnectionTable:
    check_name(name, f"{TABLES}.{name[:60]} in {path}")
    called = f"{TABLES}.{name}"
    if not isinstance(table, dict):
        raise _table_error(called, path, "is no table", f"Write [{called}] and the keys of the connection below it.")
    backend = _backend(called, table, path)
    keys = keys_of(find_factory(backend))
    for key in table:
        if key not in keys and key not in _OWN_KEYS:
            raise _unknown_setting_error(called, key, find_factory(backend), path)
    texts = {keys[key]: text_of(f"{called}.{key}", table[key], keys[key]) for key in table if key in keys}
    values = {variable: value for variable, text in texts.items() if (value := clean_value(text))}
    return ConnectionTable(name, backend, path, _description(called, table, path), values)


def _backend(called: str, table: Mapping[str, object], path: Path) -> BackendName:
    given = table.get("backend")
    if isinstance(given, str) and (name := clean_value(given)) in NAMES:
        return name
    raise OperatorError(
        f"{called} in {path} has no backend." if given is None else f"{called}.backend in {path} is not a backend.",
        candidates=[Candidate(name) for name in NAMES],
        next_step=f"Set it to one of {', '.join(NAMES)}.",
    )


def _description(called: str, table: Mapping[str, object], path: Path) -> str | None:
    given = table.get("description", "")
    if not isinstance(given, str) or len(given) > _MAX_DESCRIPTION:
        why = f"is longer than {_MAX_DESCRIPTION} characters" if isinstance(given, str) else "is no text"
        raise _table_error(f"{called}.description", path, why, "Describe the account in a few words.")
    return one_line(given) or None


def _unknown_setting_error(called: str, key: str, factory: BackendFactory[Any], path: Path) -> OperatorError:
    keys = [*_OWN_KEYS, *keys_of(factory)]
    word = key.lower().removeprefix("taskhand_").removeprefix(factory.prefix.lower())
    if word.endswith("_file") and word.removesuffix("_file") in keys:
        key_of_file = word.removesuffix("_file")
        return _table_error(
            f"{called}.{key[:60]}", path, "is no setting", f'Write {key_of_file} = "file:PATH" instead.'
        )
    close = [
        *(known_key for known_key in keys if known_key == word or word in known_key),
        *get_close_matches(word, keys, n=1, cutoff=0.7),
    ]
    near = list(dict.fromkeys(close))[:2]
    if not near and f"TASKHAND_{word.upper()}" in map(Settings.variable, TeamSettings.model_fields):
        return _table_error(
            f"{called}.{key}", path, "is a setting of the whole server", "Write it above the first table."
        )
    suggestion = f"Perhaps {' or '.join(near)} is meant. " if near else ""
    return OperatorError(
        f"{called}.{key[:60]} in {path} is not a setting of a connection to {factory.title}.",
        candidates=[Candidate(near_key) for near_key in near],
        next_step=f"{suggestion}The settings are {', '.join(keys)}.",
    )


def _table_error(called: str, path: Path, why: str, remedy: str) -> OperatorError:
    return OperatorError(f"{called} in {path} {why}.", next_step=remedy)


def find_shared(values: Mapping[str, object]) -> dict[str, object]:
    """The settings, by variable, that all connections share."""
    shared = {Settings.variable(name) for name in TeamSettings.model_fields if name not in _NOT_SHARED}
    return {variable: value for variable, value in values.items() if variable in shared}


def build_connection(
    table: ConnectionTable,
    shared: Mapping[str, object],
    shared_origins: Mapping[str, SettingOrigin],
    store: object,
    environ: Mapping[str, str],
) -> tuple[ConnectionSettings, Usable]:
    """The connection of a table, with the shared settings and none of another connection's.

    `shared_origins` are by field name, as in the result. `store` is the server's own store, beside which a CRM's
    journal is kept. OperatorError for an invalid value, and if the table has no credential for the CRM. A credential
    that cannot be read or used is refused when the connection is opened.
    """
    factory = find_factory(table.backend)
    origins = {variable: _origin(table, variable, text) for variable, text in table.values.items()}
    called = {variable: origin.called for variable, origin in origins.items()}
    usable = find_usable_values(table.values, called, environ)
    beside = {"TASKHAND_DB": store} if factory.account and store is not None else {}
    given = {"TASKHAND_BACKEND": table.backend, **beside, **shared, **usable.values}
    settings = Settings.of(given, called, environ).with_notes(usable.notes)
    _check_credentials(table, settings, factory)
    fields = {Settings.variable(name): name for name in FIELDS}
    kept = {name: origin for name, origin in shared_origins.items() if Settings.variable(name) in shared}
    own_origins = kept | {fields[variable]: origins[variable] for variable in usable.values}
    own_origins["chosen_backend"] = SettingOrigin("file", f"{TABLES}.{table.name}.backend", table.file)
    keys = {variable: table.key_of(variable) for variable in keys_of(factory).values()}
    return ConnectionSettings(table.name, settings, table.description, own_origins, keys), usable


def _origin(table: ConnectionTable, variable: str, text: str) -> SettingOrigin:
    return SettingOrigin("file", table.key_of(variable), table.file, reference_in(variable, text))


def _check_credentials(table: ConnectionTable, settings: Settings, factory: BackendFactory[Any]) -> None:
    """OperatorError unless a CRM has exactly one credential; an unusable one is refused when it is opened."""
    given = [name for name in factory.credentials if settings.value(name) is not None]
    given = given or [name for name in factory.credentials if Settings.variable(name) in table.values]
    if not factory.credentials or len(given) == 1:
        return
    keys = [table.key_of(Settings.variable(name)).rpartition(".")[2] for name in given or factory.credentials]
    called = f"{TABLES}.{table.name}"
    if given:
        raise _table_error(called, table.file, f"has {' and '.join(keys)}", "Keep one of them.")
    raise OperatorError(
        f"{called} in {table.file} has no {' or '.join(keys)}.",
        code="unauthorized",
        next_step=f'Set it, such as {keys[0]} = "keyring:NAME", "env:NAME" or "file:PATH".',
    )


def drop_table_secrets(variables: Variables, file: SettingsFile) -> Variables:
    """The variables without the secrets to which a connection's table refers.

    They stay if a backend is chosen outside of the tables, which uses them too.
    """
    if "TASKHAND_BACKEND" in {**variables.values, **file.values}:
        return variables
    taken = {text.removeprefix(VARIABLE_MARK) for table in file.tables for text in table.values.values()}
    secrets = {Settings.variable(name) for factory in FACTORIES for name in factory.secrets}
    kept = {name: value for name, value in variables.values.items() if name not in taken & secrets}
    return replace(variables, values=kept)


def find_default_settings(settings: Settings) -> list[str]:
    """The settings outside of any table that choose a backend, by field name."""
    credentials = [name for factory in FACTORIES for name in factory.credentials]
    return [name for name in ("chosen_backend", "db", *credentials) if settings.value(name) is not None]
