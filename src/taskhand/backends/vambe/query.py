"""Where Vambe's tasks are found: a window of its list for a query, and one task out of two lists.

There is no documented GET of one task.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Final

from taskhand.backends.remote.adapter import Timing
from taskhand.backends.remote.messages import Messages
from taskhand.backends.remote.parsing import JsonObject, id_of
from taskhand.backends.remote.recent_writes import RecentWrite, RecentWrites
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.backends.vambe.client import Window
from taskhand.domain.errors import CallerError
from taskhand.domain.query import TaskQuery
from taskhand.http.response_body import Json

__all__ = ["MESSAGES", "WIDEST", "TaskLists", "key_of", "window_around", "window_of"]

MESSAGES: Final = Messages("Vambe")

Fetch = Callable[[Window], Awaitable[list[Json]]]

WIDEST: Final = Window("1000-01-01", "9998-12-31")
"""Every task there could be, as due dates may be written; both days are required."""

_SLACK = timedelta(days=2)
"""A window is asked for wider than it is: whether its ends count, and in which zone, is not documented."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """The rows of a list by the key of their task, and those without an id; when its reading began."""

    rows: Mapping[str, JsonObject]
    nameless: Sequence[JsonObject]
    began: float


class TaskLists:
    """Task lists, each cached for `keep_s` seconds, with `recent` writes in place of what a list has."""

    def __init__(self, fetch: Fetch, keep_s: float, recent: RecentWrites[JsonObject], timing: Timing) -> None:
        self._fetch = fetch
        self._recent = recent
        self._clock = timing.clock
        self._keep_s = keep_s
        self._monotonic = timing.monotonic
        self._any_written_at = self._all_written_at = -inf
        self._written_at: dict[str, float] = {}
        """When another process has written a task, as far as a list may have been read before."""
        self._cache: TtlCache[Window, _Listed] = TtlCache(keep_s, timing.monotonic)

    @property
    def near(self) -> Window:
        """The list around today, which has most tasks that anybody works on."""
        return window_around(self._clock(), 60, 180)

    def forget(self, task_ids: Collection[str] | None) -> None:
        """Another process has written these tasks, or any (None): no list that was read before has them as they are."""
        now = self._any_written_at = self._monotonic()
        self._written_at = {one: at for one, at in self._written_at.items() if at > now - self._keep_s}
        if task_ids is None:
            self._all_written_at = now
        self._written_at |= {one.lower(): now for one in task_ids or ()}

    async def get(self, window: Window, *, fresh: bool = False) -> list[JsonObject]:
        """The rows of a list, with recent writes in their place and without recent deletions.

        Rows without an id come last. A recent write replaces a row of a list that was read before it, or of a later one
        that shows the task as it was before that write; a row that shows anything else is what others have written.
        """
        listed = await self._read(window, self._any_written_at, fresh=fresh)
        return [row for key, row in listed.rows.items() if not self._recent.is_deleted(key)] + [*listed.nameless]

    async def find(self, task_id: str, *, fresh: bool = False) -> JsonObject:
        """The row of one task; NotFound, also where it is out of sight."""
        found, is_complete = await self.find_all([task_id], fresh=fresh)
        if found:
            return found[task_id]
        out_of_sight = (
            f"Task {task_id} is not among those due around today, and Vambe lists no wider window, "
            "or one in which the ids of some tasks cannot be read."
        )
        raise MESSAGES.no_task(task_id, None if is_complete else out_of_sight)

    async def find_all(self, ids: Iterable[str], *, fresh: bool = False) -> tuple[dict[str, JsonObject], bool]:
        """Rows by the ids asked for, and whether an id without one is certainly no task.

        It may be one where Vambe refuses the widest list, or lists tasks whose ids cannot be read. CallerError where
        Vambe refuses both lists. An id that lists of a moment ago do not have is looked for in new ones.
        """
        wanted, began = list(ids), self._monotonic()
        times = (self._written_at.get(one.lower(), -inf) for one in wanted)
        found, is_complete = await self._find_since(max(times, default=-inf), wanted, fresh=fresh)
        missing = [one for one in wanted if one not in found and not self._recent.is_deleted(one)]
        if missing and not fresh:
            later, is_complete = await self._find_since(began, missing, fresh=False)
            found |= later
        return found, is_complete

    async def _find_since(
        self, since: float, wanted: Sequence[str], *, fresh: bool
    ) -> tuple[dict[str, JsonObject], bool]:
        """As `find_all`, in lists whose reading began at `since` or later."""
        found, has_nameless = dict[str, JsonObject](), False
        since = max(since, self._all_written_at)
        refusals: list[CallerError] = []
        for window in (self.near, WIDEST):
            missing = [one for one in wanted if one not in found]
            if not missing:
                return found, True
            try:
                listed = await self._read(window, since, fresh=fresh)
            except CallerError as refused:
                refusals.append(refused)
            else:
                refusals, has_nameless = [], bool(listed.nameless)
                keys = {one: one.lower() for one in missing if not self._recent.is_deleted(one)}
                found |= {one: listed.rows[key] for one, key in keys.items() if key in listed.rows}
        if len(refusals) > 1:
            raise refusals[-1]
        return found, not (refusals or has_nameless) or len(found) == len(wanted)

    async def _read(self, window: Window, since: float, *, fresh: bool) -> _Listed:
        """A list of `since` or later with recent writes in their place, as in `get`; recent deletions are in it."""

        async def fetched() -> _Listed:
            began = self._monotonic()
            rows = [row if isinstance(row, dict) else {} for row in await self._fetch(window)]
            by_key = {key_of(row): row for row in rows if id_of(row)}
            self._recent.known_ids.update(map(id_of, by_key.values()))
            return _Listed(by_key, [row for row in rows if not id_of(row)], began)

        listed = await self._cache.get(window, fetched, fresh=fresh, since=since)
        for key, write in self._recent.all():
            write.is_shown = write.is_shown or (listed.began >= write.at and listed.rows.get(key) == write.row)
        written = {
            key: write.row
            for key, write in self._recent.all()
            if _is_behind(listed, listed.rows.get(key), write, fresh=fresh)
        }
        if not written:
            return listed
        rows = dict(listed.rows)
        for key in written:
            rows.pop(key, None)
        return _Listed(rows | written, listed.nameless, listed.began)

    def rows_replaced_by(self, row: JsonObject) -> Sequence[JsonObject]:
        """What a fresh list may really have of a task, where it was taken to be behind and a recent write replaced it.

        Empty where the list has the row itself.
        """
        write = self._recent.get(id_of(row))
        return write.former if write is not None and write.row is row else ()


def _is_behind(listed: _Listed, row: JsonObject | None, write: RecentWrite[JsonObject], *, fresh: bool) -> bool:
    """Whether a list does not show a write yet, and nothing that others have written since."""
    if not fresh and (row is None or listed.began < write.at):
        return True
    # After a list has shown the write, a former state is what the task has become again.
    return not write.is_shown and row in write.former


def key_of(row: JsonObject) -> str:
    """The id of a row as ids are compared: without case."""
    return id_of(row).lower()


def window_around(now: datetime, before: int, after: int) -> Window:
    """The window of so many days before and after today."""
    today = now.astimezone(UTC).date()
    return Window((today - timedelta(days=before)).isoformat(), (today + timedelta(days=after)).isoformat())


def window_of(query: TaskQuery, today: date) -> Window:
    """The window that has every task of a query; tasks without a date come with any window."""
    people = () if query.of_nobody else tuple(sorted(query.responsible_ids or ()))
    if query.without_date:
        return Window(WIDEST.first, WIDEST.first, people)
    first = _shift_day(query.from_date, -_SLACK) if query.from_date else WIDEST.first
    ends = filter(None, (query.to_date, today.isoformat() if query.overdue else None))
    last = min((_shift_day(day, _SLACK) for day in ends), default=WIDEST.last)
    return Window(first, max(first, last), people, dateless=query.wants_dateless)


def _shift_day(day: str, by: timedelta) -> str:
    try:
        return (date.fromisoformat(day) + by).isoformat()
    except OverflowError:
        return day
