"""`list_tasks` on a store a thousand times as large: its time, against itself on the small one, in turn.

The stores have the tasks of a team of forty over years, drawn by a die that always falls the same: what was due is
done, but for one in fifty; one in ten has no due date.
"""

import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from benchmarks.figure import Found, of_turns
from benchmarks.host import Host, plain_environment, taskhand
from taskhand.domain.query import NO_DUE

__all__ = ["measure"]

ROUNDS = 60
_FIRST = 3
"""Turns that are not counted."""
_LONGEST_S = 3.0
"""A question that takes its time is asked less often."""
SMALL, LARGE = 1_000, 1_000_000
_PEOPLE = 40
_DATED = 0.9
_FIRST_DAY, _DAYS, _TODAY = date(2022, 1, 1), 1_600, "2026-03-02"

ASKED: Final[Mapping[str, dict[str, Any]]] = {
    "nothing asked": {},
    "mine": {"responsibleIds": ["me"]},
    "mine, a week": {"responsibleIds": ["me"], "fromDate": "2026-03-02", "toDate": "2026-03-08"},
    "everyone's, a week, dated": {
        "fromDate": "2026-03-02",
        "toDate": "2026-03-08",
        "includeTasksWithoutDates": False,
    },
    "unfinished": {"status": ["initial", "in_progress"]},
    "mine, unfinished": {"responsibleIds": ["me"], "status": ["initial", "in_progress"]},
    "overdue": {"overdue": True},
    "mine, overdue": {"responsibleIds": ["me"], "overdue": True},
    "of a contact": {"contact": "c0a00000-0000-4000-8000-000000000007"},
    "high priority": {"priority": "2"},
    "newest first": {"order": "created"},
    "highest first": {"order": "priority"},
    "newest first, unfinished": {"order": "created", "status": ["initial", "in_progress"]},
    "highest first, overdue": {"order": "priority", "overdue": True},
    "mine, newest first": {"responsibleIds": ["me"], "order": "created"},
    "mine, highest first": {"responsibleIds": ["me"], "order": "priority"},
    "mine, finished": {"responsibleIds": ["me"], "status": ["done"]},
    "mine, of a contact": {"responsibleIds": ["me"], "contact": "c0a00000-0000-4000-8000-000000000007"},
    "by a frequent word": {"text": "acme"},
}
"""What is asked of both; the figure is the worst of them."""

BESIDES: Final[Mapping[str, dict[str, Any]]] = {"by a word that is nowhere": {"text": "zeppelin"}}
"""What can only be found by looking at every row; told, without a goal."""


def measure(rounds: int = ROUNDS, large: int = LARGE) -> Found:
    """Every question by itself."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        stores = {count: Path(folder) / f"tasks-{count}.sqlite" for count in (large, SMALL)}
        for count, store in stores.items():
            _make(store, count)
        hosts = [stack.enter_context(Host(taskhand(), _environment(store))) for store in stores.values()]
        found = {said: _times(hosts, asked, rounds) for said, asked in ASKED.items()}
        besides = {said: _times(hosts, asked, 3) for said, asked in BESIDES.items()}
    rows = [f"| {said} | {times:.2f} x |" for said, times in (found | besides).items()]
    told = "\n".join([f"| a page of 25, {large:,} tasks against {SMALL:,} | time |", "| --- | --- |", *rows])
    return Found({"large_store": max(found.values())}, told)


def _times(hosts: list[Host], asked: dict[str, Any], rounds: int) -> float:
    large, small = hosts
    turns: list[tuple[float, float]] = []
    give_up = perf_counter() + _LONGEST_S
    while len(turns) < rounds + _FIRST and (len(turns) < 2 * _FIRST or perf_counter() < give_up):
        turns.append((large.timed(large.line("list_tasks", asked)), small.timed(small.line("list_tasks", asked))))
    return of_turns(turns[_FIRST:])


def _environment(store: Path) -> dict[str, str]:
    return plain_environment(TASKHAND_DB=str(store), TASKHAND_CLOCK="2026-03-02T15:00:00+00:00")


def _make(store: Path, count: int) -> None:
    """A store with so many tasks, written at once; its indexes are made afterwards, which is what takes time else."""
    with Host(taskhand(), _environment(store)) as host:
        host.call("list_statuses")  # makes the file
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        named = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        indexes = named.fetchall()
        for quicker in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {quicker}")
        connection.execute("BEGIN")
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        people = _people(connection)
        statuses = [row[0] for row in connection.execute("SELECT id FROM status ORDER BY position")]
        marks = ", ".join("?" * 14)
        connection.executemany(f"INSERT INTO task VALUES ({marks})", _tasks(count, statuses, people))  # noqa: S608
        columns = "id, creator_id, 0, due_key, status_id, created_at, priority"
        connection.execute(f"INSERT INTO task_responsible SELECT {columns} FROM task ORDER BY id")  # noqa: S608
        for _, sql in indexes:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def _people(connection: sqlite3.Connection) -> list[str]:
    """The store's own member and many more."""
    more = [(f"5d1f0000-0000-4000-8000-{one:012}", f"Person {one}") for one in range(1, _PEOPLE)]
    connection.executemany("INSERT INTO member (id, name) VALUES (?, ?)", more)
    return [row[0] for row in connection.execute("SELECT id FROM member ORDER BY is_me DESC")]


def _tasks(count: int, statuses: list[str], people: list[str]) -> Iterator[tuple[object, ...]]:
    """Rows in the order of the table's columns; ids are spread, as random ones are."""
    die = random.Random(4711)  # noqa: S311  the same every time
    days = [str(_FIRST_DAY + timedelta(days=number)) for number in range(_DAYS)]
    for one in range(count):
        day = days[int(die.random() * _DAYS)]
        chance = die.random()
        is_done = chance < (0.98 if day < _TODAY else 0.05)
        title = f"Call Acme about order {one}" if one % 3 else f"Send offer {one}"
        yield (
            f"{die.getrandbits(32):08x}-0000-4000-8000-{one:012}",
            *(title, None),
            *((day, None, 1, day) if die.random() < _DATED else (None, None, 0, NO_DUE)),
            f"{days[one * _DAYS // count]}T10:00:00.000Z",
            *(f"c0a00000-0000-4000-8000-{int(die.random() * (count // 20)):012}", None),
            statuses[2 if is_done else one % 2],
            *(int(die.random() * 3), people[int(die.random() * len(people))], title.casefold()),
        )
