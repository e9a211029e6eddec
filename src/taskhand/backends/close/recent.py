"""What was written or deleted a moment ago: Close can be behind by up to a minute, and what is behind is no answer."""

from collections.abc import Callable, Iterable
from math import inf
from typing import Final

from taskhand.backends.remote.parsing import JsonObject

__all__ = ["Recent"]

_KEEP_S: Final = 60.0
"""How long a list was seen to be behind, in seconds."""


class Recent:
    """The answers to the latest writes, and the latest deletions, each for a minute of `clock` (monotonic seconds)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._written: dict[str, tuple[float, JsonObject]] = {}
        self._met: set[str] = set()
        self._deleted: dict[str, float] = {}

    def keep(self, raw: JsonObject) -> None:
        """Keep the answer to a write."""
        self._written[str(raw["id"])] = (self._clock(), raw)
        self._met.discard(str(raw["id"]))

    def met(self, task_id: str) -> None:
        """Close has shown the task since it was written: where it is missing from now on, it is gone."""
        self._met.add(task_id)

    def unmet(self, task_id: str) -> JsonObject | None:
        """What was written of a task that Close has not shown since: it is there, whatever Close says for a while."""
        return None if task_id in self._met else self._fresh().get(task_id)

    def forget(self, ids: Iterable[str]) -> None:
        """What is remembered of these tasks counts no more: they are written anew."""
        for one in ids:
            self._written.pop(one, None)

    def deleted(self, task_id: str) -> None:
        """A task is no more, whatever Close still shows of it."""
        self.forget([task_id])
        limit = self._clock() - _KEEP_S
        self._deleted = {one: when for one, when in self._deleted.items() if when > limit}
        self._deleted[task_id] = self._clock()

    def is_deleted(self, task_id: str) -> bool:
        """Whether a task was deleted here: its id is not used again, and a reading may still show it."""
        return self._deleted.get(task_id, -inf) > self._clock() - _KEEP_S

    def newest(self, raw: JsonObject, *, listed: bool) -> JsonObject:
        """What is known of a task: `raw`, unless that was changed before the write that is remembered here.

        Of the same moment what was written counts in a list (`listed`), and what was read where one task was read.
        """
        kept = self._fresh().get(str(raw.get("id")))
        if kept is None:
            return raw
        self.met(str(raw.get("id")))
        ours, theirs = str(kept.get("date_updated")), str(raw.get("date_updated"))
        return kept if theirs < ours or (listed and theirs == ours) else raw

    def all(self) -> dict[str, JsonObject]:
        """Everything remembered, by id."""
        return dict(self._fresh())

    def _fresh(self) -> dict[str, JsonObject]:
        limit = self._clock() - _KEEP_S
        self._written = {one: (when, raw) for one, (when, raw) in self._written.items() if when > limit}
        self._met &= self._written.keys()
        return {one: raw for one, (_, raw) in self._written.items()}
