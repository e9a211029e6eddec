"""The time of `list_tasks` on 1,000,000 tasks against 1,000 tasks, measured alternately.

The stores have the tasks of a team of forty over some years, drawn with a fixed random seed. Of the tasks in the past,
one in fifty is not done. One task in ten has no due date.
"""

import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.figure import Measurement, median_ratio
from benchmarks.host import Host, plain_environment, taskhand
from taskhand.domain.query import NO_DUE

__all__ = ["measure"]

ROUNDS = 60
_FIRST = 3
"""Turns that are not counted."""
SMALL, LARGE = 1_000, 1_000_000
_PEOPLE = 40
_DATED = 0.9
_FEW = 100
"""So many tasks, of any store, are nobody's, have a status that few have, if they are not done, or a rare word."""
_UNICORN = 777
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
    "of three people": {"responsibleIds": ["Person 1", "Person 2", "Person 3"]},
    "nobody's": {"responsibleIds": ["nobody"]},
    "nobody's, newest first": {"responsibleIds": ["nobody"], "order": "created"},
    "without a date": {"withoutDate": True},
    "without a date, highest first": {"withoutDate": True, "order": "priority"},
    "all but overdue": {"overdue": False},
    "high priority, newest first": {"priority": "2", "order": "created"},
    "unfinished, high priority": {"status": ["initial", "in_progress"], "priority": "2"},
    "a week, oldest first": {"fromDate": "2026-03-02", "toDate": "2026-03-08", "order": "oldest"},
    "created in a week": {"dateField": "created", "fromDate": "2026-03-02", "toDate": "2026-03-08"},
    "updated in a week": {"dateField": "updated", "fromDate": "2026-03-02", "toDate": "2026-03-08"},
    "finished in a week": {"dateField": "completed", "fromDate": "2026-03-02", "toDate": "2026-03-08"},
    "of a status that few have": {"status": ["Review"], "order": "created"},
    "of a status that none has": {"status": ["Parked"], "order": "created"},
    "by a frequent word": {"text": "acme"},
    "by a word that few have": {"text": "audit"},
    "by a word that one task has": {"text": "unicorn"},
    "by a word that is nowhere": {"text": "zeppelin"},
    "by two letters": {"text": "ca"},
    "by two letters that are nowhere": {"text": "zq"},
    "by a letter that is nowhere": {"text": "ß"},
    "by a sign that is nowhere": {"text": "🏁"},
    "unfinished, by a word that is nowhere": {"status": ["initial", "in_progress"], "text": "zeppelin"},
    "newest first, by a word that is nowhere": {"order": "created", "text": "zeppelin"},
    "highest first, by a word that few have": {"order": "priority", "text": "audit"},
}
"""The arguments by name; the figure is the worst ratio."""

SLOW_QUESTIONS: Final[Mapping[str, dict[str, Any]]] = {
    "mine, by a word that few have": {"responsibleIds": ["me"], "text": "audit"},
    "by a word that one in 200 has": {"text": "renewal"},
    "highest first, by a word that one in 200 has": {"order": "priority", "text": "renewal"},
    "by two frequent words that no task has both of": {"text": "send acme"},
}
"""Questions that cost more the more tasks there are; reported without a goal."""


