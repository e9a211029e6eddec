"""The health check of the feeds of changes, in a file and in a database."""

from pathlib import Path
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.sql.connection import SqlConnection
from taskhand.sql.store import SqlStore
from taskhand.sqlite.health_checks import describe_copies, describe_size, find_damage
from taskhand.sqlite.store import SqliteStore

__all__ = ["check_database", "check_event_file"]

_SUBJECT: Final = "events"
_ANEW: Final = (
    "Stop every Taskhand and move the file away, with its -wal and -shm, or set TASKHAND_EVENTS to another one: feeds "
    "begin anew, and learn what the CRM still tells."
)


async def check_event_file(store: SqliteStore, path: Path) -> CheckResult:
    """Check that the file is sound and can be written. A missing file is not a failure, and is not created."""
    try:
        if not await store.exists():
            return CheckResult(_SUBJECT, "ok", f"There is no file {path} yet; the first poll creates it.")
        if fault := await find_damage(store):
            return CheckResult(_SUBJECT, "failed", f"{path} is damaged: {fault}.", _ANEW)
        count = await store.read(_count)
        size, copies = await describe_size(path), await describe_copies(path)
    except OperatorError as error:
        return CheckResult(_SUBJECT, "failed", error.message, error.next_step or _ANEW)
    except OSError as error:
        return CheckResult(_SUBJECT, "failed", f"{path} cannot be read: {error.strerror}.", _ANEW)
    return CheckResult(_SUBJECT, "ok", f"{path}, {size}: sound, and can be written; {count}.{copies}")


async def check_database(store: SqlStore, location: str) -> CheckResult:
    """Check that the feeds in this database can be read and written."""
    try:
        if not await store.exists():
            return CheckResult(_SUBJECT, "ok", f"There is no feed of changes in {location} yet.")
        await store.write(lambda _: None)
        count = await store.read(_count)
    except OperatorError as error:
        return CheckResult(_SUBJECT, "failed", error.message, error.next_step or "Correct TASKHAND_STATE.")
    return CheckResult(_SUBJECT, "ok", f"The feed of changes in {location}: can be written; {count}.")


def _count(connection: SqlConnection) -> str:
    sql = "SELECT (SELECT count(*) FROM feed) AS feeds, (SELECT count(*) FROM event) AS changes"
    row = connection.execute(sql).fetchone()
    return f"accounts followed: {row['feeds']}, changes: {row['changes']}"
