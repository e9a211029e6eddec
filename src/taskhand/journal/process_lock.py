"""Which processes are alive: each holds a lock on a file of its own beside the journal for as long as it lives.

The operating system lets go of the lock when the process is gone, however it went. Whoever takes such a lock has the
process's open changes to itself. Everything here is quick, and runs in one thread at a time.
"""

from collections.abc import Iterator
from contextlib import suppress
from glob import escape
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["ProcessLock"]

_WAIT_S: Final = 5.0
"""How long another process may look at our new file before it is ours."""


class ProcessLock:
    """This process among those that use the journal at `journal`; OSError where its folder cannot be used."""

    def __init__(self, journal: Path) -> None:
        self.session: Final = token_hex(8)
        self._journal = journal
        self._own: BaseFileLock | None = None
        self._taken_over: dict[str, BaseFileLock] = {}

    @property
    def taken_over(self) -> frozenset[str]:
        """The sessions of dead processes whose locks are held here."""
        return frozenset(self._taken_over)

    def acquire(self) -> None:
        """Be known as alive from now on."""
        if self._own is None:
            lock = self._lock(self.session)
            lock.acquire(timeout=_WAIT_S)
            self._own = lock

    def other_sessions(self) -> Iterator[str]:
        """The sessions that have a file, dead and alive, but for this one."""
        for file in self._journal.parent.glob(f"{escape(self._journal.name)}.*.lock"):
            session = file.name.removeprefix(f"{self._journal.name}.").removesuffix(".lock")
            if session != self.session:
                yield session

    def take_over(self, session: str) -> bool:
        """Whether that process is gone; its lock is held here from then on."""
        if session not in self._taken_over:
            lock = self._lock(session)
            try:
                lock.acquire(blocking=False)
            except TimeoutError:
                return False
            self._taken_over[session] = lock
        return True

    def release(self, session: str) -> None:
        """Let another process see to the changes of a dead one."""
        self._taken_over.pop(session).release()

    def delete(self, session: str) -> None:
        """Remove the file of a dead process: it has left nothing open."""
        _remove(self._taken_over.pop(session), self._file(session))

    def release_all(self) -> None:
        """This process is done with the journal."""
        while self._taken_over:
            self._taken_over.popitem()[1].release()
        if self._own is not None:
            own, self._own = self._own, None
            _remove(own, self._file(self.session))

    def _file(self, session: str) -> Path:
        return self._journal.with_name(f"{self._journal.name}.{session}.lock")

    def _lock(self, session: str) -> "BaseFileLock":
        from filelock import FileLock  # noqa: PLC0415  start-up is a feature: a server that only reads needs none

        # Not of one thread: worker threads come and go.
        return FileLock(self._file(session), mode=0o600, thread_local=False)


def _remove(lock: "BaseFileLock", file: Path) -> None:
    """Remove a lock's file while it is held, so that nobody else holds it by then; Windows can only afterwards."""
    with suppress(OSError):
        file.unlink()
    lock.release()
    with suppress(OSError):
        file.unlink()
