"""The protocol of the place where links are kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from taskhand.vault.sealed_link import SealedLink

__all__ = ["KeptLink", "LinkStore"]


class KeptLink(NamedTuple):
    """What is kept for a person and a connection.

    `generation` is the newest that was ever saved, 0 if there was none; it outlives the link, so that an old
    row that is put back is known. `removed`: there is meant to be no row.
    """

    person: str
    connection: str
    row: SealedLink | None = None
    generation: int = 0
    removed: bool = True


class LinkStore(Protocol):
    """Keeps links for several processes: what one has written, the next read of any other sees.

    What a method changes is on disk when it returns. Every method raises OperatorError if the links cannot be read
    or written.
    """

    async def exists(self) -> bool:
        """Whether anything was ever kept; if not, nothing is made to tell."""
        ...

    async def find(self, person: str, connection: str) -> KeptLink:
        """What is kept for this person and connection."""
        ...

    async def list_links(self) -> Sequence[KeptLink]:
        """All that is meant to be there, and all that is there, by person and connection."""
        ...

    async def put(self, row: SealedLink, *, after: int) -> bool:
        """Keep a row in the place of the one before, and end every claim on it.

        False, and nothing is done, if the newest generation is not `after` any more.
        """
        ...

    async def reseal(self, row: SealedLink, former: SealedLink) -> bool:
        """Keep the same link with its secret encrypted anew; False if the row is not `former` any more."""
        ...

    async def end(self, person: str, connection: str, *, generation: int, at: datetime) -> bool:
        """Remove the secret of a link that the CRM accepts no longer; False if there is a newer generation."""
        ...

    async def remove(self, person: str, connection: str, at: datetime) -> bool:
        """Remove a link; whether there was one."""
        ...

    async def claim(self, person: str, connection: str, *, generation: int, by: str, now: datetime, s: float) -> bool:
        """Let `by` alone get the next credential of this generation, for so many seconds at most.

        False if another has the claim, or there is a newer generation.
        """
        ...

    async def release(self, person: str, connection: str, by: str) -> None:
        """Give back a claim, if it is still there."""
        ...

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """Keep when links were last used, beside whatever else is under way."""
        ...

    async def aclose(self) -> None:
        """Close the store after what is under way."""
        ...
