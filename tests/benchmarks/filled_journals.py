"""Large journals: one change of a server, of four rows, repeated by SQL with ids and times of its own.

The hashes are no chain. A hundred changes, spread evenly, have an outcome of which nobody knows.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.host import Host, taskhand

__all__ = ["CLOCK", "NOW", "RARE", "fill_database_journal", "fill_file_journal"]

NOW: Final = datetime(2026, 3, 2, 15, tzinfo=UTC)
CLOCK: Final = NOW.isoformat()
_MINUTES: Final = 525_600
"""The changes began within so many minutes before now."""
_TASKS: Final = 2_000
"""Each change of so many is one of the same task."""
RARE: Final = 100
"""So many changes of any journal have the outcome `unknown`."""
_ROWS: Final = 4

_COLUMNS: Final = "seq, kind, change_id, place, task_id, tool, outcome, at, body, hash"


def fill_file_journal(path: Path, environment: dict[str, str], rows: int) -> None:
    """Make a journal of so many rows in the file at `path`, which a server with this environment makes."""
    values = _values(_make_change(environment), rows)
    changes = values["changes"]
    values |= {
        "numbers": (
            "(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL "  # noqa: S608  numbers of ours
            f"SELECT n + 1 FROM numbers WHERE n < {changes}) SELECT n FROM numbers) AS numbers"
        ),
        "change_id": "'chg_' || printf('%010d', n)",
        "task_id": f"printf('%08x', n % {values['tasks']})",
        "moment": (
            f"strftime('%Y-%m-%dT%H:%M:%S', '{CLOCK}', '-' || (({changes} - n) * {60.0 * _MINUTES} / {changes}) "
            "|| ' seconds') || '.000000+00:00'"
        ),
        "hash": "printf('%064x', n * 4 + e.seq)",
    }
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for quicker in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {quicker}")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('entry', 'claim') "
            "AND sql IS NOT NULL"
        ).fetchall()
        connection.execute("BEGIN")
        statements = [f"DROP INDEX {name}" for name, _ in indexes]
        statements += [one.format(**values) for one in (_MULTIPLY, *_FINISH)]
        for statement in (*statements, *(sql for _, sql in indexes), "COMMIT", "PRAGMA journal_mode = WAL"):
            connection.execute(statement)


def fill_database_journal(url: str, environment: dict[str, str], rows: int) -> None:
    """The same in the database at `url`."""
    values = _values(_make_change(environment), rows)
    changes = values["changes"]
    values |= {
        "numbers": f"generate_series(1, {changes}) AS numbers (n)",
        "change_id": "'chg_' || lpad(n::text, 10, '0')",
        "task_id": f"lpad(to_hex(n % {values['tasks']}), 8, '0')",
        "moment": (
            f"to_char(TIMESTAMPTZ '{CLOCK}' - ({changes} - n)::float8 / {changes} * "
            f"interval '{_MINUTES} minutes', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
        ),
        "hash": "md5(n::text) || md5(e.kind)",
    }
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("search_path TO taskhand_journal", "TIME ZONE 'UTC'", "maintenance_work_mem = '1GB'"):
            connection.execute(f"SET {setting}".encode())
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'taskhand_journal' "
            "AND tablename IN ('entry', 'claim') AND indexname NOT LIKE '%_pkey'"
        ).fetchall()
        statements = [f"DROP INDEX {name}" for name, _ in indexes]
        statements += [one.format(**values) for one in (_MULTIPLY, *_FINISH)]
        for statement in (*statements, *(str(definition) for _, definition in indexes), "VACUUM ANALYZE entry, claim"):
            connection.execute(statement.encode())


def _make_change(environment: dict[str, str]) -> dict[str, Any]:
    """The change that is repeated, which also makes the journal."""
    with Host(taskhand(), environment) as host:
        return host.call("create_task", title="Call Acme", responsibleIds=["me"], priority="1", idempotencyKey="first")


def _values(made: dict[str, Any], rows: int) -> dict[str, Any]:
    changes = rows // _ROWS - 1
    return {
        "columns": _COLUMNS,
        "changes": changes,
        "tasks": _TASKS if rows > _TASKS * 40 else rows // 40,
        "change": f"'{made['changeId']}'",
        "task": f"'{made['task']['id']}'",
        "rare": max(2, changes // RARE),
        "made": rows // _ROWS,
    }


_MULTIPLY: Final = """
INSERT INTO entry ({columns})
SELECT n * 4 + e.seq, e.kind, t.change_id, e.place, CASE WHEN e.task_id IS NULL THEN NULL ELSE t.task_id END, e.tool,
    CASE WHEN e.outcome IS NOT NULL AND n % {rare} = 1 THEN 'unknown' ELSE e.outcome END, t.at,
    replace(replace(replace(replace(e.body, {change}, t.change_id), e.at, t.at), {task}, t.task_id),
        CASE WHEN n % {rare} = 1 THEN '"outcome":"applied"' ELSE '-' END,
        CASE WHEN n % {rare} = 1 THEN '"outcome":"unknown"' ELSE '-' END),
    {hash}
FROM (SELECT n, {change_id} AS change_id, {task_id} AS task_id, {moment} AS at FROM {numbers}) AS t
CROSS JOIN (SELECT * FROM entry WHERE seq <= 4) AS e
ORDER BY n, e.seq
"""

_FINISH: Final = (
    """UPDATE entry SET at = '2025-01-01T00:00:00.000000+00:00',
    body = replace(body, at, '2025-01-01T00:00:00.000000+00:00') WHERE seq <= 4""",  # the oldest
    """INSERT INTO claim SELECT 'key ' || e.hash, e.place, e.seq, e.change_id, e.at FROM entry e
    WHERE e.kind = 'opening' AND e.seq > 4""",
    """UPDATE link SET seq = (SELECT max(seq) FROM entry),
    hash = (SELECT hash FROM entry ORDER BY seq DESC LIMIT 1) WHERE name = 'head'""",
    "UPDATE made SET changes = {made}",
)
