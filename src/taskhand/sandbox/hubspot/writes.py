"""Writes records in two steps: a plan, which makes all checks, and the write, which cannot fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.calculated_properties import apply_write, defaults_for
from taskhand.sandbox.hubspot.errors import ApiError, missing_required, validation_error
from taskhand.sandbox.hubspot.links import Association, target_type
from taskhand.sandbox.hubspot.object_types import TASKS
from taskhand.sandbox.hubspot.record import RecordVersion
from taskhand.sandbox.hubspot.rendering import property_definitions
from taskhand.sandbox.hubspot.validation import PropertyRules

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType

REQUIRED = "hs_timestamp"


@dataclass(frozen=True)
class PlannedRecord:
    """A record to create and the records to link it with."""

    object_type: ObjectType
    properties: Mapping[str, str]
    links: tuple[tuple[ObjectType, str], ...] = ()


def plan_create(ctx: RequestContext, object_type: ObjectType, body: Mapping[str, Any]) -> PlannedRecord:
    """Check the body of a create and return the plan."""
    properties = body.get("properties")
    if object_type == TASKS and not (isinstance(properties, dict) and properties.get(REQUIRED)):
        raise missing_required(object_type.label, [REQUIRED])
    sent = _rules(ctx, object_type).validate(properties)
    _check_email(ctx, object_type, sent)
    return PlannedRecord(object_type, sent, _links(ctx, object_type, body.get("associations") or []))


def create_record(ctx: RequestContext, draft: PlannedRecord) -> RecordVersion:
    """Create a planned record."""
    properties = {name: text for name, text in draft.properties.items() if text}
    if draft.object_type == TASKS:
        filled = defaults_for(properties) if ctx.spec_variant.defaults == "filled" else {}
        properties = apply_write({}, {**filled, **properties}, ctx.now, ctx.pipeline, ctx.spec_variant)
    record = RecordVersion(
        draft.object_type,
        ctx.fresh_id(),
        properties,
        ctx.now,
        ctx.now,
        settles_at=_settling(ctx, draft.object_type),
        user_id=ctx.user_id,
        maker_id=ctx.user_id,
    )
    ctx.store.put(record, ctx.now)
    ctx.hooks.emit_created(record, ctx.now)
    for object_type, other_id in draft.links:
        add_association(ctx, Association(record.id, object_type.name, other_id))
    return record


def plan_update(
    ctx: RequestContext, object_type: ObjectType, properties: object, record_id: str | None = None
) -> dict[str, str]:
    """Check the properties of an update of a record and return their stored texts."""
    sent = _rules(ctx, object_type, record_id).validate(properties)
    if object_type == TASKS and sent.get(REQUIRED) == "":  # the text for an update is assumed
        raise missing_required(object_type.label, [REQUIRED], "updating")
    return sent


def update_record(ctx: RequestContext, record: RecordVersion, sent: Mapping[str, str]) -> RecordVersion:
    """Write properties of a record; other properties stay."""
    if record.object_type == TASKS:
        properties = apply_write(record.properties, sent, ctx.now, ctx.pipeline, ctx.spec_variant)
    else:
        properties = {name: text for name, text in {**record.properties, **sent}.items() if text}
    again = _settling(ctx, record.object_type) if ctx.spec_variant.settles == "writes" else record.settles_at
    new = replace(
        record,
        properties=properties,
        updated_at=ctx.now,
        settles_at=again,
        source="INTEGRATION",
        user_id=ctx.user_id,
    )
    ctx.store.put(new, ctx.now)
    ctx.hooks.emit_changed(record, new, ctx.now)
    return new


def archive(ctx: RequestContext, record: RecordVersion) -> None:
    """Move a record to the recycling bin."""
    ctx.store.put(replace(record, archived_at=ctx.now, updated_at=ctx.now, settles_at=None), ctx.now)
    ctx.hooks.emit_deleted(record, ctx.now)


def add_association(ctx: RequestContext, association: Association) -> None:
    """Link two records; an existing link stays as it is."""
    if ctx.store.links.add(association, ctx.now):
        ctx.hooks.emit_association(association, ctx.now, is_removed=False)


def remove_association(ctx: RequestContext, association: Association) -> None:
    """Unlink two records, if they are linked."""
    if ctx.store.links.remove(association):
        ctx.hooks.emit_association(association, ctx.now, is_removed=True)


def check_target(ctx: RequestContext, object_type: ObjectType, sent: object) -> str:
    """Return the id of a record to link with; an unknown or archived one is a 400."""
    other_id = str(sent)
    record = ctx.store.find(object_type, other_id)
    if record is None or record.is_archived:
        context = {"INVALID_OBJECT_IDS": [other_id], "objectId": [other_id], "objectType": [object_type.label]}
        raise ApiError(400, "One or more associations are invalid", context=context)
    return other_id


def _rules(ctx: RequestContext, object_type: ObjectType, record_id: str | None = None) -> PropertyRules:
    def holder_of(name: str, text: str) -> str | None:
        for record in ctx.store.all(object_type):
            is_other = record.id != record_id and not record.is_archived
            if is_other and record.properties.get(name, "").casefold() == text.casefold():
                return record.id
        return None

    return PropertyRules(property_definitions(ctx, object_type), ctx.spec_variant, ctx.store.owners, holder_of)


def _check_email(ctx: RequestContext, object_type: ObjectType, sent: Mapping[str, str]) -> None:
    # only contacts have a natural key
    email = sent.get("email", "").casefold()
    for record in ctx.store.all(object_type) if object_type.name == "contacts" and email else ():
        if record.properties.get("email", "").casefold() == email and not record.is_archived:
            raise ApiError(409, f"Contact already exists. Existing ID: {record.id}", "CONFLICT")


def _settling(ctx: RequestContext, object_type: ObjectType) -> dt.datetime | None:
    return ctx.after(milliseconds=ctx.spec_variant.settle_ms) if object_type == TASKS else None


def _links(ctx: RequestContext, object_type: ObjectType, rows: Any) -> tuple[tuple[ObjectType, str], ...]:
    found: list[tuple[ObjectType, str]] = []
    for row in rows if isinstance(rows, list) else [rows]:
        try:
            to_id, type_ids = row["to"]["id"], [int(spec["associationTypeId"]) for spec in row["types"]]
        except (KeyError, TypeError, ValueError) as error:
            raise validation_error("Invalid associations: each has a to.id and types") from error
        found += [
            (to_object_type, check_target(ctx, to_object_type, to_id))
            for to_object_type in _target_types(ctx, object_type, type_ids)
        ]
    return tuple(found)


def _target_types(ctx: RequestContext, object_type: ObjectType, type_ids: list[int]) -> list[ObjectType]:
    """Return the target of each association type; a wrong type is skipped or, by spec variant, refused."""
    targets = [target_type(type_id) if object_type == TASKS else None for type_id in type_ids]
    if None in targets and ctx.spec_variant.wrong_type == "rejected":
        raise validation_error(
            "One or more associations are invalid", associationTypeId=[str(type_id) for type_id in type_ids]
        )
    return [found for found in targets if found is not None]
