"""What an agent sees: answers as typed models, long text cut with a word about it, errors as JSON; pure.

The budget: 25 rows stay under 2,000 tokens, no answer passes 20,000, at four characters to a token and with the text
of an answer and its structured twin both counted.
"""

import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import MISSING, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from taskhand.change import FieldChange, Receipt
from taskhand.due import due_of
from taskhand.errors import Candidate, TaskhandError
from taskhand.page import cursor_after
from taskhand.service.list_tasks import TaskList
from taskhand.service.look_up import Team
from taskhand.task import Contact, Member, Status, StatusList, Task

__all__ = [
    "ContactsAnswer",
    "ListAnswer",
    "RowField",
    "StatusesAnswer",
    "TaskAnswer",
    "TeamAnswer",
    "WriteAnswer",
    "compact",
    "refusal",
]

_TITLE, _NAME, _SNIPPET, _DESCRIPTION = 100, 60, 200, 12_000
_ESCAPED_DESCRIPTION = 16_000
"""What a description may take as JSON, where a control character takes six characters."""
_PAGE_CHARACTERS = 320
"""What a row may take on average; a page ends early rather than pass it."""
_LARGEST_PAGE = 32_000
_MESSAGE = 2_000
_LARGEST_ANSWER = 36_000
_ENVELOPE = 250
"""The answer around the rows, its cursor included."""
_MOST_PEOPLE = 150


class Answer(BaseModel):
    """An answer; fields that are ours are in camelCase."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class StatusRow(Answer):
    """A status as it can be chosen."""

    position: int
    name: str
    type: str
    color: str | None
    id: str | None


class StatusesAnswer(Answer):
    """The statuses."""

    statuses: tuple[StatusRow, ...]
    complete: Annotated[bool, Field(description="Whether these are all.")]
    source: str

    @classmethod
    def of(cls, known: StatusList) -> "StatusesAnswer":
        """The statuses as an agent sees them."""
        return cls(
            statuses=tuple(map(_status_row, known.statuses[:_MOST_PEOPLE])),
            complete=known.complete and len(known.statuses) <= _MOST_PEOPLE,
            source=known.source,
        )


class MemberRow(Answer):
    """A member of the team."""

    id: str
    name: str
    email: str | None


class TeamAnswer(Answer):
    """The team."""

    members: tuple[MemberRow, ...]
    me: Annotated[str | None, Field(description="The id that 'me' stands for.")]
    omitted: Annotated[int, Field(description="How many more there are.")]

    @classmethod
    def of(cls, team: Team) -> "TeamAnswer":
        """The team as an agent sees it."""
        shown = team.members[:_MOST_PEOPLE]
        return cls(members=tuple(map(_member_row, shown)), me=team.me, omitted=len(team.members) - len(shown))


class ContactRow(Answer):
    """A contact under the names that a task's body uses."""

    ai_contact_id: str | None
    ai_customer_id: str | None
    name: str
    phone: str | None
    email: str | None


class ContactsAnswer(Answer):
    """Contacts that were found."""

    contacts: tuple[ContactRow, ...]
    more: Annotated[bool, Field(description="Whether others match too; a longer query finds fewer.")]

    @classmethod
    def of(cls, found: Sequence[Contact], limit: int) -> "ContactsAnswer":
        """Up to `limit` contacts as an agent sees them."""
        return cls(contacts=tuple(map(_contact_row, found[:limit])), more=len(found) > limit)


class TaskAnswer(Answer):
    """One whole task."""

    task: Task

    @classmethod
    def of(cls, task: Task) -> "TaskAnswer":
        """The task as an agent sees it."""
        return cls(task=_shown(task))


RowField = Literal[
    "title",
    "status",
    "due",
    "priority",
    "responsibles",
    "overdue",
    "description",
    "created_at",
    "ai_contact_id",
    "ai_customer_id",
    "url",
]
_ROW: tuple[RowField, ...] = ("title", "status", "due", "priority", "responsibles")


class Row(Answer):
    """A task in a list; only the fields asked for are there."""

    model_config = ConfigDict(alias_generator=None)

    id: str
    title: str | MISSING = MISSING
    status: str | None | MISSING = MISSING
    due: Annotated[str | None, Field(description="A day, or local time with offset; null: no due date.")] | MISSING = (
        MISSING
    )
    priority: int | MISSING = MISSING
    responsibles: Annotated[tuple[str, ...], Field(description="Names; get_task has the ids.")] | MISSING = MISSING
    overdue: bool | MISSING = MISSING
    description: str | None | MISSING = MISSING
    created_at: str | MISSING = MISSING
    ai_contact_id: str | None | MISSING = MISSING
    ai_customer_id: str | None | MISSING = MISSING
    url: str | None | MISSING = MISSING


class ListAnswer(Answer):
    """A page of tasks."""

    tasks: tuple[Row, ...]
    next_cursor: (
        Annotated[str, Field(description="Send as cursor for the next page; absent on the last.")] | MISSING
    ) = MISSING

    @classmethod
    def of(cls, found: TaskList, fields: Sequence[RowField] | MISSING) -> "ListAnswer":
        """The page as an agent sees it: it ends early, with a cursor, where its rows are large."""
        shown = _ROW if fields is MISSING else fields
        room = min(_PAGE_CHARACTERS * found.query.limit, _LARGEST_PAGE) - _ENVELOPE
        rows: list[Row] = []
        for task in found.tasks:
            row = _row(task, found, shown)
            room -= len(compact(row)) + 1
            if room < 0 and rows:
                break
            rows.append(row)
        more = found.more or len(rows) < len(found.tasks)
        last = found.tasks[len(rows) - 1] if rows else None
        return cls(tasks=tuple(rows), next_cursor=cursor_after(last, found.query) if more and last else MISSING)


