"""Figures with goals, and their table; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

__all__ = ["Goal", "Measurement", "is_met", "median_ratio", "read_table", "render_table"]


_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure, its baseline and the bound that it must keep; `unit` follows the value and the bound."""

    figure: str
    baseline: str
    sign: Literal["<=", "<", ">="]
    bound: float
    unit: str = "x"


@dataclass(frozen=True, slots=True)
class Measurement:
    """The values of one measurement by goal, and `details` as Markdown.

    A goal without a value could not be measured on this machine; `details` says why.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    details: str = ""


def median_ratio(turns: Sequence[tuple[float, float]]) -> float:
    """The median ratio of first to second. Both of a turn are measured one after the other, under the same load."""
    return median(subject / baseline for subject, baseline in turns)


def is_met(goal: Goal, value: float) -> bool:
    """Whether a value, rounded as it is printed, keeps the goal's bound."""
    shown = round(value, _decimals(goal))
    match goal.sign:
        case "<=":
            return shown <= goal.bound
        case "<":
            return shown < goal.bound
        case ">=":
            return shown >= goal.bound


def render_table(goals: Mapping[str, Goal], values: Mapping[str, float]) -> str:
    """The figures with their goals, as Markdown."""
    rows = ["| figure | against | measured | goal | |", "| --- | --- | --- | --- | --- |"]
    rows += [_render_row(goal, values[name]) for name, goal in goals.items() if name in values]
    return "\n".join(rows)


def read_table(goals: Mapping[str, Goal], text: str) -> dict[str, float]:
    """The values by goal in a text with a rendered table, as they are printed there; their goals may be former ones."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    printed = {(row[0], row[1]): row[2].split()[0] for row in cells if len(row) == _COLUMNS}
    found = {name: printed.get((goal.figure, goal.baseline)) for name, goal in goals.items()}
    return {name: float(value.replace(",", "")) for name, value in found.items() if value is not None}


def _render_row(goal: Goal, value: float) -> str:
    verdict = "met" if is_met(goal, value) else "**missed**"
    sign = {"<=": "≤", ">=": "≥"}.get(goal.sign, goal.sign)
    measured, bound = _render_value(goal, value), _render_value(goal, goal.bound)
    return f"| {goal.figure} | {goal.baseline} | {measured} | {sign} {bound} | {verdict} |"


def _render_value(goal: Goal, value: float) -> str:
    return f"{value:.{_decimals(goal)}f} {goal.unit}"


def _decimals(goal: Goal) -> int:
    return 2 if goal.unit == "x" else 0
