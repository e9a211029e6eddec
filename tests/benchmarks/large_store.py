"""The time of `list_tasks` on 1,000,000 tasks against 1,000 tasks, measured alternately, on each engine.

The store is a SQLite file, or in PostgreSQL: in a server of our own without fsync, or in the one that
TASKHAND_TEST_POSTGRES names. `python -m benchmarks.large_store postgres 100000` has another size.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.figure import Measurement, median_ratio
from benchmarks.filled_stores import fill_database, fill_file, store_environment
from benchmarks.host import Host, taskhand
from postgres_server import open_database

__all__ = ["measure", "measure_postgres"]

ROUNDS = 60
_FIRST = 3
"""Turns that are not counted."""
_MAX_S = 6.0
"""Seconds after which a question is not asked again: one whose answer takes long needs no more turns."""
SMALL, LARGE = 1_000, 1_000_000

_WEEK: Final = {"fromDate": "2026-03-02", "toDate": "2026-03-08"}

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
    "created in a week": {"dateField": "created", **_WEEK, "limit": 3},
    "updated in a week": {"dateField": "updated", **_WEEK, "limit": 3},
    "finished in a week": {"dateField": "completed", **_WEEK, "limit": 3},
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
"""The arguments by name; the figure is the worst ratio.

Of a week the small store has four tasks that were made, changed or finished in it: both are asked for as many.
"""

SLOW_QUESTIONS: Final[Mapping[str, dict[str, Any]]] = {
    "mine, by a word that few have": {"responsibleIds": ["me"], "text": "audit"},
    "by a word that one in 200 has": {"text": "renewal"},
    "highest first, by a word that one in 200 has": {"order": "priority", "text": "renewal"},
    "by two frequent words that no task has both of": {"text": "send acme"},
}
"""Questions that cost more the more tasks there are, as docs/scaling.md says; reported without a goal."""


def measure(rounds: int = ROUNDS, large: int = LARGE) -> Measurement:
    """Each question by itself, on SQLite files."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        hosts = []
        for count in (large, SMALL):
            store = Path(folder) / f"tasks-{count}.sqlite"
            fill_file(store, count)
            hosts.append(stack.enter_context(Host(taskhand(), store_environment(store))))
        return _measure(hosts, rounds, "large_store", f"{large:,} tasks against {SMALL:,}")


def measure_postgres(rounds: int = ROUNDS, large: int = LARGE) -> Measurement:
    """Each question by itself, on two databases."""
    with ExitStack() as stack:
        hosts = []
        for count in (large, SMALL):
            url = stack.enter_context(open_database()).url
            environment = store_environment(url, TASKHAND_STATE=url, TASKHAND_CONFIG=os.devnull)
            fill_database(url, environment, count)
            hosts.append(stack.enter_context(Host(taskhand(), environment)))
        return _measure(hosts, rounds, "large_store_postgres", f"{large:,} tasks against {SMALL:,} in PostgreSQL")


def _measure(hosts: list[Host], rounds: int, goal: str, compared: str) -> Measurement:
    """All questions are asked in each round, so that what else the machine does meets all alike."""
    large, small = hosts
    asked = {**QUESTIONS, **SLOW_QUESTIONS}
    turns: dict[str, list[tuple[float, float]]] = {question: [] for question in asked}
    for number in range(rounds + _FIRST):
        for question, arguments in asked.items():
            if sum(one for one, _ in turns[question]) > _MAX_S:
                continue
            one, other = (host.line("list_tasks", arguments) for host in hosts)
            turn = large.timed(one), small.timed(other)
            if number >= _FIRST or turn[0] > 1:
                turns[question].append(turn)
    ratios = {question: median_ratio(measured) for question, measured in turns.items()}
    rows = [
        f"| {question} | {ratio:.2f} x | {1_000 * median(one for one, _ in turns[question]):.1f} ms |"
        for question, ratio in ratios.items()
    ]
    details = "\n".join([f"| a page of 25, {compared} | time | |", "| --- | --- | --- |", *rows])
    return Measurement({goal: max(ratios[question] for question in QUESTIONS)}, details)


if __name__ == "__main__":
    engine, *sizes = sys.argv[1:] or ["sqlite"]
    run = measure_postgres if engine == "postgres" else measure
    sys.stdout.write(f"{run(large=int(sizes[0]) if sizes else LARGE).details}\n")
