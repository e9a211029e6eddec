"""A figure is a ratio with a goal; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

__all__ = ["Found", "Goal", "met", "of_turns", "table"]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is measured, against what, and what it has to be: `unit` follows both the value and the bound."""

    figure: str
    baseline: str
    sign: Literal["<=", "<", ">="]
    bound: float
    unit: str = "x"


@dataclass(frozen=True, slots=True)
class Found:
    """What one measurement brought: values by goal, and what is to be told of it besides, as Markdown.

    A goal without a value could not be measured here, and `details` say why.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    details: str = ""


def of_turns(turns: Sequence[tuple[float, float]]) -> float:
    """How many times the second the first is, by the median of the turns: both of a turn had the same weather."""
    return median(subject / baseline for subject, baseline in turns)


def met(goal: Goal, value: float) -> bool:
    """Whether the goal is met; what is printed counts, so that the table never contradicts itself."""
    shown = round(value, _places(goal))
    match goal.sign:
        case "<=":
            return shown <= goal.bound
        case "<":
            return shown < goal.bound
        case ">=":
            return shown >= goal.bound


def table(goals: Mapping[str, Goal], values: Mapping[str, float]) -> str:
    """The figures with their goals, as Markdown."""
    rows = ["| figure | against | measured | goal | |", "| --- | --- | --- | --- | --- |"]
    rows += [_row(goal, values[name]) for name, goal in goals.items() if name in values]
    return "\n".join(rows)


def _row(goal: Goal, value: float) -> str:
    verdict = "met" if met(goal, value) else "**missed**"
    sign = {"<=": "≤", ">=": "≥"}.get(goal.sign, goal.sign)
    return f"| {goal.figure} | {goal.baseline} | {_said(goal, value)} | {sign} {_said(goal, goal.bound)} | {verdict} |"


def _said(goal: Goal, value: float) -> str:
    return f"{value:.{_places(goal)}f} {goal.unit}"


def _places(goal: Goal) -> int:
    return 2 if goal.unit == "x" else 0
