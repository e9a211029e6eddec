"""A plan: what a write would do, task by task, to be seen before it is done; pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from taskhand.domain.change import FieldChange, changes, preview
from taskhand.domain.edit import Edit
from taskhand.domain.errors import TaskhandError
from taskhand.domain.names import Match
from taskhand.domain.task import Task

__all__ = ["Difference", "Plan", "Verb", "difference", "drift"]

Verb = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is done to one task: which fields become what; `title` is how a person knows it, `id` None for a new one."""

    id: str | None
    title: str
    does: Verb
    changed: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, good until `expires_at` (aware) and for one `apply_plan`.

    `guard` is why it stopped here although no dry run was asked for, in words that continue "... stops at a plan";
    `unchanged` are tasks that are as asked already, `refused` those that the change is refused for, by id.
    """

    id: str
    tool: str
    differences: tuple[Difference, ...]
    expires_at: datetime
    guard: str | None = None
    matched: tuple[Match, ...] = ()
    note: str | None = None
    unchanged: tuple[str, ...] = ()
    refused: tuple[tuple[str, TaskhandError], ...] = ()


def difference(does: Verb, before: Task | None, edit: Edit | None) -> Difference:
    """What one step does to a task."""
    after = preview(before, edit) if edit is not None else before
    changed = changes(before, after) if after is not None and does != "delete" else ()
    named = before or after
    return Difference(before.id if before else None, named.title if named else "", does, changed)


def drift(was: Task, now: Task | None) -> Difference | None:
    """How a task has moved since it `was` so; None where it has not. A task that is gone has moved."""
    if now is None:
        return Difference(was.id, was.title, "delete")
    moved = changes(was, now)
    return Difference(was.id, now.title, "update", moved) if moved else None
