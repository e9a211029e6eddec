"""The command `taskhand install`: adds Taskhand to an AI host's configuration, or removes it."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taskhand.backends.registry import NAMES
from taskhand.cli.terminal import print_line
from taskhand.config.paths import expand_path
from taskhand.config.settings import BackendName, Settings
from taskhand.domain.errors import CallerError, OperatorError

if TYPE_CHECKING:
    from taskhand.config.credentials import KeyringState
    from taskhand.install import Host
    from taskhand.install.config_paths import System
    from taskhand.install.host_file import HostFile
    from taskhand.install.key_storage import Answer, EntryVariables, KeyStore

__all__ = ["HOST_NAMES", "install"]

HOST_NAMES = ("claude-desktop", "claude-code", "cursor", "vscode", "windsurf", "gemini", "codex")
"""A copy of the slugs of `install.HOSTS`, which a start does not import. A test compares them."""

_SYSTEMS: "Mapping[str, System]" = {"Darwin": "Darwin", "Windows": "Windows"}
"""By `platform.system()`; every other system has its files where Linux has them."""

_SAFER: "Mapping[KeyringState, str]" = {
    "usable": "`--keys keyring` keeps it in the system's keyring.",
    "not_installed": "Install Taskhand with the extra `keyring` to keep it in the system's keyring.",
    "none": "",
}
"""What would keep a key safer than a file."""

_COLOURS = {"+": "green", "-": "red"}


@dataclass(frozen=True, slots=True)
class _Request:
    """The options of the command line."""

    host: "Host"
    backend: BackendName | None
    store: "KeyStore | None"
    variables: Mapping[str, str]
    project: bool
    dry_run: bool


@click.command()
@click.argument("host", type=click.Choice(HOST_NAMES))
@click.option("--backend", type=click.Choice(NAMES), help="Where tasks live; asks for its API key.")
@click.option(
    "--project",
    is_flag=True,
    help="Use the file of the project in this folder, which a team shares, not the user's file.",
)
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="Use this file.")
@click.option(
    "--keys",
    type=click.Choice(["host", "keyring", "environment", "file"]),
    help="Where keys are stored; default: the host's own store, else the system's keyring, else the file.",
)
@click.option("--set", "variables", multiple=True, metavar="NAME=VALUE", help="A further variable; keys are refused.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--uninstall", is_flag=True, help="Remove Taskhand from the file.")
def install(
    host: str,
    backend: BackendName | None,
    file: Path | None,
    keys: "KeyStore | None",
    variables: tuple[str, ...],
    *,
    project: bool,
    dry_run: bool,
    uninstall: bool,
) -> None:
    """Add Taskhand to the configuration of HOST; everything else in the file stays unchanged."""
    from taskhand.install import find_host
    from taskhand.install.file_format import Unparsable, Unsuitable
    from taskhand.install.host_file import read_host_file

    asked = _Request(find_host(host), backend, keys, _given(variables), project=project, dry_run=dry_run)
    path = expand_path("--file", file) if file else _file_of(asked)
    found = read_host_file(path)
    try:
        (_uninstall if uninstall else _install)(asked, found)
    except (Unparsable, Unsuitable) as error:
        raise OperatorError(
            f"{path} cannot be changed ({error}), so nothing is written.",
            next_step=f"Correct the file by hand, or add the entry yourself. {asked.host.name} may not read it either.",
        ) from None


def _file_of(asked: _Request) -> Path:
    from taskhand.install.config_paths import Machine

    if not asked.project:
        system = _SYSTEMS.get(platform.system(), "Linux")
        return asked.host.user_file(Machine(system, Path.home(), os.environ))
    if asked.host.project_file is None:
        raise CallerError(f"{asked.host.name} has no project file.")
    return Path.cwd() / asked.host.project_file


def _given(variables: Sequence[str]) -> Mapping[str, str]:
    """The variables of --set. CallerError for an unknown variable, or for a key."""
    from taskhand.config.variables import FILE_VARIABLES, VARIABLES, is_secret_variable

    given = dict(variable.partition("=")[::2] for variable in variables)
    for name, value in given.items():
        if name not in VARIABLES | FILE_VARIABLES or not value:
            raise CallerError(f"--set {name} must be NAME=VALUE with a variable of Taskhand.")
        if is_secret_variable(name):
            raise CallerError(f"{name} is a key, which a command line must not show; --backend asks for it.")
    return given


def _install(asked: _Request, found: "HostFile") -> None:
    from taskhand.config import credentials
    from taskhand.install.key_storage import build_environment, choose_store
    from taskhand.install.launch import launch_here
    from taskhand.install.server_entry import WantedEntry, add_server, find_entry

    keyring = credentials.find_keyring()
    store = choose_store(asked.host, asked.store, project=asked.project, keyring=keyring)
    present = find_entry(found.text, asked.host).get("env", {})
    there = present if isinstance(present, dict) else {}
    answer = _dry_run_answer if asked.dry_run else _ask(there)
    made = build_environment(asked.host, asked.backend, store, present={**there, **asked.variables}, answer=answer)
    made.variables |= {**({} if "TASKHAND_CALL_S" in there else asked.host.call_variables), **asked.variables}
    _check(made)
    extra = "[keyring]" if store == "keyring" else ""
    launch = launch_here(sys.executable, os.environ.get("UV"), made.variables, extra)
    wanted = WantedEntry(replace(launch, forwarded=made.forwarded), made.inputs, made.forget)
    text = add_server(found.text, asked.host, wanted)
    _show(asked, found, text)
    if asked.dry_run:
        return
    for name, secret in made.for_keyring.items():
        credentials.store_credential(name, secret)
        print_line(f"{name} is stored in the system keyring (service {credentials.SERVICE}).")
    _write(asked.host, found, text)
    _warn(asked.host, made, store, keyring)
    print_line(asked.host.afterwards)


def _uninstall(asked: _Request, found: "HostFile") -> None:
    from taskhand.config.credentials import MARK, SERVICE
    from taskhand.config.variables import SECRETS
    from taskhand.install.host_file import read_backups
    from taskhand.install.server_entry import find_entry, remove_server

    if found.raw is None:
        print_line(f"There is no {found.path}; nothing to do.")
        return
    env = find_entry(found.text, asked.host).get("env", {})
    earlier = (before for _, before in read_backups(found))
    text = remove_server(found.text, asked.host, map(asked.host.input_id, sorted(SECRETS)), earlier)
    if text == found.text:
        print_line(f"Taskhand is not in {found.path}; nothing to do.")
        return
    _show(asked, found, text)
    if asked.dry_run:
        return
    _write(asked.host, found, text)
    for value in env.values() if isinstance(env, dict) else ():
        if isinstance(value, str) and value.startswith(MARK):
            name = value.removeprefix(MARK)
            print_line(f"{name} stays in the system keyring; `keyring del {SERVICE} {name}` removes it.")


def _dry_run_answer(variable: str) -> str | None:
    """The answer in a dry run: a mask for a key, so that nobody has to type it."""
    from taskhand.config.variables import is_secret_variable
    from taskhand.install.server_entry import MASK

    return MASK if is_secret_variable(variable) else None


def _ask(present: Mapping[str, object]) -> "Answer":
    """Take a variable from this command's environment, else ask the person at the terminal, if there is one."""
    from taskhand.config.variables import describe_variable, is_secret_variable

    def answer(variable: str) -> str | None:
        secret = is_secret_variable(variable)
        if found := os.environ.get(variable, "").strip():
            print_line(f"{variable} is taken from the environment.", err=True)
            return _checked(variable, found)
        if not sys.stdin.isatty():
            return None
        blank = " (empty: unchanged)" if variable in present else "" if secret else " (empty: none)"
        text = f"{variable}, {describe_variable(variable).rstrip('.')}{blank}"
        typed: str = click.prompt(text, default="", show_default=False, hide_input=secret, err=True)
        return _checked(variable, typed) if typed.strip() else None

    return answer


