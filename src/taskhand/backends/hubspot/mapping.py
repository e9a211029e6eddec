"""Between HubSpot's JSON and the contract, both ways; pure.

Property names and values: https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import MISSING, ValidationError

from taskhand.backends.hubspot.due import Zones, due_from, moment_of, stamp_of, stamp_text
from taskhand.backends.hubspot.html import html_of, text_of
from taskhand.backends.hubspot.raw_values import RAW_PROPERTIES, raw_properties, status_value
from taskhand.backends.hubspot.record import JsonObject, Kind, Malformed, Record, objects
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.task import Contact, Member, Responsible, Status, StatusType, Task

__all__ = [
    "PRIORITY_VALUES",
    "PROPERTIES",
    "company_of",
    "contact_of",
    "member_of",
    "properties_of",
    "record_of",
    "statuses_of",
    "task_of",
]

PROPERTIES: Final = (*RAW_PROPERTIES, "hs_createdate")
"""What is asked for of a task: nothing else comes back unless it is."""

PRIORITY_VALUES: Final[Mapping[int, tuple[str, ...]]] = {0: ("LOW", "NONE"), 1: ("MEDIUM",), 2: ("HIGH",)}
"""HubSpot's values of a documented priority, the one that is written first."""

_PRIORITIES: Final = {value: digit for digit, values in PRIORITY_VALUES.items() for value in values}
_TYPES: Final[Mapping[str, StatusType]] = {"NOT_STARTED": "initial", "COMPLETED": "done"}


def task_of(
    record: Record,
    zones: Zones,
    statuses: Mapping[str, Status],
    *,
    of_links: str | None = None,
    id_property: str | None = None,
) -> Task:
    """A task; `statuses` are by value. Of several links the one `of_links` names is shown, else the lowest id.

    With `id_property` a task goes by the value of that property, where it has one. Malformed.
    """
    properties = record.properties
    try:
        due = _due(properties, zones)
        status = _status(status_value(properties), statuses)
        return Task(
            id=record.known_by(id_property),
            title=_text(properties.get("hs_task_subject")) or "",
            description=text_of(_text(properties.get("hs_task_body"))),
            due_timezone=due.zone if due else None,
            due_at=due.due_at if due else None,
            is_all_day=due is not None and due.at is None,
            created_at=_created(record.json),
            ai_contact_id=_shown(record, "contacts", of_links),
            ai_customer_id=_shown(record, "companies", of_links),
            task_status_config_id=status.id if status else None,
            priority=_priority(properties.get("hs_task_priority")),
            # Who created a task is told as a user or an app, neither of which is an owner's id.
            creator_id=None,
            task_responsibles=_responsibles(properties.get("hubspot_owner_id")),
            status_config=status,
            url=_url(record.json.get("url")),
        )
    except (ValidationError, ValueError, TypeError, OverflowError):
        raise Malformed("with a task whose properties are not what they are documented to be") from None


def record_of(task: Task, answer: Record, zones: Zones, *, id_property: str | None = None) -> Record:
    """A task as it was with what an answer to an update says of it: such an answer holds only some properties."""
    was = Edit(
        title=task.title,
        description=task.description,
        due=due_of(task) or MISSING,
        responsible_ids=task.responsible_ids,
        priority=task.priority,
    )
    properties = properties_of(was, None, zones) | {"hs_task_status": task.task_status_config_id}
    properties |= {id_property: task.id} if id_property else {}
    links: dict[Kind, tuple[str, ...]] = {
        "contacts": (task.ai_contact_id,) if task.ai_contact_id else (),
        "companies": (task.ai_customer_id,) if task.ai_customer_id else (),
    }
    was_json = {"createdAt": task.created_at, "url": task.url}
    return Record(was_json | answer.json | {"properties": properties | answer.properties}, links)


def properties_of(edit: Edit, before: Task | None, zones: Zones) -> dict[str, str]:
    """The properties to write for `edit` of the task `before`, or of a new one; an empty string clears.

    A priority that the task shows already is not written: NONE or an own value, which read as 0, would become LOW.
    HubSpot's own values that come with the edit are written as they are.
    """
    properties: dict[str, str] = {}
    if edit.title is not MISSING:
        properties["hs_task_subject"] = edit.title
    if edit.description is not MISSING and (before is not None or edit.description):
        properties["hs_task_body"] = html_of(edit.description)
    if isinstance(edit.due, Due):
        properties |= _due_properties(edit.due, before, zones)
    if edit.responsible_ids is not MISSING and (before is not None or edit.responsible_ids):
        properties["hubspot_owner_id"] = edit.responsible_ids[0] if edit.responsible_ids else ""
    if edit.priority is not MISSING and (before is None or before.priority != edit.priority):
        properties["hs_task_priority"] = PRIORITY_VALUES[edit.priority][0]
    if edit.status is not MISSING and edit.status.id is not None:
        properties["hs_task_status"] = edit.status.id
    own = raw_properties(edit, new=before is None)
    return {name: text for name, text in (properties | own).items() if text is not None}


