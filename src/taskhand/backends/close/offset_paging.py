"""Lists paged by position (`_limit`, `_skip`), read without missing a row.

A list shifts while it is read: a completed task leaves it, and every row behind it moves up. Each page is therefore
requested from the last row of the page before; if it does not begin with a known row, reading goes back half a page.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from taskhand.backends.close.errors import OVER_SKIP
from taskhand.backends.close.mapping import created_at
from taskhand.backends.remote.parsing import JsonObject, broken_list, id_of
from taskhand.domain.due import day_of
from taskhand.domain.errors import CallerError, UpstreamError
from taskhand.domain.task_query import Order

__all__ = [
    "DAY_SLACK",
    "ONE_SECOND",
    "PAGE",
    "OffsetPage",
    "bound_after",
    "created_from",
    "read_all_pages",
    "read_pages",
    "row_key",
    "settled_rows",
    "too_many_rows",
]

PAGE: Final = 100
"""Rows in a page: the documented default, because the maximum for tasks is not documented."""
MAX_PAGES: Final = 50
ONE_SECOND: Final = timedelta(seconds=1)
DAY_SLACK: Final = timedelta(days=2)
"""How far off its day Close may filter and sort a row: it does not document how it compares a day with an instant."""


@dataclass(frozen=True, slots=True)
class OffsetPage:
    """Rows of a list, whether more follow, and the time of the response by Close's clock."""

    rows: tuple[JsonObject, ...]
    more: bool
    at: datetime | None = None


async def read_all_pages(fetch: Callable[[int], Awaitable[OffsetPage]]) -> OffsetPage:
    """The whole list as one page; `fetch` takes the number of rows to skip. UpstreamError beyond 50 pages."""
    whole = await read_pages(fetch)
    if whole.more:
        raise too_many_rows()
    return whole


async def read_pages(
    fetch: Callable[[int], Awaitable[OffsetPage]],
    is_enough: Callable[[Mapping[str, JsonObject]], bool] = lambda _: False,
) -> OffsetPage:
    """The rows of up to 50 pages as one page, without duplicates; `more` is whether rows are left and needed.

    InvalidAnswer if a page is the one before, or if the rows of before are gone. Reading ends early if Close refuses a
    `_skip` as too large.
    """
    rows: dict[str, JsonObject] = {}
    skip, at, more = 0, None, True
    last: tuple[JsonObject, ...] = ()
    for _ in range(MAX_PAGES):
        try:
            page = await fetch(skip)
        except CallerError as refused:
            if refused.explanation is not OVER_SKIP:
                raise
            break
        at = at or page.at
        if skip and not (page.rows and row_key(page.rows[0]) in rows):
            skip = max(0, skip - PAGE // 2)
            continue
        if rows and page.rows in ((), last):
            raise broken_list("Close")
        last = page.rows
        for row in page.rows:
            rows.setdefault(row_key(row), row)
        more = page.more and not is_enough(rows)
        if not more:
            break
        skip += max(len(page.rows) - 1, 1)
    return OffsetPage(tuple(rows.values()), more, at)


def too_many_rows() -> UpstreamError:
    """The error for a list that cannot be read to its end."""
    return UpstreamError(
        "More rows may match than one call can read.",
        code="too_many_tasks",
        next_step="Narrow the filter: responsibleIds, status, or fromDate and toDate without dateless tasks.",
    )


def row_key(row: JsonObject) -> str:
    """The id of a row; its whole JSON if it has no id."""
    return id_of(row) or json.dumps(row, sort_keys=True)


def settled_rows(rows: Sequence[JsonObject], order: Order) -> list[JsonObject]:
    """The rows of a list whose places no later row can change; empty if the list is not sorted."""
    if order == "due":
        days = [(day, row) for row in rows if (day := day_of(row.get("date"))) is not None]
        if not days or any(earlier - later > DAY_SLACK / 2 for (earlier, _), (later, _) in pairwise(days)):
            return []
        last = max(day for day, _ in days)
        return [row for day, row in days if last - day > DAY_SLACK]
    if order in ("created", "oldest"):
        times = _sorted_times(rows, descending=order == "created")
        return [row for time, row in zip(times, rows, strict=True) if time != times[-1]] if times else []
    return []


def bound_after(rows: Sequence[JsonObject], *, descending: bool) -> dict[str, str]:
    """The filter for rows from the last one on; UpstreamError if the rows are not sorted or all have one time."""
    times = _sorted_times(rows, descending=descending)
    if not times or times[0] == times[-1]:
        raise too_many_rows()
    return created_from(times[-1], descending=descending)


def created_from(moment: datetime, *, descending: bool) -> dict[str, str]:
    """The filter for rows created at `moment` or later in the list's order, widened by up to a second."""
    if descending:
        return {"date_created__lte": (moment + ONE_SECOND).isoformat(timespec="seconds")}
    return {"date_created__gte": moment.isoformat(timespec="seconds")}


def _sorted_times(rows: Sequence[JsonObject], *, descending: bool) -> list[datetime]:
    """The creation times of the rows in milliseconds, the precision of Close's sort; empty if they are not sorted."""
    times = [at.replace(microsecond=at.microsecond // 1000 * 1000) for row in rows if (at := created_at(row))]
    in_order = [*reversed(times)] if descending else times
    is_sorted = len(times) == len(rows) and all(earlier <= later for earlier, later in pairwise(in_order))
    return times if is_sorted else []
