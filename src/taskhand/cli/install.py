"""The command `taskhand install`: adds Taskhand to an AI host's configuration, or removes it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taskhand.backends.registry import NAMES
from taskhand.cli.terminal import print_line
from taskhand.config.paths import expand_path, home_folder
from taskhand.config.settings import BackendName
from taskhand.domain.errors import CallerError, OperatorError

if TYPE_CHECKING:
    from taskhand.cli.install_questions import InstallOptions
    from taskhand.config.credentials import KeyringState
    from taskhand.install import Host
    from taskhand.install.credential_storage import EntryVariables, KeyStore
    from taskhand.install.host_file import HostFile

__all__ = ["HOST_NAMES", "SAFER", "install"]

HOST_NAMES = ("claude-desktop", "claude-code", "cursor", "vscode", "windsurf", "gemini", "codex")
"""A copy of the slugs of `install.HOSTS`, which is not imported at start. A test compares them."""

SAFER: "Mapping[KeyringState, str]" = {
    "usable": "`--keys keyring` stores it in the system's keyring.",
    "not_installed": "Install Taskhand with the extra `keyring` to store it in the system's keyring.",
    "none": "",
}
"""A safer storage for keys than a file."""

_COLOURS = {"+": "green", "-": "red"}


@click.command()
@click.argument("host", type=click.Choice(HOST_NAMES), required=False)
@click.option("--backend", type=click.Choice(NAMES), help="Where tasks live; asks for its API key.")
@click.option("--me", metavar="WHO", help="The member of the team that `me` is: a name, an e-mail or an id.")
@click.option("--timezone", metavar="ZONE", help="Your time zone; default: this machine's.")
@click.option("--language", type=click.Choice(["es", "en"]), help="The language of a new built-in store's statuses.")
@click.option("--name", default="taskhand", show_default=True, help="The entry's name, if the host has several.")
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
@click.option(
    "--set", "variables", multiple=True, metavar="NAME=VALUE", help="A further variable; secrets are refused."
)
@click.option("--check/--no-check", "checks", default=True, help="Start the entry and try the key first (default).")
@click.option("--print", "prints", is_flag=True, help="Print the entry; without HOST, in the form of most other hosts.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--uninstall", is_flag=True, help="Remove Taskhand from the file.")
def install(
    host: str | None,
    *,
    backend: BackendName | None,
    me: str | None,
    timezone: str | None,
    language: str | None,
    name: str,
    file: Path | None,
    keys: "KeyStore | None",
    variables: tuple[str, ...],
    project: bool,
    checks: bool,
    prints: bool,
    dry_run: bool,
    uninstall: bool,
) -> None:
    """Add Taskhand to the configuration of HOST. Everything else in the file stays unchanged."""
    from taskhand.cli.install_questions import InstallOptions

    request = InstallOptions(
        _find_host(host, name, prints=prints),
        backend,
        keys,
        _read_given(variables, project=project),
        me,
        timezone,
        language,
        project=project,
        dry_run=dry_run,
        prints=prints,
        checks=checks,
    )
    if prints:
        from taskhand.cli.install_entry import print_entry

        print_entry(request)
        return
    path = expand_path("--file", file) if file else _file_of(request)
    (_uninstall if uninstall else _install)(request, path)


def _find_host(host: str | None, name: str, *, prints: bool) -> "Host":
    from taskhand.install.hosts import ANY_HOST, find_host

    if host is None and not prints:
        raise click.UsageError("Missing argument 'HOST'. `--print` prints an entry for any other host.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,29}", name):
        raise CallerError(
            f"--name {name[:60]!r} must be 1 to 30 letters, digits, - or _, and begin with a letter or a digit."
        )
    return (find_host(host) if host else ANY_HOST).with_server(name)


def _file_of(request: "InstallOptions") -> Path:
    from taskhand.install.known_entries import this_machine

    if not request.project:
        return request.host.user_file(this_machine())
    if request.host.project_file is None:
        raise CallerError(f"{request.host.name} has no project file.")
    return Path.cwd() / request.host.project_file


def _read_given(variables: Sequence[str], *, project: bool) -> Mapping[str, str]:
    """The variables of --set. CallerError for an unknown variable, a key, or a personal path in a shared file."""
    from difflib import get_close_matches

    from taskhand.config.environment_variables import FILE_VARIABLES, VARIABLES, is_secret_variable

    given = dict(variable.partition("=")[::2] for variable in variables)
    for name, value in given.items():
        if name not in VARIABLES | FILE_VARIABLES or not value:
            near = get_close_matches(name.upper(), sorted(VARIABLES - {name}), n=1)
            raise CallerError(
                f"--set {name[:60]} must be NAME=VALUE with a variable of Taskhand.",
                next_step=f"Did you mean {near[0]}?" if near and name not in VARIABLES | FILE_VARIABLES else None,
            )
        if is_secret_variable(name):
            raise CallerError(f"{name} is a secret, which must not be on a command line; --backend asks for it.")
        if project and Path(value).is_relative_to(home_folder()):
            short = f"~/{Path(value).relative_to(home_folder())}"
            raise CallerError(
                f"{name} is a path of yours, and a project's file is shared.", next_step=f"Write it as {name}={short}."
            )
    return given


def _install(request: "InstallOptions", path: Path) -> None:
    from taskhand.cli.install_entry import build_entry, check_entry, keep_in_keyring, needed_extra, show_by_hand
    from taskhand.install.file_format import Unparsable, Unsuitable
    from taskhand.install.host_file import HostFileError, check_writable, read_host_file
    from taskhand.install.installed_program import check_lasting, find_installation
    from taskhand.install.server_entry import add_server, find_entry

    if not request.project:
        check_lasting(find_installation(), path, needed_extra(request))
    try:
        host_file = read_host_file(path)
        if not request.dry_run:
            check_writable(host_file)
        made, entry = build_entry(request, find_entry(host_file.text, request.host))
        text = add_server(host_file.text, request.host, entry)
        _print_difference(request, host_file, text)
        if request.dry_run:
            return
        with keep_in_keyring(request, made):
            check_entry(request, find_entry(text, request.host))
            _write(request.host, host_file, text)
    except (Unparsable, Unsuitable) as error:
        show_by_hand(request)
        raise OperatorError(
            f"{path} cannot be changed ({error}), so nothing is written.",
            next_step="Correct the file by hand, or add the entry yourself. "
            f"{request.host.name} may not read it either.",
        ) from None
    except HostFileError:
        show_by_hand(request)
        raise
    _warn(request, made, path)
    asks = f" {request.host.name} asks for the key then and keeps it." if made.inputs else ""
    print_line(f"{request.host.afterwards}{asks}")


def _uninstall(request: "InstallOptions", path: Path) -> None:
    from taskhand.config.credentials import MARK, SERVICE
    from taskhand.config.environment_variables import SECRETS
    from taskhand.install.file_format import Unparsable, Unsuitable
    from taskhand.install.host_file import read_backups, read_host_file
    from taskhand.install.server_entry import find_entry, remove_server

    host_file = read_host_file(path)
    if host_file.raw is None:
        print_line(f"There is no {host_file.path}; nothing to do.")
        return
    try:
        env = find_entry(host_file.text, request.host).get("env", {})
        earlier = (before for _, before in read_backups(host_file))
        text = remove_server(host_file.text, request.host, map(request.host.input_id, sorted(SECRETS)), earlier)
    except (Unparsable, Unsuitable) as error:
        raise OperatorError(
            f"{path} cannot be changed ({error}), so nothing is written.",
            next_step="Correct the file by hand, or remove the entry yourself.",
        ) from None
    if text == host_file.text:
        print_line(_nothing_to_remove(request.host, host_file))
        return
    _print_difference(request, host_file, text)
    if request.dry_run:
        return
    _write(request.host, host_file, text)
    for value in env.values() if isinstance(env, dict) else ():
        if isinstance(value, str) and value.startswith(MARK):
            name = value.removeprefix(MARK)
            print_line(f"{name} stays in the system keyring; `keyring del {SERVICE} {name}` removes it.")


def _nothing_to_remove(host: "Host", host_file: "HostFile") -> str:
    """The sentence for a file without the entry; it names the file's other entries of Taskhand."""
    from taskhand.install.server_entry import our_hosts

    if names := [our_host.server for our_host in our_hosts(host_file.text, host)]:
        verb = "is" if len(names) == 1 else "are"
        return f"There is no entry {host.server} in {host_file.path}; there {verb} {', '.join(names)} (--name)."
    return f"Taskhand is not in {host_file.path}; nothing to do."


