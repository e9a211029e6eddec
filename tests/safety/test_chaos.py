"""A short chaos, which `make chaos` has for longer and on every backend."""

from pathlib import Path

from postgres_server import TestDatabase
from safety.chaos.run import ChaosPlan, run_chaos


def test_answers_stay_true_and_tasks_unique_while_servers_are_killed_and_cut_off(
    postgres: TestDatabase, tmp_path: Path
) -> None:
    how = ChaosPlan("vambe", None, seed=7, callers=4, every_s=(0.05, 0.2), pauses_s=(0.3,), timeout_s=10.0)
    report = run_chaos(how, postgres, tmp_path)
    assert report.wrong == []
    assert report.happened.keys() >= {"kill", "cut", "cut at the CRM", "pause", "term"}
    assert report.tasks > 1
