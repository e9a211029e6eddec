"""The pages under docs/ are true: their links lead to a file, their files are accepted, their test passes."""

import re
import shutil
from pathlib import Path

import pytest

from documents import PAGES, ROOT
from taskhand.sandbox.faults import load_faults
from taskhand.testing.runner import run_scenario
from taskhand.testing.scenario import load_scenario
from taskhand.testing.script import Scripted

pytest_plugins = ["pytester"]

TEXT = {page.stem: page.read_text(encoding="utf-8") for page in [*PAGES, ROOT / "CONTRIBUTING.md"]}


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^):]+)\)", page.read_text("utf-8"))]
    assert len(links) >= 10
    for page, link in links:
        file, _, heading = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), f"{page.name}: {link}"
        assert not heading or heading in _headings(target), f"{page.name}: {link}"


def _headings(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


def test_every_guarantee_names_a_test_that_attacks_it() -> None:
    rows = re.findall(r"^\|[^|]*\| [^|]+ \| `(.+?)` `(test_\w+)` \|$", TEXT["safety"], re.MULTILINE)
    assert len(rows) >= 20
    assert _missing(rows) == []


def test_every_item_of_the_lists_of_security_has_an_answer_and_tests_that_show_it() -> None:
    rows = [line.strip("| ").split(" | ") for line in TEXT["security"].splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row[0] not in {"item", "---"}]
    assert {len(row) for row in rows if row[-1]} <= {3, 4}  # the first cell may be empty: the item is that above
    items = [row[0] for row in rows if len(row) == 4]
    assert [one[:5] for one in items if one.startswith("MCP")] == [f"MCP{number:02}" for number in range(1, 11)]
    assert {*ADVICE} <= {*items}
    tests = [re.findall(r"`([\w/]+\.py)` `(test_\w+)`", row[-1]) for row in rows]
    assert all(tests)
    assert _missing([one for row in tests for one in row]) == []


ADVICE = (
    "Confused deputy",
    "Token passthrough",
    "Server-side request forgery",
    "Session hijacking",
    "Local server compromise",
    "Authorization receipts for risky calls",
    "Scope minimization",
)
"""The sections of MCP's security best practices."""


def _missing(rows: list[tuple[str, str]]) -> list[str]:
    """The tests that no file has."""
    return [f"{file} {name}" for file, name in rows if f"def {name}(" not in (ROOT / "tests" / file).read_text("utf-8")]


def test_a_sandbox_accepts_the_fault_script_of_the_page(tmp_path: Path) -> None:
    (script,) = re.findall(r"```toml\n(.*?)```", TEXT["sandbox"], re.DOTALL)
    file = tmp_path / "faults.toml"
    file.write_text(script, encoding="utf-8")
    assert [fault.kind for fault in load_faults(file)] == ["reset_after", "status"]


async def test_the_scenario_of_the_page_accepts_its_solution_and_rejects_its_wrong_attempts(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", TEXT["testing"], re.DOTALL)
    file = tmp_path / "finish_one.toml"
    file.write_text(text, encoding="utf-8")
    scenario = load_scenario(file)
    for backend in scenario.backends:
        assert (await run_scenario(scenario, Scripted(scenario.solution), backend)).passed
    for wrong in scenario.wrong:
        report = await run_scenario(scenario, Scripted(wrong))
        assert any(wrong.because in reason for reason in report.reasons)


def test_the_tests_of_the_page_pass(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT["testing"], re.DOTALL)
    pytester.makeconftest('import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return "asyncio"\n')
    pytester.makepyfile(**{f"test_{number}": block for number, block in enumerate(blocks)})
    shutil.copy(ROOT / "examples" / "harness" / "other_agent.py", pytester.path)
    run = pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:asyncio", "-p", "no:cacheprovider")
    run.assert_outcomes(passed=len(blocks))
