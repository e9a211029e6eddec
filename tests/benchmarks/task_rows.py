"""The rows of a large task store: those of a team of forty over some years, drawn with a fixed random seed.

Of the tasks in the past, one in fifty is not done. One task in ten has no due date.
"""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from taskhand.domain.task_query import NO_DUE

__all__ = ["MORE_PEOPLE", "MORE_STATUSES", "TODAY", "build_rows"]

_FEW: Final = 100
"""So many tasks, of any store, are nobody's, have a status that few have, if they are not done, or a rare word."""
_UNICORN: Final = 777
_DATED: Final = 0.9
_FIRST_DAY, _DAYS, TODAY = date(2022, 1, 1), 1_600, "2026-03-02"

MORE_PEOPLE: Final = [(f"5d1f0000-0000-4000-8000-{one:012}", f"Person {one}") for one in range(1, 40)]
"""The ids and names of members beside the first."""
MORE_STATUSES: Final = [
    ("review", "Review", "review", "in_progress", 4),
    ("parked", "Parked", "parked", "in_progress", 5),
]
"""One that few tasks will have, and one that none will: id, name, folded, type, position."""


def build_rows(count: int, statuses: list[str], people: list[str]) -> Iterator[dict[str, object]]:
    """Values by column, of `count` tasks; the ids are spread like random ones.

    `statuses` and `people` are the ids of all, the first ones of the store before those of this module.
    """
    dice = random.Random(4711)  # noqa: S311  the same every time
    days = [str(_FIRST_DAY + timedelta(days=number)) for number in range(_DAYS)]
    for one in range(count):
        day = days[int(dice.random() * _DAYS)]
        is_dated = dice.random() < _DATED
        is_done = dice.random() < (0.98 if day < TODAY else 0.05)
        few = one % (count // _FEW)
        made, done = f"{days[one * _DAYS // count]}T10:00:00.000Z", f"{day}T16:00:00.000Z" if is_done else None
        title = _title(one, "audit" if few == 0 else "")
        yield {
            "id": f"{dice.getrandbits(32):08x}-0000-4000-8000-{one:012}",
            "title": title,
            "due_at": day if is_dated else None,
            "is_all_day": int(is_dated),
            "due_key": day if is_dated else NO_DUE,
            "created_at": made,
            "ai_contact_id": f"c0a00000-0000-4000-8000-{int(dice.random() * (count // 20)):012}",
            "status_id": statuses[2 if is_done else 3 if few == 1 else one % 2],
            "priority": int(dice.random() * 3),
            "creator_id": people[int(dice.random() * len(people))],
            "searchable": title.casefold(),
            "updated_at": done or made,
            "completed_at": done,
            "number": one + 1,
            "assigned": int(few != 2),
        }


def _title(number: int, rare: str) -> str:
    """A title; some words are frequent, some are rare, and one task has one of its own."""
    words = [f"Call Acme about order {number}" if number % 3 else f"Send offer {number}", rare]
    words += ["and its renewal" if number % 200 == 1 else "", "for Unicorn" if number == _UNICORN else ""]
    return " ".join(filter(None, words))
