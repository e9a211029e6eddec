"""The container as far as it can be tried without one: what it runs runs, and answers to its health check."""

import json
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from documents import ROOT
from server.transports.server_process import Web, output, serving
from taskhand.config.environment_variables import FILE_VARIABLES, SECRETS, VARIABLES
from taskhand.config.server_settings import DEFAULT_PORT
from time_limits import BOUND_S

LINES = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()


def _last_instruction(instruction: str) -> str:
    """What the last instruction of this name says."""
    return next(line for line in reversed(LINES) if line.startswith(f"{instruction} ")).removeprefix(f"{instruction} ")


def _health_check(web: Web) -> int:
    python, *program = json.loads(_last_instruction("HEALTHCHECK").partition("CMD ")[2])
    assert python == "python"
    port = {"TASKHAND_PORT": str(web.port)}
    done = subprocess.run([sys.executable, *program], env=port, capture_output=True, timeout=60, check=False)  # noqa: S603
    return done.returncode


def test_the_image_serves_callers_with_a_key_and_passes_its_health_check(store_file: Path, tmp_path: Path) -> None:
    assert json.loads(_last_instruction("ENTRYPOINT")) == ["taskhand"]
    serve, http, *options = json.loads(_last_instruction("CMD"))
    assert (serve, http) == ("serve", "--http")
    assert "--port" not in options
    keys = {"TASKHAND_KEYS": str(tmp_path / "keys.sqlite")}
    with serving(store_file, *options, **keys) as web:
        assert _health_check(web) == 0
        assert web.post(b"{}")[0] == 401
        made = output(store_file, "keys", "create", "--person", "ana@x.test", "--scopes", "read,write", **keys)
        key = {"Authorization": f"Bearer {made.strip()}"}
        assert web.post(b"{}", **key)[0] == 400
        status, body = web.post(b"{}", Host="tasks.example.com", **key)
        assert status == 421
        assert b"--allow-host tasks.example.com" in body
        web.process.send_signal(signal.SIGTERM)
        assert web.process.ends_within(BOUND_S) == 0
        assert _health_check(web) == 1


def test_the_image_does_not_run_as_root_and_has_its_store_in_a_volume() -> None:
    assert int(_last_instruction("USER")) > 0
    volume = _last_instruction("VOLUME")
    assert f"TASKHAND_DB={volume}/" in _last_instruction("ENV")
    assert f"TASKHAND_KEYS={volume}/" in _last_instruction("ENV")
    assert f"--uid {_last_instruction('USER')} --home-dir {volume}" in " ".join(LINES)
    assert int(_last_instruction("EXPOSE")) == DEFAULT_PORT
    assert f"TASKHAND_PORT={DEFAULT_PORT}" in _last_instruction("ENV")


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
    assert set(bases) == {"${BASE}"}
    [base] = [line for line in LINES if line.startswith("ARG BASE=")]
    assert re.fullmatch(r"ARG BASE=python:3\.\d+\.\d+-slim-[a-z]+", base), "a tag that does not move"


def test_the_packages_are_a_layer_that_a_change_of_the_source_does_not_touch() -> None:
    steps = [line.partition("#")[0] for line in LINES if line.startswith(("COPY ", "RUN "))]
    packages = next(index for index, step in enumerate(steps) if "--requirement requirements/runtime.txt" in step)
    copied = [step for step in steps[:packages] if step.startswith("COPY ")]
    assert copied == ["COPY requirements/runtime.txt requirements/"]
    assert "--no-deps ." in " ".join(steps[packages + 1 :])


def test_the_extras_of_metrics_and_traces_can_be_built_in_with_locked_packages() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    (given,) = set(re.findall(r"--build-arg EXTRAS=([a-z,]+)", page))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    locked = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    for package in (package for extra in given.split(",") for package in extras[extra]):
        assert f"\n{re.split('[<>=]', package)[0]}==" in locked
    [asked] = re.findall(r"--constraint requirements/dev.txt (\S+)", " ".join(LINES))
    for extras_given, what in (("", "."), (given, f".[{given}]")):
        shown = ["/bin/sh", "-c", f"echo {asked}"]
        done = subprocess.run(shown, env={"EXTRAS": extras_given}, capture_output=True, text=True, check=True)  # noqa: S603
        assert done.stdout == f"{what}\n"


def test_the_copied_files_are_enough_to_build_the_package(tmp_path: Path) -> None:
    for line in (line for line in LINES if line.startswith("COPY ") and "--from" not in line):
        *names, target = line.split()[1:]
        for name in names:
            into = tmp_path / target / (Path(name).name if target.endswith("/") else "")
            into.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, into)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(build, cwd=tmp_path, capture_output=True, timeout=60, check=True)  # noqa: S603
    assert [*(tmp_path / "dist").glob("taskhand-*.whl")]


def test_the_compose_file_gives_secrets_as_files_and_publishes_only_the_proxy() -> None:
    folder = ROOT / "examples" / "container"
    compose = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))
    server, proxy = compose["services"]["taskhand"], compose["services"]["proxy"]
    assert (folder / server["build"]).resolve() == ROOT
    assert "ports" not in server
    assert proxy["ports"] == ["443:443"]
    variables = server["environment"]
    assert variables.keys() <= VARIABLES | FILE_VARIABLES
    assert not variables.keys() & SECRETS, "a secret in an environment is shown by `docker inspect`"
    files = {value for name, value in variables.items() if name in FILE_VARIABLES}
    assert files == {f"/run/secrets/{name}" for name in server["secrets"]}
    assert server["secrets"] == [*compose["secrets"]]
    assert server["command"][:2] == json.loads(_last_instruction("CMD"))[:2]
    options = dict(option.removeprefix("--").split("=") for option in server["command"][2:])
    assert options["auth"] == "keys"
    assert options["proxy"] == compose["networks"]["default"]["ipam"]["config"][0]["subnet"]
    caddy = (folder / "Caddyfile").read_text(encoding="utf-8")
    assert f"reverse_proxy taskhand:{variables['TASKHAND_PORT']} " in caddy
    assert {name for name in proxy["environment"] if f"{{${name}}}" in caddy} == {*proxy["environment"]}


def test_every_secret_can_come_from_a_file() -> None:
    assert {f"{name}_FILE" for name in SECRETS} == FILE_VARIABLES
    assert {"VAMBE_API_KEY", "CLOSE_API_KEY", "HUBSPOT_ACCESS_TOKEN", "TASKHAND_STATE_KEY"} <= SECRETS
