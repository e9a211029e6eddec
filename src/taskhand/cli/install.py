"""The command `taskhand install`: Taskhand in an AI host's configuration."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taskhand.backends.registry import NAMES
from taskhand.config.settings import BackendName, Settings
from taskhand.domain.errors import CallerError, OperatorError

if TYPE_CHECKING:
    from taskhand.backends.factory import InstallQuestion
    from taskhand.install import Host
    from taskhand.install.config_paths import System
    from taskhand.install.host_file import HostFile
    from taskhand.install.key_storage import Answer, EntryVariables, KeyStore

__all__ = ["HOST_NAMES", "install"]

HOST_NAMES = ("claude-desktop", "claude-code", "cursor", "vscode", "windsurf", "gemini")
"""Written out: the command line is built at every start, and what is known of the hosts is seldom needed."""

_SYSTEMS: "Mapping[str, System]" = {"Darwin": "Darwin", "Windows": "Windows"}
"""By what Python calls them; whatever else there is keeps its files as Linux does."""

_COLOURS = {"+": "green", "-": "red"}


@dataclass(frozen=True, slots=True)
class _Request:
    """What was asked for on the command line."""

    host: "Host"
    backend: BackendName | None
    store: "KeyStore | None"
    variables: Mapping[str, str]
    project: bool
    dry_run: bool


@click.command()
@click.argument("host", type=click.Choice(HOST_NAMES))
@click.option("--backend", type=click.Choice(NAMES), help="Where tasks live; asks for its key.")
@click.option("--project", is_flag=True, help="Into this folder's own file, which a team shares, not the user's.")
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="Into this file.")
@click.option(
    "--keys",
    type=click.Choice(["host", "keyring", "environment", "file"]),
    help="Where keys are kept; default: the host's own store, else the system's keyring, else the file.",
)
@click.option("--set", "variables", multiple=True, metavar="NAME=VALUE", help="A variable besides; no key.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--uninstall", is_flag=True, help="Take Taskhand out again.")
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
    """Put Taskhand into the configuration of HOST; everything else in the file stays as it is."""
    from taskhand.install import find_host
    from taskhand.install.host_file import read_host_file
    from taskhand.install.jsonc import NotJson
    from taskhand.install.jsonc_edit import Unsuitable

    asked = _Request(find_host(host), backend, keys, _given(variables), project=project, dry_run=dry_run)
    path = file or _file_of(asked)
    found = read_host_file(path)
    try:
        (_uninstall if uninstall else _install)(asked, found)
    except (NotJson, Unsuitable) as error:
        raise OperatorError(
            f"{path} cannot be changed ({error}), so nothing is written.",
            next_step=f"Mend it by hand, or add the entry yourself; {asked.host.name} may not read it either.",
        ) from None


def _file_of(asked: _Request) -> Path:
    from taskhand.install.config_paths import Machine

    if not asked.project:
        system = _SYSTEMS.get(platform.system(), "Linux")
        return asked.host.user_file(Machine(system, Path.home(), os.environ))
    if asked.host.project_file is None:
        raise CallerError(f"{asked.host.name} has no file for one project.")
    return Path.cwd() / asked.host.project_file


def _given(variables: Sequence[str]) -> Mapping[str, str]:
    """The variables of --set. CallerError for one that is not configured with, or is a key."""
    from taskhand.config.variables import VARIABLES, is_secret_variable

    given = dict(variable.partition("=")[::2] for variable in variables)
    for name, value in given.items():
        if name not in VARIABLES or not value:
            raise CallerError(f"--set {name}: that is not NAME=VALUE with a variable of Taskhand.")
        if is_secret_variable(name):
            raise CallerError(f"{name} is a key: the command line is no place for it, --backend asks for it.")
    return given


def _install(asked: _Request, found: "HostFile") -> None:
    from taskhand.config import credentials
    from taskhand.install.key_storage import build_environment, choose_store
    from taskhand.install.launch import launch_here
    from taskhand.install.server_entry import WantedEntry, add_server, find_entry

    store = choose_store(asked.host, asked.store, project=asked.project, keyring=credentials.is_keyring_available())
    present = find_entry(found.text, asked.host).get("env", {})
    there = present if isinstance(present, dict) else {}
    answer = _rehearsed if asked.dry_run else _asking(there)
    made = build_environment(asked.host, asked.backend, store, present=there, answer=answer)
    made.variables |= asked.variables
    _check(made)
    extra = "[keyring]" if store == "keyring" else ""
    launch = launch_here(sys.executable, os.environ.get("UV"), made.variables, extra)
    wanted = WantedEntry(launch, made.inputs, made.forget)
    text = add_server(found.text, asked.host, wanted)
    _show(asked, found, text)
    if asked.dry_run:
        return
    for name, secret in made.to_keep.items():
        credentials.store_credential(name, secret)
        click.echo(f"{name} is kept in the system keyring (service {credentials.SERVICE}).")
    _write(asked.host, found, text)
    _warn(asked.host, made, store)
    click.echo(asked.host.afterwards)


def _uninstall(asked: _Request, found: "HostFile") -> None:
    from taskhand.config.credentials import MARK, SERVICE
    from taskhand.config.variables import SECRETS
    from taskhand.install.host import input_id
    from taskhand.install.host_file import read_copies
    from taskhand.install.server_entry import find_entry, remove_server

    if found.raw is None:
        click.echo(f"There is no {found.path}; nothing to do.")
        return
    env = find_entry(found.text, asked.host).get("env", {})
    text = remove_server(found.text, asked.host, map(input_id, sorted(SECRETS)), read_copies(found))
    if text == found.text:
        click.echo(f"Taskhand is not in {found.path}; nothing to do.")
        return
    _show(asked, found, text)
    if asked.dry_run:
        return
    _write(asked.host, found, text)
    for value in env.values() if isinstance(env, dict) else ():
        if isinstance(value, str) and value.startswith(MARK):
            name = value.removeprefix(MARK)
            click.echo(f"{name} stays in the system keyring; `keyring del {SERVICE} {name}` removes it.")


def _rehearsed(question: "InstallQuestion") -> str | None:
    """A key that stands for the real one, which nobody is asked for before it is needed."""
    from taskhand.config.variables import is_secret_variable
    from taskhand.install.server_entry import MASK

    return MASK if is_secret_variable(question.variable) else None


def _asking(present: Mapping[str, object]) -> "Answer":
    """Take a variable from the environment of this command, else ask the person, where there is one."""
    from taskhand.config.variables import describe_variable, is_secret_variable

    def answer(question: "InstallQuestion") -> str | None:
        secret = is_secret_variable(question.variable)
        if found := os.environ.get(question.variable, "").strip():
            click.echo(f"{question.variable} is taken from the environment.", err=True)
            return found
        if not sys.stdin.isatty():
            return None
        blank = " (empty: stays)" if question.variable in present else "" if question.required else " (empty: none)"
        text = f"{question.variable}, {describe_variable(question.variable).rstrip('.')}{blank}"
        typed: str = click.prompt(text, default="", show_default=False, hide_input=secret, err=True)
        return typed.strip() or None

    return answer


def _check(made: "EntryVariables") -> None:
    """Refuse what the server would refuse when it starts. OperatorError names the variable."""
    from taskhand.install.server_entry import is_reference

    real = {name: value for name, value in made.variables.items() if not is_reference(value)}
    Settings.from_env(real)


def _show(asked: _Request, found: "HostFile", text: str) -> None:
    from taskhand.install.diff import render_diff

    click.echo(f"{asked.host.name}: {found.path}")
    if text == found.text:
        click.echo("It says so already; nothing changes.")
        return
    lines = render_diff(found.text, text, asked.host)
    for line in lines:
        click.secho(line, fg=_COLOURS.get(line[:1]))
    if not lines:
        click.echo("Only a key changes.")
    if asked.dry_run:
        click.echo("Nothing was written.")


def _write(host: "Host", found: "HostFile", text: str) -> None:
    from taskhand.install.host_file import replace_host_file
    from taskhand.install.server_entry import mask_keys

    if text != found.text:
        copy = replace_host_file(found, text, copy=mask_keys(found.text, host), now=datetime.now().astimezone())
        click.echo("Written." + (f" The file as it was: {copy}" if copy else ""))


def _warn(host: "Host", made: "EntryVariables", store: "KeyStore") -> None:
    """Say what else a key needs to be found, or to be safe."""
    from taskhand.config.variables import is_secret_variable
    from taskhand.install.server_entry import is_reference

    for name, value in made.variables.items():
        if not is_secret_variable(name):
            continue
        if store == "environment":
            click.echo(f"! Set {name} in the environment that starts {host.name}.", err=True)
        elif store == "file" and not is_reference(value):
            click.echo(
                f"! {name} can be read by whoever reads that file. With `pip install '.[keyring]'` it goes "
                "to the system's keyring.",
                err=True,
            )
