"""The SQL that differs between SQLite and PostgreSQL in the built-in store; pure."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from taskhand.sql.connection import SqlClause

__all__ = ["SQLITE", "ChangeLog", "Dialect"]


class ChangeLog(NamedTuple):
    """The statements on the change log, which triggers write.

    `before` and `after` run around the writes of a transaction. Their first parameters are the moment and the member of
    its changes. On an engine without transaction numbers, `after` sets one; the number of the last earlier change is
    its parameter twice. `following` selects the changes after a position (transaction and number) up to a limit; it
    leaves out changes that a running transaction may still precede. `last` selects the last of these before a moment.
    `newest` selects a transaction number that is not yet used.
    """

    before: str | None
    after: str | None
    following: str
    last: str
    newest: str


class Dialect(NamedTuple):
    """The SQL of one engine.

    `hint` before a column keeps the planner from using the column's index. `with_task` joins tasks to a scan of a
    person's index. `before_lists` runs before the statements of a list; None if the planner has no selectivity
    statistics, so that `query_plan` chooses the plan. `find_texts` makes the condition by which an index finds texts
    that may contain all words; None if the text index is a table of its own (`text_index`).
    """

    hint: str
    with_task: str
    before_lists: str | None
    changes: ChangeLog
    find_texts: Callable[[Sequence[str]], SqlClause] | None = None


SQLITE: Final = Dialect(
    hint="+",
    with_task=" CROSS JOIN task t ON t.id = r.task_id",  # CROSS JOIN: SQLite scans the left side first
    before_lists=None,
    changes=ChangeLog(
        before=None,
        after="UPDATE change SET moment = ?, member_id = ?, xact = ? + 1 WHERE number > ?",
        following="SELECT * FROM change WHERE 0 <= ? AND number > ? ORDER BY number LIMIT ?",
        last="SELECT * FROM change WHERE coalesce(moment, made_at) < ? ORDER BY number DESC LIMIT 1",
        newest="SELECT coalesce(max(number), 0) + 1 FROM change",
    ),
)
