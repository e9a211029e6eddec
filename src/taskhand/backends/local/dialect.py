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
    index is to be walked. `in_texts` are the conditions that a text has words. `before_lists` is said to the planner
    before the statements of a list; None is one that knows nothing of how many tasks a filter leaves, so that a page is
    found by way of what a rare filter leaves.
    """

    hint: str
    with_task: str
    in_texts: Callable[[Sequence[str]], list[Clause]]
    before_lists: str | None


def _in_texts(words: Sequence[str]) -> list[Clause]:
    return [("instr(t.searchable, ?) > 0", (word,)) for word in words]


SQLITE: Final = Dialect(
    hint="+",
    with_task=" CROSS JOIN task t ON t.id = r.task_id",  # whose left side is walked first
    in_texts=_in_texts,
    before_lists=None,
)