def statuses_of(json: Any) -> tuple[tuple[Status, ...], tuple[Status, ...]]:
    """The statuses that can be chosen, by position from 1, and those that are hidden.

    From `options` of https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide: ids are values, names
    are labels; a negative `displayOrder` comes last. Malformed.
    """
    options = [one for one in objects(json.get("options")) if _text(one.get("value"))]
    if not options:
        raise Malformed("without any status")
    options.sort(key=_place)
    chosen = [one for one in options if one.get("hidden") is not True]
    hidden = [one for one in options if one.get("hidden") is True]
    return tuple(_option(one, place) for place, one in enumerate(chosen, 1)), tuple(_option(one, 0) for one in hidden)


def member_of(json: Any) -> Member:
    """An owner (https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide); Malformed."""
    if not isinstance(json, dict) or not isinstance(json.get("id"), str | int):
        raise Malformed("with an owner without an id")
    email = _text(json.get("email"))
    name = " ".join(filter(None, (_text(json.get("firstName")), _text(json.get("lastName")))))
    return Member(id=str(json["id"]), name=name or email or str(json["id"]), email=email)


def contact_of(json: JsonObject, company_id: str | None) -> Contact:
    """A contact and the company it belongs to; Malformed."""
    record = Record.from_json(json)
    of = record.properties
    name = " ".join(filter(None, (_text(of.get("firstname")), _text(of.get("lastname")))))
    email, phone = _text(of.get("email")), _text(of.get("phone")) or _text(of.get("mobilephone"))
    return Contact(id=record.id, name=name or email or "", phone=phone, email=email, customer_id=company_id)


def company_of(json: JsonObject) -> Contact:
    """A company, to be linked as a customer: it has no contact's id; Malformed."""
    record = Record.from_json(json)
    of = record.properties
    name = _text(of.get("name")) or _text(of.get("domain")) or ""
    return Contact(id=None, name=name, phone=_text(of.get("phone")), email=None, customer_id=record.id)


def _due(properties: JsonObject, zones: Zones) -> Due | None:
    all_day = str(properties.get("hs_task_is_all_day")).casefold() == "true"
    return due_from(properties.get("hs_timestamp"), all_day=all_day, zones=zones)


def _due_properties(due: Due, before: Task | None, zones: Zones) -> dict[str, str]:
    """The instant, and whether it means its day where that is not what it means already."""
    is_day, was_day = due.at is None, before is not None and before.is_all_day
    flag = {} if is_day == was_day else {"hs_task_is_all_day": str(is_day).lower()}
    return {"hs_timestamp": stamp_of(due, zones)} | flag


def _status(value: str | None, statuses: Mapping[str, Status]) -> Status | None:
    """The status of a value; one that is not among the options (a portal's own stage) goes by its value."""
    if value is None:
        return None
    return statuses.get(value) or Status(id=value, name=value, color=None, type="unknown", order=0)


def _option(json: JsonObject, place: int) -> Status:
    value = str(json["value"])
    kind = _TYPES.get(value, "in_progress")
    return Status(id=value, name=_text(json.get("label")) or value, color=None, type=kind, order=place)


def _place(option: JsonObject) -> tuple[bool, int]:
    place = option.get("displayOrder")
    return (False, place) if isinstance(place, int) and place >= 0 else (True, 0)


def _priority(value: object) -> int:
    """The documented priority; 0 for none, and for a value that an account has made its own."""
    return _PRIORITIES.get(str(value).upper(), 0)


def _responsibles(owner: object) -> tuple[Responsible, ...]:
    return (Responsible(responsible_id=str(owner)),) if owner else ()


def _shown(record: Record, kind: Kind, of_links: str | None) -> str | None:
    ids = record.links.get(kind, ())
    return of_links if of_links in ids else next(iter(ids), None)


def _created(json: JsonObject) -> str:
    """Always with milliseconds, which HubSpot leaves out when they are zero: lists are sorted by this text."""
    moment = moment_of(json.get("createdAt") or json["properties"].get("hs_createdate"))
    return stamp_text(moment) if moment else ""


def _url(value: object) -> str | None:
    return value if isinstance(value, str) and value.startswith("https://") and value.isprintable() else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
