"""The health check of the built-in store's file."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from taskhand.backends.local.text_index import has_text_index
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.sql.connection import SqlConnection
from taskhand.sqlite.health_checks import Description, describe_copies, describe_size, find_damage
from taskhand.sqlite.store import SqliteStore

__all__ = ["check_store", "describe_search", "describe_tasks"]

_COPY: Final = "Keep a copy of the file, then restore the last good one, or set TASKHAND_DB to another one."


async def check_store(store: SqliteStore, path: Path) -> CheckResult:
    """Check that the file is sound and can be written; the result has its size, and says if it was just created."""
    is_new = not _exists(path)
    try:
        fault = await find_damage(store)
    except OperatorError as error:
        return CheckResult("store", "failed", error.message, error.next_step)
    if fault:
        return CheckResult("store", "failed", f"{path} is damaged: {fault}.", _COPY)
    sentence = f"{path}, {await describe_size(path)}: sound, and can be written.{await store.read(describe_search)}"
    sentence += " It was made by this check." if is_new else ""
    return CheckResult("store", "ok", f"{sentence}{await describe_copies(path)}")


def describe_search(connection: SqlConnection) -> str:
    """A sentence if text search has no index; empty if it has one."""
    if has_text_index(connection):
        return ""
    return " This SQLite has no FTS5, so a text search reads every task."


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  raises nothing


def describe_tasks(connection: sqlite3.Connection) -> Description:
    """The number of tasks, as text."""
    [count] = connection.execute("SELECT count(*) FROM task").fetchone()
    return Description(f"tasks: {count}")
