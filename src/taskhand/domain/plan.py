"""A plan: the effects of a write, task by task, shown before it is applied; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from taskhand.domain.bulk_receipt import TaskResult
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import Match
from taskhand.domain.receipt import FieldChange, changes, links_in, people_in_difference, people_unapplied, preview
from taskhand.domain.task import Task
from taskhand.domain.unapplied_fields import Unapplied

__all__ = ["PLAN_LIFETIME", "Difference", "Plan", "Verb", "check_not_expired", "difference", "difference_between"]

PLAN_LIFETIME: Final = timedelta(minutes=10)
"""Lifetime of a plan, counted from its creation or from the last part that was written."""

Verb = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Difference:
    """The operation on one task, and the fields that change; `id` is None for a new task, `title` is for people.

    `due` and `responsible_ids` are those of a task to delete: they tell tasks of one title apart.
    """

    id: str | None
    title: str
    does: Verb
    changed: tuple[FieldChange, ...] = ()
    due: Due | None = None
    responsible_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The operations that `apply_plan` would apply; valid until `expires_at` (aware), and for one `apply_plan`.

    `guard` is why the change stopped at a plan although no dry run was asked for, as the subject of
    "... stops at a plan". `skipped` are tasks that nothing would be sent for. `unapplied` are fields that an undo
    leaves as they are. `is_for_others` is whether the caller who made the plan may not apply it.
    """

    id: str
    tool: str
    differences: tuple[Difference, ...]
    expires_at: datetime
    guard: str | None = None
    matched: tuple[Match, ...] = ()
    note: str | None = None
    skipped: tuple[TaskResult, ...] = ()
    unapplied: tuple[Unapplied, ...] = ()
    is_for_others: bool = False

    @property
    def people(self) -> frozenset[str]:
        """The ids of all people in the plan."""
        changed = (change for task_difference in self.differences for change in task_difference.changed)
        of_deleted = {person for task_difference in self.differences for person in task_difference.responsible_ids}
        return people_in_difference((*changed, *people_unapplied(self.unapplied))) | of_deleted

    @property
    def links(self) -> frozenset[tuple[str, str]]:
        """The links in the differences, each as its field and id."""
        return links_in(change for task_difference in self.differences for change in task_difference.changed)


def check_not_expired(since: datetime, now: datetime, lifetime: timedelta) -> None:
    """CallerError if a plan that was made or continued at `since` has expired."""
    if now > since + lifetime:
        raise CallerError("The plan has expired.", code="plan_expired", next_step="Make the plan again.")


def difference(does: Verb, before: Task | None, edit: Edit | None) -> Difference:
    """The difference that an edit makes to a task; `before` is None for a new task, `edit` None for a deletion."""
    if does == "delete" and before is not None:
        return Difference(before.id, before.title or "", does, (), due_of(before), before.responsible_ids)
    after = preview(before, edit) if edit is not None else before
    changed = changes(before, after) if after is not None else ()
    shown = before or after
    return Difference(before.id if before else None, (shown.title if shown else None) or "", does, changed)


def difference_between(was: Task, now: Task | None, *, of: Edit | None = None) -> Difference | None:
    """The difference between a task as it was read and as it is now; None if there is none.

    A task that does not exist any more (`now` is None) counts as deleted. With `of` only the fields that this edit sets
    count.
    """
    if now is None:
        return Difference(was.id, was.title or "", "delete")
    # a task is read without its note
    changed = tuple(change for change in changes(was, now) if change.field != "note")
    if of is not None:
        names = {name for name, _ in of.given_fields()}
        changed = tuple(change for change in changed if change.edit_field in names)
    return Difference(was.id, now.title or "", "update", changed) if changed else None
