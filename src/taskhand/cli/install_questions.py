"""The questions of `taskhand install`: keys, who `me` is, the time zone. Answers come from options, too."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taskhand.backends.registry import NAMES, find_factory
from taskhand.cli.install_account import AccountLookup, KeyAccount
from taskhand.cli.terminal import print_error, print_line, print_lines, print_row
from taskhand.config.settings import BackendName, Settings
from taskhand.domain.errors import CallerError, OperatorError

if TYPE_CHECKING:
    from taskhand.backends.factory import BackendFactory
    from taskhand.config.effective_settings import Configuration
    from taskhand.install import Host
    from taskhand.install.credential_storage import KeyStore

__all__ = ["InstallOptions", "Questions", "refuse_unusable"]

_ZONE = "TASKHAND_TIMEZONE"
_LANGUAGE = "TASKHAND_LANGUAGE"
_MAX_TRIES = 3
_MAX_MEMBERS = 20


@dataclass(frozen=True, slots=True)
class InstallOptions:
    """The options of the command line."""

    host: "Host"
    backend: BackendName | None
    store: "KeyStore | None"
    variables: Mapping[str, str]
    me: str | None
    timezone: str | None
    language: str | None
    project: bool
    dry_run: bool
    prints: bool
    checks: bool


class Questions:
    """Finds the value of a variable in the options, the environment, or from the person at a terminal.

    `present` are the variables of the current entry and of --set. The key is tried as soon as it is known, and the
    members of its account are offered as `me`.
    """

    def __init__(self, request: InstallOptions, present: Mapping[str, object]) -> None:
        self._asked = request
        self._present = {name: value for name, value in present.items() if isinstance(value, str)}
        self._keys: dict[str, str] = {}
        chosen = request.backend or self._present.get("TASKHAND_BACKEND", "local")
        self._factory: BackendFactory[Any] = find_factory(chosen if chosen in NAMES else "local")
        self._account = AccountLookup(request, self._factory, self._configuration, self._ask_key_to_try)

    def __call__(self, variable: str) -> str | None:
        """The value; None if there is none, so that the current value stays."""
        from taskhand.config.environment_variables import is_required_variable, is_secret_variable

        if is_secret_variable(variable):
            return self._answer_key(variable)
        if is_required_variable(variable):
            return self._answer_required(variable)
        if variable == self._factory.me_variable:
            return self._answer_me(variable)
        if variable == _ZONE:
            return self._answer_zone()
        if variable == _LANGUAGE:
            return self._answer_language()
        return self._from_environment(variable) or self._ask(variable)

    def check_key(self) -> None:
        """Try the key once. OperatorError if the CRM rejects it."""
        self._account.find()

    def tell_connections(self) -> None:
        """Say which connections the server will have, if the configuration file names some.

        The check of the entry reports an unreadable file; without that check, the file may be for another machine.
        """
        from taskhand.cli.config import describe_connections

        try:
            configuration = self._configuration()
        except OperatorError:
            return
        if configuration.named:
            print_line(
                f"The server will have the connections of {configuration.file.path}: "
                f"{describe_connections(configuration)}.",
                err=True,
            )

    @property
    def _is_interactive(self) -> bool:
        return sys.stdin.isatty() and not self._asked.dry_run

    def _from_environment(self, variable: str) -> str | None:
        """The value in this command's environment; personal values are not copied into a shared file."""
        text = os.environ.get(variable, "").strip()
        if not text or self._asked.project:
            return None
        print_line(f"{variable} is taken from the environment.", err=True)
        return _check_answer(variable, text)

    def _ask(self, variable: str) -> str | None:
        from taskhand.config.environment_variables import describe_variable, is_required_variable, is_secret_variable

        if not self._is_interactive or self._asked.project:
            return None
        secret = is_secret_variable(variable)
        is_needed = secret or is_required_variable(variable)
        blank = " (empty: unchanged)" if variable in self._present else "" if is_needed else " (empty: none)"
        text = f"{variable}, {describe_variable(variable).rstrip('.')}{blank}"
        typed: str = click.prompt(text, default="", show_default=False, hide_input=secret, err=True)
        return _check_answer(variable, typed) if typed.strip() else None

    def _answer_key(self, variable: str) -> str | None:
        from taskhand.install.server_entry import MASK

        if self._asked.dry_run:
            return MASK
        if key := self._from_environment(variable):
            self._keys[variable] = key
            return key
        for attempt in range(_MAX_TRIES):
            if not (typed := self._ask(variable)):
                return None
            self._keys[variable] = typed
            try:
                self._account.find()
            except OperatorError as error:
                if error.code != "unauthorized" or attempt == _MAX_TRIES - 1:
                    raise
                print_error(error)
            else:
                return typed
        return None

    def _answer_required(self, variable: str) -> str | None:
        """The value, with which the key is tried; a dry run shows a placeholder if there is none."""
        if value := self._from_environment(variable) or self._ask(variable):
            self._keys[variable] = value
            return value
        name = variable.removeprefix(self._factory.prefix).replace("_", " ").lower()
        return f"your {name}" if self._asked.dry_run and variable not in self._present else None

    def _answer_me(self, variable: str) -> str | None:
        from taskhand.domain.people_lookup import match_members

        if self._asked.me is not None:
            account = self._account.find()
            if account is None:
                print_line("! --me is written unchanged: the team could not be read.", err=True)
                return _check_answer(variable, self._asked.me)
            try:
                return match_members([self._asked.me], account.members, account.me, argument="--me").ids[0]
            except CallerError as error:
                print_lines(
                    (f"  {candidate.value}  {candidate.name or ''}".rstrip() for candidate in error.candidates),
                    err=True,
                )
                step = "Give --me the id, the full name or the e-mail of one of these people."
                raise CallerError(error.message, code=error.code, next_step=step) from None
        if member := self._from_environment(variable):
            return member
        account = None if self._asked.project else self._account.find()
        if account is None or variable in self._present:
            return None
        if self._is_interactive:
            return _choose_me(account)
        if account.my_name is None:
            print_line("! 'me' is unknown. Run it again with --me and your name, e-mail or id.", err=True)
        return None

    def _answer_zone(self) -> str | None:
        from taskhand.install.machine_zone import find_machine_zone

        if self._asked.timezone is not None:
            return _check_answer(_ZONE, self._asked.timezone)
        if self._asked.project or _ZONE in self._present:
            return None
        if found := self._from_environment(_ZONE):
            return found
        if self._configuration().settings.default_timezone:
            return None
        zone = find_machine_zone(os.environ)
        if self._is_interactive:
            return _ask_zone(zone)
        if zone is None:
            step = "Run it again with --timezone and a name such as America/Santiago."
            print_line(f"! No time zone is set: this machine has none, or UTC, which is not used. {step}", err=True)
        else:
            print_line(f"The time zone is this machine's, {zone}; --timezone sets another.", err=True)
        return zone

    def _answer_language(self) -> str | None:
        """The language of the statuses, which is fixed when a store is created."""
        from taskhand.config.data_files import store_location

        store = store_location(self._configuration().settings)
        is_there = isinstance(store, Path) and store.exists()
        if self._asked.language:
            if is_there:
                print_line(f"! {store} has its statuses already; `taskhand statuses rename` changes them.", err=True)
            return self._asked.language
        if language := self._from_environment(_LANGUAGE):
            return language
        if not self._is_interactive or self._asked.project or _LANGUAGE in self._present or is_there:
            return None
        text = "Statuses: es (Pendiente, En Progreso, Completado) or en (To Do, In Progress, Done)? (empty: es)"
        choice = click.Choice(["es", "en"])
        chosen: str = click.prompt(text, default="es", type=choice, show_default=False, show_choices=False, err=True)
        return chosen if chosen != "es" else None

    def _configuration(self) -> "Configuration":
        """The configuration that the entry's server would have with the answers so far."""
        from taskhand.config.credentials import FILE_SUFFIX
        from taskhand.config.effective_settings import load_configuration
        from taskhand.config.environment_variables import FILE_VARIABLES, SECRETS, VARIABLES
        from taskhand.install.server_entry import MASK

        fields = self._factory.credentials
        variables = {f"{Settings.variable(name)}{suffix}" for name in fields for suffix in ("", FILE_SUFFIX)}
        foreign = {*SECRETS, *FILE_VARIABLES} - variables
        given = {
            name: value
            for name, value in {**self._present, **self._keys}.items()
            if name not in foreign and value != MASK and not _is_host_reference(value)
        }
        ours = (VARIABLES | FILE_VARIABLES) - (frozenset() if variables & given.keys() else variables)
        outside = {name: value for name, value in os.environ.items() if name not in ours}
        chosen = {"TASKHAND_BACKEND": self._factory.name} if self._asked.backend else {}
        return load_configuration(outside | given | chosen, {})

    def _ask_key_to_try(self) -> None:
        """Ask for a key, only to try it: the host stores it itself or has it in its environment."""
        from taskhand.config.environment_variables import is_secret_variable

        variable = next(question for question in self._factory.questions if is_secret_variable(question))
        if not self._is_interactive or self._asked.project:
            return
        text = f"{variable}, only to try it and to look up your team (empty: skip)"
        typed: str = click.prompt(text, default="", show_default=False, hide_input=True, err=True)
        if typed.strip():
            self._keys[variable] = _check_answer(variable, typed)


