"""The answers of tools that read, as typed models; long text is cut, with the number of characters left out; pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import MISSING, ConfigDict

from taskhand.domain.due import Due, due_of
from taskhand.domain.page import cursor_after
from taskhand.domain.task import Contact, Member, Status, StatusList, Task
from taskhand.domain.task_times import UNKNOWN
from taskhand.domain.text import truncate
from taskhand.server.render.answer import MOST_ITEMS, Answer, UntrustedAnswer
from taskhand.server.render.matches import MatchRow, match_rows
from taskhand.server.render.people import render_people
from taskhand.service.list_tasks import TaskList
from taskhand.service.list_team_members import Team

__all__ = [
    "TASK_TEXTS",
    "ContactsAnswer",
    "ListAnswer",
    "RowField",
    "StatusesAnswer",
    "TaskAnswer",
    "TeamAnswer",
    "fit_description",
]

TASK_TEXTS = (
    "task.title",
    "task.description",
    "task.due_timezone",
    "task.status_config.name",
    "task.status_config.color",
)
"""The fields of a whole task that hold text written by others."""
_TITLE, _NAME, _SNIPPET, _DESCRIPTION = 100, 60, 200, 12_000
_ESCAPED_DESCRIPTION = 16_000
"""Characters of the longest description as JSON, where a control character takes six."""
_PAGE_CHARACTERS = 320
"""Characters of a row on average; a page ends early before it passes them."""
_SMALLEST_PAGE, _LARGEST_PAGE = 3_000, 32_000
_ENVELOPE = 430
"""Characters around the rows: the cursor, and the mark on text by others."""


class StatusRow(Answer):
    """A status that a task can have."""

    position: int
    name: str
    type: str
    color: str | None
    id: str | None


class StatusesAnswer(UntrustedAnswer):
    """The statuses."""

    free_text = ("statuses.name", "statuses.color")

    statuses: tuple[StatusRow, ...]
    complete: bool
    source: str

    @classmethod
    def of(cls, known: StatusList) -> "StatusesAnswer":
        """The answer for a list of statuses."""
        return cls(
            statuses=tuple(map(_status_row, known.statuses[:MOST_ITEMS])),
            complete=known.complete and len(known.statuses) <= MOST_ITEMS,
            source=known.source,
        )


class MemberRow(Answer):
    """A member of the team."""

    id: str
    name: str
    email: str | None


class TeamAnswer(UntrustedAnswer):
    """The team; `me` is the id that 'me' stands for, `omitted` how many more members there are."""

    free_text = ("members.name", "members.email")

    members: tuple[MemberRow, ...]
    me: str | None
    omitted: int

    @classmethod
    def of(cls, team: Team) -> "TeamAnswer":
        """The answer for a team."""
        shown = team.members[:MOST_ITEMS]
        return cls(members=tuple(map(_member_row, shown)), me=team.me, omitted=len(team.members) - len(shown))


class ContactRow(Answer):
    """A contact, its ids under the names of the documented body."""

    ai_contact_id: str | None
    ai_customer_id: str | None
    name: str
    phone: str | None
    email: str | None


class ContactsAnswer(UntrustedAnswer):
    """Contacts that match a query; `more` is whether others match too."""

    free_text = ("contacts.name", "contacts.phone", "contacts.email")

    contacts: tuple[ContactRow, ...]
    more: bool

    @classmethod
    def of(cls, found: Sequence[Contact], limit: int) -> "ContactsAnswer":
        """The answer with the first `limit` contacts."""
        return cls(contacts=tuple(map(_contact_row, found[:limit])), more=len(found) > limit)


class TaskAnswer(UntrustedAnswer):
    """One whole task."""

    free_text = TASK_TEXTS

    task: Task

    @classmethod
    def of(cls, task: Task) -> "TaskAnswer":
        """The answer for a task."""
        return cls(task=fit_description(task))


RowField = Literal[
    "title",
    "status",
    "due",
    "priority",
    "responsibles",
    "overdue",
    "description",
    "created_at",
    "updated",
    "completed",
    "completed_by",
    "ai_contact_id",
    "ai_customer_id",
    "url",
]
_ROW: tuple[RowField, ...] = ("title", "status", "due", "priority", "responsibles")


class Row(Answer):
    """A task in a list, with the fields that were asked for."""

    model_config = ConfigDict(alias_generator=None)

    id: str
    title: str | MISSING = MISSING
    status: str | None | MISSING = MISSING
    due: str | None | MISSING = MISSING
    priority: int | MISSING = MISSING
    responsibles: tuple[str, ...] | MISSING = MISSING
    overdue: bool | MISSING = MISSING
    description: str | None | MISSING = MISSING
    created_at: str | MISSING = MISSING
    updated: str | None | MISSING = MISSING
    completed: str | None | MISSING = MISSING
    completed_by: str | None | MISSING = MISSING
    ai_contact_id: str | None | MISSING = MISSING
    ai_customer_id: str | None | MISSING = MISSING
    url: str | None | MISSING = MISSING


class Unreadable(Answer):
    """Tasks that a list leaves out."""

    count: int
    ids: tuple[str, ...]


class ListAnswer(UntrustedAnswer):
    """A page of tasks; `unreadable` are those left out because a field cannot be read, which get_task names."""

    free_text = ("tasks.title", "tasks.status", "tasks.description", "tasks.responsibles", "tasks.completed_by")

    tasks: tuple[Row, ...]
    matched: tuple[MatchRow, ...] | MISSING = MISSING
    next_cursor: str | MISSING = MISSING
    unreadable: Unreadable | MISSING = MISSING

    @classmethod
    def of(cls, found: TaskList, fields: Sequence[RowField] | MISSING) -> "ListAnswer":
        """The answer for a page; it ends early, with a cursor, where its rows are large."""
        shown = _ROW if fields is MISSING else fields
        room = min(max(_PAGE_CHARACTERS * found.query.limit, _SMALLEST_PAGE), _LARGEST_PAGE) - _ENVELOPE
        responsible = [person for task in found.tasks for person in task.responsible_ids]
        names = render_people([*found.members, *responsible], found.members, found.former)
        rows: list[Row] = []
        for task in found.tasks:
            row = _row(task, found, shown, names)
            room -= len(row.model_dump_json()) + 1
            if room < 0 and rows:
                break
            rows.append(row)
        more = found.more or len(rows) < len(found.tasks)
        last = found.tasks[len(rows) - 1] if rows else None
        return cls(
            tasks=tuple(rows),
            matched=match_rows(found.query.matched) or MISSING,
            next_cursor=cursor_after(last, found.query) if more and last else MISSING,
            unreadable=_unreadable(found.unreadable),
        )


def _unreadable(ids: Sequence[str]) -> Unreadable | MISSING:
    """The tasks that were left out; those without an id are counted only."""
    named = [one for one in ids if one]
    return Unreadable(count=len(ids), ids=tuple(named[:MOST_ITEMS])) if ids else MISSING


def _row(task: Task, found: TaskList, shown: Sequence[RowField], names: Mapping[str, str]) -> Row:
    due, times = due_of(task), found.times.get(task.id, UNKNOWN)
    everything: dict[RowField, object] = {
        "title": truncate(task.title or "", _TITLE),
        "status": truncate(task.status_config.name, _NAME) if task.status_config else None,
        "due": str(due) if due else None,
        "priority": task.shown_priority,
        "responsibles": [names[person] for person in task.responsible_ids],
        "overdue": task.id in found.overdue,
        "description": truncate(task.description, _SNIPPET) if task.description else None,
        "created_at": task.created_at or "",
        "updated": _moment(times.updated, found.zone),
        "completed": _moment(times.completed, found.zone),
        "completed_by": names.get(times.completed_by or "", times.completed_by),
        "ai_contact_id": task.ai_contact_id,
        "ai_customer_id": task.ai_customer_id,
        "url": task.url,
    }
    return Row.model_validate({"id": task.id} | {field: everything[field] for field in shown})


def _moment(at: datetime | None, zone: str | None) -> str | None:
    """A moment as the due date of a row is shown."""
    return str(Due.instant(at, zone)) if at is not None else None


def fit_description(task: Task) -> Task:
    """The task, its description cut to fit an answer."""
    longest, whole = _DESCRIPTION, task.description or ""
    while len(json.dumps(truncate(whole, longest), ensure_ascii=False)) > _ESCAPED_DESCRIPTION:
        longest //= 2
    task = task if task.priority is not None else task.model_copy(update={"priority": task.shown_priority})
    return task if len(whole) <= longest else task.model_copy(update={"description": truncate(whole, longest)})


def _status_row(status: Status) -> StatusRow:
    return StatusRow(
        position=status.order, name=truncate(status.name, _NAME), type=status.type, color=status.color, id=status.id
    )


def _member_row(member: Member) -> MemberRow:
    return MemberRow(
        id=member.id, name=truncate(member.name, _NAME), email=member.email and truncate(member.email, _NAME)
    )


def _contact_row(contact: Contact) -> ContactRow:
    return ContactRow(
        ai_contact_id=contact.id,
        ai_customer_id=contact.customer_id,
        name=truncate(contact.name, _NAME),
        phone=contact.phone and truncate(contact.phone, _NAME),
        email=contact.email and truncate(contact.email, _NAME),
    )
