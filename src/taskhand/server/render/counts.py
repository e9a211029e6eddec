"""The answer of a count: the number of tasks in each group, days in order, else the largest group first; pure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import MISSING

from taskhand.domain.receipt import join_notes
from taskhand.domain.task_groups import NOBODY, CountBy, TaskCount
from taskhand.domain.truncation import truncate
from taskhand.server.render.answer import Answer, UntrustedAnswer
from taskhand.server.render.resolved_names import MatchRow, match_rows

if TYPE_CHECKING:
    from taskhand.service.count_tasks import Counted

__all__ = ["CountsAnswer", "count_note", "named_groups", "partial_note", "render_counts", "with_groups"]

_MAX_GROUPS: Final = 30
_MAX_LENGTH: Final = 1_600
"""Maximum length of an answer on the wire in characters; it is sent twice: as JSON, and as text.

The resolved names of the filter are not counted, so that a comparison of ten people has room for ten groups.
"""
_ENVELOPE: Final = 420
"""Characters around the groups, with the mark on untrusted names and the count of omitted groups."""
_DATES: Final = ("fromDate", "toDate")
_NAME: Final = 60
_WHY: Final = 80
_NOBODY: Final = "nobody"
_SHARED: Final = "A task of several people counts for each of them."
_PARTIAL: Final = "Only the newest tasks were counted, not all. {} Narrow the filter for exact counts."


class Others(Answer):
    """The omitted groups."""

    groups: int
    count: int


class CountsAnswer(Answer):
    """The number of tasks in each group; `partial` says why some are not counted, `note` that some count in several."""

    counts: dict[str, int] | MISSING = MISSING
    total: int | MISSING = MISSING
    others: Others | MISSING = MISSING
    unreadable_count: int | MISSING = MISSING
    partial: str | MISSING = MISSING
    note: str | MISSING = MISSING
    matched: tuple[MatchRow, ...] | MISSING = MISSING


_Counts = TypeVar("_Counts", bound=CountsAnswer)


class NamedCountsAnswer(CountsAnswer, UntrustedAnswer):
    """Counts by names that others wrote, or of items to which such a name was resolved."""

    free_text = ("counts", "matched.name")


def render_counts(counted: "Counted", by: CountBy, note: str | None = None) -> CountsAnswer:
    """The answer with as many of the largest groups as fit."""
    count = counted.count
    has_names = by in ("responsible", "status") or bool(counted.matched)
    answer = (NamedCountsAnswer if has_names else CountsAnswer)(
        counts={},
        total=count.total,
        matched=match_rows(counted.matched) or MISSING,
        unreadable_count=count.unreadable or MISSING,
        partial=MISSING if count.why is None else partial_note(count.why),
        note=count_note([count], note),
    )
    return with_groups(answer, named_groups(counted, by), by)


def partial_note(why: str) -> str:
    """The note on an incomplete count."""
    return _PARTIAL.format(truncate(why, _WHY))


def count_note(counts: Sequence[TaskCount], note: str | None) -> str | MISSING:
    """The note on tasks that are in several groups, and another note."""
    is_shared = any(sum(count.groups.values()) > count.total for count in counts)
    return join_notes(_SHARED if is_shared else None, note) or MISSING


def with_groups(answer: _Counts, named: Mapping[str, int], by: CountBy) -> _Counts:
    """The answer with the largest of the groups, as many as there is room for."""
    largest = sorted(named.items(), key=lambda group: (-group[1], group[0]))
    shown = dict(largest[: _count_fitting(largest[:_MAX_GROUPS], _room_in(answer))])
    if by == "responsible" and _NOBODY in named and _NOBODY not in shown:  # what no list of people shows
        if shown:
            shown.popitem()
        shown[_NOBODY] = named[_NOBODY]
    if by in ("dueDay", "completedDay"):
        shown = dict(sorted(shown.items()))  # tasks without a due date come last
    left = [group for group in largest if group[0] not in shown]
    others = Others(groups=len(left), count=sum(tasks for _, tasks in left)) if left else MISSING
    return answer.model_copy(update={"counts": shown, "others": others})


def _room_in(answer: CountsAnswer) -> int:
    """The characters that an answer without groups leaves to them."""
    rows = () if answer.matched is MISSING else answer.matched
    dates = tuple(row for row in rows if row.argument in _DATES)
    return _MAX_LENGTH - _ENVELOPE - _on_wire(answer.model_copy(update={"matched": dates}).model_dump(mode="json"))


def _count_fitting(groups: Sequence[tuple[str, int]], room: int) -> int:
    """The number of the first groups that fit into a number of characters."""
    sizes = accumulate(_on_wire({name: tasks}) for name, tasks in groups)
    return sum(size <= room for size in sizes)


def _on_wire(value: object) -> int:
    """The length of a JSON value in an answer: as JSON, and as text with escaped quotes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text) + len(json.dumps(text, ensure_ascii=False))


def named_groups(counted: "Counted", by: CountBy) -> dict[str, int]:
    """The groups under the words that rows show for them."""
    from taskhand.domain.people_labels import people_names  # noqa: PLC0415  no start waits for it

    groups = counted.count.groups
    people = [person_id for person_id in groups if person_id != NOBODY] if by == "responsible" else []
    names = people_names(people, counted.members, counted.former) | ({NOBODY: _NOBODY} if by == "responsible" else {})
    words: Counter[str] = Counter()
    for group, tasks in groups.items():
        words[names.get(group) or truncate(group, _NAME)] += tasks
    return words
