"""Detection of live processes: each process holds a lock on its own file beside the journal while it lives.

The operating system releases the lock when the process ends, however it ends. A process that takes over the lock of a
dead one is the only one that settles the dead one's open changes. Everything here is quick, and runs in one thread at
a time.
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
"""Seconds to wait for our own new file while another process tries its lock."""


class ProcessLock:
    """The lock of this process, and the locks of dead processes that it took over.

    `session` names this process among those that use the journal at `journal`. Raises OSError if the journal's
    folder cannot be used.
    """

    def __init__(self, journal: Path) -> None:
        self.session: Final = token_hex(8)
        self._journal = journal
        self._own: BaseFileLock | None = None
        self._taken_over: dict[str, BaseFileLock] = {}

    @property
    def taken_over(self) -> frozenset[str]:
        """The sessions of dead processes whose locks this process holds."""
        return frozenset(self._taken_over)

    def acquire(self) -> None:
        """Hold this process's own lock until `release_all`."""
        if self._own is None:
            lock = self._lock(self.session)
            lock.acquire(timeout=_WAIT_S)
            self._own = lock

    def is_held(self, session: str) -> bool:
        """Whether this is the session of this process; a live process is never taken over."""
        return session == self.session

    def other_sessions(self) -> Iterator[str]:
        """The sessions that have a lock file, dead and alive, except this one."""
        for file in self._journal.parent.glob(f"{escape(self._journal.name)}.*.lock"):
            session = file.name.removeprefix(f"{self._journal.name}.").removesuffix(".lock")
            if session != self.session:
                yield session

    def take_over(self, session: str) -> bool:
        """Hold the lock of another process; False if that process is alive, or was taken over by a third."""
        if session not in self._taken_over:
            lock = self._lock(session)
            try:
                lock.acquire(blocking=False)
            except TimeoutError:
                return False
            self._taken_over[session] = lock
        return True

    def release(self, session: str) -> None:
        """Release a lock that was taken over, so that another process can take it over."""
        self._taken_over.pop(session).release()

    def delete(self, session: str) -> None:
        """Release a lock that was taken over, and delete its file: the dead process has no open changes left."""
        _remove(self._taken_over.pop(session), self._file(session))

    def release_all(self) -> None:
        """Release every lock, and delete the file of this process's own."""
        while self._taken_over:
            self._taken_over.popitem()[1].release()
        if self._own is not None:
            own, self._own = self._own, None
            _remove(own, self._file(self.session))

    def _file(self, session: str) -> Path:
        return self._journal.with_name(f"{self._journal.name}.{session}.lock")

    def _lock(self, session: str) -> "BaseFileLock":
        from filelock import FileLock  # noqa: PLC0415  start-up is a feature: a server that only reads needs none

        # Not bound to one thread: worker threads come and go.
        return FileLock(self._file(session), mode=0o600, thread_local=False)


def _remove(lock: "BaseFileLock", file: Path) -> None:
    """Delete a lock's file while this process holds the lock; on Windows after its release."""
    with suppress(OSError):
        file.unlink()
    lock.release()
    with suppress(OSError):
        file.unlink()
