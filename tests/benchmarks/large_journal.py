"""A journal of 1,000,000 rows in PostgreSQL against one of 10,000, measured alternately: lists, claims, pruning.

Both are one change of four rows, repeated by SQL with ids and times of its own. The hashes are no chain: nothing here
reads it. `python -m benchmarks.large_journal 10000000` has another size, of 10 GB. The server is one of our own without
fsync, or the one that TASKHAND_TEST_POSTGRES names. All processes share the processors of this machine.
"""

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import anyio
import psycopg

from benchmarks.figure import Measurement, median_ratio
from benchmarks.host import Host, plain_environment, taskhand
from postgres_server import open_database
from taskhand.journal.postgres import JOURNAL
from taskhand.journal.pruning import prune_share
from taskhand.postgres.database import Database
from taskhand.postgres.store import Store

__all__ = ["measure"]

SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 40
_FIRST = 3
"""Turns that are not counted."""
_TASKS = 2_000
"""Each change of so many is one of the same task."""
_NOW: Final = datetime(2026, 3, 2, 15, tzinfo=UTC)
_CLOCK: Final = _NOW.isoformat()
_MINUTES: Final = 525_600
"""The changes began within so many minutes before now."""

LISTS: Final[Mapping[str, dict[str, Any]]] = {
    "newest": {},
    "of a task": {"taskId": "00000007"},
    "in a week": {"since": "2025-11-03T00:00:00+00:00", "until": "2025-11-10T00:00:00+00:00"},
    "with an outcome that all have": {"outcome": "applied"},
}
"""The arguments of `list_changes` by name."""

_MULTIPLY: Final = """
INSERT INTO entry
SELECT n * 4 + e.seq, e.kind, t.change_id, e.place, CASE WHEN e.task_id IS NULL THEN NULL ELSE t.task_id END,
    e.tool, e.outcome, t.at,
    replace(replace(replace(e.body, {change}, t.change_id), {at}, t.at), {task}, t.task_id),
    md5(n::text) || md5(e.kind)
FROM generate_series(1, {changes}) AS n
CROSS JOIN LATERAL (SELECT
    'chg_' || lpad(n::text, 10, '0') AS change_id,
    lpad(to_hex(n % {tasks}), 8, '0') AS task_id,
    to_char(
        TIMESTAMPTZ {now} - ({changes} - n)::float8 / {changes} * interval '{minutes} minutes',
        'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'
    ) AS at
) AS t
CROSS JOIN (SELECT * FROM entry WHERE seq <= 4) AS e
ORDER BY n, e.seq
"""


def measure(rows: int = LARGE) -> Measurement:
    """The worst of all lists and claims, and what a removed row costs."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        hosts, urls = [], []
        for count in (rows, SMALL):
            database = stack.enter_context(open_database())
            environment = plain_environment(
                TASKHAND_DB=str(Path(folder) / f"tasks-{count}.sqlite"),
                TASKHAND_STATE=database.url,
                TASKHAND_CLOCK=_CLOCK,
                TASKHAND_CONFIG="/dev/null",
            )
            _make_journal(database.url, environment, count)
            hosts.append(stack.enter_context(Host(taskhand(), environment)))
            urls.append(database.url)
        ratios = {f"a list: {name}": _time_lists(hosts, arguments) for name, arguments in LISTS.items()}
        ratios["a create with a new key"] = _time_claims(hosts, lambda number: f"new-{number}")
        ratios["a create with a key that was used"] = _time_claims(hosts, lambda _: "first")
        pruned = [anyio.run(_time_pruning, url) for url in urls]
    lines = [f"| {name} | {ratio:.2f} x |" for name, ratio in ratios.items()]
    lines += [f"| pruning, for each row removed ({pruned[0]:.3f} ms) | {pruned[0] / pruned[1]:.2f} x |"]
    head = [f"| {rows:,} rows in PostgreSQL against {SMALL:,} | time |", "| --- | --- |"]
    return Measurement({}, "\n".join([*head, *lines]))


def _make_journal(url: str, environment: dict[str, str], rows: int) -> None:
    """One change of a server, repeated."""
    with Host(taskhand(), environment) as host:
        made = host.call("create_task", title="Call Acme", responsibleIds=["me"], priority="1", idempotencyKey="first")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path TO taskhand_journal")
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("SET maintenance_work_mem = '1GB'")
        found = connection.execute(
            "SELECT indexdef, indexname FROM pg_indexes WHERE schemaname = 'taskhand_journal' AND tablename = 'entry' "
            "AND indexname <> 'entry_pkey'"
        ).fetchall()
        for _, name in found:
            connection.execute(f"DROP INDEX {name}".encode())
        values = {
            "changes": rows // 4 - 1,
            "tasks": _TASKS if rows > _TASKS * 40 else rows // 40,
            "minutes": _MINUTES,
            "now": f"'{_CLOCK}'",
            "change": f"'{made['changeId']}'",
            "task": f"'{made['task']['id']}'",
            "at": "(SELECT at FROM entry WHERE seq = 1)",
        }
        connection.execute(_MULTIPLY.format(**values).encode())
        connection.execute("UPDATE entry SET at = '2025-01-01T00:00:00.000000+00:00' WHERE seq <= 4")  # the oldest
        for definition, _ in found:
            connection.execute(str(definition).encode())
        connection.execute(
            "INSERT INTO claim SELECT 'key ' || e.hash, e.place, e.seq, e.change_id, e.at FROM entry e "
            "WHERE e.kind = 'opening' AND e.seq > 4"
        )
        connection.execute(
            "UPDATE link SET (seq, hash) = (SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1) WHERE name = 'head'"
        )
        connection.execute("UPDATE made SET changes = %s", (rows // 4,))
        connection.execute("VACUUM ANALYZE entry, claim")


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


async def _time_pruning(url: str) -> float:
    """Milliseconds for each row that one portion removes."""
    store = Store(Database(url), JOURNAL)
    begin = perf_counter()
    removed = await store.write(lambda connection: prune_share(connection, _NOW, timedelta(days=30)))
    took = perf_counter() - begin
    await store.aclose()
    assert removed, "nothing was removed"
    return took * 1_000 / removed


if __name__ == "__main__":
    sys.stdout.write(f"{measure(*map(int, sys.argv[1:])).details}\n")
