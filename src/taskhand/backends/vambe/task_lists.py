"""Reads Vambe's task lists: a task is looked for by its id in two lists; recent writes replace rows of lists that lag.

Vambe documents no GET of one task.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from taskhand.backends.remote.parsing import JsonObject, id_of, invalid_answer
from taskhand.backends.remote.recent_writes import RecentWrite, RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.backends.vambe.client import Window
from taskhand.backends.vambe.errors import MESSAGES
from taskhand.backends.vambe.query import WIDEST, window_around
from taskhand.domain.errors import CallerError, NotFound
from taskhand.http.response_body import Json

__all__ = ["TaskLists", "folded_id"]

Fetch = Callable[[Window], Awaitable[list[Json]]]


@dataclass(frozen=True, slots=True)
class _Listed:
    """The rows of a list by the key of their task, the rows without an id, and when its reading began (seconds)."""

    rows: Mapping[str, JsonObject]
    nameless: Sequence[JsonObject]
    began: float


class TaskLists:
    """Reads task lists, each cached for `keep_s` seconds; `recent` writes replace the rows of a list that lags."""

    def __init__(self, fetch: Fetch, keep_s: float, recent: RecentWrites[JsonObject], timing: Timing) -> None:
        self._fetch = fetch
        self._recent = recent
        self._clock = timing.clock
        self._keep_s = keep_s
        self._monotonic = timing.monotonic
        self._any_written_at = self._all_written_at = -inf
        self._written_at: dict[str, float] = {}
        """When another process wrote a task (seconds), if a cached list may be older."""
        self._cache: TtlCache[Window, _Listed] = TtlCache(keep_s, timing.monotonic)

    @property
    def near(self) -> Window:
        """The window around today, which contains most tasks in work."""
        return window_around(self._clock(), 60, 180)

    def forget(self, task_ids: Collection[str] | None) -> None:
        """Note that another process wrote these tasks, or any (None): lists that were read before are outdated."""
        now = self._any_written_at = self._monotonic()
        self._written_at = {task_id: at for task_id, at in self._written_at.items() if at > now - self._keep_s}
        if task_ids is None:
            self._all_written_at = now
        self._written_at |= {task_id.lower(): now for task_id in task_ids or ()}

    async def get(self, window: Window, *, fresh: bool = False) -> list[JsonObject]:
        """The rows of a list, with recent writes and without recent deletions; rows without an id come last.

        A recent write replaces a row of a list that was read before the write, or of a later list that shows the state
        before the write. Any other row comes from someone else's write, and stays.
        """
        listed = await self._read(window, self._any_written_at, fresh=fresh)
        return [row for key, row in listed.rows.items() if not self._recent.is_deleted(key)] + [*listed.nameless]

    async def find(self, task_id: str, *, fresh: bool = False) -> JsonObject:
        """The row of one task; NotFound, also if no list that Vambe gives contains it."""
        found, is_complete = await self.find_all([task_id], fresh=fresh)
        if found:
            return found[task_id]
        out_of_sight = (
            f"Task {task_id} is not among those due around today, and Vambe lists no wider window, "
            "or one in which the ids of some tasks cannot be read or all tasks are missing."
        )
        raise MESSAGES.no_task(task_id, None if is_complete else out_of_sight)

    async def find_all(self, ids: Iterable[str], *, fresh: bool = False) -> tuple[dict[str, JsonObject], bool]:
        """Rows by the requested ids, and whether an id without a row certainly belongs to no task.

        It may belong to a task if Vambe refuses the widest list, lists tasks whose ids cannot be read, or has an empty
        list, unless all tasks that were read before are wanted or deleted. CallerError if Vambe refuses both lists;
        InvalidAnswer if it has none, which says nothing about the tasks. An id that is not in cached lists is searched
        for in new lists.
        """
        wanted, began = list(ids), self._monotonic()
        times = (self._written_at.get(task_id.lower(), -inf) for task_id in wanted)
        rows, is_complete = await self._find_since(max(times, default=-inf), wanted, fresh=fresh)
        missing = [task_id for task_id in wanted if task_id not in rows and not self._recent.is_deleted(task_id)]
        if missing and not fresh:  # in lists that are not fresh, a recent write stands for a task that is gone
            later, is_complete = await self._find_since(began, missing, fresh=False)
            rows |= later
        return rows, is_complete

    async def _find_since(
        self, since: float, task_ids: Sequence[str], *, fresh: bool
    ) -> tuple[dict[str, JsonObject], bool]:
        """Rows and completeness as of `find_all`, in lists whose reading began at `since` (seconds) or later."""
        rows, is_partial = dict[str, JsonObject](), False
        since = max(since, self._all_written_at)
        refusals: list[CallerError] = []
        for window in (self.near, WIDEST):
            missing = [task_id for task_id in task_ids if task_id not in rows]
            if not missing:
                return rows, True
            try:
                listed = await self._read(window, since, fresh=fresh)
            except CallerError as refused:
                refusals.append(refused)
            else:
                refusals, is_partial = [], bool(listed.nameless) or self._has_lost_all(listed, task_ids)
                keys = {task_id: task_id.lower() for task_id in missing if not self._recent.is_deleted(task_id)}
                rows |= {task_id: listed.rows[key] for task_id, key in keys.items() if key in listed.rows}
        if len(refusals) > 1:
            missing_list = invalid_answer("Vambe", "as if it had no list of tasks")
            raise missing_list if isinstance(refusals[-1], NotFound) else refusals[-1]
        return rows, not (refusals or is_partial) or len(rows) == len(task_ids)

    def _has_lost_all(self, listed: _Listed, task_ids: Iterable[str]) -> bool:
        """Whether a list is empty, unless all tasks that were read before (at least one) are wanted or deleted."""
        keys, known = {task_id.lower() for task_id in task_ids}, self._recent.known_ids
        are_gone = all(task_id.lower() in keys or self._recent.is_deleted(task_id) for task_id in known)
        return not (listed.rows or (known and are_gone))

    async def _read(self, window: Window, since: float, *, fresh: bool) -> _Listed:
        """A list read at `since` (seconds) or later, with recent writes as in `get`, and with recent deletions."""

        async def fetch() -> _Listed:
            began = self._monotonic()
            rows = [row if isinstance(row, dict) else {} for row in await self._fetch(window)]
            by_key = {folded_id(row): row for row in rows if id_of(row)}
            self._recent.note_read(map(id_of, by_key.values()))
            return _Listed(by_key, [row for row in rows if not id_of(row)], began)

        listed = await self._cache.get(window, fetch, fresh=fresh, since=since)
        written = dict[str, JsonObject]()
        for key, write in self._recent.all():
            row = listed.rows.get(key)
            write.is_shown = write.is_shown or (listed.began >= write.at and row == write.row)
            if _is_behind(listed, row, write, fresh=fresh):
                written[key] = write.row
        return replace(listed, rows={**listed.rows, **written}) if written else listed

    def rows_replaced_by(self, row: JsonObject) -> Sequence[JsonObject]:
        """The rows that a fresh list may have shown of a task if it was judged to lag and a recent write replaced them.

        Empty if the list has the row itself.
        """
        write = self._recent.get(id_of(row))
        return write.former if write is not None and write.row is row else ()


def _is_behind(listed: _Listed, row: JsonObject | None, write: RecentWrite[JsonObject], *, fresh: bool) -> bool:
    """Whether a list does not show a write yet, and no later write by others."""
    if not fresh and (row is None or listed.began < write.at):
        return True
    # After a list has shown the write, a former state means that the task was changed back.
    return not write.is_shown and row in write.former


def folded_id(row: JsonObject) -> str:
    """The id of a row in lower case, as ids are compared."""
    return id_of(row).lower()
