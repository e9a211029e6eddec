"""The commands of docs/operating.md that are not `taskhand` commands, as far as a test may run them."""

import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from click import Context

from documents import ROOT
from server.transports.server_process import output
from taskhand.cli.loaded_people import PeopleSource, check_people
from taskhand.cli.loaded_policy import check_policy
from taskhand.cli.main import command
from taskhand.cli.serve import serve
from taskhand.config.effective_settings import load_configuration
from taskhand.config.environment_variables import FILE_VARIABLES, VARIABLES

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
UNIT = ROOT / "examples" / "systemd" / "taskhand.service"

ELSEWHERE = {
    "taskhand ": "test_commands.py",
    "docker build ": "tests/container has its steps",
    "docker compose ": "tests/container reads the file",
    "docker run ": "below",
    "docker exec ": "below",
    "sudo python3 -m venv ": "make dist",
    "sudo /opt/taskhand/bin/pip install ": "make dist",
    "sudo systemctl ": "the unit is verified below",
}
"""How commands begin that need a daemon, root or minutes, and what tries their substance."""


def test_every_command_of_the_page_is_tried_here_or_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = [line for line in LINES if not line.startswith(tuple(ELSEWHERE))]
    for folder in ("etc/systemd/system", "home", "examples/container", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("systemd", "team"):
        shutil.copytree(ROOT / "examples" / folder, tmp_path / "examples" / folder)
    for name in ("taskhand.toml", "vambe_api_key", "home/vambe_api_key", "north", "south"):
        (tmp_path / name).touch()
    script = "\n".join(line.replace("/etc/", f"{tmp_path}/etc/").replace("-o 10001 ", "") for line in here)
    tried = f'set -eu\nsudo() {{ "$@"; }}\nopenssl() {{ echo abc; }}\n{script}\nenv\n'
    run = subprocess.run(  # noqa: S603  the page's own commands
        ["/bin/bash", "-c", tried],
        cwd=tmp_path,
        env={"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert set(re.findall(r"^(TASKHAND_\w+)=", run.stdout, re.MULTILINE)) <= VARIABLES
    assert (tmp_path / "etc/taskhand/vambe_api_key").stat().st_mode & 0o777 == 0o600
    with monkeypatch.context() as service:
        service.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "etc" / "taskhand"))
        _check_connections(tmp_path)
    variables = dict(line.split("=") for line in (tmp_path / "examples/container/.env").read_text("utf-8").split())
    compose = (ROOT / "examples" / "container" / "compose.yaml").read_text(encoding="utf-8")
    assert variables.keys() == set(re.findall(r"\$\{(\w+):\?\}", compose))


def _check_connections(root: Path) -> None:
    """What is installed for a service with two connections is a configuration that a server takes, with its people."""
    etc = root / "etc" / "taskhand"
    settings = (root / "etc/systemd/system/taskhand.service.d/connections.conf").read_text(encoding="utf-8")
    for name, path in re.findall(r"^LoadCredential=(\w+):(.+)$", settings, re.MULTILINE):
        assert path == f"/etc/taskhand/{name}"
        (etc / name).write_text(f"key-of-{name}", encoding="utf-8")
    found = load_configuration({"TASKHAND_CONFIG": str(etc / "taskhand.toml")}, {})
    assert [one.name for one in found.connections] == ["north", "south"]
    assert found.settings.timezone
    assert [one for one in (check_policy(found), *check_people(found)) if one.outcome != "ok"] == []
    assert PeopleSource.open(found).current["ana@example.com"]["south"] == "Ana Pérez"


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("docker run ")])
def test_the_arguments_of_a_documented_container_are_a_command_of_taskhand(line: str) -> None:
    words = shlex.split(line)
    image = words.index("taskhand")
    assert "taskhand:/data" in words[:image]
    for option, value in pairwise(words[:image]):
        assert option != "-e" or value.partition("=")[0] in VARIABLES | FILE_VARIABLES
    name, *arguments = words[image + 1 :] or ["serve"]
    found = command.get_command(Context(command), name)
    assert found is not None
    found.make_context(name, [*arguments])
    if found is serve and "--http" not in arguments and words[image + 1 :]:
        assert {"-i", "--no-healthcheck"} <= set(words)


def test_the_commands_inside_a_container_make_a_key(tmp_path: Path) -> None:
    inside = {line.rpartition(" taskhand ")[2] for line in LINES if re.match(r"docker (compose )?exec ", line)}
    assert inside
    for words in inside:
        made = output(tmp_path / "tasks.sqlite", *shlex.split(words), TASKHAND_KEYS=str(tmp_path / "keys.sqlite"))
        assert made.startswith("thk_")


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("taskhand serve ")])
def test_a_server_is_started_with_options_that_it_has(line: str) -> None:
    serve.make_context("serve", shlex.split(line)[2:])


def test_the_variables_of_the_page_and_of_the_unit_are_settings() -> None:
    unit = UNIT.read_text(encoding="utf-8")
    named = re.findall(r"`?-e (\w+)=|`((?:TASKHAND|VAMBE)_[A-Z_]+)`|^Environment=(\w+)=", PAGE + unit, re.MULTILINE)
    found = {name for names in named for name in names if name}
    assert len(found) >= 6
    assert found <= VARIABLES | FILE_VARIABLES


def test_the_unit_is_one_that_systemd_takes_and_starts_a_command_of_taskhand(tmp_path: Path) -> None:
    unit = UNIT.read_text(encoding="utf-8")
    program, name, *arguments = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)[0].split()
    assert f"sudo python3 -m venv {Path(program).parents[1]}" in LINES
    assert command.get_command(Context(command), name) is serve
    serve.make_context(name, arguments)
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd is not installed on this machine")
    here = tmp_path / UNIT.name
    here.write_text(unit.replace(program, sys.executable), encoding="utf-8")
    done = subprocess.run([verify, "verify", "--man=no", here], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
