"""Adding a backend is one folder and one line: every list of backends is made from the registry."""

# ruff: noqa: S106  the tokens of a toy open nothing
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import taskhand
from documents import ROOT
from server.transports.forked_command import run_forked
from taskhand.backends.registry import FACTORIES, NAMES
from taskhand.config.settings import Settings

_TOY = """
from typing import Annotated

from pydantic import Field, SecretStr

from taskhand.backends.factory import (
    BackendFactory, BackendSettings, OpenContext, SettingKind, account_id,
)
from taskhand.backends.local.factory import open_store


class AcmeSettings(BackendSettings):
    acme_token: SecretStr | None = Field(None, description="Token of Acme.")
    acme_site: Annotated[str | None, SettingKind.REQUIRED] = Field(
        None, description="Site of Acme."
    )
    acme_base_url: str = Field("https://acme.example", description="Where Acme is.")
    acme_labels: Annotated[str | None, SettingKind.COMMA_LIST] = Field(
        None, description="Labels."
    )
    acme_timezone: Annotated[str | None, SettingKind.TIME_ZONE] = Field(
        None, description="Zone of Acme."
    )


async def open_backend(settings: AcmeSettings, context: OpenContext):
    assert settings.acme_token is not None
    assert settings.acme_site is not None
    return open_store(context)


FACTORY = BackendFactory(
    title="Acme",
    settings=AcmeSettings,
    open=open_backend,
    account=lambda settings: account_id(settings.acme_base_url, settings.acme_token),
    questions=("ACME_SITE", "ACME_TOKEN", "ACME_LABELS"),
    privacy_policy="https://acme.example/privacy",
)
"""
"""The factory of a backend whose tasks lie in the built-in store."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with the toy backend: its folder, and its name in the registry."""
    root = tmp_path_factory.mktemp("fifth") / "src"
    shutil.copytree(Path(taskhand.__file__).parent, root / "taskhand", ignore=shutil.ignore_patterns("__pycache__"))
    backends = root / "taskhand" / "backends"
    (backends / "acme").mkdir()
    (backends / "acme" / "__init__.py").write_text('"""Acme."""\n', encoding="utf-8")
    (backends / "acme" / "factory.py").write_text(_TOY, encoding="utf-8")
    registry = backends / "registry.py"
    text = registry.read_text(encoding="utf-8")
    last = f'    "{NAMES[-1]}",\n'
    assert text.count(last) == 1
    registry.write_text(text.replace(last, f'{last}    "acme",\n'), encoding="utf-8")
    return root


def _environ(source: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """These variables as the only settings, for a program with these sources."""
    folder = source.parent
    environ = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environ |= {"HOME": str(folder), "TASKHAND_CONFIG": os.devnull, "TASKHAND_DB": str(folder / "tasks.sqlite")}
    environ |= {
        "ACME_SITE": "north",
        "PYTHONPATH": os.pathsep.join(map(str, (source, ROOT / "tests", ROOT / "bundle"))),
    }
    return environ | dict(variables)


def _python(source: Path, code: str) -> str:
    """What Python prints when it runs the code with these sources."""
    run = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", code], env=_environ(source, {}), capture_output=True, text=True, timeout=60, check=False
    )
    return run.stdout + run.stderr


def _taskhand(source: Path, *arguments: str, **variables: str) -> str:
    """What the command prints with these sources."""
    run = run_forked(arguments, _environ(source, variables), 60, source=source)
    return run.stdout + run.stderr


def _create(source: Path, title: str, token: str) -> str:
    task = {"title": title, "responsibleIds": [], "priority": "1"}
    return _taskhand(source, "call", "create_task", json.dumps(task), ACME_TOKEN=token)


def test_an_added_backend_is_chosen_by_its_credential_and_config_shows_its_settings(source: Path) -> None:
    shown = json.loads(_taskhand(source, "config", "--json", ACME_TOKEN="t0ken", ACME_LABELS="a,b"))
    assert (shown["backend"], shown["why"]) == ("acme", "ACME_TOKEN is set (environment ACME_TOKEN).")
    rows = {row["variable"]: row for row in shown["settings"]}
    assert rows["ACME_TOKEN"]["value"] == "set"
    assert (rows["ACME_LABELS"]["key"], rows["ACME_LABELS"]["value"]) == ("acme.labels", "a,b")


def test_the_table_of_an_added_backend_in_the_settings_file_is_read(source: Path) -> None:
    file = source.parent / "taskhand.toml"
    file.write_text('[acme]\ntoken = "t0ken"\nlabels = ["a", "b"]\n', encoding="utf-8")
    file.chmod(0o600)
    shown = json.loads(_taskhand(source, "config", "--json", TASKHAND_CONFIG=str(file)))
    assert shown["backend"] == "acme"
    assert {row["variable"]: row["value"] for row in shown["settings"]}["ACME_LABELS"] == "a,b"


def test_a_variable_that_is_nearly_one_of_an_added_backend_is_warned_about(source: Path) -> None:
    shown = json.loads(_taskhand(source, "config", "--json", ACME_TOKENS="t0ken"))
    assert ["ACME_TOKENS" in warning["found"] for warning in shown["warnings"]] == [True]


