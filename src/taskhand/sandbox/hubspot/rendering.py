"""How records are shown: as asked for, whole after a create, or what an update changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.calculated_properties import view
from taskhand.sandbox.hubspot.context import named
from taskhand.sandbox.hubspot.dates import stamp
from taskhand.sandbox.hubspot.errors import APP
from taskhand.sandbox.hubspot.links import linked_ids, type_name
from taskhand.sandbox.hubspot.property_definitions import Definition, definitions
from taskhand.sandbox.hubspot.record import picked, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import Kind
    from taskhand.sandbox.hubspot.record import Record

SYSTEM = (  # §2.3 CAP: what update responses hold beside what changed
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


def known(ctx: RequestContext, kind: Kind) -> Mapping[str, Definition]:
    """Give the properties of a kind in this portal."""
    return definitions(kind, ctx.portal, ctx.spec_variant)


def viewed(ctx: RequestContext, record: Record) -> dict[str, str]:
    """Give all of a record's properties, the calculated ones too."""
    return view(record, ctx.now, ctx.portal, ctx.store.owners, ctx.spec_variant)


def asked(ctx: RequestContext, record: Record, names: Iterable[str], histories: Iterable[str] = ()) -> dict[str, Any]:
    """Show a record with the properties that were asked for, and with histories."""
    wanted = list(histories)
    body = shown(record, picked(viewed(ctx, record), record.kind, [*names, *wanted], known(ctx, record.kind)))
    return body | ({"propertiesWithHistory": {name: _history(ctx, record, name) for name in wanted}} if wanted else {})


def created(ctx: RequestContext, record: Record) -> dict[str, Any]:
    """Show a record just made: all that has a value (§2.3 CAP)."""
    return shown(record, viewed(ctx, record))


def changed(ctx: RequestContext, old: Record, new: Record, sent: Iterable[str]) -> dict[str, Any]:
    """Show what an update changed, and the system's properties, not the whole record (§2.3 CAP)."""
    before, after = viewed(ctx, old), viewed(ctx, new)
    moved = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    told = set(sent) if ctx.spec_variant.update_shows == "sent" else set()
    names = moved | told | {name for name in (*SYSTEM, *new.kind.always) if name in after}
    return shown(new, {name: after.get(name, "") for name in names})


def associations(ctx: RequestContext, record: Record, names: Iterable[str]) -> dict[str, Any]:
    """Show the links to these kinds; no key when there are none (§2.1 SPEC, DOC)."""
    links: dict[str, Any] = {}
    for kind in [named(name) for name in names]:
        ids = linked_ids(ctx.store, record.kind, record.id, kind)
        if ids:
            links[kind.name] = {"results": [{"id": found, "type": type_name(record.kind, kind)} for found in ids]}
    return {"associations": links} if links else {}


def _history(ctx: RequestContext, record: Record, name: str) -> list[dict[str, Any]]:
    """Tell a property's values, newest first (§2.1 SPEC, CAP)."""
    told: list[dict[str, Any]] = []
    last: str | None = None
    for moment, version in ctx.store.versions(record):
        value = version.properties.get(name)
        if value != last:
            told.append({"value": value or "", "timestamp": stamp(moment), **_source(version)})
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
