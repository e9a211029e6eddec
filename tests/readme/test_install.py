"""The install commands of the README, run word for word against this checkout."""

import faulthandler
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from documents import PAGES, ROOT

_INSTALL = re.compile(r"(?:^|`)((pip|pipx|uv tool) install [^`\n]+)", re.MULTILINE)
COMMANDS = list(dict.fromkeys(found for page in PAGES for found in _INSTALL.findall(page.read_text(encoding="utf-8"))))
_WITH_EXTRA = "pip install '.["
EXAMPLE_ADDRESS = "https://git.example.com/taskhand.git"
"""The Git address in the README. Git clones this checkout in its place: it copies the files of a path, and would pack
the whole history again for a URL."""
BUILD_PACKAGES = ("hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove_classifiers")
"""The builder and what it imports."""


def _environment(folder: Path, programs: Path) -> dict[str, str]:
    """A user's shell that installs below `folder`, with this machine's package index, proxy and certificates.

    Its `pip` is the one that runs these tests, told to work on another Python: so need none be installed there first.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return inherited | {
        "PATH": os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"])),
        "TASKHAND_DB": str(folder / "tasks.sqlite"),
        "PIPX_HOME": str(folder / "pipx"),
        "PIPX_BIN_DIR": str(programs),
        "UV_TOOL_DIR": str(folder / "uv"),
        "UV_TOOL_BIN_DIR": str(programs),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{ROOT}.insteadOf",
        "GIT_CONFIG_VALUE_0": EXAMPLE_ADDRESS,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_PYTHON": str(programs / "python"),
        "PIP_NO_COMPILE": "1",  # compiling what is imported once takes longer than importing it
    }


def _with_builder(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment with the builder of these tests in place of one that pip installs for each command anew."""
    builder = folder / "builder"
    builder.mkdir()
    for name in BUILD_PACKAGES:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (builder / name).symlink_to(Path(spec.origin).parent)
    return environment | {"PYTHONPATH": str(builder), "PIP_NO_BUILD_ISOLATION": "off"}


def _commands_of(tool: str) -> list[str]:
    """The commands of a tool; those that add one extra of the folder are one command, which starts pip only once."""
    commands = [command for command, by in COMMANDS if by == tool]
    extras = [command for command in commands if command.startswith(_WITH_EXTRA)]
    whole = [command for command in commands if command not in extras]
    if extras:
        whole.append(" ".join(("pip install", *(command.removeprefix("pip install ") for command in extras))))
    return whole


def test_the_readme_installs_from_git_and_from_a_folder_with_each_tool() -> None:
    assert {tool for _, tool in COMMANDS} == {"pip", "pipx", "uv tool"}
    for tool in ("pip", "pipx", "uv tool"):
        assert {f"{tool} install git+{EXAMPLE_ADDRESS}", f"{tool} install ."} <= {command for command, _ in COMMANDS}


@pytest.mark.parametrize("tool", ["pip", "pipx", "uv tool"])
def test_every_install_command_leaves_a_taskhand_that_runs(tool: str, tmp_path: Path) -> None:
    program = tool.removesuffix(" tool")
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed on this machine")
    faulthandler.cancel_dump_traceback_later()  # an index may be slow: each command has a limit of its own
    programs = tmp_path / "venv" / "bin"
    if tool == "pip":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", programs.parent], check=True, timeout=60)  # noqa: S603
    environment = _environment(tmp_path, programs)
    for number, command in enumerate(_commands_of(tool)):
        if tool == "pip" and number == 1:
            environment = _with_builder(environment, tmp_path)
        again = [] if tool == "pip" else ["--force"]
        done = subprocess.run(  # noqa: S603  the README's own commands
            [*shlex.split(command), *again],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert "does not provide the extra" not in done.stderr, command
        listed = subprocess.run(  # noqa: S603
            [programs / "taskhand", "tools"], env=environment, capture_output=True, timeout=60, check=False
        )
        assert b'"create_task"' in listed.stdout, command