def test_an_added_backend_serves_calls_and_is_checked_by_the_doctor(source: Path) -> None:
    assert "Call Ana" in _create(source, "Call Ana", "t0ken")
    assert "Call Ana" in _taskhand(source, "call", "list_tasks", ACME_TOKEN="t0ken")
    report = json.loads(_taskhand(source, "doctor", "--json", ACME_TOKEN="t0ken", ACME_TIMEZONE="america/lima"))
    assert (report["backend"], report["ok"]) == ("acme", True)
    assert "America/Lima" in str(report["findings"])


def test_the_journal_of_an_added_backend_belongs_to_one_account(source: Path) -> None:
    _create(source, "Call Luis", "0ne")
    [one, other] = (_taskhand(source, "call", "list_changes", ACME_TOKEN=token) for token in ("0ne", "two"))
    assert "Call Luis" in one
    assert "Call Luis" not in other


def test_the_installer_asks_for_the_settings_of_an_added_backend(source: Path) -> None:
    file = source.parent / "host.json"
    install = ("install", "cursor", "--backend", "acme", "--keys", "file", "--no-check", "--file", str(file))
    assert "ACME_TOKEN is needed for acme: Token of Acme." in _taskhand(source, *install)
    _taskhand(source, *install, ACME_TOKEN="t0ken", ACME_LABELS="a")
    env = json.loads(file.read_text(encoding="utf-8"))["mcpServers"]["taskhand"]["env"]
    wanted = {"TASKHAND_BACKEND": "acme", "ACME_SITE": "north", "ACME_TOKEN": "t0ken", "ACME_LABELS": "a"}
    assert wanted.items() <= env.items()


def test_a_required_setting_of_an_added_backend_that_is_no_secret_is_demanded(source: Path) -> None:
    lacking = {"ACME_SITE": "", "ACME_TOKEN": "t0ken", "HOME": str(source.parent), "TASKHAND_CONFIG": ""}
    answer = _taskhand(source, "call", "list_tasks", **lacking)
    assert "Acme is chosen and ACME_SITE is not set.\nSet ACME_SITE: Site of Acme." in answer
    install = ("install", "cursor", "--backend", "acme", "--keys", "file", "--no-check", "--print")
    assert "ACME_SITE is needed for acme: Site of Acme." in _taskhand(source, *install, **lacking)
    assert '"ACME_SITE": "your site"' in _taskhand(source, *install, "--dry-run", **lacking)
    add = ("connections", "add", "north", "--backend", "acme", "--no-check")
    assert "site is needed for Acme: Site of Acme.\nSend --set site=VALUE" in _taskhand(source, *add, **lacking)
    added = _taskhand(source, *add, "--set", "token=env:ACME_TOKEN", "--set", "site=south", **lacking)
    assert "The connection north is in" in added


def test_commands_offer_an_added_backend_and_report_that_it_has_no_sandbox(source: Path) -> None:
    assert "acme" in _taskhand(source, "scenario", "run", "--help")
    assert "acme" in _taskhand(source, "install", "--help")
    assert "acme" in _taskhand(source, "config", TASKHAND_BACKEND="salesforce")
    opening = (
        "from pathlib import Path; from taskhand.testing.populated.open import open_populated as o; import anyio;"
        "anyio.run(o('acme', None, None, Path()).__aenter__)"
    )
    assert "There is no sandbox of acme" in _python(source, opening)


def test_documents_and_the_bundle_list_an_added_backend(source: Path) -> None:
    printing = "import documents; print(documents._settings_table(), documents._link_table(), documents._server_json())"
    printed = _python(source, printing)
    assert "| `ACME_TOKEN` | Token of Acme. |" in printed
    assert "\n| acme | [Add to" in printed
    assert "'name': 'ACME_BASE_URL'" in printed
    form = (
        "import json, tomllib; from manifest import manifest;"
        f"project = tomllib.load(open({str(ROOT / 'pyproject.toml')!r}, 'rb'))['project'];"
        "print(json.dumps(manifest(project, '')))"
    )
    made = json.loads(_python(source, form))
    assert made["user_config"]["acme_token"]["title"] == "Acme token"
    assert "https://acme.example/privacy" in made["privacy_policies"]


def test_a_folder_is_named_as_its_factory_and_its_settings_begin_with_that_name() -> None:
    folder = Path(taskhand.__file__).parent / "backends"
    for factory in FACTORIES:
        assert (folder / factory.name / "factory.py").exists()
        for name, field in factory.settings.model_fields.items():
            assert name.startswith(f"{factory.name}_")
            assert field.alias == name.upper()
    assert NAMES[0] == "local"


def test_each_backend_has_settings_of_its_own_class() -> None:
    made = Settings.from_env({})
    assert all(type(made.of_backend(factory)) is factory.settings for factory in FACTORIES)


def test_a_start_imports_no_adapter_and_no_http_client() -> None:
    listing = "import sys, taskhand.cli.main; print(*sys.modules)"
    loaded = set(_python(Path(taskhand.__file__).parents[1], listing).split())
    assert "taskhand.backends.registry" in loaded
    assert not {name for name in loaded if name.startswith("taskhand.http") or name in {"httpx2", "mcp"}}
    assert {name for name in loaded if name.startswith("taskhand.backends.") and name.count(".") == 3} == {
        f"taskhand.backends.{name}.factory" for name in NAMES
    }
