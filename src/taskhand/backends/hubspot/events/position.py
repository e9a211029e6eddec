"""The position of the feed in an account's changes; pure. All moments are HubSpot's, in epoch milliseconds.

HubSpot's search finds a changed task with a delay, which may be longer than that of a later change. Each search
therefore begins some time before the newest change seen, and the changes seen in that time are remembered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from taskhand.domain.event_source import PositionFormat

__all__ = ["LAG_MS", "POSITION", "Bin", "Position"]

LAG_MS: Final = 300_000
"""The delay after which a search is expected to find a changed task, in milliseconds; 30 seconds were observed."""
_AGAIN_MS: Final = 86_400_000
"""How long before the newest change seen a change may be to be reported when its task is found, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The position in the list of deleted tasks, which is ordered by id and has no filter.

    The list is read in passes from its beginning, a few pages in each look; `after` is the cursor of the next page.
    `newest` is the newest deletion seen. `last` is its value when this pass began, and `since` its value when the pass
    before began: all deletions before `since` have been seen. `seen` maps tasks to later deletions.

    `is_refused` means that HubSpot does not give the list. Each look then searches for some known tasks instead;
    `checked` is the id of the last one.
    """

    since: int
    last: int
    newest: int
    after: str | None = None
    seen: Mapping[str, int] = field(default_factory=dict)
    is_refused: bool = False
    checked: str = ""

    def with_seen(self, deletions: Mapping[str, int], after: str | None) -> "Bin":
        """The position after more pages with these deletions; `after` is the next cursor, None at the end."""
        newest = max([self.newest, *deletions.values()])
        seen = {**self.seen, **deletions}
        if after is not None:
            return replace(self, newest=newest, seen=seen, after=after)
        kept = {task_id: at for task_id, at in seen.items() if at >= self.last - LAG_MS}
        return replace(self, since=self.last, last=newest, newest=newest, seen=kept, after=None)

    def is_new(self, task_id: str, at: int) -> bool:
        """Whether a deletion may not have been seen yet."""
        return at >= self.since - LAG_MS and self.seen.get(task_id) != at


@dataclass(frozen=True, slots=True)
class Position:
    """The position of the feed. Changes before `start` are not reported.

    `newest` is the moment of the newest change seen. `seen` maps recently changed tasks to the moments of their
    changes. All changes before `known` were seen. No search begins before `floor`. `looks` counts the looks.
    """

    start: int
    newest: int
    known: int
    bin: Bin
    floor: int = 0
    looks: int = 0
    seen: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def at(cls, start: int) -> "Position":
        """The position from which all changes since a moment are found."""
        return cls(start, start, start, Bin(start, start, start))

    @property
    def search_from(self) -> int:
        """The moment at which the next search begins."""
        return max(self.newest - LAG_MS, self.floor)

    @property
    def since(self) -> int:
        """The moment from which changes are reported: a search may find a task changed before others already seen."""
        return max(self.start, self.known - _AGAIN_MS)

    def is_new(self, task_id: str, at: int) -> bool:
        """Whether a task was changed after it was last seen."""
        return at > self.seen.get(task_id, -1)

    def with_seen(
        self, rows: Mapping[str, int], read: Mapping[str, int], *, floor: int = 0, is_behind: bool = False
    ) -> "Position":
        """The position after a look: `rows` has the tasks that a search found, `read` those read, by last change."""
        newest = max([self.newest, *rows.values()])
        known, floor = self.known if is_behind else newest, max(floor, self.floor)
        moved = replace(self, newest=newest, known=known, floor=floor, looks=self.looks + 1)
        seen = {task_id: at for task_id, at in {**self.seen, **rows, **read}.items() if at >= moved.search_from}
        return replace(moved, seen=seen)


POSITION: Final = PositionFormat(Position)
