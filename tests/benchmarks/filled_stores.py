"""Large task stores, filled without Taskhand in one go; indexes are made afterwards, which is much faster."""

import sqlite3
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.host import Host, plain_environment, taskhand
from benchmarks.task_rows import MORE_PEOPLE, MORE_STATUSES, TODAY, build_rows

__all__ = ["fill_database", "fill_file", "store_environment"]

_RESPONSIBLE: Final = (
    "INSERT INTO task_responsible SELECT id, creator_id, 0, due_key, status_id, created_at, priority "
    "FROM task WHERE assigned > 0 ORDER BY id"
)
_STATUSES: Final = "SELECT id FROM status ORDER BY position"
_PEOPLE: Final = "SELECT id FROM member ORDER BY is_me DESC"


def store_environment(store: Path | str, **more: str) -> dict[str, str]:
    """The environment of a server on this store, at a time to which its tasks are made."""
    return plain_environment(TASKHAND_DB=str(store), TASKHAND_CLOCK=f"{TODAY}T15:00:00+00:00", **more)


def fill_file(store: Path, count: int) -> None:
    """Write a SQLite file with `count` tasks in one transaction."""
    with Host(taskhand(), store_environment(store)) as host:
        host.call("list_statuses")  # creates the file
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        made = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        parts = connection.execute(made).fetchall()
        for quicker in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {quicker}")
        connection.execute("BEGIN")
        for kind, name, _ in parts:
            connection.execute(f"DROP {kind} {name}")
        connection.executemany("INSERT INTO member (id, name) VALUES (?, ?)", MORE_PEOPLE)
        connection.executemany(
            "INSERT INTO status (id, name, folded, type, position) VALUES (?, ?, ?, ?, ?)", MORE_STATUSES
        )
        statuses, people = ([row[0] for row in connection.execute(sql)] for sql in (_STATUSES, _PEOPLE))
        rows = build_rows(count, statuses, people)
        first = next(rows)
        marks = ", ".join("?" * len(first))
        connection.executemany(
            f"INSERT INTO task ({', '.join(first)}) VALUES ({marks})",  # noqa: S608  names of this module
            (tuple(row.values()) for row in chain([first], rows)),
        )
        connection.execute(_RESPONSIBLE)
        connection.execute("INSERT INTO task_fts (task_fts) VALUES ('rebuild')")
        for *_, sql in parts:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def fill_database(url: str, environment: dict[str, str], count: int) -> None:
    """Fill the store in the database at `url`, which a server with this `environment` makes, with `count` tasks."""
    with Host(taskhand(), environment) as host:
        host.call("list_statuses")  # makes the schema
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path TO taskhand_tasks")
        connection.execute("SET maintenance_work_mem = '512MB'")
        definitions = _drop_indexes(connection)
        with connection.transaction():
            for table in ("task", "task_responsible"):
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
            cursor = connection.cursor()
            cursor.executemany("INSERT INTO member (id, name) VALUES (%s, %s)", MORE_PEOPLE)
            sql = "INSERT INTO status (id, name, folded, type, position) VALUES (%s, %s, %s, %s, %s)"
            cursor.executemany(sql, MORE_STATUSES)
            statuses, people = ([row[0] for row in cursor.execute(sql.encode())] for sql in (_STATUSES, _PEOPLE))
            _copy_rows(connection, count, statuses, people)
            connection.execute(_RESPONSIBLE)
            for table in ("task", "task_responsible"):
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())
        for definition in definitions:
            connection.execute(definition.encode())
        connection.execute("VACUUM ANALYZE task, task_responsible, member, status")


def _drop_indexes(connection: psycopg.Connection) -> list[str]:
    """Drop the indexes that are no constraints; what makes them again."""
    found = connection.execute(
        "SELECT indexdef, indexname FROM pg_indexes WHERE schemaname = 'taskhand_tasks' "
        "AND tablename IN ('task', 'task_responsible') AND indexname NOT LIKE '%_pkey'"
    ).fetchall()
    for _, name in found:
        connection.execute(f"DROP INDEX {name}".encode())
    return [str(definition) for definition, _ in found]


def _copy_rows(connection: psycopg.Connection, count: int, statuses: list[str], people: list[str]) -> None:
    rows = build_rows(count, statuses, people)
    first = next(rows)
    names = [name for name in first if name != "number"]  # which is for the index of texts of SQLite
    with connection.cursor().copy(f"COPY task ({', '.join(names)}) FROM STDIN".encode()) as copy:
        for row in chain([first], rows):
            copy.write_row([row[name] for name in names])
