"""Lists that come in pages by position (`_limit`, `_skip`), read so that no row is missed.

A list moves while it is read: a completed task leaves it, and every row behind it moves up. So each page starts with
the last row of the page before; where it does not, the reading goes back half a page.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from taskhand.backends.close.errors import OVER_SKIP
from taskhand.backends.remote.parsing import JsonObject, id_of
from taskhand.domain.errors import CallerError, UpstreamError

__all__ = ["MOST_PAGES", "PAGE", "Page", "read_all_pages", "read_pages", "row_key", "too_many_rows"]

PAGE: Final = 100
"""Rows in a page: the documented default, as the limit for tasks is not documented."""
MOST_PAGES: Final = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, whether more follow, and the time of the answer by Close's clock."""

    rows: tuple[JsonObject, ...]
    more: bool
    at: datetime | None = None


async def read_all_pages(
    fetch: Callable[[int], Awaitable[Page]], is_enough: Callable[[Sequence[JsonObject]], bool] = lambda _: False
) -> list[JsonObject]:
    """Every row once, or as many as `is_enough`; `fetch` takes how many rows to skip. UpstreamError beyond 50 pages."""
    rows, is_whole = await read_pages(fetch, is_enough)
    if not is_whole:
        raise too_many_rows()
    return rows


async def read_pages(
    fetch: Callable[[int], Awaitable[Page]], is_enough: Callable[[Sequence[JsonObject]], bool]
) -> tuple[list[JsonObject], bool]:
    """The rows of up to 50 pages, as of `read_all_pages`, and whether these are all, or enough.

    Fewer pages where Close lists no rows so far behind the first one.
    """
    rows: dict[str, JsonObject] = {}
    skip = 0
    for _ in range(MOST_PAGES):
        try:
            page = await fetch(skip)
        except CallerError as refused:
            if refused.message != OVER_SKIP:
                raise
            return list(rows.values()), False
        if skip and not (page.rows and row_key(page.rows[0]) in rows):
            skip = max(0, skip - PAGE // 2)
            continue
        for row in page.rows:
            rows.setdefault(row_key(row), row)
        if not page.more or not page.rows or is_enough(list(rows.values())):
            return list(rows.values()), True
        skip += max(len(page.rows) - 1, 1)
    return list(rows.values()), False


def too_many_rows() -> UpstreamError:
    """The error for a list that cannot be read to its end."""
    return UpstreamError(
        "There are more rows in question than can be read in one call.",
        code="too_many_tasks",
        next_step="Narrow the filter: responsibleIds, status, or fromDate and toDate without dateless tasks.",
    )


def row_key(row: JsonObject) -> str:
    """The id of a row; all of it where it has none."""
    return id_of(row) or json.dumps(row, sort_keys=True)
