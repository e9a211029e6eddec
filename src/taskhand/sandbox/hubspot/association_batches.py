"""The association endpoints for many records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.associations import check_type, default_rows, default_type, render_pair, to_row
from taskhand.sandbox.hubspot.batch_body import batch_reply, read_inputs
from taskhand.sandbox.hubspot.errors import ApiError, not_found_many, read_list, validation_error
from taskhand.sandbox.hubspot.links import CATEGORY, associated_ids, link_of
from taskhand.sandbox.hubspot.objects import find
from taskhand.sandbox.hubspot.reply import NO_CONTENT, JsonResponse
from taskhand.sandbox.hubspot.writes import add_association, check_target, remove_association

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from taskhand.sandbox.hubspot.context import RequestContext

MAX_READ, MAX_WRITTEN = 1000, 2000


def read_links(ctx: RequestContext) -> JsonResponse:
    """`POST /crm/v4/associations/{kind}/{to}/batch/read`."""
    results, errors = [], []
    for item in read_inputs(ctx, ctx.object(), MAX_READ):
        ids = associated_ids(ctx.store, ctx.object_type, item.id, ctx.to_object_type)
        rows = [to_row(ctx, ctx.object_type, ctx.to_object_type, found) for found in ids]
        if rows:
            results.append({"from": {"id": item.id}, "to": rows})
        elif ctx.spec_variant.no_associations == "error":
            errors.append(_no_associations(ctx, item.id).part({}, ctx.spec_variant))
    return batch_reply(ctx, 200, results, errors)


def create_links(ctx: RequestContext) -> JsonResponse:
    """`POST …/batch/create`."""
    pairs = list(_pairs(ctx, has_types=True))
    for from_id, to_id in pairs:
        add_association(ctx, link_of(ctx.object_type, from_id, ctx.to_object_type, to_id))
    return batch_reply(
        ctx, 201, [render_pair(ctx.object_type, from_id, ctx.to_object_type, to_id) for from_id, to_id in pairs], []
    )


def create_default_links(ctx: RequestContext) -> JsonResponse:
    """`POST …/batch/associate/default`."""
    number = default_type(ctx.object_type, ctx.to_object_type)
    pairs = list(_pairs(ctx, has_types=False))
    for from_id, to_id in pairs:
        add_association(ctx, link_of(ctx.object_type, from_id, ctx.to_object_type, to_id))
    rows = [row for from_id, to_id in pairs for row in default_rows(ctx, from_id, to_id, number)]
    return batch_reply(ctx, 200, rows, [])


def archive_links(ctx: RequestContext) -> JsonResponse:
    """`POST …/batch/archive`: removes links; missing links are not an error."""
    for item in read_inputs(ctx, ctx.object(), MAX_WRITTEN):
        for to in read_list(item.body, "to"):
            remove_association(
                ctx,
                link_of(ctx.object_type, _read_id(item.body, "from"), ctx.to_object_type, _read_id({"to": to}, "to")),
            )
    return NO_CONTENT


def list_labels(ctx: RequestContext) -> JsonResponse:
    """`GET /crm/v4/associations/{kind}/{to}/labels`."""
    spec = {"category": CATEGORY, "typeId": default_type(ctx.object_type, ctx.to_object_type), "label": None}
    return JsonResponse(200, {"results": [spec]})


def _no_associations(ctx: RequestContext, record_id: str) -> ApiError:
    text = f"No {ctx.to_object_type.singular} is associated with {ctx.object_type.singular} {record_id}."
    return ApiError(404, text, "OBJECT_NOT_FOUND", context={"fromObjectId": [record_id]})


def _pairs(ctx: RequestContext, *, has_types: bool) -> Iterator[tuple[str, str]]:
    """Read and check all pairs before the caller links any."""
    for item in read_inputs(ctx, ctx.object(), MAX_WRITTEN):
        for spec in read_list(item.body, "types") or [None] if has_types else ():
            check_type(ctx.object_type, ctx.to_object_type, spec)
        from_id = _read_id(item.body, "from")
        if find(ctx, ctx.object_type, from_id) is None:
            raise not_found_many(ctx.object_type.label, [from_id])
        yield from_id, check_target(ctx, ctx.to_object_type, _read_id(item.body, "to"))


def _read_id(body: Mapping[str, Any], end: str) -> str:
    row = body.get(end)
    if not isinstance(row, dict) or "id" not in row:
        raise validation_error(f"Each input has a {end}.id")
    return str(row["id"])
