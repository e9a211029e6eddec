"""Parses and applies the query of https://docs.vambe.me/reference/tasks/get-tasks by the spec variant."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskhand.sandbox.messages import read_json
from taskhand.sandbox.vambe.dates import due_day, to_instant
from taskhand.sandbox.vambe.errors import Issue, validation_error
from taskhand.sandbox.vambe.validation import is_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskhand.sandbox.vambe.context import RequestContext
    from taskhand.sandbox.vambe.spec_variant import SpecVariant
    from taskhand.sandbox.vambe.task import Task

IDS = "responsibleIds"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
BRACKETS = re.compile(r"responsibleIds\[\d*\]", re.ASCII)
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class ListFilter:
    """The filter of the list: responsible people (none: everyone), first and last day, and undated tasks."""

    responsible_ids: tuple[str, ...]
    first: dt.date
    last: dt.date
    has_undated: bool

    def holds(self, task: Task, spec_variant: SpecVariant) -> bool:
        """Whether the task is in the list; one of several responsible people is enough."""
        wanted = self.responsible_ids
        return (
            task.is_visible
            and (not wanted or any(person in wanted for person in task.responsible_ids))
            and self._holds_day(due_day(task.due, spec_variant), spec_variant)
        )

    def _holds_day(self, day: dt.date | None, spec_variant: SpecVariant) -> bool:
        if day is None:
            return self.has_undated
        after = self.first < day or (self.first == day and spec_variant.date_bounds != "exclusive")
        return after and (day < self.last or (day == self.last and spec_variant.date_bounds == "inclusive"))


def parse_list_filter(ctx: RequestContext) -> ListFilter:
    """Parse the query of `GET /api/public/tasks`; only `includeTasksWithoutDates` is optional."""
    first, last = _day(ctx, "fromDate"), _day(ctx, "toDate")
    _check_span(first, last, ctx.spec_variant)
    return ListFilter(_responsible_ids(ctx), first, last, _has_undated(ctx))


def sort_tasks(tasks: Iterable[Task], spec_variant: SpecVariant) -> list[Task]:
    """Sort the list as the spec variant does."""
    by_creation = sorted(tasks, key=lambda task: task.created_at, reverse=spec_variant.list_order == "newest")
    if spec_variant.list_order != "due":
        return by_creation
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(by_creation, key=lambda task: to_instant(task.due, spec_variant) if task.due.date else last)


def _day(ctx: RequestContext, name: str) -> dt.date:
    text = ctx.query.get(name, "")
    try:
        if DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise validation_error(Issue(name, "invalid_format", f"{name} is required as YYYY-MM-DD"))


def _check_span(first: dt.date, last: dt.date, spec_variant: SpecVariant) -> None:
    if first > last and spec_variant.inverted_window == "rejected":
        raise validation_error(Issue("fromDate", "custom", "fromDate must not be after toDate"))
    if 0 < spec_variant.max_window_days < (last - first).days:
        raise validation_error(Issue("toDate", "custom", f"The range is at most {spec_variant.max_window_days} days"))


def _has_undated(ctx: RequestContext) -> bool:
    text = ctx.query.get("includeTasksWithoutDates", "true")
    if ctx.spec_variant.without_dates == "coerced":
        return bool(text)
    if text not in BOOLEANS:
        raise validation_error(Issue("includeTasksWithoutDates", "invalid_type", "Expected boolean"))
    return BOOLEANS[text]


def _responsible_ids(ctx: RequestContext) -> tuple[str, ...]:
    plain = [value for key, value in ctx.request.pairs if key == IDS]
    bracketed = [value for key, value in ctx.request.pairs if BRACKETS.fullmatch(key)]
    encodings, ids = _decode_ids(plain, bracketed)
    _check_encoding(encodings, ids, ctx.spec_variant)
    if any(not is_uuid(person_id) for person_id in ids):
        raise validation_error(Issue(IDS, "invalid_format", "Expected an array of UUIDs"))
    return tuple(person_id.lower() for person_id in ids)


def _decode_ids(plain: list[str], bracketed: list[str]) -> tuple[frozenset[str], list[str]]:
    """Return the possible encodings of the values, and the ids; an omitted parameter has no encoding."""
    if bracketed and not plain:
        return frozenset({"brackets"}), _without_blanks(bracketed)
    if len(plain) == 1 and not bracketed:
        return _decode_single(plain[0])
    return frozenset({"repeat"} if plain and not bracketed else ()), _without_blanks(plain + bracketed)


def _decode_single(value: str) -> tuple[frozenset[str], list[str]]:
    if value.startswith("["):
        return frozenset({"json"}), _from_json(value)
    if "," in value:
        return frozenset({"comma"}), _without_blanks(value.split(","))
    return frozenset({"repeat", "comma"}), _without_blanks([value])  # one id looks the same in both encodings


def _from_json(value: str) -> list[str]:
    try:
        ids = read_json(value)
    except ValueError:
        ids = [value]
    return [str(person_id) for person_id in ids]


def _without_blanks(values: list[str]) -> list[str]:
    return [value for value in values if value]


def _check_encoding(encodings: frozenset[str], ids: list[str], spec_variant: SpecVariant) -> None:
    omitted = not encodings and not ids
    if not ids and spec_variant.everyone == ("blank" if omitted else "omitted"):
        raise validation_error(Issue(IDS, "invalid_type", "Expected array of UUIDs"))
    if not omitted and spec_variant.array_query not in {"any", *encodings}:
        raise validation_error(Issue(IDS, "invalid_type", f"Expected the {spec_variant.array_query} form"))
    lone = len(ids) == 1 and "repeat" in encodings and spec_variant.array_query in {"any", "repeat"}
    if lone and spec_variant.lone_id == "rejected":
        raise validation_error(Issue(IDS, "invalid_type", "Expected array, received string"))
