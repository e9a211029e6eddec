"""What the built-in store says otherwise to SQLite than to PostgreSQL; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["SQLITE", "ChangeLog", "Clause", "Dialect"]

Clause = tuple[str, tuple[object, ...]]
"""A condition in SQL, and its parameters."""


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """The statements about the log of changes that the triggers write.

    `before` and `after` are said around the writes of a transaction, so that its changes get a moment and a member,
    which are the first parameters. If the engine numbers no transactions, `after` does, from the number of the last
    change before, which it takes twice. `following` are the changes after one (its transaction and number), as far as
    no running transaction can have any before them, up to a limit. `last` is the last change of these before a moment,
    `newest` a number that no transaction has yet.
    """

    before: str | None
    after: str | None
    following: str
    last: str
    newest: str


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
    changes: ChangeLog
    find_texts: Callable[[Sequence[str]], Clause] | None = None


SQLITE: Final = Dialect(
    hint="+",
    with_task=" CROSS JOIN task t ON t.id = r.task_id",  # whose left side is walked first
    before_lists=None,
    changes=ChangeLog(
        before=None,
        after="UPDATE change SET moment = ?, member_id = ?, xact = ? + 1 WHERE number > ?",
        following="SELECT * FROM change WHERE 0 <= ? AND number > ? ORDER BY number LIMIT ?",
        last="SELECT * FROM change WHERE coalesce(moment, made_at) < ? ORDER BY number DESC LIMIT 1",
        newest="SELECT coalesce(max(number), 0) + 1 FROM change",
    ),
)
