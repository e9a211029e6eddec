"""The time of `list_tasks` on 1,000,000 tasks against 1,000 tasks, measured alternately.

The stores have the tasks of a team of forty over some years, drawn with a fixed random seed. Of the tasks in the past,
one in fifty is not done. One task in ten has no due date.
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

from benchmarks.figure import Measurement, median_ratio
from benchmarks.host import Host, plain_environment, taskhand
from taskhand.domain.query import NO_DUE

__all__ = ["measure"]

ROUNDS = 60
_FIRST = 3
"""Turns that are not counted."""
_LONGEST_S = 3.0
"""Seconds after which a slow question is repeated less often."""
SMALL, LARGE = 1_000, 1_000_000
_PEOPLE = 40
_DATED = 0.9
_FIRST_DAY, _DAYS, _TODAY = date(2022, 1, 1), 1_600, "2026-03-02"

QUESTIONS: Final[Mapping[str, dict[str, Any]]] = {
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
"""The arguments by name; the figure is the worst ratio."""

SLOW_QUESTIONS: Final[Mapping[str, dict[str, Any]]] = {"by a word that is nowhere": {"text": "zeppelin"}}
"""Questions that need every row; reported without a goal."""


def measure(rounds: int = ROUNDS, large: int = LARGE) -> Measurement:
    """Each question by itself."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        stores = {count: Path(folder) / f"tasks-{count}.sqlite" for count in (large, SMALL)}
        for count, store in stores.items():
            _make_store(store, count)
        hosts = [stack.enter_context(Host(taskhand(), _environment(store))) for store in stores.values()]
        ratios = {question: _time_ratio(hosts, arguments, rounds) for question, arguments in QUESTIONS.items()}
        slow = {question: _time_ratio(hosts, arguments, 3) for question, arguments in SLOW_QUESTIONS.items()}
    rows = [f"| {question} | {ratio:.2f} x |" for question, ratio in (ratios | slow).items()]
    details = "\n".join([f"| a page of 25, {large:,} tasks against {SMALL:,} | time |", "| --- | --- |", *rows])
    return Measurement({"large_store": max(ratios.values())}, details)


def _time_ratio(hosts: list[Host], arguments: dict[str, Any], rounds: int) -> float:
    large, small = hosts
    turns: list[tuple[float, float]] = []
    give_up = perf_counter() + _LONGEST_S
    while len(turns) < rounds + _FIRST and (len(turns) < 2 * _FIRST or perf_counter() < give_up):
        turns.append(
            (large.timed(large.line("list_tasks", arguments)), small.timed(small.line("list_tasks", arguments)))
        )
    return median_ratio(turns[_FIRST:])


def _environment(store: Path) -> dict[str, str]:
    return plain_environment(TASKHAND_DB=str(store), TASKHAND_CLOCK="2026-03-02T15:00:00+00:00")


def _make_store(store: Path, count: int) -> None:
    """Write a store with `count` tasks in one transaction. Indexes are created afterwards, which is much faster."""
    with Host(taskhand(), _environment(store)) as host:
        host.call("list_statuses")  # creates the file
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        indexes = rows.fetchall()
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
    """The ids of the store's first member and of many more."""
    more = [(f"5d1f0000-0000-4000-8000-{one:012}", f"Person {one}") for one in range(1, _PEOPLE)]
    connection.executemany("INSERT INTO member (id, name) VALUES (?, ?)", more)
    return [row[0] for row in connection.execute("SELECT id FROM member ORDER BY is_me DESC")]


def _tasks(count: int, statuses: list[str], people: list[str]) -> Iterator[tuple[object, ...]]:
    """Rows in the order of the table's columns; the ids are spread like random ones."""
    dice = random.Random(4711)  # noqa: S311  the same every time
    days = [str(_FIRST_DAY + timedelta(days=number)) for number in range(_DAYS)]
    for one in range(count):
        day = days[int(dice.random() * _DAYS)]
        chance = dice.random()
        is_done = chance < (0.98 if day < _TODAY else 0.05)
        title = f"Call Acme about order {one}" if one % 3 else f"Send offer {one}"
        yield (
            f"{dice.getrandbits(32):08x}-0000-4000-8000-{one:012}",
            *(title, None),
            *((day, None, 1, day) if dice.random() < _DATED else (None, None, 0, NO_DUE)),
            f"{days[one * _DAYS // count]}T10:00:00.000Z",
            *(f"c0a00000-0000-4000-8000-{int(dice.random() * (count // 20)):012}", None),
            statuses[2 if is_done else one % 2],
            *(int(dice.random() * 3), people[int(dice.random() * len(people))], title.casefold()),
        )
