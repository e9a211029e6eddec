"""The endpoints of single records and of lists of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import not_found, validation_error
from taskhand.sandbox.hubspot.paging import paging, read_limit, read_offset
from taskhand.sandbox.hubspot.rendering import (
    known_properties,
    render_associations,
    render_changed,
    render_created,
    render_requested,
)
from taskhand.sandbox.hubspot.reply import NOTHING, Reply
from taskhand.sandbox.hubspot.writes import archive, create, plan_create, plan_update, update

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.record import Record

PAGE = 10  # default
MOST_WITH_HISTORY = 50  # SDK fetches no more


def list_objects(ctx: RequestContext) -> Reply:
    """`GET /`: in the order of ids; `after` is the last id of the page before."""
    has_history = bool(ctx.several("propertiesWithHistory"))
    limit = read_limit(ctx, "limit", PAGE, MOST_WITH_HISTORY if has_history else ctx.spec_variant.list_limit)
    after = read_offset(ctx.query.get("after", ""))
    side = [one for one in ctx.store.all(ctx.kind, stale=ctx.is_stale) if one.is_archived == ctx.flag("archived")]
    rows = sorted((one for one in side if int(one.id) > after), key=lambda one: int(one.id))
    page = {"results": [_asked(ctx, record) for record in rows[:limit]]}
    return Reply(200, page | (paging(ctx, rows[limit - 1].id) if len(rows) > limit else {}))


def get_object(ctx: RequestContext) -> Reply:
    """`GET /{id}`."""
    return Reply(200, _asked(ctx, _find(ctx)))


def create_object(ctx: RequestContext) -> Reply:
    """`POST /`."""
    return Reply(201, render_created(ctx, create(ctx, plan_create(ctx, ctx.kind, ctx.object()))))


def update_object(ctx: RequestContext) -> Reply:
    """`PATCH /{id}`: only the properties sent change."""
    record = _find(ctx)
    sent = plan_update(ctx, ctx.kind, ctx.object().get("properties"))
    return Reply(200, render_changed(ctx, record, update(ctx, record, sent), sent))


def archive_object(ctx: RequestContext) -> Reply:
    """`DELETE /{id}`: to the recycling bin; for an id that is not there, see `archive_unknown`."""
    record = find(ctx, ctx.kind, ctx.values["id"])
    if record is not None:
        archive(ctx, record)
    elif ctx.spec_variant.archive_unknown != NOTHING.status:
        raise not_found(ctx.values["id"], ctx.spec_variant)
    return NOTHING


def find(
    ctx: RequestContext, kind: ObjectType, sent: str, id_property: object = None, *, archived: bool = False
) -> Record | None:
    """Find a record among the live or the archived ones, by id or by a unique property."""
    if id_property is None or id_property == "hs_object_id":
        record = ctx.store.find(kind, sent)
        return record if record is not None and record.is_archived == archived else None
    name = unique(ctx, kind, id_property)
    for record in ctx.store.all(kind):
        if record.properties.get(name, "").casefold() == sent.casefold() and record.is_archived == archived:
            return record
    return None


def unique(ctx: RequestContext, kind: ObjectType, sent: object) -> str:
    """Read an `idProperty`: unique values only, as contacts' `email` has; the refusal's text is not recorded."""
    name = str(sent)
    definition = known_properties(ctx, kind).get(name)
    is_email = (kind.name, name) == ("contacts", "email")
    if not is_email and (definition is None or not definition.is_unique):
        raise validation_error(f"Property {name} is not a unique property", idProperty=[name])
    return name


def _find(ctx: RequestContext) -> Record:
    sent = ctx.values["id"]
    record = find(ctx, ctx.kind, sent, ctx.query.get("idProperty"), archived=ctx.flag("archived"))
    if record is None:  # an archived one too
        raise not_found(sent, ctx.spec_variant)
    return record


def _asked(ctx: RequestContext, record: Record) -> dict[str, Any]:
    body = render_requested(ctx, record, ctx.several("properties"), ctx.several("propertiesWithHistory"))
    return body | render_associations(ctx, record, ctx.several("associations"))
