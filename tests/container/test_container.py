"""The container as far as it can be tried without one: what it runs runs, and answers to its health check."""

import json
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from documents import ROOT
from server.transports.server_process import Web, serving

LINES = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()


def _said(instruction: str) -> str:
    """What the last instruction of this name says."""
    return next(line for line in reversed(LINES) if line.startswith(f"{instruction} ")).removeprefix(f"{instruction} ")


def _health_check(web: Web) -> int:
    command = json.loads(_said("HEALTHCHECK").partition("CMD ")[2])
    program = [one.replace("8000", str(web.port)) for one in command]
    assert program[0] == "python"
    done = subprocess.run([sys.executable, *program[1:]], capture_output=True, timeout=10, check=False)  # noqa: S603
    return done.returncode


def test_the_image_s_command_serves_on_loopback_and_passes_its_health_check(store_file: Path) -> None:
    assert json.loads(_said("ENTRYPOINT")) == ["taskhand"]
    serve, http, *options = json.loads(_said("CMD"))
    assert (serve, http) == ("serve", "--http")
    with serving(store_file, *options) as web:
        assert _health_check(web) == 0
        assert "result" in web.call("list_tasks", {})
        assert web.post(b"{}", Host="tasks.example.com")[0] == 421
        web.process.send_signal(signal.SIGTERM)
        assert web.process.ends_within(5) == 0
        assert _health_check(web) == 1


def test_the_image_does_not_run_as_root_and_has_its_store_in_a_volume() -> None:
    assert int(_said("USER")) > 0
    volume = _said("VOLUME")
    assert f"TASKHAND_DB={volume}/" in _said("ENV")
    assert f"--uid {_said('USER')} --home-dir {volume}" in " ".join(LINES)
    assert int(_said("EXPOSE")) == 8000


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("COPY ") and "--from" not in line])
def test_copied_files_exist_and_are_not_ignored(line: str) -> None:
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in line.split()[1:-1]:
        assert (ROOT / name).exists()
        assert f"!{name}" in let_through
    assert let_through.index("*") < let_through.index("!src")


def test_the_image_copies_everything_that_the_package_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = " ".join(LINES).replace(",", "").split()
    needed = ["pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]]
    assert {*needed, *wheel.get("force-include", {}), *(one.split("/")[0] for one in wheel["packages"])} <= set(copied)


def test_every_stage_has_the_same_base_image() -> None:
    bases = [line.split()[1] for line in LINES if line.startswith("FROM ")]
    assert len(set(bases)) == 1
    assert bases[0].endswith("-slim")
