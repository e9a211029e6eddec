"""Vambe's task lists as they were a moment ago, with what was written since in its place.

There is no documented GET of one task: one is found in the list around today, else in the widest.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.backends.vambe.client import Window
from taskhand.domain.errors import CallerError, NotFound
from taskhand.http.reply import Json

__all__ = ["WIDEST", "TaskLists"]

WIDEST = Window("1000-01-01", "9998-12-31")
"""Every task there could be, as due dates may be written; both days are required."""

_NEAR_PAST, _NEAR_FUTURE = timedelta(days=60), timedelta(days=180)

_BEHIND_S: Final = 60.0
"""How long a list may go on showing a task that Vambe has deleted; nothing public ever restores one."""


@dataclass(frozen=True, slots=True)
class _Written:
    """The answer to a write, when it came, and the task as it was before."""

    when: float
    raw: JsonObject
    was: JsonObject | None


class TaskLists:
    """Fetches lists, keeps each for `keep_s` seconds, and lets a write's answer outlive a list that is behind."""

    def __init__(
        self,
        fetch: Callable[[Window], Awaitable[list[Json]]],
        keep_s: float,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """`clock` answers an aware datetime, `monotonic` seconds."""
        self._fetch = fetch
        self._keep_s = keep_s
        self._clock = clock
        self._monotonic = monotonic
        self._cache: TtlCache[Window, list[JsonObject]] = TtlCache(keep_s, monotonic)
        self._written: dict[str, _Written] = {}
        self._gone_until: dict[str, float] = {}
        self.ids: set[str] = set()
        """Every task that was ever seen: what is not among them is new."""

    @property
    def near(self) -> Window:
        """The list around today, in which most tasks that anybody works on are."""
        today = self._clock().astimezone(UTC).date()
        return Window((today - _NEAR_PAST).isoformat(), (today + _NEAR_FUTURE).isoformat())

    async def get(self, window: Window, *, fresh: bool = False) -> list[JsonObject]:
        """A list of tasks as JSON, with what was written lately in place of what the list has.

        Of a `fresh` list only that gives way which is plainly behind: a task as it was before it was written, and one
        that was deleted.
        """

        async def fetched() -> list[JsonObject]:
            found = await self._fetch(window)
            return [raw for raw in found if isinstance(raw, dict) and isinstance(raw.get("id"), str)]

        raws = await self._cache.get(window, fetched, fresh=fresh)
        self.ids.update(str(raw.get("id")) for raw in raws)
        newer, gone = self._newer(raws, fresh=fresh), self._gone()
        now = [raw for raw in raws if raw["id"] not in newer] + list(newer.values())
        return [raw for raw in now if _key(raw) not in gone]

    async def find(self, task_id: str, *, fresh: bool = False) -> JsonObject:
        """One task as JSON, out of the list around today or the widest; NotFound."""
        found, refused = await self._searched([task_id], fresh=fresh)
        if found:
            return found[task_id]
        raise self.absent(task_id) if refused is None else _out_of_sight(task_id)

    async def find_all(self, ids: Iterable[str], *, fresh: bool = False) -> dict[str, JsonObject]:
        """Many tasks by the ids asked for, out of the same two lists; those that are in neither are left out."""
        found, _ = await self._searched(list(ids), fresh=fresh)
        return found

    async def has(self, task_id: str) -> bool | None:
        """Whether there is such a task now; None where it is not in sight, and Vambe does not list all that are."""
        found, refused = await self._searched([task_id], fresh=True)
        return True if found else False if refused is None else None

    def absent(self, task_id: str) -> NotFound:
        """The error for a task that is not there."""
        return _not_found(f"There is no task {task_id} in Vambe.")

    def remember(self, task_id: str, raw: JsonObject, was: JsonObject | None = None) -> None:
        """Keep the answer to a write, and what the task `was` before it."""
        self._written[task_id] = _Written(self._monotonic(), raw, was)
        self.ids.add(task_id)

    def hidden(self, task_id: str, shown: JsonObject) -> JsonObject | None:
        """What a fresh list really had of a task, where it was taken to be behind and `shown` in its place."""
        mine = self._written.get(task_id)
        return mine.was if mine is not None and mine.raw is shown else None

    def forget(self, task_id: str, *, behind_s: float = _BEHIND_S) -> None:
        """A task is gone: neither what is kept nor a list that is up to `behind_s` behind shows it again.

        If it is there after that, it is there.
        """
        self._written = {one: mine for one, mine in self._written.items() if one.lower() != task_id.lower()}
        self._gone_until[task_id.lower()] = self._monotonic() + behind_s + self._keep_s

    async def _searched(self, ids: Sequence[str], *, fresh: bool) -> tuple[dict[str, JsonObject], CallerError | None]:
        """What was found, by the ids asked for; and the refusal of the widest list, where that was needed and refused.

        Raises CallerError where Vambe lists nothing at all.
        """
        found: dict[str, JsonObject] = {}
        refusals: dict[Window, CallerError] = {}
        for window in (self.near, WIDEST):
            missing = [one for one in ids if one not in found]
            if not missing:
                break
            try:
                by_id = {_key(raw): raw for raw in await self.get(window, fresh=fresh)}
            except CallerError as refused:
                refusals[window] = refused
                continue
            found |= {one: by_id[one.lower()] for one in missing if one.lower() in by_id}
        if len(refusals) > 1:
            raise refusals[WIDEST]
        return found, refusals.get(WIDEST)

    def _newer(self, raws: Sequence[JsonObject], *, fresh: bool) -> dict[str, JsonObject]:
        """What was written lately and is not in a list yet, by id."""
        limit = self._monotonic() - self._keep_s
        self._written = {one: mine for one, mine in self._written.items() if mine.when > limit}
        shown = {raw["id"]: raw for raw in raws} if fresh else {}
        behind = (one for one, mine in self._written.items() if not fresh or shown.get(one, {}) == mine.was)
        return {one: self._written[one].raw for one in behind}

    def _gone(self) -> dict[str, float]:
        """What was deleted lately, by id in lower case."""
        now = self._monotonic()
        self._gone_until = {one: until for one, until in self._gone_until.items() if until > now}
        return self._gone_until


def _key(raw: JsonObject) -> str:
    return str(raw["id"]).lower()


def _not_found(why: str) -> NotFound:
    return NotFound(why, code="task_not_found", next_step="Call list_tasks to find the task's id.")


def _out_of_sight(task_id: str) -> NotFound:
    return _not_found(f"Task {task_id} is not among those due around today, and Vambe lists no wider window.")
