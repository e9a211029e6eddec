"""Renders records for responses: with selected properties, all after a create, or the changed ones after an update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.calculated_properties import with_calculated
from taskhand.sandbox.hubspot.context import find_object_type
from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import APP
from taskhand.sandbox.hubspot.links import associated_ids, type_name
from taskhand.sandbox.hubspot.property_definitions import Definition, definitions
from taskhand.sandbox.hubspot.record import render_record, select_properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.record import RecordVersion

SYSTEM = (  # in recorded responses of updates, besides the changed properties
    "hs_object_source",
    "hs_object_source_id",
    "hs_object_source_label",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_all_owner_ids",
    "hs_user_ids_of_all_owners",
    "hubspot_owner_assigneddate",
    "hubspot_owner_id",
)


def property_definitions(ctx: RequestContext, object_type: ObjectType) -> Mapping[str, Definition]:
    """Return the property definitions of an object type, by name."""
    return definitions(object_type, ctx.pipeline, ctx.spec_variant)


def all_properties(ctx: RequestContext, record: RecordVersion) -> dict[str, str]:
    """Return all properties of a record, including calculated ones."""
    return with_calculated(record, ctx.now, ctx.pipeline, ctx.store.owners, ctx.spec_variant)


def render_requested(
    ctx: RequestContext, record: RecordVersion, names: Iterable[str], histories: Iterable[str] = ()
) -> dict[str, Any]:
    """Write a record with the requested properties and histories."""
    wanted = list(histories)
    body = render_record(
        record,
        select_properties(
            all_properties(ctx, record),
            record.object_type,
            [*names, *wanted],
            property_definitions(ctx, record.object_type),
        ),
    )
    if not wanted or ctx.spec_variant.histories == "left_out":
        return body
    return body | {"propertiesWithHistory": {name: _history(ctx, record, name) for name in wanted}}


def render_created(ctx: RequestContext, record: RecordVersion) -> dict[str, Any]:
    """Write a new record with all properties that have a value."""
    return render_record(record, all_properties(ctx, record))


def render_updated_record(
    ctx: RequestContext, old: RecordVersion, new: RecordVersion, sent: Iterable[str]
) -> dict[str, Any]:
    """Write an updated record with the changed and the system's properties only."""
    before, after = all_properties(ctx, old), all_properties(ctx, new)
    moved = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    echoed = set(sent) if ctx.spec_variant.update_shows == "sent" else set()
    names = moved | echoed | {name for name in (*SYSTEM, *new.object_type.always) if name in after}
    return render_record(new, {name: after.get(name, "") for name in names})


def render_associations(ctx: RequestContext, record: RecordVersion, names: Iterable[str]) -> dict[str, Any]:
    """Write the links to these object types; without links there is no key."""
    links: dict[str, Any] = {}
    for object_type in [find_object_type(name) for name in names]:
        ids = associated_ids(ctx.store, record.object_type, record.id, object_type)
        if ids:
            links[object_type.name] = {
                "results": [{"id": found, "type": type_name(record.object_type, object_type)} for found in ids]
            }
    return {"associations": links} if links else {}


def _history(ctx: RequestContext, record: RecordVersion, name: str) -> list[dict[str, Any]]:
    """Write a property's latest values, newest first."""
    values: list[dict[str, Any]] = []
    last: str | None = None
    for moment, version in ctx.store.versions(record):
        value = version.properties.get(name)
        if value != last:
            values.append({"value": value or "", "timestamp": format_instant(moment), **_source(version)})
        last = value
    return values[::-1][: ctx.spec_variant.history_values]


def _source(version: RecordVersion) -> dict[str, Any]:
    by_app = version.source == "INTEGRATION"
    source = {"sourceType": version.source, "sourceId": str(APP) if by_app else f"userId:{version.user_id}"}
    return source if version.user_id is None else source | {"updatedByUserId": version.user_id}
