"""A journal of its own for an app context that a test opens by hand."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal

__all__ = ["journal_at", "numbered"]


def numbered(prefix: str, number: int) -> str:
    """Ids that are the same in every run."""
    return f"{prefix}_{number:04}"


@asynccontextmanager
async def journal_at(
    clock: Callable[[], datetime], account_name: str = "test", secrets: Sequence[str] = ()
) -> AsyncIterator[SqliteJournal]:
    """A journal in a folder that is there as long as it is used."""
    with TemporaryDirectory(prefix="taskhand-journal-") as folder:
        journal = SqliteJournal(
            AccountOwner(Path(folder) / "journal.sqlite", account_name), clock=clock, new_id=numbered, secrets=secrets
        )
        try:
            yield journal
        finally:
            await journal.aclose()
