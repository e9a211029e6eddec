"""The health check of the journal's file."""

import sqlite3
from pathlib import Path
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.journal.verification import NEWEST, Verification, describe_rows, verify_chain
from taskhand.sqlite.health_checks import Description, describe_copies, describe_size, find_damage
from taskhand.sqlite.store import SqliteStore

__all__ = ["check_journal", "describe_journal"]

_KEEP: Final = "Keep the file as evidence, and set TASKHAND_JOURNAL to another one."

_ELSEWHERE: Final = "Check its folder, or set TASKHAND_JOURNAL to another file."


async def check_journal(store: SqliteStore, path: Path) -> CheckResult:
    """Check that the file is sound, complete and writable; the result names its size and its open changes.

    A missing file is no failure, and is not created.
    """
    try:
        if not await store.exists():
            return CheckResult("journal", "ok", f"There is no file {path} yet; the first write creates it.")
        if fault := await find_damage(store):
            return CheckResult("journal", "failed", f"{path} is damaged: {fault}.", _KEEP)
        verification, under_way = await store.read(_verify_and_count)
    except OperatorError as error:
        return CheckResult("journal", "failed", error.message, error.next_step)
    except OSError as error:
        return CheckResult("journal", "failed", f"{path} cannot be read: {error.strerror}.", _ELSEWHERE)
    if verification.fault:
        sentence = f"{path} was altered: row {verification.fault.seq} is not right, {verification.fault.problem}."
        return CheckResult("journal", "failed", sentence, f"{_KEEP} `taskhand journal verify` says more.")
    size = await describe_size(path)
    sentence = f"{path}, {size}: {describe_rows(verification)}; open changes: {under_way}."
    if under_way:
        sentence += " The next start settles those of processes that have ended."
    return CheckResult("journal", "ok", f"{sentence}{await describe_copies(path)}")


def _verify_and_count(connection: sqlite3.Connection) -> tuple[Verification, int]:
    count = connection.execute("SELECT count(*) FROM under_way").fetchone()[0]
    return verify_chain(connection, newest=NEWEST), int(count)


def describe_journal(connection: sqlite3.Connection) -> Description:
    """The number of rows and the head, after a verification of the chain."""
    verification = verify_chain(connection)
    fault = verification.fault
    problem = f"row {fault.seq} is not right, {fault.problem}" if fault else None
    return Description(f"rows: {verification.rows}, head: {verification.head.hash}", problem)
