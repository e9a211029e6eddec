"""BENCHMARKS.md shows the goals of today, whichever measurements were written last."""

from pathlib import Path

from benchmarks.figure import read_table, render_table
from benchmarks.goals import GOALS

PAGE = Path(__file__).parents[2] / "BENCHMARKS.md"


def test_the_table_has_todays_goals_and_says_truly_whether_each_is_met() -> None:
    head, _, _ = PAGE.read_text(encoding="utf-8").partition("\n## ")
    values = read_table(GOALS, head)
    assert len(values) > 20, "the table is read"
    assert head.rstrip().endswith(render_table(GOALS, values))


def test_a_table_is_read_as_it_was_rendered() -> None:
    values = dict.fromkeys(GOALS, 1234.0)
    assert read_table(GOALS, render_table(GOALS, values)) == values
