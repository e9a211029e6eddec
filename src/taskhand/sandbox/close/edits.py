"""Applies a validated body to a task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.dates import parse_date, to_day
from taskhand.sandbox.close.errors import ABSENT, validation_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from taskhand.sandbox.close.context import RequestContext
    from taskhand.sandbox.close.task import Task

FORBIDDEN = "This field cannot be updated on this type of task."  # the wording is assumed
FOREIGN = "The contact does not belong to the lead."  # the wording is assumed
PLAIN = ("text", "is_complete", "priority", "contact_id", "lead_id", "created_by")
EXTRA = ("agent_config_id", "resolution")


def changeable_fields(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> dict[str, Any]:
    """Return the fields that may change on the task's type; the spec variant refuses, drops or keeps the others."""
    if ctx.spec_variant.forbidden_fields == "applied":
        return dict(body)
    forbidden = [name for name in body if name not in _changeable(task, body)]
    if forbidden and ctx.spec_variant.forbidden_fields == "rejected":
        raise validation_error(**dict.fromkeys(forbidden, FORBIDDEN))
    return {name: value for name, value in body.items() if name not in forbidden}


def _changeable(task: Task, body: Mapping[str, Any]) -> frozenset[str]:
    if task.type.can_be_dateless:
        return task.type.changeable
    clearing = {name for name in ("date", "due_date") if name in body and body[name] is None}
    return task.type.changeable - clearing  # only types with `is_dateless` can lose their date


def apply_edit(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> Task:
    """Apply a body: its fields change, others stay; an unknown reference is a 400."""
    _check_references(body, ctx)
    changes = {name: body[name] for name in PLAIN if name in body}
    changes["date"] = _date(task, body, ctx)
    if body.get("assigned_to") is not None:
        changes["assigned_to"] = body["assigned_to"]
    _check_contact(changes.get("contact_id"), changes.get("lead_id", task.lead_id), ctx)
    extra = {name: body[name] for name in EXTRA if name in body and name in task.type.extra}
    return replace(task, **changes, extra={**task.extra, **extra})


def _check_contact(contact_id: str | None, lead_id: str | None, ctx: RequestContext) -> None:
    contact = ctx.store.contacts.get(contact_id or "")
    if contact and contact.lead_id != lead_id and ctx.spec_variant.foreign_contacts == "rejected":
        raise validation_error(contact=FOREIGN)


def _date(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> dt.date | None:
    if body.get("is_dateless"):
        return None
    name = "date" if "date" in body else "due_date"  # `due_date` is the deprecated name
    if name in body:
        return None if body[name] is None else parse_date(body[name], ctx.zone, ctx.spec_variant)
    if body.get("is_dateless") is False and task.date is None:
        return to_day(task.date_created, ctx.zone)
    return task.date


def _check_references(body: Mapping[str, Any], ctx: RequestContext) -> None:
    store = ctx.store
    strict = ctx.spec_variant.inactive_assignees == "rejected"
    assignable = {user.id for user in store.users.values() if user.active or not strict}
    known = {
        "assigned_to": assignable,
        "created_by": store.users.keys(),
        "contact": store.contacts.keys(),
        "lead": store.leads.keys(),
        "organization_id": {store.organization.id},
    }
    for name, ids in known.items():
        sent = body.get(f"{name}_id" if name in {"contact", "lead"} else name)
        if sent is not None and sent not in ids:
            raise validation_error(**{name: ABSENT})  # recorded for `lead`, assumed for the others
