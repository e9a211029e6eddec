"""The request bodies of create and update: their fields and the allowed values.

Nothing here depends on stored data. The fields are those of https://developer.close.com/api/resources/tasks; the
wording of most messages is assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import task_types
from taskhand.sandbox.close.dates import parse_date
from taskhand.sandbox.close.errors import REQUIRED, validation_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from taskhand.sandbox.close.context import RequestContext

    Check = Callable[[Any, RequestContext], str | None]

UPDATABLE = frozenset(
    {"agent_config_id", "assigned_to", "contact_id", "created_by", "date", "due_date", "is_complete", "is_dateless"}
    | {"lead_id", "organization_id", "priority", "resolution", "text"}
)
IN_BULK = task_types.ON_ALL
BULK_EXTRAS = frozenset(
    {"organization_id", "priority", "resolution", "text"}
)  # in the schema, but excluded by the page's text
REQUIRED_FOR = {task_types.LEAD: ("lead_id", "text"), task_types.CALL: ("lead_id", "contact_id")}
NULLABLE = frozenset({"contact_id", "agent_config_id", "resolution"})
NULLABLE_ON_CREATE = NULLABLE | {"assigned_to", "date", "due_date"}
NULL = "This field may not be null."
UNKNOWN = "Extra inputs are not permitted"
ERROR_NAMES = {"lead_id": "lead", "contact_id": "contact"}  # the key is `lead`, not `lead_id`


def _text(value: Any, _: RequestContext) -> str | None:
    return None if isinstance(value, str) else "Value must be of basestring type."  # old tests


def _content(value: Any, ctx: RequestContext) -> str | None:
    return REQUIRED if value == "" and ctx.spec_variant.empty_text == "rejected" else _text(value, ctx)


def _boolean(value: Any, _: RequestContext) -> str | None:
    return None if isinstance(value, bool) else "Value must be of bool type."


def _date(value: Any, ctx: RequestContext) -> str | None:
    try:
        parse_date(value, ctx.zone, ctx.spec_variant)
    except ValueError:
        return "Value must be a valid date or date-time."
    return None


def _one_of(*words: str) -> Check:
    return lambda value, _: None if value in words else f"Value must be one of: {', '.join(words)}."


CHECKS: dict[str, Check] = {
    "agent_config_id": _text,
    "assigned_to": _text,
    "contact_id": _text,
    "created_by": _text,
    "date": _date,
    "date_created": _date,
    "due_date": _date,
    "is_complete": _boolean,
    "is_dateless": _boolean,
    "lead_id": _text,
    "organization_id": _text,
    "priority": _one_of("high", "medium"),
    "resolution": _one_of("abandoned", "skipped"),
    "text": _content,
}


def check_create(body: Mapping[str, Any], task_type: str, ctx: RequestContext) -> None:
    """Check the body of POST; unknown keys are tolerated."""
    complaints = _complaints(body, NULLABLE_ON_CREATE | ({"text"} if task_type == task_types.CALL else set()), ctx)
    for name in REQUIRED_FOR[task_type]:
        if body.get(name) is None:
            complaints[name] = REQUIRED
    _raise(complaints)


def check_update(body: Mapping[str, Any], ctx: RequestContext, allowed: Iterable[str] = UPDATABLE) -> None:
    """Check the body of PUT; a key that is not in the schema is refused."""
    may_clear = {"date", "due_date"} if ctx.spec_variant.null_date == "dateless" else set()
    complaints = _complaints(body, NULLABLE | may_clear, ctx)
    if ctx.spec_variant.unknown_fields == "rejected":
        complaints |= {name: UNKNOWN for name in body if name not in allowed}
    _raise(complaints)


def _complaints(body: Mapping[str, Any], nullable: Iterable[str], ctx: RequestContext) -> dict[str, str]:
    found = {}
    for name, value in body.items():
        if value is None and name in CHECKS:
            complaint = None if name in nullable else NULL
        else:
            complaint = CHECKS[name](value, ctx) if name in CHECKS else None
        if complaint:
            found[name] = complaint
    return found


def _raise(complaints: Mapping[str, str]) -> None:
    if complaints:
        raise validation_error(**{ERROR_NAMES.get(name, name): words for name, words in complaints.items()})
