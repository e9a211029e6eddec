"""The installation of this program: its source, whether it is permanent, and the command for a permanent one."""

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from taskhand.domain.errors import OperatorError

__all__ = ["Installation", "check_lasting", "find_installation"]

_NAME = "taskhand"


@dataclass(frozen=True, slots=True)
class Installation:
    """The environment folder (`prefix`) of this program, and its `source`: a folder, an archive or a Git address.

    `source` is None for a package of an index.
    """

    prefix: Path
    source: str | None

    def install_command(self, extra: str = "") -> str:
        """The command that installs the same source permanently; `extra` is such as `[keyring]`."""
        program = "pipx" if self._is_of_pipx else "uv tool"
        source = self.source or _NAME
        if extra:
            source = f"{_NAME}{extra} @ {source}" if "://" in source else f"{source}{extra}"
        return f"{program} install {shlex.quote(source)}"

    @property
    def is_public(self) -> bool:
        """Whether others can install it from the same source, which is no folder or file of this machine."""
        return self.source is None or ("://" in self.source and not self.source.startswith(("file:", "git+file:")))

    @property
    def uninstall_command(self) -> str:
        """The command that removes the program."""
        if self._is_of_pipx:
            return f"pipx uninstall {_NAME}"
        return f"{'uv tool' if self.prefix.parent.name == 'tools' else 'pip'} uninstall {_NAME}"

    def why_temporary(self, file: Path) -> str | None:
        """Why an entry in `file` would stop working, as the end of "Taskhand runs from ..."; None if it lasts.

        A file in the temporary folder does not outlive a program there.
        """
        if self._is_of_pipx and self.prefix.parent.name != "venvs":  # where `pipx install` puts environments
            return "the cache of pipx, which is cleaned"
        for folder in self.prefix.parents:
            if (folder / "CACHEDIR.TAG").exists():  # https://bford.info/cachedir/ ; uv marks its cache so
                return f"a cache, {folder}, which is cleaned"
        emptied, real = self.temporary_folder, Path(os.path.realpath(file))
        return f"the temporary folder {emptied}" if emptied and not real.is_relative_to(emptied) else None

    @property
    def temporary_folder(self) -> Path | None:
        """The temporary folder that contains the program; None if it is elsewhere."""
        return next((folder for folder in _temporary_folders() if self.prefix.is_relative_to(folder)), None)

    @property
    def _is_of_pipx(self) -> bool:
        return (self.prefix / "pipx_metadata.json").exists()


def find_installation() -> Installation:
    """The installation of the running program."""
    return Installation(Path(sys.prefix), _find_source())


def check_lasting(installation: Installation, file: Path, extra: str) -> None:
    """Refuse a temporary program (OperatorError), because the host's entry would fail after its removal.

    An entry that downloads the program again would get the package of this name from an index, which may have
    another owner.
    """
    if why := installation.why_temporary(file):
        raise OperatorError(
            f"Taskhand runs from {why}, so an entry for it would stop working. Nothing is written.",
            next_step=f"Install it first: {installation.install_command(extra)}, then `taskhand install` again.",
        )


def _find_source() -> str | None:
    """The source of the installed package: https://packaging.python.org/en/latest/specifications/direct-url/ ."""
    try:
        text = distribution(_NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    if not text:
        return None
    direct_url = json.loads(text)
    url = str(direct_url["url"])
    if vcs := direct_url.get("vcs_info"):
        revision = f"@{vcs['requested_revision']}" if vcs.get("requested_revision") else ""
        folder = f"#subdirectory={direct_url['subdirectory']}" if direct_url.get("subdirectory") else ""
        return f"{vcs['vcs']}+{url}{revision}{folder}"
    parts = urlsplit(url)
    return url2pathname(parts.path) if parts.scheme == "file" else url


def _temporary_folders() -> Iterator[Path]:
    """The temporary folders of the system, as named and with links resolved."""
    for folder in dict.fromkeys((tempfile.gettempdir(), *(("/tmp", "/var/tmp") if os.name == "posix" else ()))):  # noqa: S108
        yield from dict.fromkeys((Path(folder), Path(os.path.realpath(folder))))
