"""Remembers the tasks that this process recently wrote or deleted: a CRM's lists may not show the change yet."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Final, Generic, TypeVar

__all__ = ["RecentWrite", "RecentWrites"]

_Row = TypeVar("_Row")

_DELETED_S: Final = 60.0
"""How long a CRM's lists may show a deleted task, in seconds; no CRM restores a deleted task."""
_MAX_KNOWN: Final = 200_000
"""Maximum number of known ids; a forgotten task and a new one differ by their creation time."""
_MAX_ENDED: Final = 50
"""Maximum number of earlier states of a task that are kept; no CRM takes so many writes while its lists may lag."""


@dataclass(slots=True)
class RecentWrite(Generic[_Row]):
    """A task as a write left it at `at` (seconds); `is_shown` once the CRM has shown it.

    `ended` has the earlier states that a list which lags may show, each once and the latest last, with the time
    (seconds) of the write that ended it.
    """

    row: _Row
    at: float
    ended: tuple[tuple[_Row, float], ...] = ()
    is_shown: bool = False

    @property
    def former(self) -> tuple[_Row, ...]:
        """The states without their times."""
        return tuple(row for row, _ in self.ended)


class RecentWrites(Generic[_Row]):
    """Writes by task id, kept for `keep_s` seconds of `monotonic`; deletions are kept a minute longer.

    `key` normalizes an id, so that different spellings are equal.
    """

    def __init__(self, keep_s: float, monotonic: Callable[[], float], key: Callable[[str], str] = str) -> None:
        self._known: dict[str, None] = {}
        self._keep_s = keep_s
        self._monotonic = monotonic
        self._key = key
        self._written: dict[str, RecentWrite[_Row]] = {}
        self._deleted_until: dict[str, float] = {}

    @property
    def known_ids(self) -> frozenset[str]:
        """The ids of the tasks that were read or written lately: any other task may be new."""
        return frozenset(self._known)

    def note_read(self, ids: Iterable[str]) -> None:
        """Note that these tasks exist; the older half of too many ids is forgotten."""
        self._known.update(dict.fromkeys(ids))
        if len(self._known) > _MAX_KNOWN:
            self._known = dict.fromkeys([*self._known][-_MAX_KNOWN // 2 :])

    def note_write(self, task_id: str, row: _Row, before: _Row | None = None) -> None:
        """Remember the state of a task after a write; `before` is its state before, None if unknown."""
        self.note_read([task_id])
        now, last = self._monotonic(), self.get(task_id)
        left = [] if before is None else [before]
        if last is not None and last.row not in left:
            left.insert(0, last.row)
        oldest, later = now - self._keep_s, [row, *left]
        ended = [
            (ended_row, at) for ended_row, at in (last.ended if last else ()) if at > oldest and ended_row not in later
        ]
        ended += [(ended_row, now) for ended_row in left if ended_row != row]
        self._written.pop(self._key(task_id), None)
        self._written[self._key(task_id)] = RecentWrite(row, now, tuple(ended[-_MAX_ENDED:]))

    def note_deletion(self, task_id: str) -> None:
        """Remember that a task was deleted, as long as lists may show it."""
        now = self._monotonic()
        self.forget([task_id])
        self._deleted_until = {deleted_id: until for deleted_id, until in self._deleted_until.items() if until > now}
        self._deleted_until[self._key(task_id)] = now + _DELETED_S + self._keep_s

    def forget(self, ids: Iterable[str]) -> None:
        """Forget the writes of these tasks: they are being written again, or their state is unknown."""
        for task_id in ids:
            self._written.pop(self._key(task_id), None)

    def forget_overtaken(self, ids: Collection[str] | None) -> None:
        """Forget the writes of these tasks, or of all (None), because others wrote them; ids may be casefolded."""
        folded = None if ids is None else {task_id.casefold() for task_id in ids}
        self.forget([task_id for task_id in self._written if folded is None or task_id.casefold() in folded])

    def get(self, task_id: str) -> RecentWrite[_Row] | None:
        """The last write to a task, if it is recent."""
        found = self._written.get(self._key(task_id))
        return found if found is not None and self._is_recent(found) else None

    def all(self) -> Iterator[tuple[str, RecentWrite[_Row]]]:
        """The recent writes with the keys of their tasks, oldest first."""
        self._written = {task_id: write for task_id, write in self._written.items() if self._is_recent(write)}
        return iter(self._written.items())

    def is_deleted(self, task_id: str) -> bool:
        """Whether a task was deleted recently, so that a list may still show it; no CRM reuses an id."""
        return self._deleted_until.get(self._key(task_id), -inf) > self._monotonic()

    def _is_recent(self, write: RecentWrite[_Row]) -> bool:
        return write.at > self._monotonic() - self._keep_s