class FromTo(Answer):
    """A field before and after."""

    before: Annotated[Any, Field(alias="from")]
    to: Any


class UnappliedRow(Answer):
    """Something asked for that is not so."""

    field: str
    asked: Any
    got: Any


class MatchRow(Answer):
    """What a name was taken to mean."""

    argument: str
    given: str
    id: str
    name: str


class WriteAnswer(Answer):
    """What a write did."""

    task: Task
    changed: dict[str, FromTo]
    unapplied: Annotated[tuple[UnappliedRow, ...], Field(description="Asked for but not so afterwards.")]
    matched: Annotated[tuple[MatchRow, ...], Field(description="What names and positions were taken to mean.")]
    note: str | MISSING = MISSING

    @classmethod
    def of(cls, receipt: Receipt) -> "WriteAnswer":
        """The receipt as an agent sees it."""
        return cls(
            task=_shown(receipt.task),
            changed={change.field: _from_to(change) for change in receipt.changed},
            unapplied=tuple(
                UnappliedRow(field=miss.field, asked=_clipped(miss.asked), got=_clipped(miss.got))
                for miss in receipt.unapplied
            ),
            matched=tuple(
                MatchRow(argument=m.argument, given=_cut(m.given, _NAME), id=m.id, name=_cut(m.name, _NAME))
                for m in receipt.matched
            ),
            note=receipt.note if receipt.note is not None else MISSING,
        )


def compact(answer: BaseModel) -> str:
    """An answer as the shortest JSON; where that is too long, long texts and lists are cut, whatever they are."""
    said = answer.model_dump(mode="json")
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    if len(text) <= _LARGEST_ANSWER:
        return text
    return json.dumps(_trimmed(said), ensure_ascii=False, separators=(",", ":"))


def refusal(error: TaskhandError) -> str:
    """An error as JSON that a model can act on: `code`, `message`, and where there are any, `candidates`, `next`."""
    said: dict[str, object] = {"code": error.code, "message": _cut(error.message, _MESSAGE)}
    if error.candidates:
        said["candidates"] = [_candidate(candidate) for candidate in error.candidates]
    if error.next_step:
        said["next"] = error.next_step
    said["retryable"] = error.retryable
    if error.retry_after_s is not None:
        said["retry_after_s"] = math.ceil(error.retry_after_s)
    return json.dumps({"error": said}, ensure_ascii=False, separators=(",", ":"))


def _candidate(candidate: Candidate) -> dict[str, str]:
    named = {"name": _cut(candidate.name, _SNIPPET)} if candidate.name else {}
    return {"value": _cut(candidate.value, _SNIPPET)} | named


def _trimmed(value: Any) -> Any:
    """JSON with every text and list cut to a length that no honest answer passes."""
    match value:
        case str():
            return _cut(value, _SNIPPET)
        case list():
            return [_trimmed(item) for item in value[:_MOST_PEOPLE]]
        case dict():
            return {key: _trimmed(item) for key, item in list(value.items())[:_MOST_PEOPLE]}
        case _:
            return value


def _row(task: Task, found: TaskList, shown: Sequence[RowField]) -> Row:
    due = due_of(task)
    everything: dict[RowField, object] = {
        "title": _cut(task.title, _TITLE),
        "status": _cut(task.status_config.name, _NAME) if task.status_config else None,
        "due": str(due) if due else None,
        "priority": task.priority,
        "responsibles": [_person(person, found.members) for person in task.responsible_ids],
        "overdue": task.id in found.overdue,
        "description": _cut(task.description, _SNIPPET) if task.description else None,
        "created_at": task.created_at,
        "ai_contact_id": task.ai_contact_id,
        "ai_customer_id": task.ai_customer_id,
        "url": task.url,
    }
    return Row.model_validate({"id": task.id} | {field: everything[field] for field in shown})


def _person(person: str, members: dict[str, Member]) -> str:
    """A name; for a namesake the e-mail, for somebody who left the id."""
    member = members.get(person)
    if member is None:
        return person
    namesakes = sum(other.name == member.name for other in members.values())
    return _cut(member.name if namesakes == 1 else member.email or member.id, _NAME)


def _shown(task: Task) -> Task:
    """The task with a description that fits an answer."""
    longest, whole = _DESCRIPTION, task.description or ""
    while len(json.dumps(_cut(whole, longest), ensure_ascii=False)) > _ESCAPED_DESCRIPTION:
        longest //= 2
    return task if len(whole) <= longest else task.model_copy(update={"description": _cut(whole, longest)})


def _from_to(change: FieldChange) -> FromTo:
    return FromTo.model_validate({"from": _clipped(change.before), "to": _clipped(change.after)})


def _clipped(value: object) -> object:
    return _cut(value, _SNIPPET) if isinstance(value, str) else value


def _cut(text: str, longest: int) -> str:
    """The text, or its beginning with a word about the rest."""
    return text if len(text) <= longest else f"{text[:longest]}… (+{len(text) - longest} characters)"


def _status_row(status: Status) -> StatusRow:
    return StatusRow(
        position=status.order, name=_cut(status.name, _NAME), type=status.type, color=status.color, id=status.id
    )


def _member_row(member: Member) -> MemberRow:
    return MemberRow(id=member.id, name=_cut(member.name, _NAME), email=member.email and _cut(member.email, _NAME))


def _contact_row(contact: Contact) -> ContactRow:
    return ContactRow(
        ai_contact_id=contact.id,
        ai_customer_id=contact.customer_id,
        name=_cut(contact.name, _NAME),
        phone=contact.phone and _cut(contact.phone, _NAME),
        email=contact.email and _cut(contact.email, _NAME),
    )
