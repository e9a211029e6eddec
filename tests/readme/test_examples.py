"""Every example runs unchanged."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

OUTPUT = {
    "plain_client": "still there after a restart",
    "repeatable_run": "Send the proposal to Acme",
    "over_http": "completed it",
    "keys": "list_events\nThe report now gets 401",
}


def _run(name: str, store: Path) -> str:
    run = subprocess.run(  # noqa: S603  our own examples
        [sys.executable, EXAMPLES / name / "run.py", store], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_every_example_is_run() -> None:
    elsewhere = {"agent_loop", "daily_sweep"}  # tests/testing/test_examples.py runs them
    assert {file.parent.name for file in EXAMPLES.glob("*/run.py")} == set(OUTPUT) | elsewhere


@pytest.mark.parametrize("name", sorted(OUTPUT.keys() - {"repeatable_run"}))
def test_an_example_runs_and_prints_its_result(name: str, store_file: Path) -> None:
    assert OUTPUT[name] in _run(name, store_file)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*/run.py")), ids=lambda file: file.parent.name)
def test_an_example_with_wrong_arguments_prints_its_usage(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in ([], ["--yes"], ["a", "b"]) if example.parent.name == "daily_sweep" else ([], ["a", "b"]):
        monkeypatch.setattr(sys, "argv", [str(example), *arguments])
        with pytest.raises(SystemExit, match=r"^Usage: python run\.py STORE_FILE"):
            runpy.run_path(str(example), run_name="__main__")


def test_a_repeatable_run_repeats_byte_for_byte(tmp_path: Path) -> None:
    first, second = (_run("repeatable_run", tmp_path / name) for name in ("first.sqlite", "second.sqlite"))
    assert OUTPUT["repeatable_run"] in first
    assert first == second
