"""A journal in this process, with a clock and ids that a test can foresee, and calls to be written down in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from builders import task
from taskhand.domain.edit import Edit
from taskhand.domain.names import Match
from taskhand.domain.outcome import Outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Caller, Change, Claim, Ending, Intent, Journal, Opening, Result
from taskhand.journal.sqlite import SqliteJournal

__all__ = [
    "APPLIED",
    "NOW",
    "PLACE",
    "Clock",
    "begun",
    "call",
    "deletion",
    "numbered",
    "opened_at",
    "rename",
    "settled",
    "whole",
]

NOW = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
PLACE = "local /tasks.sqlite"
APPLIED = Ending("applied")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let so much time pass."""
        self.now += timedelta(**by)


def numbered(prefix: str, number: int) -> str:
    """The ids of `--ids sequential`."""
    return f"{prefix}_{number:04}"


@asynccontextmanager
async def opened_at(
    path: Path, place: str = PLACE, clock: Clock | None = None, **more: Any
) -> AsyncIterator[SqliteJournal]:
    """The journal in one SQLite file."""
    minutes = count(step=60.0)  # so that what others left open is looked for whenever it is asked for
    given = {"new_id": numbered, "monotonic": lambda: next(minutes)} | more
    journal = SqliteJournal(path, place=place, clock=clock or Clock(), **given)
    try:
        yield journal
    finally:
        await journal.aclose()


def call(tool: str = "update_task", *claims: Claim, at: datetime = NOW, **more: Any) -> Opening:
    """Who asks for what."""
    return replace(Opening(tool, Caller("Claude", "1.0"), at, claims=claims), **more)


def rename(task_id: str = "t-1", title: str = "New title") -> Intent:
    """A new title for a task."""
    before = Snapshot(task(id=task_id), native={"hs_task_subject": "Call back"}, unknown=frozenset({"due"}))
    return Intent("update", before, Edit(title=title), Edit(title=title, priority=1))


def deletion(task_id: str = "t-1") -> Intent:
    """The end of a task."""
    return Intent("delete", Snapshot(task(id=task_id)))


async def begun(journal: Journal, opening: Opening | None = None, *intents: Intent) -> Change:
    """A change that is under way."""
    change, is_new = await journal.begin(opening or call(), intents or [rename()])
    assert is_new
    return change


async def settled(
    journal: Journal, opening: Opening | None = None, outcome: Outcome = "applied", task_id: str = "t-1"
) -> str:
    """The id of a change of one task that is over."""
    change = await begun(journal, opening, rename(task_id))
    await journal.settle(change.id, [Result(0, outcome, task_id, task(id=task_id, title="New title"))], Ending(outcome))
    return change.id


async def whole(journal: Journal) -> str:
    """The id of a change with everything that a change can have."""
    opening = call(
        "bulk_update_tasks",
        Claim("key Claude 1", "payload", NOW - timedelta(minutes=2)),
        arguments={"taskIds": ["t-1", "t-2"], "changes": {"title": "Ñandú", "dueDate": None}},
        reason="the customer asked",
        matched=(Match("status", "listo", "s-2", "Completado"),),
        plan_id="plan_0001",
        undoes="chg_0001",
    )
    change = await begun(journal, opening, rename(), deletion("t-2"), Intent("create", edit=Edit(title="One")))
    await journal.revise(change.id, [rename("t-1", "Other"), deletion("t-2"), Intent("create", edit=Edit(title="One"))])
    await journal.settle(change.id, [Result(1, "applied", "t-2", note="gone")])
    results = [Result(0, "refused", "t-1", code="conflict"), Result(2, "applied", "t-9", task(id="t-9"))]
    await journal.settle(change.id, results, Ending("applied", "partly", ("PUT /tasks/t-1 409",), 0.25))
    return change.id
