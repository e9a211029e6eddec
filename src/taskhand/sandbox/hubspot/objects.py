"""The endpoints of single records and of lists: https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import not_found, validation_error
from taskhand.sandbox.hubspot.paging import paging, read_limit, read_offset
from taskhand.sandbox.hubspot.rendering import (
    property_definitions,
    render_associations,
    render_created,
    render_requested,
    render_updated_record,
)
from taskhand.sandbox.hubspot.reply import NO_CONTENT, JsonResponse
from taskhand.sandbox.hubspot.writes import archive, create_record, plan_create, plan_update, update_record

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.record import RecordVersion

PAGE = 10
MAX_WITH_HISTORY = 50  # as HubSpot's client assumes


def list_objects(ctx: RequestContext) -> JsonResponse:
    """`GET /`: a page in the order of ids; `after` is the last id of the previous page."""
    has_history = bool(ctx.several("propertiesWithHistory"))
    limit = read_limit(ctx, "limit", PAGE, MAX_WITH_HISTORY if has_history else ctx.spec_variant.list_limit)
    after = read_offset(ctx.query.get("after", ""))
    present = [
        record
        for record in ctx.store.all(ctx.object_type, stale=ctx.is_stale)
        if record.is_archived == ctx.flag("archived")
    ]
    rows = sorted((record for record in present if int(record.id) > after), key=lambda record: int(record.id))
    page = {"results": [_render(ctx, record) for record in rows[:limit]]}
    return JsonResponse(200, page | (paging(ctx, rows[limit - 1].id) if len(rows) > limit else {}))


def get_object(ctx: RequestContext) -> JsonResponse:
    """`GET /{id}`."""
    return JsonResponse(200, _render(ctx, _find(ctx)))


def create_object(ctx: RequestContext) -> JsonResponse:
    """`POST /`."""
    return JsonResponse(201, render_created(ctx, create_record(ctx, plan_create(ctx, ctx.object_type, ctx.object()))))


def update_object(ctx: RequestContext) -> JsonResponse:
    """`PATCH /{id}`: changes the sent properties only."""
    record = _find(ctx)
    sent = plan_update(ctx, ctx.object_type, ctx.object().get("properties"), record.id)
    return JsonResponse(200, render_updated_record(ctx, record, update_record(ctx, record, sent), sent))


def archive_object(ctx: RequestContext) -> JsonResponse:
    """`DELETE /{id}`: moves the record to the recycling bin; `archive_unknown` sets the status for an unknown id."""
    record = find(ctx, ctx.object_type, ctx.values["id"])
    if record is not None:
        archive(ctx, record)
    elif ctx.spec_variant.archive_unknown != NO_CONTENT.status:
        raise not_found(ctx.values["id"], ctx.spec_variant)
    return NO_CONTENT


def find(
    ctx: RequestContext, object_type: ObjectType, sent: str, id_property: object = None, *, archived: bool = False
) -> RecordVersion | None:
    """Return a live or an archived record by id or by a unique property, or None."""
    if id_property is None or id_property == "hs_object_id":
        record = ctx.store.find(object_type, sent)
        return record if record is not None and record.is_archived == archived else None
    name = unique_property(ctx, object_type, id_property)
    for record in ctx.store.all(object_type):
        if record.properties.get(name, "").casefold() == sent.casefold() and record.is_archived == archived:
            return record
    return None


def unique_property(ctx: RequestContext, object_type: ObjectType, sent: object) -> str:
    """Check an `idProperty`: its values must be unique, as those of contacts' `email`; the error text is assumed."""
    name = str(sent)
    definition = property_definitions(ctx, object_type).get(name)
    is_email = (object_type.name, name) == ("contacts", "email")
    if not is_email and (definition is None or not definition.is_unique):
        raise validation_error(f"Property {name} is not a unique property", idProperty=[name])
    return name


def _find(ctx: RequestContext) -> RecordVersion:
    sent = ctx.values["id"]
    record = find(ctx, ctx.object_type, sent, ctx.query.get("idProperty"), archived=ctx.flag("archived"))
    if record is None:
        raise not_found(sent, ctx.spec_variant)
    return record


def _render(ctx: RequestContext, record: RecordVersion) -> dict[str, Any]:
    body = render_requested(ctx, record, ctx.several("properties"), ctx.several("propertiesWithHistory"))
    return body | render_associations(ctx, record, ctx.several("associations"))
