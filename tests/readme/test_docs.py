"""The pages under docs/ are true: their commands run, their files are taken, their links lead somewhere."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from documents import ROOT
from taskhand.sandbox.faults import load_faults
from taskhand.testing.runner import run_scenario
from taskhand.testing.scenario import load_scenario
from taskhand.testing.script import Scripted

PAGES = {page.stem: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
NOT_RUN = {"sandbox", "NAME", "serve", "--clock", "run"}
"""Words of commands that are run by tests of their own: they wait for somebody, or for an agent."""


def commands() -> list[str]:
    """The commands of all pages, in blocks and in the text, each once."""
    # The store's own commands come first: what is looked at by the others is then there.
    pages = "\n".join(PAGES[name] for name in sorted(PAGES, key=lambda name: (name != "backends", name)))
    found = [*re.findall(r"^(taskhand .+)$", pages, re.MULTILINE), *re.findall(r"`(taskhand [^`]+)`", pages)]
    return [command for command in dict.fromkeys(found) if not NOT_RUN & set(command.split())]


def test_every_command_runs_in_the_order_of_the_pages(tmp_path: Path) -> None:
    environment = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    assert len(commands()) >= 5
    for command in commands():
        run = subprocess.run(  # noqa: S603  the pages' own commands
            shlex.split(command), env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
        )
        assert run.returncode == 0, f"{command}: {run.stderr}"


def test_the_script_of_faults_is_one_that_a_sandbox_takes(tmp_path: Path) -> None:
    (script,) = re.findall(r"```toml\n(.*?)```", PAGES["sandbox"], re.DOTALL)
    file = tmp_path / "faults.toml"
    file.write_text(script, encoding="utf-8")
    assert [fault.kind for fault in load_faults(file)] == ["reset_after", "status"]


def test_every_link_leads_to_a_file() -> None:
    pages = {ROOT / "README.md": README} | {ROOT / "docs" / f"{name}.md": text for name, text in PAGES.items()}
    links = [(page, link) for page, text in pages.items() for link in re.findall(r"\]\(([^)#:]+)\)", text)]
    assert len(links) >= 10
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_every_guarantee_of_the_readme_names_a_test_that_there_is() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", README)
    assert len(named) >= 10
    for file, test in named:
        assert re.search(rf"def {test}\(", (ROOT / file).read_text(encoding="utf-8")), f"{file}::{test}"


async def test_the_scenario_of_the_page_is_met_by_its_solution_and_by_no_wrong_agent(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGES["testing"], re.DOTALL)
    file = tmp_path / "finish_one.toml"
    file.write_text(text, encoding="utf-8")
    scenario = load_scenario(file)
    for backend in scenario.backends:
        assert (await run_scenario(scenario, Scripted(scenario.solution), backend)).passed
    for wrong in scenario.wrong:
        report = await run_scenario(scenario, Scripted(wrong))
        assert any(wrong.because in reason for reason in report.reasons)


def test_the_test_of_the_page_passes(tmp_path: Path) -> None:
    (test,) = re.findall(r"```python\n(.*?)```", PAGES["testing"], re.DOTALL)
    event_loop = '\n\n@pytest.fixture\ndef anyio_backend():\n    return "asyncio"\n'
    (tmp_path / "test_page.py").write_text(test + event_loop, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout
