"""A journal in this process with predictable times and ids, and sample changes to write into it."""

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from builders import task
from fixed_clock import NOW, FixedClock
from journals import numbered
from taskhand.domain.edit import Edit
from taskhand.domain.name_matching import Match
from taskhand.domain.outcome import Outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Caller, Change, Claim, Ending, Intent, Journal, Opening, Result
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.postgres import PostgresJournal
from taskhand.journal.pruning import prune_changes
from taskhand.journal.sqlite import SqliteJournal
from taskhand.postgres.database import Database

__all__ = [
    "APPLIED",
    "PLACE",
    "begin",
    "delete_intent",
    "full_change",
    "make_opening",
    "open_journal",
    "open_postgres_journal",
    "remove_older",
    "rename_intent",
    "settle",
]

PLACE = "local /tasks.sqlite"
APPLIED = Ending("applied")


@asynccontextmanager
async def open_journal(
    path: Path,
    account_name: str = PLACE,
    clock: FixedClock | None = None,
    kind: type[SqliteJournal] = SqliteJournal,
    **more: Any,
) -> AsyncIterator[SqliteJournal]:
    """The journal in one SQLite file."""
    minutes = count(step=60.0)  # so that what others left open is looked for whenever it is asked for
    given = {"new_id": numbered, "monotonic": lambda: next(minutes)} | more
    journal = kind(AccountOwner(path, account_name), clock=clock or FixedClock(), **given)
    try:
        yield journal
    finally:
        await journal.aclose()


@asynccontextmanager
async def open_postgres_journal(
    url: str,
    account_name: str = PLACE,
    clock: FixedClock | None = None,
    kind: type[PostgresJournal] = PostgresJournal,
    **more: Any,
) -> AsyncIterator[PostgresJournal]:
    """The journal in a PostgreSQL database, as one process has it."""
    minutes = count(step=60.0)
    given = {"new_id": numbered, "monotonic": lambda: next(minutes)} | more
    owner = AccountOwner(Path(), account_name)
    database = Database(url, sleep=given.pop("sleep", time.sleep))
    journal = kind(database, owner=owner, clock=clock or FixedClock(), **given)
    try:
        yield journal
    finally:
        await journal.aclose()


def remove_older(path: Path, before: datetime, now: datetime) -> int:
    """Remove every change that is older than `before`, whatever may go in one day; how many rows that were."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        return prune_changes(connection, before, now)


def make_opening(tool: str = "update_task", *claims: Claim, at: datetime = NOW, **more: Any) -> Opening:
    """The opening of a call."""
    return replace(Opening(tool, Caller("Claude", "1.0"), at, claims=claims), **more)


def rename_intent(task_id: str = "t-1", title: str = "New title") -> Intent:
    """An intent to rename a task."""
    before = Snapshot(task(id=task_id), native={"hs_task_subject": "Call back"}, unknown=frozenset({"due"}))
    return Intent("update", before, Edit(title=title), Edit(title=title, priority=1))


def delete_intent(task_id: str = "t-1") -> Intent:
    """An intent to delete a task."""
    return Intent("delete", Snapshot(task(id=task_id)))


async def begin(journal: Journal, opening: Opening | None = None, *intents: Intent) -> Change:
    """Begin a change, and leave it open."""
    change, is_new = await journal.begin(opening or make_opening(), intents or [rename_intent()])
    assert is_new
    return change


async def settle(
    journal: Journal, opening: Opening | None = None, outcome: Outcome = "applied", task_id: str = "t-1"
) -> str:
    """Begin and settle a change of one task; its id."""
    change = await begin(journal, opening, rename_intent(task_id))
    await journal.settle(change.id, [Result(0, outcome, task_id, task(id=task_id, title="New title"))], Ending(outcome))
    return change.id


async def full_change(journal: Journal) -> str:
    """Write a change in which every field is set; its id."""
    opening = make_opening(
        "bulk_update_tasks",
        Claim("key Claude 1", "payload", NOW - timedelta(minutes=2)),
        arguments={"taskIds": ["t-1", "t-2"], "changes": {"title": "Ñandú", "dueDate": None}},
        reason="the customer asked",
        matched=(Match("status", "listo", "s-2", "Completado"),),
        plan_id="plan_0001",
        undoes="chg_0001",
    )
    change = await begin(
        journal, opening, rename_intent(), delete_intent("t-2"), Intent("create", edit=Edit(title="One"))
    )
    await journal.revise(
        change.id, [rename_intent("t-1", "Other"), delete_intent("t-2"), Intent("create", edit=Edit(title="One"))]
    )
    await journal.settle(change.id, [Result(1, "applied", "t-2", note="gone")])
    results = [Result(0, "refused", "t-1", code="conflict"), Result(2, "applied", "t-9", task(id="t-9"))]
    await journal.settle(change.id, results, Ending("applied", "partly", ("PUT /tasks/t-1 409",), 0.25))
    return change.id
