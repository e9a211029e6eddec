"""The contract: the documented task body, the documented Task object, and the values around them.

Request fields keep Vambe's documented camelCase names (https://docs.vambe.me/reference/tasks/update-task and
https://docs.vambe.me/reference/tasks/create-task), the Task object its documented snake_case. `MISSING` means *not
given*, `None` means *null*: the first leaves a field alone, the second clears it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar, get_args

from pydantic import MISSING, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.name_matching import fold
from taskhand.domain.priority import AnyPriority, NewPriority
from taskhand.domain.properties import SetProperties

__all__ = [
    "FINISHED",
    "IMMUTABLE",
    "OR_ME",
    "STATUS_TYPES",
    "AddNote",
    "Body",
    "Contact",
    "Deal",
    "DealList",
    "Member",
    "ReassignMode",
    "Resolution",
    "Responsible",
    "Status",
    "StatusChoice",
    "StatusList",
    "StatusType",
    "Task",
    "TaskDraft",
    "TaskPatch",
    "TaskType",
    "Value",
    "or_none",
]

_T = TypeVar("_T")

StatusType = Literal["initial", "in_progress", "done", "master_done"]
ReassignMode = Literal["replace", "add", "remove"]

FINISHED: tuple[StatusType, ...] = ("done", "master_done")
"""The status types of a finished task, the preferred one first."""

STATUS_TYPES = ", ".join(get_args(StatusType))
"""The status types, for a sentence."""

OR_ME = "or 'me'"
"""The addition to a description of people if `me` is known."""

IMMUTABLE = frozenset({"id", "created_at", "creator_id"})
"""Task fields that cannot be changed, by the documentation."""


class Value(BaseModel):
    """A frozen value of the contract, in the documented snake_case."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # a start needs the validators of few


