"""A list that comes in pages by position (`_limit`, `_skip`), read so that nothing in it is missed.

A list moves while it is read: a task that is completed meanwhile leaves it, and all behind it move up. So each page
begins with a row that the page before has shown; where it does not, the reading goes back until it does.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from taskhand.backends.remote.parsing import JsonObject

__all__ = ["MOST_PAGES", "PAGE", "Page", "TooManyPages", "read_all_pages"]

PAGE: Final = 100
"""Rows in a page: the documented default, as the cap for tasks is not documented."""
MOST_PAGES: Final = 50
_BACK: Final = PAGE // 2


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, whether more follow, and what the clock of the place said."""

    rows: tuple[JsonObject, ...]
    more: bool
    at: datetime | None = None


class TooManyPages(Exception):
    """The list has more than so many pages."""


def _never(_: Sequence[JsonObject]) -> bool:
    return False


async def read_all_pages(
    fetch: Callable[[int], Awaitable[Page]], enough: Callable[[Sequence[JsonObject]], bool] = _never
) -> list[JsonObject]:
    """Every row once, or as many as are `enough`; `fetch` takes how many to skip. TooManyPages beyond 50 pages."""
    seen: dict[str, JsonObject] = {}
    skip = 0
    for _ in range(MOST_PAGES):
        page = await fetch(skip)
        if skip and not (page.rows and _id(page.rows[0]) in seen):
            skip = max(0, skip - _BACK)
            continue
        seen |= {_id(row): row for row in page.rows if _id(row) not in seen}
        if not page.more or not page.rows or enough(list(seen.values())):
            return list(seen.values())
        skip += max(len(page.rows) - 1, 1)
    raise TooManyPages


def _id(row: JsonObject) -> str:
    return str(row.get("id"))
