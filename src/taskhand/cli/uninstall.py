"""The command `taskhand uninstall`: removes everything that Taskhand wrote on this machine, after asking."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taskhand.cli import CONFIGURATION
from taskhand.cli.terminal import print_line
from taskhand.domain.errors import CallerError, OperatorError

if TYPE_CHECKING:
    from taskhand.config.effective_settings import Configuration
    from taskhand.install.host_file import HostFile
    from taskhand.install.known_entries import KnownEntry, UnreadFile

__all__ = ["uninstall"]


_KEY_OF_DATA = "TASKHAND_VAULT_KEY"
"""The key that decrypts persons' links, so that it is removed only with the data."""


@dataclass(frozen=True, slots=True)
class _Removals:
    """Everything to remove. `unread` are host files that cannot be read."""

    entries: "Sequence[KnownEntry]"
    unread: "Sequence[UnreadFile]"
    backups: Sequence[Path]
    keys: Sequence[str]
    databases: Sequence[tuple[Path, Path]]
    data: Sequence[Path]
    problems: list[str] = field(default_factory=list)

    @property
    def is_only_data(self) -> bool:
        """Whether it consists of data only."""
        return not (self.entries or self.backups or self.keys)

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to remove."""
        return self.is_only_data and not self.data


@click.command()
@click.option(
    "--data",
    is_flag=True,
    help="Remove the tasks, the journal, the keys of callers, links and the settings files, too.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@click.pass_context
def uninstall(context: click.Context, *, data: bool, yes: bool, dry_run: bool) -> None:
    """Remove what Taskhand has written on this machine.

    It removes its entries in all known hosts, its keys in the keyring, and its backups of hosts' files. Tasks, journal,
    keys of callers, links and the settings files stay, unless you pass --data or agree when asked. Quit the hosts
    first.
    """
    removals = _find(context.meta[CONFIGURATION])
    _list(removals, data=data)
    if dry_run or removals.is_nothing:
        _tell_rest(removals, data=data)
        print_line("Nothing was removed.")
        return
    if not yes:
        data = _ask(removals, data=data)
    if data:
        _check_unused(removals)
    _remove_entries(removals)
    _remove_keys(removals, data=data)
    _remove_files(removals, [*removals.backups, *(removals.data if data else ())])
    _tell_rest(removals, data=data)
    sys.exit(1 if removals.problems else 0)


def _ask(removals: _Removals, *, data: bool) -> bool:
    """List it and ask whether to remove it; returns whether to remove the data too. Abort for a no."""
    if not sys.stdin.isatty():
        raise CallerError(
            "There is no terminal to ask for confirmation.", next_step="Give --yes to remove what is listed."
        )
    if data or not removals.is_only_data:
        click.confirm("Remove this?", abort=True, err=True)
    question = "Remove the tasks, the journal, the callers' keys and links and the settings too? This cannot be undone"
    return data or bool(removals.data and click.confirm(question, err=True))


def _find(configuration: "Configuration") -> _Removals:
    from taskhand.config.data_files import keys_path, links_path
    from taskhand.install.host_file import read_backups
    from taskhand.install.known_entries import KnownEntry, find_host_files, find_known_entries

    known = list(find_known_entries())
    entries = [entry for entry in known if isinstance(entry, KnownEntry)]
    backups = [path for file in find_host_files() for path, _ in read_backups(file)]
    data: list[Path] = []
    problems: list[str] = []
    configurations = [configuration, *_configurations(entries, problems)]
    databases = list(dict.fromkeys(pair for configuration in configurations for pair in _databases(configuration)))
    of_persons = [
        path_of(configuration.settings) for configuration in configurations for path_of in (keys_path, links_path)
    ]
    for database in dict.fromkeys((*(path for pair in databases for path in pair), *of_persons)):
        try:
            data += _files_of(database)
        except OSError as error:
            problems.append(f"{database.parent} cannot be read: {error.strerror}.")
    data += [path for configuration in configurations for path in _settings_files(configuration)]
    unread = [entry for entry in known if not isinstance(entry, KnownEntry)]
    keys = list(_keys(entries, configurations))
    return _Removals(entries, unread, backups, keys, databases, [*dict.fromkeys(data)], [*dict.fromkeys(problems)])


def _configurations(entries: "Sequence[KnownEntry]", problems: list[str]) -> "Iterator[Configuration]":
    """The configuration of each entry that names its own files; an invalid one is added to the problems."""
    from taskhand.config.effective_settings import load_configuration
    from taskhand.config.settings import FIELDS, Settings

    files = {Settings.variable(name) for name in FIELDS if Settings.is_path(name)}
    for entry in entries:
        if paths := {name: value for name, value in entry.variables.items() if name in files}:
            try:
                yield load_configuration(paths, {})
            except OperatorError as error:
                problems.append(error.message)


def _settings_files(configuration: "Configuration") -> Iterator[Path]:
    """The configuration, policy and people files that exist."""
    from taskhand.cli.loaded_people import people_path
    from taskhand.cli.loaded_policy import policy_path

    for path in (configuration.file.path, policy_path(configuration)[0], people_path(configuration)):
        with suppress(OSError):
            if path.is_file():
                yield path


def _keys(entries: "Sequence[KnownEntry]", configurations: "Sequence[Configuration]") -> Iterator[str]:
    """The names of our keys in the keyring: those of current entries and connections, and of earlier ones."""
    from taskhand.config.credentials import MARK, find_credential, find_keyring
    from taskhand.config.environment_variables import SECRETS

    if find_keyring() == "usable":
        origins = (
            origin
            for configuration in configurations
            for connection in configuration.all_connections
            for origin in connection.origins.values()
        )
        references = [origin.reference for origin in origins if origin.reference]
        named = [reference.removeprefix(MARK) for reference in references if reference.startswith(MARK)]
        names = [*(name for entry in entries for name in entry.keyring_names), *named, *sorted(SECRETS)]
        yield from (name for name in dict.fromkeys(names) if find_credential(name) is not None)


def _databases(configuration: "Configuration") -> Iterator[tuple[Path, Path]]:
    """The store and the journal of the server, and of each connection."""
    from taskhand.config.data_files import journal_path, store_location

    for settings in (configuration.settings, *(connection.settings for connection in configuration.all_connections)):
        store, journal = store_location(settings), journal_path(settings)
        yield store if isinstance(store, Path) else journal, journal


def _files_of(database: Path) -> Iterator[Path]:
    """A database and the files beside it: its WAL, locks, and the copies that migrations and restores leave."""
    if not database.parent.is_dir():
        return
    own = (f"{database.name}-", f"{database.name}.", f".{database.name}.", f"{database.stem}.before-restore-")
    for path in sorted(database.parent.iterdir()):
        if (path.name == database.name or path.name.startswith(own)) and path.is_file():
            yield path


def _list(removals: _Removals, *, data: bool) -> None:
    for entry in removals.entries:
        print_line(f"entry of {entry}: {entry.file.path}")
    for path in removals.backups:
        print_line(f"backup: {path}")
    for name in removals.keys:
        stays = name == _KEY_OF_DATA and not data
        print_line(f"key in the system keyring: {name}{' (stays without --data)' if stays else ''}")
    for path in removals.data:
        print_line(f"data: {path}{'' if data else ' (stays without --data)'}")
    for file in removals.unread:
        print_line(f"! {file.why}", err=True)
    if removals.is_nothing or (removals.is_only_data and not data):
        print_line("Taskhand has written nothing on this machine" + (" but its data." if removals.data else "."))


def _check_unused(removals: _Removals) -> None:
    """OperatorError while a server has a journal open: it would keep writing to the deleted file."""
    from taskhand.journal.process_lock import ProcessLock

    for _, journal in removals.databases:
        locks = ProcessLock(journal)
        alive = [session for session in locks.other_sessions() if not locks.take_over(session)]
        locks.release_all()
        if alive:
            raise OperatorError(f"A server is using {journal}.", next_step="Quit the hosts, then run it again.")


def _remove_entries(removals: _Removals) -> None:
    """Remove the entries one by one, rereading the file for each, and the backups that this makes."""
    from taskhand.config.environment_variables import SECRETS
    from taskhand.install.host_file import read_backups, read_host_file, replace_host_file
    from taskhand.install.server_entry import remove_server

    for entry in removals.entries:
        try:
            file: HostFile = read_host_file(entry.file.path)
            earlier = [text for _, text in read_backups(file)]
            text = remove_server(file.text, entry.host, map(entry.host.input_id, sorted(SECRETS)), earlier)
            copy = replace_host_file(file, text, copy="", now=datetime.now().astimezone())
        except OperatorError as error:
            removals.problems.append(error.message)
            continue
        if copy:
            copy.unlink()
        print_line(f"Removed from {entry}.")


def _remove_keys(removals: _Removals, *, data: bool) -> None:
    from taskhand.config.credentials import remove_credential

    for name in removals.keys:
        if name == _KEY_OF_DATA and not data:
            continue
        try:
            remove_credential(name)
        except OperatorError as error:
            removals.problems.append(error.message)
        else:
            print_line(f"Removed {name} from the system keyring.")


def _remove_files(removals: _Removals, paths: Sequence[Path]) -> None:
    count = 0
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            removals.problems.append(f"{path} cannot be removed: {error.strerror}.")
        else:
            count += 1
    if count:
        print_line(f"Removed {count} file{'' if count == 1 else 's'}.")
    for folder in {path.parent for path in paths if path.parent.name == "taskhand"}:
        with suppress(OSError):  # the folder is not empty, or its parent is not writable
            folder.rmdir()


def _tell_rest(removals: _Removals, *, data: bool) -> None:
    """Print which data stays, how to remove the program itself, and the problems."""
    from taskhand.install.installed_program import find_installation

    if removals.data and not data:
        folders = ", ".join(dict.fromkeys(str(path.parent) for path in removals.data))
        print_line(f"Your data stays in {folders}; `taskhand uninstall --data` removes it.")
    print_line(f"The program itself is removed by: {find_installation().uninstall_command}")
    for problem in removals.problems:
        print_line(f"! {problem}", err=True)
