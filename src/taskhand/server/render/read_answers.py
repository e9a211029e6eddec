"""The answers of tools that read, as typed models; long text is cut, with the number of omitted characters; pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import MISSING

from taskhand.domain.due import moment_text
from taskhand.domain.task import Contact, Deal, Member, Status, StatusList, Task
from taskhand.domain.task_times import UNKNOWN
from taskhand.domain.truncation import truncate
from taskhand.server.render.answer import MAX_ITEMS, Answer, UntrustedAnswer
from taskhand.server.render.resolved_names import MatchRow, match_rows
from taskhand.server.render.task_rows import ROW, Row, RowField, render_row

if TYPE_CHECKING:
    from taskhand.domain.wording import Wording
    from taskhand.service.list_tasks import TaskList
    from taskhand.service.list_team_members import Team

__all__ = [
    "TASK_TEXTS",
    "ContactsAnswer",
    "ListAnswer",
    "StatusesAnswer",
    "TaskAnswer",
    "TeamAnswer",
    "Unreadable",
    "page_room",
    "row_of",
    "wording_of",
    "zone_of",
]

TASK_TEXTS = (
    "task.title",
    "task.description",
    "task.due_timezone",
    "task.status_config.name",
    "task.status_config.color",
    "task.properties",
)
"""The fields of a whole task with text written by others."""
_NAME = 60
_NO_CONTACT = "None matches. Send another part of the name, the phone number or the e-mail; ask the person if in doubt."
_PAGE_CHARACTERS = 320
"""Average length of a row; a page ends early before it exceeds it."""
_MIN_PAGE, _MAX_PAGE = 3_000, 32_000
_ENVELOPE = 430
"""Characters around the rows: the cursor, and the mark on untrusted text."""


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
    listed = ("statuses", "complete")

    statuses: tuple[StatusRow, ...]
    complete: bool
    source: str

    @classmethod
    def of(cls, status_list: StatusList) -> "StatusesAnswer":
        """The answer for a list of statuses."""
        return cls(
            statuses=tuple(map(_status_row, status_list.statuses[:MAX_ITEMS])),
            complete=status_list.complete and len(status_list.statuses) <= MAX_ITEMS,
            source=status_list.source,
        )


class MemberRow(Answer):
    """A member of the team."""

    id: str
    name: str
    email: str | None


class TeamAnswer(UntrustedAnswer):
    """The team; `me` is the id of 'me', `omitted` the number of members that are not shown."""

    free_text = ("members.name", "members.email")
    listed = ("members", "me")

    members: tuple[MemberRow, ...]
    me: str | None
    omitted: int

    @classmethod
    def of(cls, team: "Team") -> "TeamAnswer":
        """The answer for a team."""
        shown = team.members[:MAX_ITEMS]
        return cls(members=tuple(map(_member_row, shown)), me=team.me, omitted=len(team.members) - len(shown))


class ContactRow(Answer):
    """A contact, its ids under the names of the documented body."""

    ai_contact_id: str | None
    ai_customer_id: str | None
    customer: str | MISSING = MISSING
    name: str
    phone: str | None
    email: str | None


class DealRow(Answer):
    """A deal, its id under the name of the argument."""

    deal_id: str
    name: str


class ContactsAnswer(UntrustedAnswer):
    """Contacts and deals that match a query; `more` is whether there are further matches, `note` the next step."""

    free_text = ("contacts.customer", "contacts.name", "contacts.phone", "contacts.email", "deals.name")
    listed = ("contacts", "more")

    contacts: tuple[ContactRow, ...]
    deals: tuple[DealRow, ...] | MISSING = MISSING
    more: bool
    note: str | MISSING = MISSING

    @classmethod
    def of(cls, contacts: Sequence[Contact], limit: int, deals: Sequence[Deal] = ()) -> "ContactsAnswer":
        """The answer with the first `limit` contacts and the first `limit` deals."""
        rows = tuple(DealRow(deal_id=deal.id, name=truncate(deal.name, _NAME)) for deal in deals[:limit])
        more = max(len(contacts), len(deals)) > limit
        return cls(
            contacts=tuple(map(_contact_row, contacts[:limit])),
            deals=rows or MISSING,
            more=more,
            note=MISSING if contacts or deals else _NO_CONTACT,
        )


class TaskAnswer(UntrustedAnswer):
    """One whole task; `connection` if there are several."""

    free_text = TASK_TEXTS
    listed = ("task",)

    connection: str | MISSING = MISSING
    task: Task

    @classmethod
    def of(cls, task: Task) -> "TaskAnswer":
        """The answer for a task."""
        from taskhand.server.render.shortened_description import fit_description  # noqa: PLC0415  no start waits for it

        return cls(task=fit_description(task))


class Unreadable(Answer):
    """Tasks that a list leaves out; with several connections by connection."""

    count: int
    ids: tuple[str, ...] | MISSING = MISSING
    connections: dict[str, tuple[str, ...]] | MISSING = MISSING


class ListAnswer(UntrustedAnswer):
    """A page of tasks, and the current time.

    `unreadable` are tasks that are left out because a field cannot be read; get_task names the field.
    """

    free_text: ClassVar[tuple[str, ...]] = ("tasks", "matched.name")

    now: str
    zone: str
    tasks: tuple[Row, ...]
    matched: tuple[MatchRow, ...] | MISSING = MISSING
    next_cursor: str | MISSING = MISSING
    unreadable: Unreadable | MISSING = MISSING
    note: str | MISSING = MISSING

    @classmethod
    def of(cls, task_list: "TaskList", fields: Sequence[RowField] | MISSING, note: str | None = None) -> "ListAnswer":
        """The answer for a page; it ends early, with a cursor, if its rows are large."""
        from taskhand.domain.task_cursor import cursor_after  # noqa: PLC0415  no start waits for it

        wording, room = wording_of(task_list), page_room(task_list.query.limit)
        rows: list[Row] = []
        for task in task_list.tasks:
            row = row_of(task_list, task, wording, fields)
            room -= len(row.model_dump_json()) + 1
            if room < 0 and rows:
                break
            rows.append(row)
        more = task_list.more or len(rows) < len(task_list.tasks)
        last = task_list.tasks[len(rows) - 1] if rows else None
        return cls(
            now=moment_text(task_list.now.replace(second=0), task_list.zone),
            zone=zone_of(task_list),
            tasks=tuple(rows),
            matched=match_rows(task_list.query.matched) or MISSING,
            next_cursor=cursor_after(last, task_list.query) if more and last else MISSING,
            unreadable=_unreadable(task_list.unreadable),
            note=note or MISSING,
        )


def wording_of(task_list: "TaskList") -> "Wording":
    """The wording for the people on a page, and for its times."""
    from taskhand.domain.people_labels import people_names  # noqa: PLC0415  no start waits for it
    from taskhand.domain.wording import Wording  # noqa: PLC0415  as above

    people = {person for task in task_list.tasks for person in task.responsible_ids}
    people |= {times.completed_by for times in task_list.times.values() if times.completed_by}
    names = people_names([*task_list.members, *people], task_list.members, task_list.former)
    return Wording(task_list.zone, names, clock_zone=task_list.now.tzinfo)


def zone_of(task_list: "TaskList") -> str:
    """The zone in which the times of a page are shown."""
    return task_list.zone or task_list.now.tzname() or "UTC"


def page_room(limit: int) -> int:
    """The maximum length of the rows of a page in characters."""
    return min(max(_PAGE_CHARACTERS * limit, _MIN_PAGE), _MAX_PAGE) - _ENVELOPE


def row_of(task_list: "TaskList", task: Task, wording: "Wording", fields: Sequence[RowField] | MISSING) -> Row:
    """The row of a task on a page."""
    times, is_overdue = task_list.times.get(task.id, UNKNOWN), task.id in task_list.overdue
    return render_row(task, wording, ROW if fields is MISSING else fields, is_overdue=is_overdue, times=times)


def _unreadable(ids: Sequence[str]) -> Unreadable | MISSING:
    """The tasks that were left out; those without an id are only counted."""
    named = [linked_id for linked_id in ids if linked_id]
    return Unreadable(count=len(ids), ids=tuple(named[:MAX_ITEMS])) if ids else MISSING


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
        customer=truncate(contact.customer_name, _NAME) if contact.customer_name else MISSING,
        name=truncate(contact.name, _NAME),
        phone=contact.phone and truncate(contact.phone, _NAME),
        email=contact.email and truncate(contact.email, _NAME),
    )
