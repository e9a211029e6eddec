"""The association endpoints for one record: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import not_found, validation_error
from taskhand.sandbox.hubspot.links import CATEGORY, TYPES, associated_ids, link_of, type_name
from taskhand.sandbox.hubspot.objects import find
from taskhand.sandbox.hubspot.paging import offset_page, read_limit
from taskhand.sandbox.hubspot.rendering import render_associations, render_requested
from taskhand.sandbox.hubspot.reply import NO_CONTENT, JsonResponse
from taskhand.sandbox.hubspot.writes import add_association, check_target, remove_association

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.record import RecordVersion

PAGE = 500


def list_associations(ctx: RequestContext) -> JsonResponse:
    """`GET /crm/v4/objects/{kind}/{id}/associations/{to}`."""
    _find_from(ctx)
    ids = associated_ids(ctx.store, ctx.object_type, ctx.values["id"], ctx.to_object_type)
    rows = [to_row(ctx, ctx.object_type, ctx.to_object_type, found) for found in ids]
    return JsonResponse(200, offset_page(ctx, rows, read_limit(ctx, "limit", PAGE, PAGE)))


def associate_default(ctx: RequestContext) -> JsonResponse:
    """`PUT …/associations/default/{to}/{toId}`: with the default type."""
    number = default_type(ctx.object_type, ctx.to_object_type)
    to_id = _link_pair(ctx)
    rows = default_rows(ctx, ctx.values["id"], to_id, number)
    now = format_instant(ctx.now)
    return JsonResponse(200, {"status": "COMPLETE", "results": rows, "startedAt": now, "completedAt": now})


def associate(ctx: RequestContext) -> JsonResponse:
    """`PUT …/associations/{to}/{toId}`: with the types in the body."""
    specs = ctx.json()
    if not isinstance(specs, list) or not specs:
        raise validation_error("At least one association type is required")
    for spec in specs:
        check_type(ctx.object_type, ctx.to_object_type, spec)
    return JsonResponse(201, render_pair(ctx.object_type, ctx.values["id"], ctx.to_object_type, _link_pair(ctx)))


def dissociate(ctx: RequestContext) -> JsonResponse:
    """`DELETE …/associations/{to}/{toId}`: removes every type between the pair."""
    remove_association(ctx, link_of(ctx.object_type, ctx.values["id"], ctx.to_object_type, ctx.values["toId"]))
    return NO_CONTENT


def associate_v3(ctx: RequestContext) -> JsonResponse:
    """`PUT /crm/v3/objects/…/associations/{to}/{toId}/{typeId}`: still in the tasks guide; the response is assumed."""
    _check_v3_type(ctx)
    _link_pair(ctx)
    record = _find_from(ctx)
    return JsonResponse(
        200, render_requested(ctx, record, ()) | render_associations(ctx, record, [ctx.to_object_type.name])
    )


def dissociate_v3(ctx: RequestContext) -> JsonResponse:
    """`DELETE` of the same path."""
    _check_v3_type(ctx)
    return dissociate(ctx)


def to_row(ctx: RequestContext, object_type: ObjectType, to_object_type: ObjectType, to_id: str) -> dict[str, Any]:
    """Write one link of a record; the spec variant decides whether ids are strings or numbers."""
    shown_id = to_id if ctx.spec_variant.association_ids == "string" else int(to_id)
    category = "USER_DEFINED" if object_type.is_custom or to_object_type.is_custom else CATEGORY
    spec = {"category": category, "typeId": default_type(object_type, to_object_type), "label": None}
    return {"toObjectId": shown_id, "associationTypes": [spec]}


def default_rows(ctx: RequestContext, from_id: str, to_id: str, number: int) -> list[dict[str, Any]]:
    """Write a new default association: one direction, or both."""
    rows = [_default_row(from_id, to_id, number)]
    back = _default_row(to_id, from_id, default_type(ctx.to_object_type, ctx.object_type))
    return rows + ([back] if ctx.spec_variant.directions == "both" else [])


def render_pair(object_type: ObjectType, from_id: str, to_object_type: ObjectType, to_id: str) -> dict[str, Any]:
    """Write an association without labels."""
    return {
        "fromObjectTypeId": object_type.type_id,
        "fromObjectId": from_id,
        "toObjectTypeId": to_object_type.type_id,
        "toObjectId": to_id,
        "labels": [],
    }


def default_type(object_type: ObjectType, to_object_type: ObjectType) -> int:
    """Return the default association type of a direction; one end must be tasks, else 400."""
    number = TYPES.get((object_type.name, to_object_type.name))
    if number is None:
        raise validation_error(f"No association types exist between {object_type.type_id} and {to_object_type.type_id}")
    return number


def check_type(object_type: ObjectType, to_object_type: ObjectType, spec: object) -> None:
    """Refuse an association type that does not lead from one object type to the other: 400."""
    sent = spec.get("associationTypeId") if isinstance(spec, dict) else None
    if str(sent) != str(default_type(object_type, to_object_type)):
        text = (
            f"invalid from object type {object_type.type_id} for associations to be created. "
            f"expected: {to_object_type.type_id}"
        )
        raise validation_error(f"One or more associations are invalid: {text}", associationTypeId=[str(sent)])


def _default_row(from_id: str, to_id: str, number: int) -> dict[str, Any]:
    spec = {"associationCategory": CATEGORY, "associationTypeId": number}
    return {"from": {"id": from_id}, "to": {"id": to_id}, "associationSpec": spec}


def _check_v3_type(ctx: RequestContext) -> None:
    # a number, or a name such as `task_to_contact`
    sent = ctx.values["typeId"]
    if sent not in {
        str(default_type(ctx.object_type, ctx.to_object_type)),
        type_name(ctx.object_type, ctx.to_object_type),
    }:
        raise validation_error(f"{sent} is not a valid association type", associationType=[sent])


def _find_from(ctx: RequestContext) -> RecordVersion:
    record = find(ctx, ctx.object_type, ctx.values["id"])
    if record is None:
        raise not_found(ctx.values["id"], ctx.spec_variant)
    return record


def _link_pair(ctx: RequestContext) -> str:
    record = _find_from(ctx)
    to_id = check_target(ctx, ctx.to_object_type, ctx.values["toId"])
    add_association(ctx, link_of(ctx.object_type, record.id, ctx.to_object_type, to_id))
    return to_id
