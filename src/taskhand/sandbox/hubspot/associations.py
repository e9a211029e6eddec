"""The association endpoints of one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import not_found, validation_error
from taskhand.sandbox.hubspot.links import CATEGORY, TYPES, link_of, linked_ids, type_name
from taskhand.sandbox.hubspot.objects import find
from taskhand.sandbox.hubspot.paging import offset_page, read_limit
from taskhand.sandbox.hubspot.rendering import render_associations, render_requested
from taskhand.sandbox.hubspot.reply import NOTHING, Reply
from taskhand.sandbox.hubspot.writes import check_target, link, unlink

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.record import Record

PAGE = 500  # default


def list_associations(ctx: RequestContext) -> Reply:
    """`GET /crm/v4/objects/{kind}/{id}/associations/{to}`."""
    _from(ctx)
    ids = linked_ids(ctx.store, ctx.kind, ctx.values["id"], ctx.to_kind)
    rows = [to_row(ctx, ctx.kind, ctx.to_kind, found) for found in ids]
    return Reply(200, offset_page(ctx, rows, read_limit(ctx, "limit", PAGE, PAGE)))


def associate_default(ctx: RequestContext) -> Reply:
    """`PUT …/associations/default/{to}/{toId}`: with the type that needs no label."""
    number = default_type(ctx.kind, ctx.to_kind)
    to_id = _linked(ctx)
    rows = default_rows(ctx, ctx.values["id"], to_id, number)
    now = format_instant(ctx.now)
    return Reply(200, {"status": "COMPLETE", "results": rows, "startedAt": now, "completedAt": now})


def associate(ctx: RequestContext) -> Reply:
    """`PUT …/associations/{to}/{toId}`: with the types of the body."""
    specs = ctx.json()
    if not isinstance(specs, list) or not specs:
        raise validation_error("At least one association type is required")
    for spec in specs:
        check_type(ctx.kind, ctx.to_kind, spec)
    return Reply(201, pair(ctx.kind, ctx.values["id"], ctx.to_kind, _linked(ctx)))


def dissociate(ctx: RequestContext) -> Reply:
    """`DELETE …/associations/{to}/{toId}`: every type between the pair."""
    unlink(ctx, link_of(ctx.kind, ctx.values["id"], ctx.to_kind, ctx.values["toId"]))
    return NOTHING


def associate_v3(ctx: RequestContext) -> Reply:
    """`PUT /crm/v3/objects/…/associations/{to}/{toId}/{typeId}`: still in the guide; answer INF."""
    _check_v3_type(ctx)
    _linked(ctx)
    record = _from(ctx)
    return Reply(200, render_requested(ctx, record, ()) | render_associations(ctx, record, [ctx.to_kind.name]))


def dissociate_v3(ctx: RequestContext) -> Reply:
    """`DELETE` of the same."""
    _check_v3_type(ctx)
    return dissociate(ctx)


def to_row(ctx: RequestContext, kind: ObjectType, to_kind: ObjectType, to_id: str) -> dict[str, Any]:
    """Write one link as seen from a record; ids are strings or numbers."""
    shown_id = to_id if ctx.spec_variant.association_ids == "string" else int(to_id)
    spec = {"category": CATEGORY, "typeId": default_type(kind, to_kind), "label": None}
    return {"toObjectId": shown_id, "associationTypes": [spec]}


def default_rows(ctx: RequestContext, from_id: str, to_id: str, number: int) -> list[dict[str, Any]]:
    """Write what a default association made: one direction, or both."""
    rows = [_default_row(from_id, to_id, number)]
    back = _default_row(to_id, from_id, default_type(ctx.to_kind, ctx.kind))
    return rows + ([back] if ctx.spec_variant.directions == "both" else [])


def pair(kind: ObjectType, from_id: str, to_kind: ObjectType, to_id: str) -> dict[str, Any]:
    """Write a pair without labels."""
    return {
        "fromObjectTypeId": kind.type_id,
        "fromObjectId": from_id,
        "toObjectTypeId": to_kind.type_id,
        "toObjectId": to_id,
        "labels": [],
    }


def default_type(kind: ObjectType, to_kind: ObjectType) -> int:
    """Give the type of a direction; between other kinds than tasks there is none here."""
    number = TYPES.get((kind.name, to_kind.name))
    if number is None:
        raise validation_error(f"No association types exist between {kind.type_id} and {to_kind.type_id}")
    return number


def check_type(kind: ObjectType, to_kind: ObjectType, spec: object) -> None:
    """Refuse a type that does not lead from one kind to the other."""
    sent = spec.get("associationTypeId") if isinstance(spec, dict) else None
    if str(sent) != str(default_type(kind, to_kind)):
        text = f"invalid from object type {kind.type_id} for associations to be created. expected: {to_kind.type_id}"
        raise validation_error(f"One or more associations are invalid: {text}", associationTypeId=[str(sent)])


def _default_row(from_id: str, to_id: str, number: int) -> dict[str, Any]:
    spec = {"associationCategory": CATEGORY, "associationTypeId": number}
    return {"from": {"id": from_id}, "to": {"id": to_id}, "associationSpec": spec}


def _check_v3_type(ctx: RequestContext) -> None:
    # the type is a number or, say, `task_to_contact`
    sent = ctx.values["typeId"]
    if sent not in {str(default_type(ctx.kind, ctx.to_kind)), type_name(ctx.kind, ctx.to_kind)}:
        raise validation_error(f"{sent} is not a valid association type", associationType=[sent])


def _from(ctx: RequestContext) -> Record:
    record = find(ctx, ctx.kind, ctx.values["id"])
    if record is None:
        raise not_found(ctx.values["id"], ctx.spec_variant)
    return record


def _linked(ctx: RequestContext) -> str:
    record = _from(ctx)
    to_id = check_target(ctx, ctx.to_kind, ctx.values["toId"])
    link(ctx, link_of(ctx.kind, record.id, ctx.to_kind, to_id))
    return to_id
