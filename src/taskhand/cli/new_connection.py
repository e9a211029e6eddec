"""A connection that `taskhand connections` adds to the configuration file, or removes from it."""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio
import click

from taskhand.backends.factory import BackendFactory
from taskhand.backends.registry import NAMES, find_factory
from taskhand.cli.doctor import check_connections
from taskhand.cli.install import SAFER
from taskhand.cli.new_connection_errors import naming_options
from taskhand.cli.settings_edit import open_settings_file, uneditable_error, write_settings_file
from taskhand.cli.terminal import print_line
from taskhand.config import credentials
from taskhand.config.connection_settings import DEFAULT_CONNECTION, TABLES
from taskhand.config.connection_tables import check_name, keys_of
from taskhand.config.credentials import MARK, REFERENCES, SERVICE
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.config.environment_variables import describe_variable, is_required_variable, is_secret_variable
from taskhand.config.placeholders import clean_value, find_flaw
from taskhand.config.settings import Settings
from taskhand.config.settings_file import parse_settings
from taskhand.domain.errors import CallerError, Candidate, OperatorError
from taskhand.install import toml_edit
from taskhand.install.file_format import Unparsable, Unsuitable

__all__ = ["NewConnection", "SecretStorage", "ask_connection", "drop_connection", "save_connection"]

SecretStorage = Literal["keyring", "file"]
"""The storage of a typed secret: the system's keyring, or the configuration file."""


@dataclass(frozen=True, slots=True)
class NewConnection:
    """The table to write.

    `secrets` are those without a storage yet, by key. `taken` has the names of values that no option gave, by key.
    """

    name: str
    table: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    storage: SecretStorage
    taken: Mapping[str, str] = field(default_factory=dict)

    def table_for_file(self) -> dict[str, str]:
        """The table as written to the file."""
        if self.storage == "file":
            return {**self.table, **self.secrets}
        return {**self.table, **{key: credentials.keyring_reference(self.keyring_name(key)) for key in self.secrets}}

    def table_for_trial(self) -> dict[str, str]:
        """The table with the secrets themselves, to try it before they are stored."""
        return {**self.table, **self.secrets}

    def other_variables(self) -> dict[str, str]:
        """The environment without the variables whose values the table has: they were for this command only."""
        given = self.table_for_trial()
        mine = {
            variable for key, variable in self.taken.items() if clean_value(os.environ.get(variable, "")) == given[key]
        }
        return {name: value for name, value in os.environ.items() if name not in mine}

    def keyring_name(self, key: str) -> str:
        """The name of a secret in the keyring."""
        return f"{TABLES}/{self.name}/{key}"


def ask_connection(
    name: str, backend: str | None, description: str | None, options: Sequence[str], storage: SecretStorage | None
) -> NewConnection:
    """The connection as the options, the person at the terminal or the environment describe it."""
    check_name(name, f"{name[:60]!r}")
    factory = find_factory(backend or _ask_backend())
    keys = keys_of(factory)
    chosen = _read_options(options, keys, factory)
    if description is None and sys.stdin.isatty():
        description = click.prompt(
            "Describe the account in a few words (empty: nothing)", default="", show_default=False, err=True
        )
    table = {"backend": factory.name, **({"description": description} if description else {})}
    secrets: dict[str, str] = {}
    more: dict[str, str] = {}
    credentials = {Settings.variable(name) for name in factory.credentials}
    if credentials and credentials.isdisjoint(keys[key] for key in chosen):
        secrets, more = _find_secrets(factory, keys)
    more |= _find_required(factory, keys, {*chosen, *more})
    taken = {key: keys[key] for key in (*secrets, *more) if key not in chosen}
    return NewConnection(name, {**table, **more, **chosen}, secrets, _choose_storage(storage, secrets), taken)


def _ask_backend() -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"Missing option '--backend'. Choose from: {', '.join(NAMES)}")
    chosen: str = click.prompt("Backend", type=click.Choice(NAMES), err=True)
    return chosen


