"""Vambe's task lists as they were a moment ago, with what was written since in its place.

There is no documented GET of one task: one is found in the list around today, else in the widest.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from taskhand.backends.shelf import Shelf
from taskhand.backends.vambe.wire import Window
from taskhand.errors import CallerError, NotFound
from taskhand.http.reply import Json

__all__ = ["WIDEST", "JsonObject", "TaskLists"]

WIDEST = Window("1000-01-01", "9998-12-31")
"""Every task there could be, as due dates may be written; both days are required."""

_NEAR_PAST, _NEAR_FUTURE = timedelta(days=60), timedelta(days=180)

JsonObject = dict[str, Json]


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
        self._shelf: Shelf[Window, list[JsonObject]] = Shelf(keep_s, monotonic)
        self._written: dict[str, _Written] = {}
        self.ids: set[str] = set()
        """Every task that was ever seen: what is not among them is new."""

    @property
    def near(self) -> Window:
        """The list around today, in which most tasks that anybody works on are."""
        today = self._clock().astimezone(UTC).date()
        return Window((today - _NEAR_PAST).isoformat(), (today + _NEAR_FUTURE).isoformat())

    async def get(self, window: Window, *, fresh: bool = False) -> list[JsonObject]:
        """A list of tasks as JSON, with what was written lately in place of what the list has.

        Of a `fresh` list only that gives way which is plainly behind: a task as it was before it was written.
        """

        async def fetched() -> list[JsonObject]:
            found = await self._fetch(window)
            return [raw for raw in found if isinstance(raw, dict) and isinstance(raw.get("id"), str)]

        raws = await self._shelf.get(window, fetched, fresh=fresh)
        self.ids.update(str(raw.get("id")) for raw in raws)
        recent = self._recent()
        newer = {one: mine for one, mine in recent.items() if not fresh or any(raw == mine.was for raw in raws)}
        return [raw for raw in raws if raw["id"] not in newer] + [mine.raw for mine in newer.values()]

    async def find(self, task_id: str, *, fresh: bool = False) -> JsonObject:
        """One task as JSON, out of the list around today or the widest; NotFound."""
        nowhere = f"There is no task {task_id} in Vambe."
        for window in (self.near, WIDEST):
            try:
                raws = await self.get(window, fresh=fresh)
            except CallerError:
                nowhere = f"Task {task_id} is not among those due around today, and Vambe lists no wider window."
                continue
            for raw in raws:
                if str(raw["id"]).lower() == task_id.lower():
                    return raw
        raise NotFound(nowhere, code="task_not_found", next_step="Call list_tasks to find the task's id.")

    def remember(self, task_id: str, raw: JsonObject, was: JsonObject | None = None) -> None:
        """Keep the answer to a write, and what the task `was` before it."""
        self._written[task_id] = _Written(self._monotonic(), raw, was)
        self.ids.add(task_id)

    def _recent(self) -> dict[str, _Written]:
        limit = self._monotonic() - self._keep_s
        self._written = {one: mine for one, mine in self._written.items() if mine.when > limit}
        return self._written