class Body(Value):
    """A request body, in the documented camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class Status(Value):
    """A status that a task can have; `order` is its position; `id` is None if only the name is known."""

    id: str | None
    name: str
    color: str | None
    type: StatusType | str
    order: int


@dataclass(frozen=True, slots=True)
class StatusChoice:
    """A status to set: by `id` if it is known, else by `name` or `position` as the caller gave it.

    A choice without an id occurs if the backend's list of statuses is incomplete. It is sent as given, and checked
    after the write.
    """

    name: str | None = None
    position: int | None = None
    id: str | None = None

    @classmethod
    def of(cls, status: Status) -> "StatusChoice":
        """The choice of a known status."""
        return cls(status.name, status.order, status.id)

    def met_by(self, status: Status | None) -> bool:
        """Whether `status` is the chosen one."""
        if status is None:
            return False
        if self.id is not None:
            return status.id == self.id
        if self.name is not None:
            return fold(status.name) == fold(self.name)
        return status.order == self.position


class Responsible(Value):
    """A person who is responsible for a task."""

    responsible_id: str


class Task(Value):
    """The documented Task object, plus `url`, and `task_type` and `deal_id` if tasks of the CRM have these.

    `properties` are those of the CRM's own that were read, by name. `note` is the note that a write has just made
    beside the task, if a task has no description; its id is `note_id`.

    A field that cannot be read is null, and named in `unreadable`.
    """

    id: str
    title: str | None
    description: str | None
    due_timezone: str | None
    due_at: Annotated[str | None, Field(description="UTC instant; if is_all_day, only its date counts, without a zone")]
    is_all_day: bool
    created_at: str | None
    ai_contact_id: str | None
    ai_customer_id: str | None
    task_status_config_id: str | None
    priority: Annotated[int | None, Field(description="0 low, 1 medium, 2 high")]
    creator_id: str | None
    task_responsibles: tuple[Responsible, ...] | None
    status_config: Status | None
    url: Annotated[str | None, Field(description="The task in the CRM's web app")] = None
    task_type: str | None | MISSING = MISSING
    deal_id: str | None | MISSING = MISSING
    resolution: str | None | MISSING = MISSING
    note: str | None | MISSING = MISSING
    note_id: str | None | MISSING = MISSING
    also_linked: (
        Annotated[
            Mapping[str, tuple[str, ...]],
            Field(description="By field: ids of further links, if the field shows one of several"),
        ]
        | MISSING
    ) = MISSING
    properties: dict[str, str | None] | MISSING = MISSING
    unreadable: Annotated[tuple[str, ...], Field(description="Fields whose CRM value cannot be read")] | MISSING = (
        MISSING
    )

    @property
    def responsible_ids(self) -> tuple[str, ...]:
        """The ids of the responsibles, in their order; none if they cannot be read."""
        return tuple([person.responsible_id for person in self.task_responsibles or ()])

    def with_note(self, note: str | None | MISSING = MISSING, note_id: str | None | MISSING = MISSING) -> "Task":
        """The task with this note beside it; without arguments, with no word about its note."""
        return self.model_copy(update={"note": note, "note_id": note_id})

    @property
    def is_finished(self) -> bool:
        """Whether the status is that of a finished task."""
        return self.status_config is not None and self.status_config.type in FINISHED

    @property
    def shown_priority(self) -> int | None:
        """The priority to show: 0 if the CRM has none for the task, null if it cannot be read."""
        return self.priority if self.priority is not None or "priority" in self.unreadable_fields else 0

    @property
    def unreadable_fields(self) -> tuple[str, ...]:
        """The names of the fields that cannot be read."""
        return () if self.unreadable is MISSING else self.unreadable


class Member(Value):
    """A member of the team, who can be responsible for tasks."""

    id: str
    name: str
    email: str | None


class Contact(Value):
    """A person or company outside the team; `id` is sent as `aiContactId`, `customer_id` as `aiCustomerId`.

    `customer_name` is the name of that customer, None if the CRM has or reports none.
    """

    id: str | None
    name: str
    phone: str | None
    email: str | None
    customer_id: str | None
    customer_name: str | None = None

    @property
    def words(self) -> str:
        """The text in which a search for the contact looks."""
        return " ".join(filter(None, (self.name, self.phone, self.email)))


class Deal(Value):
    """A deal that tasks can belong to; `id` is sent as `dealId`."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class DealList:
    """Deals that a text found; `complete` is whether every deal with these words in its name is among them."""

    deals: tuple[Deal, ...]
    complete: bool = True


Description = Annotated[
    str | None, Field(description="Free text", json_schema_extra=field_notes(null="null clears it"))
]
AddNote = Annotated[
    str,
    Field(
        description="Appended to the description, with date and author",
        json_schema_extra=field_notes(without_description="Note on the lead", null_is_not_given=True),
    ),
]
Resolution = Annotated[
    Literal["abandoned", "skipped"],
    Field(description="How the task ended", json_schema_extra=field_notes(null_is_not_given=True)),
]
DueDate = Annotated[
    str | None,
    Field(
        description="YYYY-MM-DD or words, Spanish too ('tomorrow at 3pm'); all day without a time. "
        "Or an ISO 8601 datetime with offset"
    ),
]
NewDueDate = Annotated[
    str | None,
    Field(
        description="YYYY-MM-DD or words (keeps the task's time), or an ISO 8601 datetime with offset",
        json_schema_extra=field_notes(null="null removes it"),
    ),
]
DueTime = Annotated[
    str | None,
    Field(
        description="24-hour HH:MM on dueDate in timezone",
        json_schema_extra=field_notes(null="null makes the task all-day"),
    ),
]
Timezone = Annotated[str | None, Field(description="IANA name, e.g. America/Santiago; send it with every dueTime")]
ResponsibleIds = Annotated[
    tuple[str, ...],
    Field(
        description="Replaces all on the task: people by id, e-mail or name",
        json_schema_extra=field_notes(me=OR_ME, null_is_not_given=True),
    ),
]
_SomePeople = field_notes(needs="responsibleIds", for_several_people=True, null_is_not_given=True)
AddResponsibleIds = Annotated[tuple[str, ...], Field(description="People to add", json_schema_extra=_SomePeople)]
RemoveResponsibleIds = Annotated[
    tuple[str, ...], Field(description="People to take off", json_schema_extra=_SomePeople)
]
AiContactId = Annotated[
    str | None,
    Field(description="Contact id from find_contacts", json_schema_extra=field_notes(null="null unlinks")),
]
AiCustomerId = Annotated[
    str | None,
    Field(description="Customer id from find_contacts", json_schema_extra=field_notes(null="null unlinks")),
]
DealId = Annotated[
    str | None, Field(description="Deal by id or name", json_schema_extra=field_notes(null="null unlinks"))
]
TaskType = Annotated[
    str,
    Field(
        description="TODO, CALL, EMAIL or another of the CRM's", json_schema_extra=field_notes(null_is_not_given=True)
    ),
]