def measure(rounds: int = ROUNDS, large: int = LARGE) -> Measurement:
    """Each question by itself."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        stores = {count: Path(folder) / f"tasks-{count}.sqlite" for count in (large, SMALL)}
        for count, store in stores.items():
            _make_store(store, count)
        hosts = [stack.enter_context(Host(taskhand(), _environment(store))) for store in stores.values()]
        ratios = _time_ratios(hosts, QUESTIONS, rounds)
        slow = _time_ratios(hosts, SLOW_QUESTIONS, rounds // 6)
    rows = [f"| {question} | {ratio:.2f} x |" for question, ratio in (ratios | slow).items()]
    details = "\n".join([f"| a page of 25, {large:,} tasks against {SMALL:,} | time |", "| --- | --- |", *rows])
    return Measurement({"large_store": max(ratios.values())}, details)


def _time_ratios(hosts: list[Host], questions: Mapping[str, dict[str, Any]], rounds: int) -> dict[str, float]:
    """The ratio of each question. All are asked in each round, so that what else the machine does meets all alike."""
    large, small = hosts
    turns: dict[str, list[tuple[float, float]]] = {question: [] for question in questions}
    for _ in range(rounds + _FIRST):
        for question, asked in questions.items():
            one, other = (host.line("list_tasks", asked) for host in hosts)
            turns[question].append((large.timed(one), small.timed(other)))
    return {question: median_ratio(measured[_FIRST:]) for question, measured in turns.items()}


def _environment(store: Path) -> dict[str, str]:
    return plain_environment(TASKHAND_DB=str(store), TASKHAND_CLOCK="2026-03-02T15:00:00+00:00")


def _make_store(store: Path, count: int) -> None:
    """Write a store with `count` tasks in one transaction. Indexes are created afterwards, which is much faster."""
    with Host(taskhand(), _environment(store)) as host:
        host.call("list_statuses")  # creates the file
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        made = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        parts = connection.execute(made).fetchall()
        for quicker in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {quicker}")
        connection.execute("BEGIN")
        for kind, name, _ in parts:
            connection.execute(f"DROP {kind} {name}")
        people, statuses = _people(connection), _statuses(connection)
        rows = _tasks(count, statuses, people)
        first = next(rows)
        marks = ", ".join("?" * len(first))
        connection.executemany(
            f"INSERT INTO task ({', '.join(first)}) VALUES ({marks})",  # noqa: S608  names of this module
            (tuple(row.values()) for row in chain([first], rows)),
        )
        columns = "id, creator_id, 0, due_key, status_id, created_at, priority"
        connection.execute(f"INSERT INTO task_responsible SELECT {columns} FROM task WHERE assigned ORDER BY id")  # noqa: S608
        connection.execute("INSERT INTO task_fts (task_fts) VALUES ('rebuild')")
        for *_, sql in parts:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def _statuses(connection: sqlite3.Connection) -> list[str]:
    """The ids of the store's statuses, of one that few tasks will have, and of one that none will."""
    more = [("review", "Review", "review", "in_progress", 4), ("parked", "Parked", "parked", "in_progress", 5)]
    connection.executemany("INSERT INTO status (id, name, folded, type, position) VALUES (?, ?, ?, ?, ?)", more)
    return [row[0] for row in connection.execute("SELECT id FROM status ORDER BY position")]


def _people(connection: sqlite3.Connection) -> list[str]:
    """The ids of the store's first member and of many more."""
    more = [(f"5d1f0000-0000-4000-8000-{one:012}", f"Person {one}") for one in range(1, _PEOPLE)]
    connection.executemany("INSERT INTO member (id, name) VALUES (?, ?)", more)
    return [row[0] for row in connection.execute("SELECT id FROM member ORDER BY is_me DESC")]


def _tasks(count: int, statuses: list[str], people: list[str]) -> Iterator[dict[str, object]]:
    """Values by column; the ids are spread like random ones."""
    dice = random.Random(4711)  # noqa: S311  the same every time
    days = [str(_FIRST_DAY + timedelta(days=number)) for number in range(_DAYS)]
    for one in range(count):
        day = days[int(dice.random() * _DAYS)]
        is_dated = dice.random() < _DATED
        is_done = dice.random() < (0.98 if day < _TODAY else 0.05)
        few = one % (count // _FEW)
        made, done = f"{days[one * _DAYS // count]}T10:00:00.000Z", f"{day}T16:00:00.000Z" if is_done else None
        title = _title(one, "audit" if few == 0 else "")
        yield {
            "id": f"{dice.getrandbits(32):08x}-0000-4000-8000-{one:012}",
            "title": title,
            "due_at": day if is_dated else None,
            "is_all_day": int(is_dated),
            "due_key": day if is_dated else NO_DUE,
            "created_at": made,
            "ai_contact_id": f"c0a00000-0000-4000-8000-{int(dice.random() * (count // 20)):012}",
            "status_id": statuses[2 if is_done else 3 if few == 1 else one % 2],
            "priority": int(dice.random() * 3),
            "creator_id": people[int(dice.random() * len(people))],
            "searchable": title.casefold(),
            "updated_at": done or made,
            "completed_at": done,
            "number": one + 1,
            "assigned": int(few != 2),
        }


def _title(number: int, rare: str) -> str:
    """A title; some words are frequent, some are rare, and one task has one of its own."""
    words = [f"Call Acme about order {number}" if number % 3 else f"Send offer {number}", rare]
    words += ["and its renewal" if number % 200 == 1 else "", "for Unicorn" if number == _UNICORN else ""]
    return " ".join(filter(None, words))