def _checked(variable: str, value: str) -> str:
    """The answer without blanks around it. OperatorError for one that is no value: it would be written to the file."""
    from taskhand.config.placeholders import clean_value

    _refuse_unusable({variable: value})
    return clean_value(value)


def _check(made: "EntryVariables") -> None:
    """Refuse values that the server would refuse at its start. OperatorError names the variable."""
    from taskhand.install.server_entry import MASK, is_reference

    given = {**made.variables, **made.for_keyring}
    _refuse_unusable({name: value for name, value in given.items() if not is_reference(value) and value != MASK})


def _refuse_unusable(variables: Mapping[str, str]) -> None:
    for note in Settings.from_env(variables).notes:
        raise OperatorError(note.found, next_step=note.remedy)


def _show(asked: _Request, found: "HostFile", text: str) -> None:
    from taskhand.install.diff import render_diff

    print_line(f"{asked.host.name}: {found.path}")
    if text == found.text:
        print_line("The file is up to date; nothing changes.")
        return
    lines = render_diff(found.text, text, asked.host)
    for line in lines:
        print_line(line, colour=_COLOURS.get(line[:1]))
    if not lines:
        print_line("Only a key changes.")
    if asked.dry_run:
        print_line("Nothing was written.")


def _write(host: "Host", found: "HostFile", text: str) -> None:
    from taskhand.install.host_file import read_backups, replace_host_file
    from taskhand.install.server_entry import find_keys, mask_keys

    if text == found.text:
        return
    copy = replace_host_file(found, text, copy=mask_keys(found.text, host), now=datetime.now().astimezone())
    print_line("Written." + (f" Backup: {copy}" if copy else ""))
    keys = find_keys(found.text, host)
    holding = [
        str(path)
        for path, backup in read_backups(found)
        if find_keys(backup, host) or any(key in backup for key in keys)
    ]
    if holding:
        print_line(
            f"! A key of Taskhand's entry stays in a backup. Delete it when you can: {', '.join(holding)}", err=True
        )


def _warn(host: "Host", made: "EntryVariables", store: "KeyStore", keyring: "KeyringState") -> None:
    """Warn where a key must be set elsewhere, or can be read by others."""
    from taskhand.config.variables import is_secret_variable
    from taskhand.install.server_entry import is_reference

    for name, value in (made.variables | dict.fromkeys(made.forwarded, "")).items():
        if not is_secret_variable(name):
            continue
        if store == "environment":
            print_line(f"! Set {name} in the environment that starts {host.name}.", err=True)
        elif store == "file" and not is_reference(value):
            print_line(f"! Whoever reads that file can read {name}. {_SAFER[keyring]}".rstrip(), err=True)