def _print_difference(request: "InstallOptions", host_file: "HostFile", text: str) -> None:
    from taskhand.install.masked_diff import render_diff

    print_line(f"{request.host.name}: {host_file.path}")
    if text == host_file.text:
        print_line("The file is up to date; nothing changes.")
        return
    lines = render_diff(host_file.text, text, request.host)
    for line in lines:
        print_line(line, colour=_COLOURS.get(line[:1]))
    if not lines:
        print_line("Only a key changes.")
    if request.dry_run:
        print_line("Nothing was written.")


def _write(host: "Host", host_file: "HostFile", text: str) -> None:
    from taskhand.install.host_file import is_open_with_key, protect, read_backups, replace_host_file
    from taskhand.install.server_entry import find_keys, mask_keys

    if is_open_with_key(host_file, find_keys(text, host)):
        host_file = protect(host_file)
        print_line(f"Only you can read {host_file.path} now. It holds a key, and others could read it before.")
    if text == host_file.text:
        return
    copy = replace_host_file(host_file, text, copy=mask_keys(host_file.text, host), now=datetime.now().astimezone())
    print_line("Written." + (f" Backup: {copy}" if copy else ""))
    keys = find_keys(host_file.text, host)
    holding = [
        str(path)
        for path, backup in read_backups(host_file)
        if find_keys(backup, host) or any(key in backup for key in keys)
    ]
    if holding:
        print_line(
            f"! A key of Taskhand's entry stays in a backup. Delete it when you can: {', '.join(holding)}", err=True
        )


def _warn(request: "InstallOptions", made: "EntryVariables", path: Path) -> None:
    """Warn if a key must be set elsewhere or other users can read it."""
    from taskhand.cli.install_entry import choose_key_store
    from taskhand.config import credentials
    from taskhand.config.environment_variables import is_secret_variable
    from taskhand.install.installed_program import find_installation
    from taskhand.install.server_entry import is_reference

    store = choose_key_store(request)
    for name, value in (made.variables | dict.fromkeys(made.forwarded, "")).items():
        if not is_secret_variable(name):
            continue
        if store == "environment":
            print_line(f"! Set {name} in the environment that starts {request.host.name}.", err=True)
        elif store == "file" and not is_reference(value):
            safer = SAFER[credentials.find_keyring()]
            print_line(f"! Everyone who can read that file can read {name}. {safer}".rstrip(), err=True)
    here = find_installation()
    if request.project:
        how = f": {here.install_command()}" if here.is_public else " on their PATH."
        print_line(f"Everybody who shares {path.name} needs the command `taskhand`{how}")
    elif here.temporary_folder:
        print_line(f"! The entry works as long as the temporary folder {here.prefix} exists.", err=True)
