"""Maps between HubSpot's JSON and the contract, both ways; pure.

Property names and values: https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import MISSING

from taskhand.backends.hubspot.errors import ALL_DAY
from taskhand.backends.hubspot.fields.due import Zones, due_from, parse_moment, readable_moment, stamp_of
from taskhand.backends.hubspot.fields.links import KINDS, LINKS, Kind, further_links, linked_ids, links_of, shown_link
from taskhand.backends.hubspot.fields.statuses import STAGE_PROPERTIES, TaskStatuses
from taskhand.backends.hubspot.properties.definitions import PROPERTY_OF, PropertyDefinition
from taskhand.backends.hubspot.properties.values import shown_value
from taskhand.backends.remote.parsing import JsonObject, optional_text, rows_in, value_at
from taskhand.domain.due import Due, due_of, instant_text
from taskhand.domain.edit import Edit, known_properties
from taskhand.domain.html.conversion import html_of, html_to_text
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_times import TaskTimes
from taskhand.domain.unreadable_fields import Readers, task_from

__all__ = [
    "BODY",
    "CREATOR",
    "MERGED",
    "PRIORITY_VALUES",
    "PROPERTIES",
    "RAW_PROPERTIES",
    "AccountData",
    "Record",
    "id_text",
    "properties_of",
    "raw_properties",
    "record_of",
    "records_in",
    "task_of",
    "times_of",
]

BODY: Final = "hs_task_body"
_TYPE, _DUE = "hs_task_type", "hs_timestamp"
RAW_PROPERTIES: Final = (*PROPERTY_OF.values(), ALL_DAY, *STAGE_PROPERTIES)
"""The properties of a task that an undo may need."""
MERGED: Final = "hs_merged_object_ids"
"""The ids of the tasks that were merged into a task, separated by semicolons."""
CREATOR: Final = "hs_created_by_user_id"
PROPERTIES: Final = (*RAW_PROPERTIES, "hs_createdate", "hs_lastmodifieddate", "hs_task_completion_date", CREATOR)
"""The properties to request: HubSpot returns no others."""
PRIORITY_VALUES: Final[Mapping[int, tuple[str, ...]]] = {0: ("LOW", "NONE"), 1: ("MEDIUM",), 2: ("HIGH",)}
"""HubSpot's values of each documented priority: the first one is written, and a filter for it finds the others too."""
_OF_PROPERTIES: Final = ("title", "description", "due_at", "priority", "task_responsibles", "status_config")
"""The fields of a task that HubSpot stores as properties."""


@dataclass(frozen=True, slots=True)
class AccountData:
    """The data of an account that its tasks are read with.

    `owners` maps the ids of users to the ids of owners, because HubSpot names the creator of a task as a user.
    `definitions` gives the types of further properties. With `id_property`, a task's id is the value of that property
    if it has one.
    """

    zones: Zones
    statuses: TaskStatuses
    owners: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, PropertyDefinition] = field(default_factory=dict)
    id_property: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One HubSpot object; `links` holds the ids that a task is linked to, by kind, in ascending order.

    `unread_links` holds the kinds whose links could not be read. A kind that the token may not read is in neither.
    `names` holds the names of the requested properties that no field shows.
    """

    json: JsonObject
    links: Mapping[Kind, tuple[str, ...]]
    unread_links: frozenset[Kind] = frozenset()
    names: frozenset[str] = frozenset()

    @classmethod
    def read(cls, json: JsonObject) -> "Record | None":
        """Read a record with the links in its JSON; None if it has no id."""
        if not id_text(json.get("id")):
            return None
        given = {kind: value_at(json, "associations", kind) for kind in KINDS}
        links = {kind: linked_ids(value_at(given[kind], "results")) for kind in KINDS}
        lists = {kind for kind in KINDS if isinstance(value_at(given[kind], "results"), list)}
        is_odd = not isinstance(json.get("associations"), dict | None)
        unread = {kind for kind in KINDS if kind not in lists and (is_odd or given[kind] is not None)}
        return cls(json, links, frozenset(unread))

    @property
    def id(self) -> str:
        """HubSpot's id of the record."""
        return str(self.json["id"])

    def known_by(self, id_property: str | None) -> str:
        """The value of the configured id property; the record's id if none is configured or it has no value."""
        return (id_text(self.properties.get(id_property)) if id_property else None) or self.id

    def is_known_by(self, task_id: str, id_property: str | None) -> bool:
        """Whether it is the task with this id, or the one that this task was merged into."""
        former = id_text(self.properties.get(MERGED)) or ""
        return task_id.casefold() in (self.known_by(id_property).casefold(), *former.split(";"))

    @property
    def is_archived(self) -> bool:
        """Whether the record is in the recycling bin."""
        return self.json.get("archived") is True

    @property
    def properties(self) -> JsonObject:
        """Property values (strings or null) by name; empty if they cannot be read."""
        given = self.json.get("properties")
        return given if isinstance(given, dict) else {}

    @property
    def created(self) -> object:
        """The moment of its creation, as HubSpot has it."""
        return self.json.get("createdAt") or self.properties.get("hs_createdate")

    @property
    def updated(self) -> object:
        """The moment of its last change, as HubSpot has it."""
        return self.json.get("updatedAt") or self.properties.get("hs_lastmodifieddate")

    @property
    def deleted(self) -> object:
        """The moment of its deletion, as HubSpot has it."""
        return self.json.get("archivedAt")

    @property
    def raw_values(self) -> JsonObject:
        """The values that an undo may need, by HubSpot's property names, and the linked ids by kind."""
        properties = {name: self.properties.get(name) for name in RAW_PROPERTIES}
        return properties | {kind: list(ids) for kind, ids in self.links.items()}

    def shows(self, sent: Mapping[str, str]) -> bool:
        """Whether it has every property value that was sent; a cleared property must be present and empty."""
        given = self.properties
        return all(name in given and _is_same(name, given[name], value) for name, value in sent.items())

    def with_links(self, links: Mapping[Kind, tuple[str, ...]], unread: frozenset[Kind] = frozenset()) -> "Record":
        """The same task with these links; the links of other kinds stay."""
        unread_links = (self.unread_links - links.keys()) | unread
        return replace(self, links={**self.links, **links}, unread_links=unread_links)

    def without_links(self, kinds: Collection[Kind]) -> "Record":
        """The same task without its links of these kinds."""
        return replace(self, links={kind: ids for kind, ids in self.links.items() if kind not in kinds})

    def with_names(self, names: frozenset[str]) -> "Record":
        """The same task with more names of requested properties."""
        return replace(self, names=self.names | names) if names else self

    def with_properties(self, properties: JsonObject) -> "Record":
        """The same task with these property values replaced."""
        return replace(self, json=self.json | {"properties": self.properties | properties})


