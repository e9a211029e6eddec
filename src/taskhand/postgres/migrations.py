"""Numbered SQL scripts that bring the schema of one kind to the newest version: one process at a time, forward only.

Old and new replicas work side by side while a server is upgraded, so a script says in its first line which is the
oldest program that can work on what it makes: `-- oldest: 1`.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from psycopg import errors

from taskhand.domain.errors import OperatorError
from taskhand.postgres.connection import Driver

__all__ = ["LOCKS", "MIGRATION", "PostgresKind", "migrate"]

LOCKS: Final = 0x7461_736B
"""The first number of our advisory locks, so that they are nobody else's; the second says which."""
MIGRATION: Final = 0
"""The second number of the lock of whoever migrates."""
_WAIT_S: Final = 60
"""Seconds that a start waits for another process that migrates."""

_VERSIONS: Final = """
CREATE SCHEMA IF NOT EXISTS taskhand;
CREATE TABLE IF NOT EXISTS taskhand.schema_version (
    kind    text PRIMARY KEY,
    version integer NOT NULL,
    oldest  integer NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class PostgresKind:
    """One kind of data: `label` names it in a sentence, and it has the schema `taskhand_NAME` of its own.

    `package` has a folder `migrations/postgres` with its schema. `lock` is the second number of the advisory lock that
    its writes take, so that they run one after another; None if they need not. `variable` names the database.
    """

    label: str
    name: str
    package: str
    lock: int | None = None
    variable: str = "TASKHAND_STATE"

    @property
    def schema(self) -> str:
        """The schema that its tables are in."""
        return f"taskhand_{self.name}"

    def check_version(self, version: int, oldest: int) -> bool:
        """Whether the schema is as this program knows it, or newer; OperatorError if this program is too old."""
        known = len(_scripts(self.package))
        if version > known and oldest > known:
            raise OperatorError(
                f"The {self.label} was migrated by a newer Taskhand than this one, so nothing was read or written.",
                code="store_too_new",
                next_step="Install the newest Taskhand and restart this server with it.",
            )
        return version >= known


def migrate(driver: Driver, kind: PostgresKind) -> None:
    """Run the scripts that the database does not have yet, all in one transaction; psycopg.Error if that fails."""
    with driver.transaction():
        driver.execute(f"SET LOCAL lock_timeout = '{_WAIT_S}s'")
        driver.execute(f"SELECT pg_advisory_xact_lock({LOCKS}, {MIGRATION})")
        former = _read_version(driver, kind)
        if former is not None and kind.check_version(*former):
            return
        if former is None:
            driver.execute(_VERSIONS)
        version, oldest = former or (0, 0)
        driver.execute(f"CREATE SCHEMA IF NOT EXISTS {kind.schema}")
        driver.execute(f"SET LOCAL search_path TO {kind.schema}")
        for number, script in enumerate(_scripts(kind.package)[version:], version + 1):
            text = script.read_text("utf-8")
            driver.execute(text.encode())
            oldest = _oldest(text) or number
        version = len(_scripts(kind.package))
        driver.execute(
            "INSERT INTO taskhand.schema_version VALUES (%s, %s, %s) "
            "ON CONFLICT (kind) DO UPDATE SET version = excluded.version, oldest = excluded.oldest",
            (kind.name, version, oldest),
        )


def _read_version(driver: Driver, kind: PostgresKind) -> tuple[int, int] | None:
    try:
        with driver.transaction():
            sql = "SELECT version, oldest FROM taskhand.schema_version WHERE kind = %s"
            row = driver.execute(sql, (kind.name,)).fetchone()
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return None
    return (row["version"], row["oldest"]) if row else (0, 0)


def _oldest(script: str) -> int | None:
    match = re.match(r"-- oldest: (\d+)$", script, re.MULTILINE)
    return int(match[1]) if match else None


@cache
def _scripts(package: str) -> list[Traversable]:
    folder = files(package) / "migrations" / "postgres"
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
