"""How far the look at an account's changes is; pure. All moments are HubSpot's own, in epoch milliseconds.

A search finds a task only some time after it was changed, and later than other tasks that were changed after it. So
each search begins some time before the newest change that was seen, and what was seen there is remembered.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from taskhand.domain.errors import OperatorError

__all__ = ["LAG_MS", "Bin", "Position"]

LAG_MS: Final = 300_000
"""How long after a change a search is expected to find the task, in milliseconds; seen were up to 30 seconds."""
_AGAIN_MS: Final = 86_400_000
"""How long before all that was seen a change may be that is told when its task is found."""


@dataclass(frozen=True, slots=True)
class Bin:
    """How far the list of deleted tasks was read, which is in the order of ids and has no filter.

    It is read again and again from its beginning, a part of it in one look: `after` is where the next part begins.
    `newest` is the newest deletion that was seen, `last` the same before this time began, and `since` before the time
    before: what was deleted then has been seen. `seen` are later deletions, by the id of the task.

    `is_refused` is whether HubSpot does not give the list. Then known tasks are looked for instead, some in each look:
    `checked` is the last one.
    """

    since: int
    last: int
    newest: int
    after: str | None = None
    seen: Mapping[str, int] = field(default_factory=dict)
    is_refused: bool = False
    checked: str = ""

    def with_seen(self, deletions: Mapping[str, int], after: str | None) -> "Bin":
        """How far it is after another part with these deletions."""
        newest = max([self.newest, *deletions.values()])
        seen = {**self.seen, **deletions}
        if after is not None:
            return replace(self, newest=newest, seen=seen, after=after)
        since = self.last
        kept = {one: at for one, at in seen.items() if at >= since - LAG_MS}
        return replace(self, since=since, last=newest, newest=newest, seen=kept, after=None)

    def is_new(self, task_id: str, at: int) -> bool:
        """Whether a deletion may be one that was not seen yet."""
        return at >= self.since - LAG_MS and self.seen.get(task_id) != at


@dataclass(frozen=True, slots=True)
class Position:
    """How far the look is. What happened before `start` is of no interest.

    `newest` is the moment of the newest change that was seen, `seen` are the tasks that were changed lately, with
    the moment of the change. All before `known` was seen. No search begins before `floor`. `looks` counts the looks.
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
        """The position from which everything is found that happened from a moment on."""
        return cls(start, start, start, Bin(start, start, start))

    @classmethod
    def parse(cls, text: str) -> "Position":
        """A position that was kept; OperatorError for a damaged one."""
        try:
            given: dict[str, Any] = json.loads(text)
            return cls(**{**given, "bin": Bin(**given["bin"])})
        except (ValueError, TypeError, KeyError):
            raise OperatorError(
                "Where the look at changes in HubSpot should go on was not kept as it was written.",
                next_step="Remove the file that TASKHAND_EVENTS names; the feed then begins anew.",
            ) from None

    @property
    def text(self) -> str:
        """What is kept."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def search_from(self) -> int:
        """The moment from which on changes are searched for."""
        return max(self.newest - LAG_MS, self.floor)

    @property
    def since(self) -> int:
        """The moment from which on changes are told: a task may be found that was changed before others were seen."""
        return max(self.start, self.known - _AGAIN_MS)

    def is_new(self, task_id: str, at: int) -> bool:
        """Whether a task was changed after it was seen last."""
        return at > self.seen.get(task_id, -1)

    def with_seen(
        self, rows: Mapping[str, int], read: Mapping[str, int], *, floor: int = 0, is_behind: bool = False
    ) -> "Position":
        """The position after another look: a search has found `rows`, and `read` were changed last at these moments."""
        newest = max([self.newest, *rows.values()])
        moved = replace(
            self,
            newest=newest,
            known=self.known if is_behind else newest,
            floor=max(floor, self.floor),
            looks=self.looks + 1,
        )
        seen = {one: at for one, at in {**self.seen, **rows, **read}.items() if at >= moved.search_from}
        return replace(moved, seen=seen)