def _is_host_reference(value: str) -> bool:
    """Whether the value is a reference that only the host can resolve."""
    return value.startswith("${")


def _choose_me(account: KeyAccount) -> str | None:
    """The id of the member that the person chooses as `me`; None for an empty answer."""
    from taskhand.domain.people_lookup import match_members

    for number, member in enumerate(account.members[:_MAX_MEMBERS], start=1):
        print_row(f"{number:>3}", member.name, member.email)
    if (more := len(account.members) - _MAX_MEMBERS) > 0:
        print_line(f"     and {more} more")
    default = account.my_name or "nobody"
    while typed := str(
        click.prompt(
            f"Who are you? Number, name or e-mail (empty: {default})", default="", show_default=False, err=True
        )
    ).strip():
        if typed.isdecimal() and 0 < int(typed) <= len(account.members):
            return account.members[int(typed) - 1].id
        try:
            return match_members([typed], account.members, account.me).ids[0]
        except CallerError as error:
            print_line(error.message, err=True)
    return None


def _ask_zone(zone: str | None) -> str | None:
    """The zone that the person types or confirms; an unknown zone is asked for again."""
    empty = zone or "none"
    while typed := str(
        click.prompt(
            f"Your time zone, such as America/Santiago (empty: {empty})", default="", show_default=False, err=True
        )
    ).strip():
        try:
            return _check_answer(_ZONE, typed)
        except OperatorError as error:
            print_error(error)
    return zone


def _check_answer(variable: str, value: str) -> str:
    """The stripped answer. OperatorError for a placeholder, which would be written to the file."""
    from taskhand.config.placeholders import clean_value

    refuse_unusable({variable: value})
    return clean_value(value)


def refuse_unusable(variables: Mapping[str, str]) -> None:
    """OperatorError, which names the variable, for values that the server would refuse at its start."""
    for note in Settings.from_env(variables).notes:
        raise OperatorError(note.found, next_step=note.remedy)
