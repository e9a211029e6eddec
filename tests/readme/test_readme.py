"""The README is true: its commands run, its blocks start a server, its generated parts are up to date."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from documents import ROOT, stale
from taskhand import __version__
from taskhand.install import HOSTS, Host, Launch

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^taskhand .+$", README, re.MULTILINE)
BIN = Path(sys.executable).parent


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A shell of a newcomer: the installed command on the path, a data folder of its own."""
    return {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }


def test_what_is_generated_is_up_to_date() -> None:
    assert [file.name for file in stale()] == []


def test_every_command_of_the_readme_runs(environment: dict[str, str], tmp_path: Path) -> None:
    inline = re.findall(r"`(taskhand [^`]+)`", README)
    assert len(COMMANDS) >= 2
    runs = [command for command in COMMANDS if "sandbox" not in command]
    for command in [*runs, *(line for line in inline if not {"serve", "--clock", "sandbox"} & set(line.split()))]:
        run = subprocess.run(  # noqa: S603  the README's own commands
            shlex.split(command), env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
        )
        assert run.returncode == 0, f"{command}: {run.stderr}"


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)) <= set(targets)


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
async def test_the_block_of_a_host_starts_the_server(host: Host, environment: dict[str, str]) -> None:
    block = host.block(Launch())
    assert f"```json\n{block}\n```" in README
    entry = json.loads(block)[host.key]["taskhand"]
    server = StdioServerParameters(command=str(BIN / entry["command"]), args=entry["args"], env=environment)
    async with Client(stdio_client(server), mode="legacy") as client:
        assert (await client.list_tools()).tools


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    registry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    assert project["version"] == registry["version"] == registry["packages"][0]["version"] == __version__


def test_the_package_says_that_the_registry_entry_is_its_own() -> None:
    registry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    assert f"mcp-name: {registry['name']}" in README
    assert len(registry["description"]) <= 100


@pytest.mark.parametrize("crm", ["vambe", "close", "hubspot"])
async def test_the_command_that_a_sandbox_prints_connects(
    environment: dict[str, str], tmp_path: Path, crm: str
) -> None:
    command = [sys.executable, "-m", "taskhand", "sandbox", crm, "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as sandbox:  # noqa: ASYNC220, S603
        assert sandbox.stdout
        lines = [sandbox.stdout.readline() for _ in range(2)]
        key, url, taskhand = lines[-1].split()[:3]
        connected = environment | dict(part.split("=", 1) for part in (key, url))
        run = await anyio.run_process([taskhand, "doctor"], env=connected, cwd=tmp_path, check=False)
        sandbox.terminate()
    assert run.returncode == 0
    assert f"backend {crm}".encode() in run.stdout
