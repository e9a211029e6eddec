"""The deployments of several replicas are true to the program: variables, options, ports, probes and times."""

import json
import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml

from documents import ROOT
from taskhand import __version__
from taskhand.cli.main import command
from taskhand.cli.serve import serve
from taskhand.config.environment_variables import FILE_VARIABLES, SECRETS, VARIABLES
from taskhand.config.server_settings import DEFAULT_PORT
from taskhand.config.settings import Settings

COMPOSE = ROOT / "deploy" / "compose"
CHART = ROOT / "deploy" / "helm" / "taskhand"
SETTINGS = Settings()
OPTIONS = {name for option in serve.params for name in option.opts}
LEAVES_S = 10
"""Seconds in which a server that has drained, or has cut what did not end, is gone."""


def keys_of(values: dict[str, Any], path: str = "") -> Iterator[str]:
    """The paths of all values, such as `image.tag`."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from keys_of(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file."""
    found: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def templates() -> str:
    """All templates of the chart, one after another."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((CHART / "templates").iterdir()))


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    """The values of the chart as they are without any of the operator's."""
    found: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return found


def test_the_replicas_of_the_compose_file_are_equal_and_only_the_proxy_has_a_port(compose: dict[str, Any]) -> None:
    services = compose["services"]
    first, second = services["taskhand-1"], services["taskhand-2"]
    assert first == second
    assert [name for name, one in services.items() if "ports" in one] == ["proxy"]
    assert (COMPOSE / first["build"]["context"]).resolve() == ROOT
    assert first["build"]["args"]["EXTRAS"] == "postgres"
    variables = first["environment"]
    assert variables.keys() <= VARIABLES | FILE_VARIABLES
    assert not variables.keys() & SECRETS, "a secret in an environment is shown by `docker inspect`"
    files = {value for name, value in variables.items() if name in FILE_VARIABLES}
    assert files == {f"/run/secrets/{name}" for name in first["secrets"]}
    used = {secret for one in services.values() for secret in one.get("secrets", ())}
    assert used == {*compose["secrets"]}
    assert first["command"][:2] == ["serve", "--http"]
    given = dict(option.partition("=")[::2] for option in first["command"][2:])
    assert given.keys() <= OPTIONS
    assert "--stateless" in given
    assert given["--proxy"] == compose["networks"]["default"]["ipam"]["config"][0]["subnet"]
    grace = int(first["stop_grace_period"].removesuffix("s"))
    assert grace >= int(variables["TASKHAND_DRAIN_DELAY_S"]) + SETTINGS.calls_end_s + LEAVES_S


def test_the_proxy_spreads_requests_over_the_replicas_that_are_ready(compose: dict[str, Any]) -> None:
    caddy = (COMPOSE / "Caddyfile").read_text(encoding="utf-8")
    port = compose["services"]["taskhand-1"]["environment"]["TASKHAND_PORT"]
    assert f"reverse_proxy taskhand-1:{port} taskhand-2:{port} " in caddy
    assert "health_uri /ready" in caddy
    asked_s = int(re.findall(r"health_interval (\d+)s", caddy)[0])
    assert int(compose["services"]["taskhand-1"]["environment"]["TASKHAND_DRAIN_DELAY_S"]) > 2 * asked_s


def test_the_chart_sets_only_existing_variables_and_options(templates: str, values: dict[str, Any]) -> None:
    named = {*re.findall(r"\b((?:TASKHAND|VAMBE|CLOSE|HUBSPOT)_[A-Z0-9_]+)\b", templates)}
    assert {"TASKHAND_STATE_FILE", "TASKHAND_STATE_KEY_FILE", "TASKHAND_PORT", "TASKHAND_DRAIN_DELAY_S"} <= named
    assert named <= VARIABLES | FILE_VARIABLES
    assert not named & SECRETS, "a secret in an environment is shown by `kubectl describe`"
    container = templates.partition("args:")[2].partition("env:")[0]
    assert {*re.findall(r"--[a-z-]+", container)} <= OPTIONS
    commented = re.findall(r"#   ([A-Z_]+): ", (CHART / "values.yaml").read_text(encoding="utf-8"))
    assert {*commented} <= SECRETS
    assert values["port"] == DEFAULT_PORT
    assert values["callSeconds"] == SETTINGS.call_s


