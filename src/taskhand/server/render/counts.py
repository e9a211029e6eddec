"""The answer of a count: how many tasks there are in each group, the largest first; pure."""

import json
from collections import Counter
from typing import Final

from pydantic import MISSING

from taskhand.domain.count import NOBODY, CountBy
from taskhand.domain.people_names import people_names
from taskhand.domain.text import truncate
from taskhand.server.render.answer import Answer, UntrustedAnswer
from taskhand.server.render.matches import MatchRow, match_rows
from taskhand.service.count_tasks import Counted

__all__ = ["CountsAnswer", "render_counts"]

_MOST_GROUPS: Final = 30
_ROOM: Final = 1_150
"""Characters for the groups, which go over the wire twice, once as text in which quotes are escaped."""
_NAME: Final = 60
_PARTIAL: Final = "Only the newest tasks were counted, not all. {} Narrow the filter for exact counts."


class Others(Answer):
    """The groups that are left out."""

    groups: int
    count: int


class CountsAnswer(Answer):
    """How many tasks there are in each group; `partial` says why not all of them were counted."""

    counts: dict[str, int] | MISSING = MISSING
    total: int | MISSING = MISSING
    others: Others | MISSING = MISSING
    unreadable_count: int | MISSING = MISSING
    partial: str | MISSING = MISSING
    matched: tuple[MatchRow, ...] | MISSING = MISSING


class NamedCountsAnswer(CountsAnswer, UntrustedAnswer):
    """Counts by names that others wrote."""

    free_text = ("counts",)


def render_counts(counted: Counted, by: CountBy) -> CountsAnswer:
    """The answer with the largest groups, as many as there is room for."""
    count, names = counted.count, _named(counted, by)
    largest = sorted(names.items(), key=lambda one: (-one[1], one[0]))
    shown: dict[str, int] = {}
    room = _ROOM
    for name, tasks in largest:
        room -= 2 * len(json.dumps({name: tasks}, ensure_ascii=False)) + 2
        if room < 0 or len(shown) == _MOST_GROUPS:
            break
        shown[name] = tasks
    left = largest[len(shown) :]
    answer = NamedCountsAnswer if by in ("responsible", "status") else CountsAnswer
    return answer(
        counts=shown,
        total=count.total,
        others=Others(groups=len(left), count=sum(tasks for _, tasks in left)) if left else MISSING,
        unreadable_count=count.unreadable or MISSING,
        partial=MISSING if count.why is None else _PARTIAL.format(truncate(count.why, 150)),
        matched=match_rows(counted.matched) or MISSING,
    )


def _named(counted: Counted, by: CountBy) -> dict[str, int]:
    """The groups by the words that rows show for them."""
    groups = counted.count.groups
    people = [one for one in groups if one != NOBODY] if by == "responsible" else []
    names = people_names(people, counted.members, counted.former) | ({NOBODY: "nobody"} if by == "responsible" else {})
    words: Counter[str] = Counter()
    for group, tasks in groups.items():
        words[names.get(group) or truncate(group, _NAME)] += tasks
    return words
