"""The association endpoints of one record (§8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.dates import stamp
from taskhand.sandbox.hubspot.errors import invalid, missing
from taskhand.sandbox.hubspot.links import CATEGORY, TYPES, link_of, linked_ids, type_name
from taskhand.sandbox.hubspot.objects import find
from taskhand.sandbox.hubspot.paging import offset_page, whole
from taskhand.sandbox.hubspot.rendering import asked, associations
from taskhand.sandbox.hubspot.reply import NOTHING, Reply
from taskhand.sandbox.hubspot.writes import check_target, link, unlink

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import Desk
    from taskhand.sandbox.hubspot.object_types import Kind
    from taskhand.sandbox.hubspot.record import Record

PAGE = 500  # §8 SPEC: default


def list_associations(desk: Desk) -> Reply:
    """`GET /crm/v4/objects/{kind}/{id}/associations/{to}`."""
    _from(desk)
    ids = linked_ids(desk.store, desk.kind, desk.values["id"], desk.to_kind)
    rows = [to_row(desk, desk.kind, desk.to_kind, found) for found in ids]
    return Reply(200, offset_page(desk, rows, whole(desk, "limit", PAGE, PAGE)))


def associate_default(desk: Desk) -> Reply:
    """`PUT …/associations/default/{to}/{toId}`: with the type that needs no label."""
    number = default_type(desk.kind, desk.to_kind)
    to_id = _linked(desk)
    rows = default_rows(desk, desk.values["id"], to_id, number)
    now = stamp(desk.now)
    return Reply(200, {"status": "COMPLETE", "results": rows, "startedAt": now, "completedAt": now})


def associate(desk: Desk) -> Reply:
    """`PUT …/associations/{to}/{toId}`: with the types of the body."""
    specs = desk.json()
    if not isinstance(specs, list) or not specs:
        raise invalid("At least one association type is required")
    for spec in specs:
        check_type(desk.kind, desk.to_kind, spec)
    return Reply(201, pair(desk.kind, desk.values["id"], desk.to_kind, _linked(desk)))


def dissociate(desk: Desk) -> Reply:
    """`DELETE …/associations/{to}/{toId}`: every type between the pair."""
    unlink(desk, link_of(desk.kind, desk.values["id"], desk.to_kind, desk.values["toId"]))
    return NOTHING


def associate_v3(desk: Desk) -> Reply:
    """`PUT /crm/v3/objects/…/associations/{to}/{toId}/{typeId}`: still in the guide (§8 DOC); answer INF."""
    _check_v3_type(desk)
    _linked(desk)
    record = _from(desk)
    return Reply(200, asked(desk, record, ()) | associations(desk, record, [desk.to_kind.name]))


def dissociate_v3(desk: Desk) -> Reply:
    """`DELETE` of the same."""
    _check_v3_type(desk)
    return dissociate(desk)


def to_row(desk: Desk, kind: Kind, to_kind: Kind, to_id: str) -> dict[str, Any]:
    """Write one link as seen from a record; ids are strings (SPEC) or numbers (DOC)."""
    shown_id = to_id if desk.reading.association_ids == "string" else int(to_id)
    spec = {"category": CATEGORY, "typeId": default_type(kind, to_kind), "label": None}
    return {"toObjectId": shown_id, "associationTypes": [spec]}


def default_rows(desk: Desk, from_id: str, to_id: str, number: int) -> list[dict[str, Any]]:
    """Write what a default association made: one direction, or both (§8 MEM)."""
    rows = [_default_row(from_id, to_id, number)]
    back = _default_row(to_id, from_id, default_type(desk.to_kind, desk.kind))
    return rows + ([back] if desk.reading.directions == "both" else [])


def pair(kind: Kind, from_id: str, to_kind: Kind, to_id: str) -> dict[str, Any]:
    """Write a pair without labels (§8 SPEC)."""
    return {
        "fromObjectTypeId": kind.type_id,
        "fromObjectId": from_id,
        "toObjectTypeId": to_kind.type_id,
        "toObjectId": to_id,
        "labels": [],
    }


def default_type(kind: Kind, to_kind: Kind) -> int:
    """Give the type of a direction; between other kinds than tasks there is none here."""
    number = TYPES.get((kind.name, to_kind.name))
    if number is None:
        raise invalid(f"No association types exist between {kind.type_id} and {to_kind.type_id}")
    return number


def check_type(kind: Kind, to_kind: Kind, spec: object) -> None:
    """Refuse a type that does not lead from one kind to the other (§3 3P)."""
    sent = spec.get("associationTypeId") if isinstance(spec, dict) else None
    if str(sent) != str(default_type(kind, to_kind)):
        text = f"invalid from object type {kind.type_id} for associations to be created. expected: {to_kind.type_id}"
        raise invalid(f"One or more associations are invalid: {text}", associationTypeId=[str(sent)])


def _default_row(from_id: str, to_id: str, number: int) -> dict[str, Any]:
    spec = {"associationCategory": CATEGORY, "associationTypeId": number}
    return {"from": {"id": from_id}, "to": {"id": to_id}, "associationSpec": spec}


def _check_v3_type(desk: Desk) -> None:
    # §8 DOC: the type is a number or, say, `task_to_contact`
    sent = desk.values["typeId"]
    if sent not in {str(default_type(desk.kind, desk.to_kind)), type_name(desk.kind, desk.to_kind)}:
        raise invalid(f"{sent} is not a valid association type", associationType=[sent])


def _from(desk: Desk) -> Record:
    record = find(desk, desk.kind, desk.values["id"])
    if record is None:
        raise missing(desk.values["id"], desk.reading)
    return record


def _linked(desk: Desk) -> str:
    record = _from(desk)
    to_id = check_target(desk, desk.to_kind, desk.values["toId"])
    link(desk, link_of(desk.kind, record.id, desk.to_kind, to_id))
    return to_id
