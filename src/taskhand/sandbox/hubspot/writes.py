"""Writes in two steps: first a plan that is checked whole, then the write, which cannot fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.calculated_properties import DEFAULTS, apply_write
from taskhand.sandbox.hubspot.errors import ApiError, missing_required, validation_error
from taskhand.sandbox.hubspot.links import Link, targets
from taskhand.sandbox.hubspot.object_types import TASKS
from taskhand.sandbox.hubspot.record import Record
from taskhand.sandbox.hubspot.rendering import known_properties
from taskhand.sandbox.hubspot.validation import PropertyRules

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType

REQUIRED = "hs_timestamp"


@dataclass(frozen=True)
class PlannedRecord:
    """A record to be made, and the ids it will be linked with, by kind."""

    kind: ObjectType
    properties: Mapping[str, str]
    links: tuple[tuple[ObjectType, str], ...] = ()


def plan_create(ctx: RequestContext, kind: ObjectType, body: Mapping[str, Any]) -> PlannedRecord:
    """Check the body of a create."""
    properties = body.get("properties")
    if kind == TASKS and not (isinstance(properties, dict) and properties.get(REQUIRED)):
        raise missing_required(kind.label, [REQUIRED])
    sent = _rules(ctx, kind).checked(properties)
    _check_email(ctx, kind, sent)
    return PlannedRecord(kind, sent, _links(ctx, kind, body.get("associations") or []))


def create(ctx: RequestContext, draft: PlannedRecord) -> Record:
    """Make a record."""
    properties = {name: text for name, text in draft.properties.items() if text}
    if draft.kind == TASKS:
        filled = DEFAULTS if ctx.spec_variant.defaults == "filled" else {}
        properties = apply_write({}, {**filled, **properties}, ctx.now, ctx.portal, ctx.spec_variant)
    record = Record(draft.kind, ctx.fresh_id(), properties, ctx.now, ctx.now, settles_at=_settling(ctx, draft.kind))
    ctx.store.put(record, ctx.now)
    ctx.hooks.created(record, ctx.now)
    for kind, other_id in draft.links:
        link(ctx, Link(record.id, kind.name, other_id))
    return record


def plan_update(ctx: RequestContext, kind: ObjectType, properties: object) -> dict[str, str]:
    """Check the properties of an update."""
    sent = _rules(ctx, kind).checked(properties)
    if kind == TASKS and sent.get(REQUIRED) == "":  # required; the text for an update is INF
        raise missing_required(kind.label, [REQUIRED], "updating")
    return sent


def update(ctx: RequestContext, record: Record, sent: Mapping[str, str]) -> Record:
    """Write some properties of a record; the others stay."""
    if record.kind == TASKS:
        properties = apply_write(record.properties, sent, ctx.now, ctx.portal, ctx.spec_variant)
    else:
        properties = {name: text for name, text in {**record.properties, **sent}.items() if text}
    again = _settling(ctx, record.kind) if ctx.spec_variant.settles == "writes" else record.settles_at
    new = replace(
        record, properties=properties, updated_at=ctx.now, settles_at=again, source="INTEGRATION", user_id=None
    )
    ctx.store.put(new, ctx.now)
    ctx.hooks.changed(record, new, ctx.now)
    return new


def archive(ctx: RequestContext, record: Record) -> None:
    """Move a record to the recycling bin."""
    ctx.store.put(replace(record, archived_at=ctx.now, updated_at=ctx.now, settles_at=None), ctx.now)
    ctx.hooks.deleted(record, ctx.now)


def link(ctx: RequestContext, wanted: Link) -> None:
    """Link two records, once."""
    if ctx.store.links.add(wanted, ctx.now):
        ctx.hooks.associated(wanted, ctx.now, is_removed=False)


def unlink(ctx: RequestContext, wanted: Link) -> None:
    """Unlink two records, if they are linked."""
    if ctx.store.links.remove(wanted):
        ctx.hooks.associated(wanted, ctx.now, is_removed=True)


def check_target(ctx: RequestContext, kind: ObjectType, sent: object) -> str:
    """Read the id of a record to link with; one that is not there is refused."""
    other_id = str(sent)
    record = ctx.store.find(kind, other_id)
    if record is None or record.is_archived:
        context = {"INVALID_OBJECT_IDS": [other_id], "objectId": [other_id], "objectType": [kind.label]}
        raise ApiError(400, "One or more associations are invalid", context=context)
    return other_id


def _rules(ctx: RequestContext, kind: ObjectType) -> PropertyRules:
    return PropertyRules(known_properties(ctx, kind), ctx.spec_variant, ctx.store.owners)


def _check_email(ctx: RequestContext, kind: ObjectType, sent: Mapping[str, str]) -> None:
    # contacts only; tasks have no natural key
    email = sent.get("email", "").casefold()
    for record in ctx.store.all(kind) if kind.name == "contacts" and email else ():
        if record.properties.get("email", "").casefold() == email and not record.is_archived:
            raise ApiError(409, f"Contact already exists. Existing ID: {record.id}", "CONFLICT")


def _settling(ctx: RequestContext, kind: ObjectType) -> dt.datetime | None:
    return ctx.after(milliseconds=ctx.spec_variant.settle_ms) if kind == TASKS else None


def _links(ctx: RequestContext, kind: ObjectType, rows: Any) -> tuple[tuple[ObjectType, str], ...]:
    found: list[tuple[ObjectType, str]] = []
    for row in rows if isinstance(rows, list) else [rows]:
        try:
            to_id, type_ids = row["to"]["id"], [int(spec["associationTypeId"]) for spec in row["types"]]
        except (KeyError, TypeError, ValueError) as error:
            raise validation_error("Invalid associations: each has a to.id and types") from error
        found += [(to_kind, check_target(ctx, to_kind, to_id)) for to_kind in _kinds(ctx, kind, type_ids)]
    return tuple(found)


def _kinds(ctx: RequestContext, kind: ObjectType, type_ids: list[int]) -> list[ObjectType]:
    """Tell where association types lead; a wrong one leads nowhere, without an error, or is refused."""
    kinds = [targets(type_id) if kind == TASKS else None for type_id in type_ids]
    if None in kinds and ctx.spec_variant.wrong_type == "rejected":
        raise validation_error("One or more associations are invalid", associationTypeId=[str(one) for one in type_ids])
    return [found for found in kinds if found is not None]
