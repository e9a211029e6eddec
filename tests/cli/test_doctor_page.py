"""The page about the configuration agrees with the program."""

import re
from pathlib import Path
from typing import get_args

from backends.remote.crms import CRMS, looked_at
from documents import ROOT
from taskhand.cli.doctor import run_checks
from taskhand.config.effective_settings import load_configuration
from taskhand.config.settings import Settings
from taskhand.domain.check_result import CheckState
from taskhand.service.health_checks import check_health
from taskhand.wiring import open_app

PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
_, TABLE = PAGE.split("| subject | on |")
ROWS = re.findall(r"^\| `([a-z ]+)` \| (\w+) \|", TABLE, re.MULTILINE)


def test_the_example_settings_file_is_valid(tmp_path: Path) -> None:
    text, several = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "taskhand.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    found = load_configuration({"TASKHAND_CONFIG": str(file)}, {})
    assert (found.settings.backend, found.settings.plan_over) == ("vambe", 20)
    assert [warning.found.split()[0] for warning in found.warnings] == ["vambe.api_key"]  # "your key" is none
    kept = re.sub(r'"(?:keyring|file):[^"]*"', '"sk-1"', several)  # no keyring and no file of the reader's is here
    file.write_text(kept, encoding="utf-8")
    names = [one.name for one in load_configuration({"TASKHAND_CONFIG": str(file)}, {}).connections]
    assert names == ["north", "partners", "mine"]


def test_every_outcome_is_explained() -> None:
    assert [outcome for outcome in get_args(CheckState) if f"`{outcome}`" not in PAGE] == []


async def test_the_documented_subjects_are_the_real_ones(store_file: Path, tmp_path: Path) -> None:
    async with open_app(Settings(db=store_file)) as at:
        local = {finding.subject for finding in await check_health(at)}
    (tmp_path / "people.toml").touch(0o600)
    (tmp_path / "taskhand.toml").touch(0o600)
    environ = {"TASKHAND_CONFIG": str(tmp_path / "taskhand.toml"), "TASKHAND_DB": str(store_file)}
    whole = {finding.subject for finding in await run_checks(load_configuration(environ, {}))}
    assert whole == {subject for subject, on in ROWS if on in {"all", "local"}}
    for crm in CRMS:
        found = await looked_at(crm, tmp_path, crm.sandbox())
        assert (whole - local) | set(found) == {subject for subject, on in ROWS if on in {"all", "CRMs"}}
