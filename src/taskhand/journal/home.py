"""The protocols of what differs between the places where a journal can be."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Protocol

from taskhand.domain.check_result import CheckResult
from taskhand.sql.store import SqlStore

__all__ = ["Home", "Processes"]


class Processes(Protocol):
    """Which processes that use the journal are alive. Called within a transaction: everything here is quick.

    A process that takes over a dead one is the only one that settles the dead one's open changes.
    """

    @property
    def session(self) -> str:
        """The name of this process among those that use the journal."""
        ...

    @property
    def taken_over(self) -> frozenset[str]:
        """The dead processes that this process has taken over."""
        ...

    def acquire(self) -> None:
        """Live from now on until `release_all`, as the others see it. Raises where that is not possible."""
        ...

    def is_held(self, session: str) -> bool:
        """Whether this process still has this name, so that nobody else acts for it."""
        ...

    def other_sessions(self) -> Iterable[str]:
        """Processes that may have left something behind, dead and alive, beside those with open changes."""
        ...

    def take_over(self, session: str) -> bool:
        """Take over another process; False where that process is alive, or was taken over by a third."""
        ...

    def release(self, session: str) -> None:
        """Give back a process that was taken over, so that another can take it over."""
        ...

    def delete(self, session: str) -> None:
        """Forget a process that was taken over: it has no open changes left."""
        ...


class Home(Protocol):
    """Where a journal is, and whose: every method raises OperatorError where that cannot be used."""

    @property
    def store(self) -> SqlStore:
        """The rows."""
        ...

    @property
    def processes(self) -> Processes:
        """The processes that use the journal."""
        ...

    async def find(self) -> None:
        """Find out where the rows are, which `store` and `processes` are of from then on."""
        ...

    async def locate(self) -> Path | str:
        """The file, which may not exist yet, or the name of the database."""
        ...

    async def find_places(self, *, create: bool) -> tuple[str, ...]:
        """As `find`, then the owner's names in the journal: new changes get the first.

        `create` makes an embedded store that has none yet.
        """
        ...

    async def is_held(self, session: str) -> bool:
        """As `processes.is_held`, without keeping the event loop waiting."""
        ...

    async def take_turns(self, names: Collection[str]) -> frozenset[str] | None:
        """Let this process alone work on these things; those of them that another process worked on last.

        None where another process works on one of them.
        """
        ...

    async def give_turns_back(self, names: Collection[str]) -> None:
        """Let another process work on these things; never raises."""
        ...

    async def check_health(self) -> CheckResult:
        """Check that the journal is sound, complete and writable; changes and creates nothing, never raises."""
        ...

    async def aclose(self) -> None:
        """Close the journal, and let the others know that this process is gone."""
        ...
