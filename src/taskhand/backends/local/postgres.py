"""The built-in store in a PostgreSQL database, which any number of replicas can share."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.dialect import ChangeLog, Dialect
from taskhand.backends.local.people_and_statuses import Language, NewId, add_defaults
from taskhand.call.change_ownership import check_ownership
from taskhand.domain.check_result import CheckResult
from taskhand.domain.due import day_in, instant_text
from taskhand.domain.errors import CommitUnknown, OperatorError, OutcomeUnknown
from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.store import PostgresStore
from taskhand.sql.connection import SqlClause, SqlConnection

if TYPE_CHECKING:
    from taskhand.sql.store import SqlStore

__all__ = ["TASKS", "open_database_store"]

TASKS: Final = PostgresKind("task store", "tasks", "taskhand.backends.local", lock=2, variable="TASKHAND_DB")
"""Writes run one after another, so each sees all earlier writes, as in a file."""

_T = TypeVar("_T")

_GROUP: Final = 3
"""Characters in an n-gram of the text index."""
_MAX_GROUPS: Final = 40
"""Maximum n-grams in a search; of a longer text only the start is searched in the index."""


def _find_texts(words: Sequence[str]) -> SqlClause:
    """The condition, answered by an index, that a text has every n-gram of the words."""
    groups: dict[str, None] = {}
    for word in words:
        groups |= dict.fromkeys(word[at : at + _GROUP] for at in range(max(1, len(word) - _GROUP + 1)))
    return "text_groups(t.searchable) @> ?::text[]", ([*groups][:_MAX_GROUPS],)


_BEFORE_LISTS: Final = (
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true), "
    "set_config('max_parallel_workers_per_gather', '0', true)"
)
"""Custom plans, since words differ in frequency; no parallel workers, which start slower than a page takes."""

_ZONES_NEAR: Final = """
WITH RECURSIVE zone (name) AS (
    SELECT min(due_timezone) FROM task WHERE due_timezone IS NOT NULL
    UNION ALL
    SELECT (SELECT min(t.due_timezone) FROM task t WHERE t.due_timezone > zone.name) FROM zone WHERE name IS NOT NULL
)
SELECT name FROM zone WHERE EXISTS (SELECT 1 FROM task WHERE due_timezone = name AND due_key >= ? AND due_key < ?)
"""
"""The zones of the tasks due between two days: one index lookup for each zone of the store."""

_CHANGES: Final = ChangeLog(
    before="SELECT set_config('taskhand.moment', ?, true), set_config('taskhand.member', coalesce(?, ''), true)",
    after=None,
    # A running transaction may have lower numbers than committed ones.
    following="SELECT * FROM change WHERE (xact, number) > (?, ?) "
    "AND xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint ORDER BY xact, number LIMIT ?",
    last="SELECT * FROM change WHERE xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint "
    "AND coalesce(moment, made_at) < ? ORDER BY xact DESC, number DESC LIMIT 1",
    # The server that a database was restored from may have used higher transaction numbers.
    newest="SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
)

POSTGRES: Final = Dialect(
    hint="",
    with_task=" JOIN task t ON t.id = r.task_id",
    before_lists=_BEFORE_LISTS,
    changes=_CHANGES,
    find_texts=_find_texts,
)


def open_database_store(
    database: Database,
    *,
    clock: Callable[[], datetime],
    new_id: NewId,
    new_task_id: NewId | None = None,
    user: str,
    timezone: str | None,
    language: Language = "es",
) -> LocalBackend:
    """The store in the database, created at first use; the arguments are those of `open_file_store`."""
    furnish = partial(add_defaults, new_id=new_id, user=user, language=language)
    storage = _PostgresTaskStorage(database, furnish, timezone)
    return LocalBackend(storage, clock=clock, new_id=new_id, new_task_id=new_task_id)


class _PostgresTaskStorage:
    """The storage of the built-in store in a database."""

    dialect = POSTGRES
    path = None

    def __init__(self, database: Database, furnish: Callable[[SqlConnection], None], timezone: str | None) -> None:
        self._database = database
        self._timezone = timezone
        self.store: SqlStore = _FurnishedStore(PostgresStore(database, TASKS), furnish)

    def find_late(self, connection: SqlConnection, now: datetime) -> SqlClause:
        """The condition that compares a due time with now, and a due day with today in each zone of tasks due soon."""
        first, end = (day_in(now + timedelta(days=days), None).isoformat() for days in (-2, 3))
        zones = [str(row["name"]) for row in connection.execute(_ZONES_NEAR, (first, end))]
        today = day_in(now, self._timezone).isoformat()
        days = {zone: day_in(now, zone).isoformat() for zone in zones}
        cases = " ".join(["WHEN ? THEN ?"] * len(days))
        day = f"CASE t.due_timezone {cases} ELSE ? END" if days else "?"
        late = f"CASE WHEN t.is_all_day = 1 THEN t.due_key < {day} ELSE t.due_at < ? END"
        known = (part for pair in days.items() for part in pair)
        return f"(t.due_at IS NOT NULL AND {late})", (*known, today, instant_text(now))

    async def check_health(self) -> CheckResult:
        """Check that the store can be written; the result has the database and the number of tasks."""
        try:
            await self.store.write(lambda _: None)
            count = await self.store.read(
                lambda connection: connection.execute("SELECT count(*) AS count FROM task").fetchone()["count"]
            )
        except OperatorError as error:
            return CheckResult("store", "failed", error.message, error.next_step)
        return CheckResult(
            "store", "ok", f"The task store in {self._database.location}: can be written; tasks: {count}."
        )


class _FurnishedStore:
    """The rows of a store, to which the default statuses and the first member are added at first use."""

    def __init__(self, store: PostgresStore, furnish: Callable[[SqlConnection], None]) -> None:
        self._store = store
        self._furnish = furnish
        self._is_furnished = False

    async def peek(self, work: Callable[[SqlConnection], _T]) -> _T:
        """Run `work` as `read` does."""
        return await self.read(work)

    async def read(self, work: Callable[[SqlConnection], _T]) -> _T:
        """Run `work` on one consistent view."""
        await self._prepare()
        return await self._store.read(work)

    async def write(self, work: Callable[[SqlConnection], _T], *, durable: bool = True, tasks: int = 1) -> _T:
        """Run `work` in one transaction; OutcomeUnknown if the database did not confirm or refuse the commit."""
        await self._prepare()
        await check_ownership()
        try:
            return await self._store.write(work, durable=durable, tasks=tasks)
        except CommitUnknown as error:
            step = "Check with get_task or list_tasks whether the change was applied before you send it again."
            raise OutcomeUnknown(error.message, next_step=step) from error

    def version(self) -> None:
        """None: the database has no such value."""

    async def exists(self) -> bool:
        """Whether the store was ever written."""
        return await self._store.exists()

    async def aclose(self) -> None:
        """Close the connections unless another store uses them."""
        await self._store.aclose()

    async def _prepare(self) -> None:
        if not self._is_furnished:
            await self._store.write(self._furnish)
            self._is_furnished = True
