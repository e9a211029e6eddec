"""A host's file, a machine without a keyring, and the command `taskhand install` on them."""

import os
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner, Result

from cli.installing import Run
from keyrings import MemoryKeyring
from taskhand.cli.main import command
from variables import PREFIXES


@pytest.fixture
def kept(no_keyring: None) -> MemoryKeyring:  # noqa: ARG001  it puts back what was there
    """A keyring on this machine."""
    mine = MemoryKeyring()
    keyring.set_keyring(mine)
    return mine


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A host's file, with a server of somebody else's in it."""
    path = tmp_path / "host.json"
    path.write_text('{\n  // mine\n  "mcpServers": {\n    "gh": {"env": {"T": "ghp"}}\n  }\n}\n', encoding="utf-8")
    return path


@pytest.fixture
def run(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_keyring: None) -> Run:  # noqa: ARG001
    """Run the command on that file, with nobody to ask, in a zone that is nobody's.

    The entry is not started, unless a test says so: that takes two processes.
    """
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)

    def running(host: str, *options: str, anywhere: bool = False, **environment: str) -> Result:
        place = [] if anywhere else ["--file", str(file)]
        home = {"HOME": str(tmp_path), "TASKHAND_CONFIG": os.devnull, "TZ": "UTC"}
        arguments = ["install", host, *place, *([] if "--check" in options else ["--no-check"]), *options]
        return CliRunner().invoke(command, arguments, env=home | environment, catch_exceptions=True)

    return running
