"""What the built-in store says otherwise to SQLite than to PostgreSQL; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["SQLITE", "Clause", "Dialect"]

Clause = tuple[str, tuple[object, ...]]
"""A condition in SQL, and its parameters."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words of one engine.

    `hint` before a column keeps the planner from the column's index. `with_task` joins the task to its person, whose
    index is to be walked. `before_lists` is said to the planner before the statements of a list; None is one that knows
    nothing of how many tasks a filter leaves, so that a page is found by way of what a rare filter leaves. `find_texts`
    is the condition by which an index finds the texts that may have all words; None is one that is asked otherwise.
    """

    hint: str
    with_task: str
    before_lists: str | None
    find_texts: Callable[[Sequence[str]], Clause] | None = None


SQLITE: Final = Dialect(
    hint="+",
    with_task=" CROSS JOIN task t ON t.id = r.task_id",  # whose left side is walked first
    before_lists=None,
)
