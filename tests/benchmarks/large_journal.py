"""A journal of 1,000,000 rows against one of 10,000, measured alternately, on each engine: lists, claims, pruning.

`python -m benchmarks.large_journal 10000000` has another size, of 10 GB for each engine, `… 10000000 sqlite` one engine
alone. PostgreSQL is a server of our own without fsync, or the one that TASKHAND_TEST_POSTGRES names.
"""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import anyio

from benchmarks.figure import Measurement, median_ratio
from benchmarks.filled_journals import CLOCK, NOW, fill_database_journal, fill_file_journal
from benchmarks.host import Host, plain_environment, taskhand
from postgres_server import open_database
from taskhand.journal.postgres import JOURNAL as IN_DATABASE
from taskhand.journal.pruning import prune_share
from taskhand.journal.sqlite import JOURNAL
from taskhand.postgres.database import Database
from taskhand.postgres.store import PostgresStore as DatabaseStore
from taskhand.sql.store import SqlStore
from taskhand.sqlite.store import SqliteStore

__all__ = ["measure"]

SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 40
_FIRST = 3
"""Turns that are not counted."""
_WEEK: Final = {"since": "2025-11-03T00:00:00+00:00", "until": "2025-11-10T00:00:00+00:00"}

LISTS: Final[Mapping[str, dict[str, Any]]] = {
    "the newest": {},
    "of a task": {"taskId": "00000007"},
    "of a week, four months ago": _WEEK,
    "of the last minutes": {"since": "2026-03-02T14:00:00+00:00"},
    "with an outcome that nearly all have": {"outcome": "applied"},
    "with an outcome that a hundred have": {"outcome": "unknown"},
    "with an outcome that none has": {"outcome": "refused"},
    "that are under way": {"outcome": "open"},
    "of a tool that nobody used": {"tool": "delete_task"},
    "of a week, with a rare outcome": {**_WEEK, "outcome": "unknown"},
}
"""The arguments of `list_changes` by name."""

Servers = tuple[list[Host], list[SqlStore]]


def measure(rows: int = LARGE, engines: tuple[str, ...] = ("sqlite", "postgres")) -> Measurement:
    """Lists and claims, and what a removed row costs, by engine."""
    found = {engine: _measure_engine(engine, rows) for engine in engines}
    names = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
    head = [
        f"| {rows:,} rows against {SMALL:,}: time | {' | '.join(names[one] for one in found)} |",
        f"| --- |{' --- |' * len(found)}",
    ]
    lines = [f"| {name} | {' | '.join(one[name] for one in found.values())} |" for name in next(iter(found.values()))]
    return Measurement({}, "\n".join([*head, *lines]))


def _measure_engine(engine: str, rows: int) -> dict[str, str]:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        opens = _open_file if engine == "sqlite" else _open_database
        opened = [opens(stack, Path(folder), count) for count in (rows, SMALL)]
        hosts = [stack.enter_context(Host(taskhand(), environment)) for environment, _ in opened]
        ratios = {f"a list: {name}": _time_lists(hosts, arguments) for name, arguments in LISTS.items()}
        ratios["a create with a new key"] = _time_claims(hosts, lambda number: f"new-{number}")
        ratios["a create with a key that was used"] = _time_claims(hosts, lambda _: "first")
        shown = {name: f"{ratio:.2f} x" for name, ratio in ratios.items()}
        large, small = (anyio.run(_time_pruning, store) for _, store in opened)
        return shown | {"pruning, for each row removed": f"{large / small:.2f} x ({large:.3f} ms)"}


def _open_file(_: ExitStack, folder: Path, count: int) -> tuple[dict[str, str], SqlStore]:
    path = folder / f"journal-{count}.sqlite"
    environment = _environment(folder, count, TASKHAND_JOURNAL=str(path))
    fill_file_journal(path, environment, count)
    return environment, SqliteStore(path, JOURNAL)


def _open_database(stack: ExitStack, folder: Path, count: int) -> tuple[dict[str, str], SqlStore]:
    url = stack.enter_context(open_database()).url
    environment = _environment(folder, count, TASKHAND_STATE=url)
    fill_database_journal(url, environment, count)
    return environment, DatabaseStore(Database(url), IN_DATABASE)


def _environment(folder: Path, count: int, **more: str) -> dict[str, str]:
    store = str(folder / f"tasks-{count}.sqlite")
    return plain_environment(TASKHAND_DB=store, TASKHAND_CLOCK=CLOCK, TASKHAND_CONFIG=os.devnull, **more)


def _time_lists(hosts: list[Host], arguments: dict[str, Any]) -> float:
    large, small = hosts
    turns = [
        (large.timed(large.line("list_changes", arguments)), small.timed(small.line("list_changes", arguments)))
        for _ in range(ROUNDS + _FIRST)
    ]
    return median_ratio(turns[_FIRST:])


def _time_claims(hosts: list[Host], key: Callable[[int], str]) -> float:
    turns = []
    for number in range(ROUNDS + _FIRST):
        task = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1", "idempotencyKey": key(number)}
        large, small = (host.timed(host.line("create_task", task)) for host in hosts)
        turns.append((large, small))
    return median_ratio(turns[_FIRST:])


async def _time_pruning(store: SqlStore) -> float:
    """Milliseconds for each row that one portion removes."""
    begin = perf_counter()
    removed = await store.write(lambda connection: prune_share(connection, NOW, timedelta(days=30)), tasks=1_000)
    took = perf_counter() - begin
    await store.aclose()
    assert removed, "nothing was removed"
    return took * 1_000 / removed


if __name__ == "__main__":
    rows, *engines = sys.argv[1:] or [str(LARGE)]
    sys.stdout.write(f"{measure(int(rows), tuple(engines) or ('sqlite', 'postgres')).details}\n")