def records_in(answer: JsonObject) -> list[Record]:
    """The records in a response's `results`; those without an id are left out."""
    return [record for row in rows_in("HubSpot", answer, "results") if (record := Record.read(row)) is not None]


def id_text(value: object) -> str | None:
    """An id from text or a number; None for anything else, or empty text."""
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) or None if is_id else None


def task_of(record: Record, data: AccountData, of_links: Collection[str] = ()) -> Task:
    """The task of a record. If it has several links of a kind, one in `of_links` is shown, else the lowest id."""
    properties, url = record.properties, record.json.get("url")
    readers: Readers[JsonObject] = _READERS | {
        "due": lambda properties: _due(properties, data.zones),
        "created_at": lambda _: _created_at(record),
        "status": data.statuses.of_task,
    }
    known: dict[str, object] = {
        "ai_contact_id": shown_link(record.links, "contacts", of_links),
        "ai_customer_id": shown_link(record.links, "companies", of_links),
        "deal_id": shown_link(record.links, "deals", of_links) if "deals" in record.links else MISSING,
        "also_linked": further_links(record.links, of_links) or MISSING,
        "creator_id": data.owners.get(id_text(properties.get(CREATOR)) or ""),
        "properties": {
            name: shown_value(data.definitions.get(name), properties.get(name)) for name in sorted(record.names)
        }
        or MISSING,
        "url": url if isinstance(url, str) and url.startswith("https://") and url.isprintable() else None,
    }
    of_properties = () if isinstance(record.json.get("properties"), dict) else _OF_PROPERTIES
    unreadable = (*of_properties, *(LINKS[kind].field for kind in record.unread_links))
    return task_from(record.known_by(data.id_property), properties, readers, known, unreadable)


def times_of(record: Record, task: Task) -> TaskTimes:
    """The moments of a task's last change and of its completion; an unfinished task may have been finished before."""
    return TaskTimes(
        updated=readable_moment(record.updated),
        completed=readable_moment(record.properties.get("hs_task_completion_date")) if task.is_finished else None,
    )


def record_of(task: Task, answer: Record, data: AccountData) -> Record:
    """The record of the task before an update, overlaid with the changed properties in the response to the update."""
    was = Edit(
        title=task.title or "",
        description=task.description,
        due=due_of(task) or MISSING,
        responsible_ids=task.responsible_ids,
        priority=task.priority,
        status=StatusChoice.of(task.status_config) if task.status_config else MISSING,
        task_type=task.task_type,
        properties=tuple(known_properties(task).items()),
    )
    properties = properties_of(was, None, data)
    properties |= {data.id_property: task.id} if data.id_property else {}
    creators = [user for user, owner in data.owners.items() if owner == task.creator_id]
    properties |= {CREATOR: creators[0]} if creators else {}
    json = {"createdAt": task.created_at, "url": task.url} | answer.json | {"properties": properties}
    names = frozenset(known_properties(task)) | answer.names
    return Record(json, links_of(task), names=names).with_properties(answer.properties)


