"""How records are shown: as asked for, whole after a create, or what an update changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.calculated_properties import with_calculated
from taskhand.sandbox.hubspot.context import find_object_type
from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import APP
from taskhand.sandbox.hubspot.links import linked_ids, type_name
from taskhand.sandbox.hubspot.property_definitions import Definition, definitions
from taskhand.sandbox.hubspot.record import render_record, select_properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.record import Record

SYSTEM = (  # what update responses hold beside what changed
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


def known_properties(ctx: RequestContext, kind: ObjectType) -> Mapping[str, Definition]:
    """Give the properties of a kind in this portal."""
    return definitions(kind, ctx.portal, ctx.spec_variant)


def all_properties(ctx: RequestContext, record: Record) -> dict[str, str]:
    """Give all of a record's properties, the calculated ones too."""
    return with_calculated(record, ctx.now, ctx.portal, ctx.store.owners, ctx.spec_variant)


def render_requested(
    ctx: RequestContext, record: Record, names: Iterable[str], histories: Iterable[str] = ()
) -> dict[str, Any]:
    """Show a record with the properties that were asked for, and with histories."""
    wanted = list(histories)
    body = render_record(
        record,
        select_properties(
            all_properties(ctx, record), record.kind, [*names, *wanted], known_properties(ctx, record.kind)
        ),
    )
    return body | ({"propertiesWithHistory": {name: _history(ctx, record, name) for name in wanted}} if wanted else {})


def render_created(ctx: RequestContext, record: Record) -> dict[str, Any]:
    """Show a record just made: all that has a value."""
    return render_record(record, all_properties(ctx, record))


def render_changed(ctx: RequestContext, old: Record, new: Record, sent: Iterable[str]) -> dict[str, Any]:
    """Show what an update changed, and the system's properties, not the whole record."""
    before, after = all_properties(ctx, old), all_properties(ctx, new)
    moved = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    told = set(sent) if ctx.spec_variant.update_shows == "sent" else set()
    names = moved | told | {name for name in (*SYSTEM, *new.kind.always) if name in after}
    return render_record(new, {name: after.get(name, "") for name in names})


def render_associations(ctx: RequestContext, record: Record, names: Iterable[str]) -> dict[str, Any]:
    """Show the links to these kinds; no key when there are none."""
    links: dict[str, Any] = {}
    for kind in [find_object_type(name) for name in names]:
        ids = linked_ids(ctx.store, record.kind, record.id, kind)
        if ids:
            links[kind.name] = {"results": [{"id": found, "type": type_name(record.kind, kind)} for found in ids]}
    return {"associations": links} if links else {}


def _history(ctx: RequestContext, record: Record, name: str) -> list[dict[str, Any]]:
    """Tell a property's values, newest first."""
    told: list[dict[str, Any]] = []
    last: str | None = None
    for moment, version in ctx.store.versions(record):
        value = version.properties.get(name)
        if value != last:
            told.append({"value": value or "", "timestamp": format_instant(moment), **_source(version)})
        last = value
    return told[::-1]


def _source(version: Record) -> dict[str, Any]:
    if version.user_id is None:
        return {"sourceType": version.source, "sourceId": str(APP)}
    return {
        "sourceType": version.source,
        "sourceId": f"userId:{version.user_id}",
        "updatedByUserId": version.user_id,
    }
