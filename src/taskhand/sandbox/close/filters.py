"""The filters and the order of the task list, and the filters of the bulk update.

They are documented at https://developer.close.com/api/resources/tasks.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from taskhand.sandbox.close import task_types
from taskhand.sandbox.close.date_range import COMPARISONS, DateRange
from taskhand.sandbox.close.dates import date_sort_key
from taskhand.sandbox.close.errors import validation_error
from taskhand.sandbox.close.task import Task, view_of, visible_date

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from taskhand.sandbox.close.context import RequestContext

    Test = Callable[[Task], bool]

EXACT = ("id", "lead_id", "assigned_to")
STAMPS = ("date_created", "date_updated")
RANGED = ("date", "due_date")
CONTROLS = frozenset({"_limit", "_skip", "_fields", "_order_by", "format"})
RANGES = frozenset(name + suffix for name in (*RANGED, *STAMPS) for suffix in COMPARISONS)
KNOWN = CONTROLS | RANGES | {*EXACT, "id__in", "_type", "_type__in", "organization_id", "is_complete", "view"}
VIEWS_BY_DATE = {"inbox", "future"}  # as documented, they override `date__lt` and `date__gte`
FALSE = "false"


def filter_tasks(tasks: Iterable[Task], ctx: RequestContext, default_type: str = task_types.LEAD) -> list[Task]:
    """Return the tasks that match all filters; unknown filters are ignored, or rejected by spec variant."""
    unknown = sorted(set(ctx.params) - KNOWN)
    if unknown and ctx.spec_variant.unknown_filters == "rejected":
        raise validation_error(**dict.fromkeys(unknown, "Unknown filter"))
    tests = [*_exact(ctx), *_types(ctx, default_type), *_completeness(ctx), *_views(ctx), *_date_ranges(ctx)]
    return [task for task in tasks if all(test(task) for test in tests)]


def sort_tasks(tasks: Iterable[Task], ctx: RequestContext) -> list[Task]:
    """Sort by `_order_by` `date` or `date_created`; the spec variant defines the order for other values."""
    made = sorted(tasks, key=lambda task: (task.date_created, task.id))
    order = ctx.params.get("_order_by", "")
    last = order.startswith("-")
    if order.removeprefix("-") == "date":
        return sorted(made, key=lambda task: _date_key(task, ctx), reverse=last)
    if order.removeprefix("-") == "date_created":
        return sorted(made, key=lambda task: task.date_created, reverse=last)
    if ctx.spec_variant.list_order == "shuffled":
        return sorted(made, key=lambda task: hashlib.sha256(task.id.encode()).hexdigest())
    return made[::-1] if ctx.spec_variant.list_order == "newest" else made


def _date_key(task: Task, ctx: RequestContext) -> tuple[bool, tuple[dt.datetime, bool]]:
    date = visible_date(task, ctx)
    return date is None, date_sort_key(task.date_created if date is None else date, ctx.zone)


def _exact(ctx: RequestContext) -> Iterable[Test]:
    for name in EXACT:
        if name in ctx.params:
            yield lambda task, name=name: getattr(task, name) == ctx.params[name]  # type: ignore[misc]  # bound now
    if "id__in" in ctx.params:
        ids = set(ctx.params["id__in"].split(","))
        yield lambda task: task.id in ids
    if "organization_id" in ctx.params:
        own = ctx.params["organization_id"] == ctx.store.organization.id
        yield lambda _: own


def _types(ctx: RequestContext, default_type: str) -> Iterable[Test]:
    # `_type=all` is every type
    if "_type__in" in ctx.params:
        names = set(ctx.params["_type__in"].split(","))
        yield lambda task: task.type.name in names
    name = ctx.params.get("_type") or ("all" if "_type__in" in ctx.params else default_type)
    if name != "all":
        yield lambda task: task.type.name == name


def _completeness(ctx: RequestContext) -> Iterable[Test]:
    text = ctx.params.get("is_complete")
    if text is not None:
        folded = text.lower() if ctx.spec_variant.booleans == "lax" else text
        yield lambda task: task.is_complete == (folded != FALSE)


def _views(ctx: RequestContext) -> Iterable[Test]:
    view = ctx.params.get("view")
    if view:  # an unknown view matches nothing
        yield lambda task: view_of(task, ctx) == view


def _date_ranges(ctx: RequestContext) -> Iterable[Test]:
    by_date = ctx.params.get("view") in VIEWS_BY_DATE
    date = DateRange.read(ctx, "date", frozenset({"date__lt", "date__gte"} if by_date else ()))
    due, made, changed = (DateRange.read(ctx, name) for name in ("due_date", *STAMPS))
    yield lambda task: date.contains(visible_date(task, ctx)) and due.contains(task.date)
    yield lambda task: made.contains(task.date_created) and changed.contains(task.date_updated)
