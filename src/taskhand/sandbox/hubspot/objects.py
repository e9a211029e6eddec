"""The endpoints of single records and of lists of them (§2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import invalid, missing
from taskhand.sandbox.hubspot.paging import paging, start, whole
from taskhand.sandbox.hubspot.rendering import asked, associations, changed, created, known
from taskhand.sandbox.hubspot.reply import NOTHING, Reply
from taskhand.sandbox.hubspot.writes import archive, create, plan_create, plan_update, update

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import Desk
    from taskhand.sandbox.hubspot.object_types import Kind
    from taskhand.sandbox.hubspot.record import Record

PAGE = 10  # §2 SPEC: default
MOST_WITH_HISTORY = 50  # §2 MEM; SDK fetches no more


def list_objects(desk: Desk) -> Reply:
    """`GET /`: in the order of ids; `after` is the last id of the page before."""
    has_history = bool(desk.several("propertiesWithHistory"))
    limit = whole(desk, "limit", PAGE, MOST_WITH_HISTORY if has_history else desk.reading.list_limit)
    after = start(desk.query.get("after", ""))
    side = [one for one in desk.store.all(desk.kind, stale=desk.is_stale) if one.is_archived == desk.flag("archived")]
    rows = sorted((one for one in side if int(one.id) > after), key=lambda one: int(one.id))
    page = {"results": [_asked(desk, record) for record in rows[:limit]]}
    return Reply(200, page | (paging(desk, rows[limit - 1].id) if len(rows) > limit else {}))


def get_object(desk: Desk) -> Reply:
    """`GET /{id}`."""
    return Reply(200, _asked(desk, _find(desk)))


def create_object(desk: Desk) -> Reply:
    """`POST /`."""
    return Reply(201, created(desk, create(desk, plan_create(desk, desk.kind, desk.object()))))


def update_object(desk: Desk) -> Reply:
    """`PATCH /{id}`: only the properties sent change."""
    record = _find(desk)
    sent = plan_update(desk, desk.kind, desk.object().get("properties"))
    return Reply(200, changed(desk, record, update(desk, record, sent), sent))


def archive_object(desk: Desk) -> Reply:
    """`DELETE /{id}`: to the recycling bin; for an id that is not there, see `archive_unknown` (§13)."""
    record = find(desk, desk.kind, desk.values["id"])
    if record is not None:
        archive(desk, record)
    elif desk.reading.archive_unknown != NOTHING.status:
        raise missing(desk.values["id"], desk.reading)
    return NOTHING


def find(desk: Desk, kind: Kind, sent: str, id_property: object = None, *, archived: bool = False) -> Record | None:
    """Find a record among the live or the archived ones, by id or by a unique property (§2)."""
    if id_property is None or id_property == "hs_object_id":
        record = desk.store.find(kind, sent)
        return record if record is not None and record.is_archived == archived else None
    name = unique(desk, kind, id_property)
    for record in desk.store.all(kind):
        if record.properties.get(name, "").casefold() == sent.casefold() and record.is_archived == archived:
            return record
    return None


def unique(desk: Desk, kind: Kind, sent: object) -> str:
    """Read an `idProperty`: unique values only, as contacts' `email` has (§8); the refusal's text is not recorded."""
    name = str(sent)
    definition = known(desk, kind).get(name)
    is_email = (kind.name, name) == ("contacts", "email")
    if not is_email and (definition is None or not definition.is_unique):
        raise invalid(f"Property {name} is not a unique property", idProperty=[name])
    return name


def _find(desk: Desk) -> Record:
    sent = desk.values["id"]
    record = find(desk, desk.kind, sent, desk.query.get("idProperty"), archived=desk.flag("archived"))
    if record is None:  # §2 3P: an archived one too
        raise missing(sent, desk.reading)
    return record


def _asked(desk: Desk, record: Record) -> dict[str, Any]:
    body = asked(desk, record, desk.several("properties"), desk.several("propertiesWithHistory"))
    return body | associations(desk, record, desk.several("associations"))
