"""The tasks that this process wrote or deleted lately: a CRM's lists may not show it yet."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Final, Generic, TypeVar

__all__ = ["RecentWrite", "RecentWrites"]

_Row = TypeVar("_Row")

_DELETED_S: Final = 60.0
"""How long a CRM's lists may show a deleted task, in seconds; none of them restores one."""


@dataclass(frozen=True, slots=True)
class _Replaced(Generic[_Row]):
    """A state of a task, which the task had until a write at `until` (seconds)."""

    row: _Row
    until: float


@dataclass(slots=True)
class RecentWrite(Generic[_Row]):
    """A task as a write left it at `at` (seconds); `is_shown` once the CRM has shown it.

    `replaced` are the states before this write and the recent ones before it, each of them once, the latest last.
    """

    row: _Row
    at: float
    replaced: tuple[_Replaced[_Row], ...] = ()
    is_shown: bool = False

    @property
    def former(self) -> tuple[_Row, ...]:
        """The states of which a list that is behind shows one."""
        return tuple(state.row for state in self.replaced)


class RecentWrites(Generic[_Row]):
    """Writes by task id, each remembered for `keep_s` seconds of `clock` (monotonic), and deletions for a minute more.

    `known_ids` are the ids of every task that was ever read or written: a task that is not among them may be new.
    `key` makes one id of two spellings.
    """

    def __init__(self, keep_s: float, clock: Callable[[], float], key: Callable[[str], str] = str) -> None:
        self.known_ids: set[str] = set()
        self._keep_s = keep_s
        self._clock = clock
        self._key = key
        self._written: dict[str, RecentWrite[_Row]] = {}
        self._deleted_until: dict[str, float] = {}

    def wrote(self, task_id: str, row: _Row, before: _Row | None = None) -> None:
        """Remember what a write made of a task that was `before`, None if that is not known."""
        self.known_ids.add(task_id)
        now, earlier = self._clock(), self.get(task_id)
        left = [] if before is None else [before]
        if earlier is not None and earlier.row not in left:
            left.insert(0, earlier.row)
        older = [
            state
            for state in (earlier.replaced if earlier else ())
            if state.until > now - self._keep_s and state.row not in (row, *left)
        ]
        newer = [_Replaced(one, now) for one in left if one != row]
        self._written.pop(self._key(task_id), None)
        self._written[self._key(task_id)] = RecentWrite(row, now, (*older, *newer))

    def deleted(self, task_id: str, *, lag_s: float = _DELETED_S) -> None:
        """Remember that a task is gone, while lists that are `lag_s` behind may show it."""
        now = self._clock()
        self.forget([task_id])
        self._deleted_until = {one: until for one, until in self._deleted_until.items() if until > now}
        self._deleted_until[self._key(task_id)] = now + lag_s + self._keep_s

    def forget(self, ids: Iterable[str]) -> None:
        """Forget what was written to these tasks: they are written anew, or nobody knows how they are."""
        for one in ids:
            self._written.pop(self._key(one), None)

    def forget_overtaken(self, ids: Collection[str] | None) -> None:
        """Forget what was written to these tasks, or any (None), since others wrote them; ids may be folded."""
        folded = None if ids is None else {one.casefold() for one in ids}
        self.forget([one for one in self._written if folded is None or one.casefold() in folded])

    def get(self, task_id: str) -> RecentWrite[_Row] | None:
        """The last write to a task, if it is recent."""
        found = self._written.get(self._key(task_id))
        return found if found is not None and self._is_recent(found) else None

    def all(self) -> Iterator[tuple[str, RecentWrite[_Row]]]:
        """The recent writes with the key of their task, oldest first."""
        self._written = {one: write for one, write in self._written.items() if self._is_recent(write)}
        return iter(self._written.items())

    def is_deleted(self, task_id: str) -> bool:
        """Whether a task was deleted lately: no CRM uses an id again, and a list may still show the task."""
        return self._deleted_until.get(self._key(task_id), -inf) > self._clock()

    def _is_recent(self, write: RecentWrite[_Row]) -> bool:
        return write.at > self._clock() - self._keep_s