def _read_options(options: Sequence[str], keys: Mapping[str, str], factory: BackendFactory[Any]) -> dict[str, str]:
    """The keys of --set. CallerError for an unknown key, and for a secret that is not a reference."""
    chosen = dict(assignment.partition("=")[::2] for assignment in options)
    for key, value in chosen.items():
        if key not in keys or not clean_value(value):
            raise CallerError(
                f"--set {key[:60]} must be KEY=VALUE with a key of a connection to {factory.title}.",
                next_step=f"The keys are {', '.join(keys)}.",
            )
        if is_secret_variable(keys[key]) and not value.startswith(REFERENCES):
            raise CallerError(
                f"{key} is a secret, which must not be on a command line.",
                next_step=f"Send --set {key}=env:NAME, keyring:NAME or file:PATH, or leave it out to be asked for it.",
            )
    return {key: clean_value(value) for key, value in chosen.items()}


def _find_secrets(factory: BackendFactory[Any], keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The credential and its settings: typed, else from this command's environment."""
    secret_keys = [key for key, variable in keys.items() if is_secret_variable(variable)]
    credentials = [key for key in secret_keys if keys[key] in map(Settings.variable, factory.credentials)]
    first = next(key for key in credentials if keys[key] in factory.questions)
    here = [key for key in credentials if os.environ.get(keys[key], "").strip()]
    if sys.stdin.isatty():
        empty = f" (empty: {keys[here[0]]} of the environment)" if here else ""
        text = f"{first}, {describe_variable(keys[first]).rstrip('.')}{empty}"
        typed: str = click.prompt(text, default="", show_default=False, hide_input=True, err=True)
        if clean_value(typed):
            return {first: _check_secret(first, clean_value(typed))}, {}
    if not here:
        raise CallerError(
            f"{first} is needed for {factory.title}: {describe_variable(keys[first])}",
            next_step=f"Run this in a terminal to be asked for it, send --set {first}=env:NAME, keyring:NAME or "
            f"file:PATH, or set {keys[first]} for this command.",
        )
    taken = {key: value for key, variable in keys.items() if (value := clean_value(os.environ.get(variable, "")))}
    taken = {key: value for key, value in taken.items() if keys[key].startswith(factory.prefix)}
    for key in taken:
        print_line(f"{key} is taken from {keys[key]} of the environment.", err=True)
    return (
        {key: _check_secret(keys[key], value) for key, value in taken.items() if key in secret_keys},
        {key: value for key, value in taken.items() if key not in secret_keys},
    )


def _find_required(factory: BackendFactory[Any], keys: Mapping[str, str], given: Collection[str]) -> dict[str, str]:
    """The required settings that are not given: from this command's environment, else typed."""
    values = {}
    for key in (key for key, variable in keys.items() if is_required_variable(variable) and key not in given):
        if value := clean_value(os.environ.get(keys[key], "")):
            print_line(f"{key} is taken from {keys[key]} of the environment.", err=True)
        elif sys.stdin.isatty():
            text = f"{key}, {describe_variable(keys[key]).rstrip('.')}"
            value = clean_value(click.prompt(text, default="", show_default=False, err=True))
        if not value:
            raise CallerError(
                f"{key} is needed for {factory.title}: {describe_variable(keys[key])}",
                next_step=f"Send --set {key}=VALUE, or set {keys[key]} for this command.",
            )
        values[key] = value
    return values


def _check_secret(called: str, secret: str) -> str:
    """The secret; OperatorError for a placeholder, which would be written to the file."""
    flaw = None if secret.startswith(REFERENCES) else find_flaw(secret, called, is_secret=True)
    if flaw:
        raise OperatorError(f"{called} {flaw.found}.", next_step=flaw.remedy)
    return secret


def _choose_storage(storage: SecretStorage | None, secrets: Mapping[str, str]) -> SecretStorage:
    if not secrets or storage == "file":
        return "file"
    state = credentials.find_keyring()
    if storage == "keyring" and state != "usable":
        raise credentials.no_keyring(state)
    return "keyring" if state == "usable" else "file"


def save_connection(new: NewConnection, *, checks: bool) -> None:
    """Check the connection, then write it. OperatorError, before writing, if it cannot be used."""
    file, path = open_settings_file(), (TABLES, new.name)
    try:
        if toml_edit.find_value(file.text, path) is not None:
            step = f"Choose another name, or run `taskhand connections remove {new.name}` first."
            raise CallerError(f"There is a connection {new.name} in {file.path}.", next_step=step)
        tried = toml_edit.put_value(file.text, path, new.table_for_trial())
        text = toml_edit.put_value(file.text, path, new.table_for_file())
    except (Unparsable, Unsuitable) as error:
        raise uneditable_error(file, error) from None
    before = _warnings_now(environ := new.other_variables())
    with naming_options(new.name, file.path, new.taken):
        configuration = load_configuration(environ, {}, parse_settings(tried.encode(), file.path))
        if checks:
            _check(configuration.only(new.name))
    kept = {new.keyring_name(key): secret for key, secret in new.secrets.items()} if new.storage == "keyring" else {}
    with credentials.keep_credentials(kept):
        write_settings_file(file, text, holds_secret=bool(new.secrets) and new.storage == "file")
    for name in kept:
        print_line(f"{name} is stored in the system keyring (service {SERVICE}).")
    if new.secrets and new.storage == "file":
        exposure = f"! Whoever reads {file.path} can read {' and '.join(new.secrets)}."
        print_line(f"{exposure} {SAFER[credentials.find_keyring()]}".rstrip(), err=True)
    for warning in configuration.warnings:
        if warning.found not in before:
            print_line(f"! {warning.found} {warning.remedy or ''}".rstrip(), err=True)
    print_line(
        f"The connection {new.name} is in {file.path}. Restart the server, "
        f"and it has {_name_connections(configuration)}."
    )


def _name_connections(configuration: Configuration) -> str:
    names = configuration.connection_names
    return f"the connections {', '.join(names)}" if len(names) > 1 else f"the connection {names[0]}"


def _warnings_now(environ: Mapping[str, str]) -> set[str]:
    """The warnings about the current configuration; none if it is invalid."""
    try:
        return {warning.found for warning in load_configuration(environ, {}).warnings}
    except OperatorError:
        return set()


def _check(configuration: Configuration) -> None:
    """Try the only connection. OperatorError if it does not work."""
    findings = anyio.run(check_connections, configuration)
    failed = [finding for finding in findings if finding.outcome == "failed"]
    if failed:
        raise OperatorError(
            f"The connection does not work, so nothing is written. {' '.join(finding.found for finding in failed)}",
            next_step=" ".join(dict.fromkeys(finding.remedy for finding in failed if finding.remedy))
            + " `--no-check` writes it untried.",
        )
    confirmed = [
        finding for finding in findings if finding.subject in {"credential", "team", "me"} and finding.outcome == "ok"
    ]
    print_line(" ".join(finding.found for finding in confirmed))


def drop_connection(name: str) -> None:
    """Remove the table of a connection. CallerError if there is none."""
    file = open_settings_file()
    try:
        tables = toml_edit.find_value(file.text, (TABLES,))
        names = list(tables) if isinstance(tables, dict) else []
        chosen = name if name in names else name.strip().lower()
        if chosen not in names:
            raise _unknown_connection_error(chosen, names, file.path)
        text = toml_edit.remove_value(file.text, (TABLES, chosen))
    except (Unparsable, Unsuitable) as error:
        raise uneditable_error(file, error) from None
    write_settings_file(file, text, holds_secret=False)
    print_line(f"The connection {chosen} is no longer in {file.path}. Its journal is kept.")
    table = tables[chosen]
    for value in table.values() if isinstance(table, dict) else ():
        if isinstance(value, str) and value.startswith(MARK):
            kept = value.removeprefix(MARK)
            print_line(f"{kept} stays in the system keyring; `keyring del {SERVICE} {kept}` removes it.")
    _tell_policy()


def _tell_policy() -> None:
    """Report where the policy names a removed connection: the server would not start."""
    from taskhand.cli.loaded_policy import check_policy

    try:
        policy = check_policy(load_configuration(os.environ, {}))
    except OperatorError as error:
        print_line(f"! {error.message} {error.next_step or ''}".rstrip(), err=True)
        return
    if policy.outcome == "failed":
        print_line(f"! {policy.found} {policy.remedy or ''}".rstrip(), err=True)


def _unknown_connection_error(name: str, names: Sequence[str], path: Path) -> CallerError:
    if name == DEFAULT_CONNECTION:
        step = "It comes from settings outside of the tables: `taskhand config` shows where they are set. Unset them."
    else:
        step = f"There are {', '.join(names)}." if names else "The file names no connection."
    candidates = [Candidate(taken_name) for taken_name in names]
    return CallerError(f"There is no connection {name[:60]} in {path}.", candidates=candidates, next_step=step)