def properties_of(edit: Edit, before: Task | None, data: AccountData) -> dict[str, str]:
    """The properties to write for `edit` of the task `before` (None: a new task), with raw values; "" clears one."""
    properties: dict[str, str] = {}
    if edit.title is not MISSING:
        properties["hs_task_subject"] = edit.title
    if edit.description is not MISSING and (before is not None or edit.description):
        properties["hs_task_body"] = html_of(edit.description)
    if isinstance(edit.due, Due):
        properties["hs_timestamp"] = stamp_of(edit.due, data.zones)
        is_day, was_day = edit.due.at is None, before is not None and before.is_all_day
        properties |= {} if is_day == was_day else {ALL_DAY: str(is_day).lower()}
    if edit.responsible_ids is not MISSING and (before is not None or edit.responsible_ids):
        properties["hubspot_owner_id"] = edit.responsible_ids[0] if edit.responsible_ids else ""
    if edit.priority is not MISSING:
        properties["hs_task_priority"] = "NONE" if edit.priority is None else PRIORITY_VALUES[edit.priority][0]
    if edit.task_type is not MISSING:
        properties["hs_task_type"] = edit.task_type or ""
    if edit.status is not MISSING and edit.status.id is not None:
        properties |= data.statuses.properties_of(edit.status.id, before.task_status_config_id if before else None)
    if edit.properties is not MISSING:
        properties |= {name: text or "" for name, text in edit.properties if text or before is not None}
    raw: dict[str, str | None] = {**raw_properties(edit)}
    if before is None:  # a new task has nothing to clear; the type of a deleted task is restored too
        raw = {name: text or None for name, text in raw.items()}
        raw |= {} if edit.native is None else {_TYPE: _text(edit.native, _TYPE) or None}
    return {name: text for name, text in (properties | raw).items() if text is not None}


def raw_properties(edit: Edit) -> dict[str, str]:
    """HubSpot's values of the fields that an edit sets, which an undo writes back unchanged; "" clears one.

    The contract cannot express some of them: a body is HTML, and a priority may be NONE or a custom value.
    """
    names = [PROPERTY_OF[field] for field, _ in edit.given_fields() if field in PROPERTY_OF]
    raw = {name: _text(edit.native, name) for name in names if name in edit.native} if edit.native else {}
    return {name: text for name, text in raw.items() if text or name != _DUE}


def _created_at(record: Record) -> str:
    """The moment with milliseconds, which HubSpot omits if they are zero: lists are sorted by this text."""
    created = parse_moment(record.created)
    return instant_text(created) if created else ""


def _due(properties: Mapping[str, object], zones: Zones) -> Due | None:
    is_day = properties.get(ALL_DAY)
    if not isinstance(is_day, str | bool | None):
        raise TypeError(ALL_DAY)
    return due_from(properties.get("hs_timestamp"), all_day=str(is_day).casefold() == "true", zones=zones)


def _owner(properties: JsonObject) -> str | None:
    value = properties.get("hubspot_owner_id")
    owner = id_text(value)
    if owner is None and value not in (None, ""):
        raise TypeError("hubspot_owner_id")
    return owner


def _priority(properties: JsonObject) -> int | None:
    """The documented priority; None for NONE, for no value, and for a custom value."""
    value = str(optional_text(properties, "hs_task_priority")).upper()
    return next((digit for digit, values in PRIORITY_VALUES.items() if value == values[0]), None)


def _is_same(name: str, shown: object, sent: str) -> bool:
    text = "" if shown is None else str(shown)
    if name == ALL_DAY:
        return text.casefold() == sent.casefold()
    moment = readable_moment(text) if name == _DUE else None
    return text == sent or (moment is not None and moment == readable_moment(sent))


def _text(raw: Mapping[str, object], name: str) -> str:
    value = raw.get(name)
    return "" if value is None else str(value)


_READERS: Final[dict[str, Callable[[JsonObject], object]]] = {
    "title": lambda properties: optional_text(properties, "hs_task_subject") or "",
    "description": lambda properties: html_to_text(optional_text(properties, "hs_task_body")),
    "priority": _priority,
    "responsible_ids": lambda properties: filter(None, [_owner(properties)]),
    "task_type": lambda properties: optional_text(properties, "hs_task_type"),
}
"""The fields that the record's properties alone show."""