class TaskDraft(Body):
    """The documented body of POST /tasks, and `clear`."""

    title: Annotated[str, Field(description="What is to be done")]
    description: Description | MISSING = MISSING
    due_date: DueDate | MISSING = MISSING
    due_time: DueTime | MISSING = MISSING
    timezone: Timezone | MISSING = MISSING
    responsible_ids: Annotated[
        tuple[str, ...],
        Field(
            description="People by id, e-mail or name",
            json_schema_extra=field_notes(me=OR_ME, empty="[] leaves it unassigned"),
        ),
    ]
    ai_contact_id: AiContactId | MISSING = MISSING
    ai_customer_id: AiCustomerId | MISSING = MISSING
    deal_id: DealId | MISSING = MISSING
    priority: NewPriority | MISSING = MISSING
    task_type: TaskType | MISSING = MISSING
    properties: SetProperties | MISSING = MISSING
    clear: Annotated[tuple[str, ...], Field(description="Not for a new task")] | MISSING = MISSING


class TaskPatch(Body):
    """The documented body of PUT /tasks/{id}, with our own fields; only the given fields change."""

    title: Annotated[str, Field(description="New title")] | MISSING = MISSING
    description: Description | MISSING = MISSING
    add_note: AddNote | MISSING = MISSING
    new_status_name: (
        Annotated[
            str,
            Field(
                description="Status by name, not together with newStatusPosition",
                json_schema_extra=field_notes(unless_listed=f"or a type: {STATUS_TYPES}", null_is_not_given=True),
            ),
        ]
        | MISSING
    ) = MISSING
    new_status_position: (
        Annotated[
            int,
            Field(
                description="Status by position from list_statuses",
                json_schema_extra=field_notes(null_is_not_given=True),
            ),
        ]
        | MISSING
    ) = MISSING
    due_date: NewDueDate | MISSING = MISSING
    due_time: DueTime | MISSING = MISSING
    timezone: Timezone | MISSING = MISSING
    responsible_ids: ResponsibleIds | MISSING = MISSING
    add_responsible_ids: AddResponsibleIds | MISSING = MISSING
    remove_responsible_ids: RemoveResponsibleIds | MISSING = MISSING
    ai_contact_id: AiContactId | MISSING = MISSING
    ai_customer_id: AiCustomerId | MISSING = MISSING
    deal_id: DealId | MISSING = MISSING
    resolution: Resolution | SkipJsonSchema[None] | MISSING = MISSING
    priority: AnyPriority | MISSING = MISSING
    task_type: TaskType | MISSING = MISSING
    properties: SetProperties | MISSING = MISSING
    clear: (
        Annotated[
            tuple[str, ...],
            Field(description="Fields to empty; if sent, even as [], null elsewhere means left out"),
        ]
        | MISSING
    ) = MISSING


@dataclass(frozen=True, slots=True)
class StatusList:
    """The statuses by position; `source` says where they come from, `complete` whether the list is complete.

    `completed` is the id of the status that a task is completed with, if the CRM has one of several finished ones
    for that.
    """

    statuses: tuple[Status, ...]
    complete: bool
    source: str
    completed: str | None = None


def or_none(value: _T | MISSING) -> _T | None:
    """The value; None if it was not given."""
    return None if value is MISSING else value
