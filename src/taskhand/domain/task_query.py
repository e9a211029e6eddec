"""Filters and order of a list of tasks: the filter as it is sent, and the query that it resolves to; pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import MISSING, Field

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.due import day_of, due_of
from taskhand.domain.name_matching import Match, fold
from taskhand.domain.priority import PRIORITY_WORDS, AnyPriority
from taskhand.domain.task import OR_ME, STATUS_TYPES, Body, StatusChoice, Task, TaskType
from taskhand.domain.task_times import NO_TIMES, UNKNOWN, TaskTimes, moment_of

if TYPE_CHECKING:
    from taskhand.domain.date_window import Period

__all__ = [
    "LINK_FIELDS",
    "NOBODY",
    "NO_DUE",
    "PRIORITIES",
    "DateField",
    "Order",
    "TaskFilter",
    "TaskQuery",
    "ascends",
    "matcher",
    "priority_key",
    "task_sort_key",
    "text_words",
]

Order = Literal["due", "created", "oldest", "priority"]
DateField = Literal["due", "created", "updated", "completed"]
"""The date of a task that a window is about."""

_STATUS, _DUE = frozenset({"status_config"}), frozenset({"due_at"})
_CONTACT, _DEAL = frozenset({"ai_contact_id", "ai_customer_id"}), frozenset({"deal_id"})
LINK_FIELDS = _CONTACT | _DEAL
"""The fields of a task that are links."""

NOBODY = frozenset({"nobody", "no one", "noone", "none", "unassigned", "nadie", "ninguno", "sin asignar"})
"""Words, folded, for no person among responsibles."""
NO_DUE = "~"
"""The due key of a task without a due date: it sorts after every date."""
PRIORITIES = tuple(sorted(map(int, PRIORITY_WORDS.values()), reverse=True))
"""The priorities, the highest first."""


class TaskFilter(Body):
    """The documented query of GET /tasks, and filters of our own; every field is optional."""

    responsible_ids: (
        Annotated[
            tuple[str, ...],
            Field(
                description="Responsible people, default all: ids, e-mails, names or 'nobody'",
                json_schema_extra=field_notes(me=OR_ME),
            ),
        ]
        | MISSING
    ) = MISSING
    from_date: (
        Annotated[str, Field(description="First due day, YYYY-MM-DD or words; 'this week' alone sets toDate too")]
        | MISSING
    ) = MISSING
    to_date: Annotated[str, Field(description="Last due day, likewise")] | MISSING = MISSING
    date_field: (
        Annotated[DateField, Field(description="The date that fromDate and toDate limit; default: due")] | MISSING
    ) = MISSING
    include_tasks_without_dates: (
        Annotated[
            bool,
            Field(
                description="Include tasks without a due date; default: true",
                json_schema_extra=field_notes(null_is_not_given=True),
            ),
        ]
        | MISSING
    ) = MISSING
    without_date: Annotated[bool, Field(description="true: only tasks without a due date")] | MISSING = MISSING
    status: (
        Annotated[
            tuple[str, ...],
            Field(description="Status names", json_schema_extra=field_notes(unless_listed=f"or types: {STATUS_TYPES}")),
        ]
        | MISSING
    ) = MISSING
    text: (
        Annotated[
            str,
            Field(
                description="Words that title or description contain",
                json_schema_extra=field_notes(without_description="Words that the title contains"),
            ),
        ]
        | MISSING
    ) = MISSING
    overdue: (
        Annotated[
            bool,
            Field(
                description="true: unfinished and past due; false: all others",
                json_schema_extra=field_notes(null_is_not_given=True),
            ),
        ]
        | MISSING
    ) = MISSING
    priority: AnyPriority | MISSING = MISSING
    task_type: TaskType | MISSING = MISSING
    contact: Annotated[str, Field(description="aiContactId or aiCustomerId, not a name")] | MISSING = MISSING
    deal_id: Annotated[str, Field(description="Deal by id or name")] | MISSING = MISSING


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """A filter with names resolved to ids and statuses, and an order; `None` does not filter."""

    responsible_ids: tuple[str, ...] | None = None
    """A task matches if one of these is responsible for it."""
    of_nobody: bool = False
    """Whether tasks without a responsible match: alone, or beside those of `responsible_ids`."""
    from_date: str | None = None
    """The first due day, in ISO 8601; like `to_date` it is included."""
    to_date: str | None = None
    include_tasks_without_dates: bool = True
    without_date: bool = False
    period: "Period | None" = None
    """A span of another moment than the due date."""
    statuses: tuple[StatusChoice, ...] | None = None
    text: str | None = None
    overdue: bool | None = None
    priority: int | None = None
    contact: str | None = None
    task_type: str | None = None
    deal_id: str | None = None
    order: Order = "due"
    """`due` (earliest first, tasks without a due date last), `created` (newest first), `oldest` (created first) or
    `priority` (highest first, then as by `due`); equal tasks are ordered by id in the same direction."""
    limit: int = 25
    links: frozenset[str] = LINK_FIELDS
    """The fields with links that are to be known of each task; reading them may cost requests."""
    after: tuple[str, str] | None = None
    """The sort key and id at which the page before ended."""
    matched: tuple[Match, ...] = field(default=(), repr=False, compare=False)
    """The days that were sent in words, and a deal that was sent by name."""
    connection: str | None = field(default=None, repr=False)
    """The name of the CRM account if there are several: a cursor belongs to one of them."""

    @property
    def wants_dated(self) -> bool:
        """Whether tasks with a due date may match."""
        return not self.without_date

    @property
    def wants_dateless(self) -> bool:
        """Whether tasks without a due date may match."""
        return self.without_date or (self.include_tasks_without_dates and not self.overdue)

    def due_days(self, today: date) -> tuple[date | None, date | None]:
        """The first and the last day on which a task of the page can be due; None for an open end."""
        page = self.after[0] if self.after is not None and self.order == "due" else None
        first = max(filter(None, (day_of(self.from_date), day_of(page))), default=None)
        last = min(filter(None, (day_of(self.to_date), today if self.overdue else None)), default=None)
        return first, last


def ascends(order: Order) -> bool:
    """Whether tasks are sorted with the lowest key first."""
    return order != "created"


def task_sort_key(task: Task, order: Order) -> str:
    """The key that a task is sorted by; tasks with equal keys are ordered by id, in the same direction."""
    if order in ("created", "oldest"):
        return task.created_at or ""
    due = due_of(task)
    key = due.key if due else NO_DUE
    return f"{priority_key(task.priority or 0)}{key}" if order == "priority" else key


def priority_key(priority: int) -> int:
    """The digit with which the sort key of a priority begins: the highest comes first."""
    return PRIORITIES[0] - priority


def matcher(
    query: TaskQuery, is_late: Callable[[Task], bool], times: Mapping[str, TaskTimes] = NO_TIMES
) -> Callable[[Task], bool]:
    """Whether a task meets the filters of `query`; one that cannot be read may meet them.

    `is_late` says whether a task is unfinished and past due; `times` are by task id.
    """
    checks = [*_checks(query, is_late), *_date_checks(query, times)]

    def matches(task: Task) -> bool:
        unreadable = task.unreadable_fields
        return all(not fields.isdisjoint(unreadable) or meets(task) for fields, meets in checks)

    return matches


def _checks(
    query: TaskQuery, is_late: Callable[[Task], bool]
) -> Iterator[tuple[frozenset[str], Callable[[Task], bool]]]:
    """The filters that are set, each with the fields of a task that it looks at."""
    if query.responsible_ids is not None:
        people, of_nobody = frozenset(query.responsible_ids), query.of_nobody
        yield (
            frozenset({"task_responsibles"}),
            lambda task: not people.isdisjoint(task.responsible_ids) or (of_nobody and not task.responsible_ids),
        )
    if (statuses := query.statuses) is not None:
        yield _STATUS, lambda task: any(choice.met_by(task.status_config) for choice in statuses)
    if query.priority is not None:
        yield frozenset({"priority"}), lambda task: query.priority == task.shown_priority
    if query.task_type is not None:
        yield frozenset({"task_type"}), lambda task: query.task_type == task.task_type
    if query.contact is not None:
        yield _CONTACT, lambda task: query.contact in (task.ai_contact_id, task.ai_customer_id)
    if query.deal_id is not None:
        yield _DEAL, lambda task: query.deal_id == task.deal_id
    if query.text is not None:
        words = text_words(query.text)
        yield frozenset({"title", "description"}), lambda task: _has_words(task, words)
    if query.overdue is not None:
        yield _STATUS | _DUE, lambda task: query.overdue == is_late(task)


_ROUND_WORDS: Final = ".,;:!?\u00a1\u00bf\"'()\u00ab\u00bb\u201c\u201d\u201e\u2013\u2014-*|&/"
"""The signs beside a word of a text filter that are no part of it."""


def text_words(text: str) -> list[str]:
    """The words of a text filter, folded: a task has all of them, in any order.

    Signs around a word are not a part of it, so that a quoted name and the words of a sentence are found.
    """
    words = fold(text).split()
    return [word for raw_word in words if (word := raw_word.strip(_ROUND_WORDS))] or words


def _has_words(task: Task, words: Sequence[str]) -> bool:
    text = fold(f"{task.title} {task.description or ''}")
    return all(word in text for word in words)


def _date_checks(
    query: TaskQuery, times: Mapping[str, TaskTimes]
) -> Iterator[tuple[frozenset[str], Callable[[Task], bool]]]:
    """The filters by dates that are set, as of `_checks`."""
    if query.from_date or query.to_date or not (query.wants_dated and query.wants_dateless):
        yield _DUE, lambda task: _in_window(task, query)
    if (period := query.period) is not None:
        looked_at = frozenset({"created_at"} if period.moment == "created" else ())
        yield (
            looked_at,
            lambda task: period.contains(moment_of(task, times.get(task.id, UNKNOWN), period.moment)),
        )


def _in_window(task: Task, query: TaskQuery) -> bool:
    """Whether the task is due on a day of the window, both ends included."""
    due = due_of(task)
    if due is None:
        return query.wants_dateless
    if not query.wants_dated:
        return False
    day = due.day.isoformat()
    return (query.from_date is None or query.from_date <= day) and (query.to_date is None or day <= query.to_date)