def test_the_chart_probes_served_paths_and_waits_for_running_calls(templates: str) -> None:
    probes = dict(re.findall(r"(\w+)Probe:\s+httpGet: \{ path: (/\w+), port: http \}", templates))
    assert probes == {"startup": "/health", "liveness": "/health", "readiness": "/ready"}
    [more] = re.findall(r"Seconds: \{\{ add \.Values\.drainDelaySeconds \.Values\.callSeconds (\d+) \}\}", templates)
    assert int(more) >= SETTINGS.calls_end_s - SETTINGS.call_s + LEAVES_S


def test_the_chart_runs_as_the_user_of_the_image_without_extra_privileges(templates: str) -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [user] = re.findall(r"^USER (\d+)$", image, re.MULTILINE)
    for wanted in (
        f"runAsUser: {user}",
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "allowPrivilegeEscalation: false",
        "capabilities: { drop: [ALL] }",
        "automountServiceAccountToken: false",
        "kind: NetworkPolicy",
        "kind: PodDisruptionBudget",
        "kind: HorizontalPodAutoscaler",
    ):
        assert wanted in templates
    [volume] = re.findall(r"^VOLUME (\S+)$", image, re.MULTILINE)
    assert f"mountPath: {volume} " in templates


def test_every_value_of_the_chart_is_used_and_checked(templates: str, values: dict[str, Any]) -> None:
    used = {*re.findall(r"\.Values\.([\w.]+)", templates)}
    given = {*keys_of(values)}
    assert {one for one in given if not any(one == name or one.startswith(f"{name}.") for name in used)} == set()
    assert {name for name in used if not any(one == name or one.startswith(f"{name}.") for one in given)} == set()
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert values.keys() == schema["properties"].keys() - {"global"}
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_the_page_about_scaling_sets_only_existing_values(compose: dict[str, Any], values: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    made = {*re.findall(r"> (\w+)$", page, re.MULTILINE), *re.findall(r"^cp \S+ (\w+)$", page, re.MULTILINE)}
    assert made == {*compose["secrets"]}
    assert {*re.findall(r"docker compose (?:exec|up [-\w ]*--wait) ([\w-]+)", page)} == {"taskhand-1", "taskhand-2"}
    named = re.findall(r"--set '?([\w.]+)=", page)
    assert {"secret.credentials.VAMBE_API_KEY", "hosts"} <= {*named}
    for name in named:
        first, _, rest = name.partition(".")
        assert first in values
        assert not rest or rest.partition(".")[0] in values[first]
    keys = {*re.findall(r"--from-literal=([\w-]+)=", page), *re.findall(r"--from-file=([\w-]+)", page)}
    assert {values["secret"]["state"], values["secret"]["stateKey"], "vambe-api-key"} == keys


def test_every_command_in_a_container_is_one_of_ours(compose: dict[str, Any], templates: str) -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    given = re.findall(r"(?:-- |exec [\w-]+ )taskhand (.+)$", f"{page}\n{templates}", re.MULTILINE)
    given += [" ".join(one["command"]) for one in compose["services"].values() if "command" in one]
    container = templates.partition("args:")[2].partition("env:")[0]
    given.append(" ".join(re.findall(r"(?:- |\")(serve|--[a-z-]+)", container)))
    assert len(given) > 4
    for line in given:
        found: click.Command = command
        for word in line.split():
            if isinstance(found, click.Group) and not word.startswith("-"):
                inner = found.get_command(click.Context(found), word)
                assert inner is not None, line
                found = inner
            elif word.startswith("--"):
                assert word.partition("=")[0] in {name for option in found.params for name in option.opts}, line
