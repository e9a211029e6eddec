"""The filters and the order of the task list, which a bulk update shares (§2.3, §2.7)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from taskhand.sandbox.close import task_types
from taskhand.sandbox.close.date_range import COMPARISONS, Span
from taskhand.sandbox.close.dates import order_of
from taskhand.sandbox.close.errors import invalid
from taskhand.sandbox.close.task import Task, shown_date, view_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from taskhand.sandbox.close.context import Desk

    Test = Callable[[Task], bool]

EXACT = ("id", "lead_id", "assigned_to")
STAMPS = ("date_created", "date_updated")
RANGED = ("date", "due_date")
CONTROLS = frozenset({"_limit", "_skip", "_fields", "_order_by", "format"})
SPANS = frozenset(name + suffix for name in (*RANGED, *STAMPS) for suffix in COMPARISONS)
KNOWN = CONTROLS | SPANS | {*EXACT, "id__in", "_type", "_type__in", "organization_id", "is_complete", "view"}
CUT = {"inbox", "future"}  # §2.3 [D]: these views override two bounds
FALSE = "false"


def matching(tasks: Iterable[Task], desk: Desk, default_type: str = task_types.LEAD) -> list[Task]:
    """Keep what the call's filters hold; names that are no filters widen the result (§2.3 [S])."""
    unknown = sorted(set(desk.params) - KNOWN)
    if unknown and desk.reading.unknown_filters == "rejected":
        raise invalid(**dict.fromkeys(unknown, "Unknown filter"))
    tests = [*_exact(desk), *_types(desk, default_type), *_completeness(desk), *_views(desk), *_spans(desk)]
    return [task for task in tasks if all(test(task) for test in tests)]


def arranged(tasks: Iterable[Task], desk: Desk) -> list[Task]:
    """Put a list in order: by `date` or `date_created` on request (§2.3 [D]), else as this reading has it."""
    made = sorted(tasks, key=lambda task: (task.date_created, task.id))
    order = desk.params.get("_order_by", "")
    last = order.startswith("-")
    if order.removeprefix("-") == "date":
        return sorted(made, key=lambda task: _date_key(task, desk), reverse=last)
    if order.removeprefix("-") == "date_created":
        return sorted(made, key=lambda task: task.date_created, reverse=last)
    if desk.reading.list_order == "shuffled":  # §2.3 [S]: any other `_order_by` is ignored
        return sorted(made, key=lambda task: hashlib.sha256(task.id.encode()).hexdigest())
    return made[::-1] if desk.reading.list_order == "newest" else made


def _date_key(task: Task, desk: Desk) -> tuple[bool, tuple[dt.datetime, bool]]:
    date = shown_date(task, desk)
    return date is None, order_of(task.date_created if date is None else date, desk.zone)


def _exact(desk: Desk) -> Iterable[Test]:
    for name in EXACT:
        if name in desk.params:
            yield lambda task, name=name: getattr(task, name) == desk.params[name]  # type: ignore[misc]  # bound now
    if "id__in" in desk.params:
        ids = set(desk.params["id__in"].split(","))
        yield lambda task: task.id in ids
    if "organization_id" in desk.params:
        own = desk.params["organization_id"] == desk.store.organization.id
        yield lambda _: own


def _types(desk: Desk, default_type: str) -> Iterable[Test]:
    # §2.3 [D]: only `lead` unless told otherwise; `all` is every type
    if "_type__in" in desk.params:
        names = set(desk.params["_type__in"].split(","))
        yield lambda task: task.kind.name in names
    name = desk.params.get("_type") or ("all" if "_type__in" in desk.params else default_type)
    if name != "all":
        yield lambda task: task.kind.name == name


def _completeness(desk: Desk) -> Iterable[Test]:
    text = desk.params.get("is_complete")
    if text is not None:
        folded = text.lower() if desk.reading.booleans == "lax" else text
        yield lambda task: task.is_complete == (folded != FALSE)  # §2.3 [S]


def _views(desk: Desk) -> Iterable[Test]:
    view = desk.params.get("view")
    if view:  # another word holds nothing: [I]
        yield lambda task: view_of(task, desk) == view


def _spans(desk: Desk) -> Iterable[Test]:
    cut = desk.params.get("view") in CUT
    date = Span.read(desk, "date", frozenset({"date__lt", "date__gte"} if cut else ()))
    due, made, changed = (Span.read(desk, name) for name in ("due_date", *STAMPS))
    yield lambda task: date.holds(shown_date(task, desk)) and due.holds(task.date)
    yield lambda task: made.holds(task.date_created) and changed.holds(task.date_updated)
