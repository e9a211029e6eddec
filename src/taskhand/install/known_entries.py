"""The entries of Taskhand in the files of the known hosts on this machine."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskhand.config.credentials import MARK
from taskhand.config.paths import home_folder
from taskhand.domain.errors import OperatorError
from taskhand.install.file_format import Unparsable, Unsuitable
from taskhand.install.host_file import HostFile, read_host_file
from taskhand.install.host_paths import Machine, System
from taskhand.install.hosts import HOSTS, SERVER, Host
from taskhand.install.server_entry import find_entry, our_hosts

__all__ = ["KnownEntry", "UnreadFile", "find_host_files", "find_known_entries", "this_machine"]

_SYSTEMS: Mapping[str, System] = {"Darwin": "Darwin", "Windows": "Windows"}
"""By `platform.system()`; every other system has its files where Linux has them."""


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """An entry in a host's file; the host's `server` is its name."""

    host: Host
    file: HostFile
    entry: Mapping[str, Any]

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of its server."""
        env = self.entry.get("env")
        return {str(name): str(value) for name, value in env.items()} if isinstance(env, dict) else {}

    @property
    def keyring_names(self) -> Sequence[str]:
        """The names of its keys in the keyring."""
        return [value.removeprefix(MARK) for value in self.variables.values() if value.startswith(MARK)]

    def __str__(self) -> str:
        return self.host.name if self.host.server == SERVER else f"{self.host.name} ({self.host.server})"


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A host's file that cannot be read or parsed, and why."""

    host: Host
    path: Path
    why: str


def this_machine() -> Machine:
    """This machine. OperatorError if the user has no home folder."""
    return Machine(_SYSTEMS.get(platform.system(), "Linux"), home_folder(), os.environ)


def find_known_entries(hosts: Sequence[Host] = HOSTS, folder: Path | None = None) -> Iterator[KnownEntry | UnreadFile]:
    """The entries in the users' files of these hosts, and in their project files below `folder`."""
    machine = this_machine()
    for host in hosts:
        files = [host.user_file(machine)]
        files += [folder / host.project_file] if folder and host.project_file else []
        # In the home folder the project's file may be the user's.
        for path in {os.path.realpath(file): file for file in reversed(files)}.values():
            try:
                yield from _find_entries(read_host_file(path), host)
            except OperatorError as error:
                yield UnreadFile(host, path, error.message)
            except (Unparsable, Unsuitable) as error:
                yield UnreadFile(host, path, f"{path} cannot be read ({error}).")


def find_host_files() -> Iterator[HostFile]:
    """The users' files of the known hosts, without those that cannot be read."""
    machine = this_machine()
    for host in HOSTS:
        with suppress(OperatorError):
            yield read_host_file(host.user_file(machine))


def _find_entries(host_file: HostFile, host: Host) -> Iterator[KnownEntry]:
    """The entries of Taskhand in a file. Raises as `FileFormat`."""
    for our_host in our_hosts(host_file.text, host):
        yield KnownEntry(our_host, host_file, find_entry(host_file.text, our_host))
