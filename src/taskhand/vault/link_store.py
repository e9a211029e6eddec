"""The protocol of a store of links."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from taskhand.vault.sealed_link import SealedLink

__all__ = ["KeptLink", "LinkStore"]


class KeptLink(NamedTuple):
    """The stored state for a person and a connection.

    `generation` is the newest ever saved, 0 if none was; it outlives the link, so that an old row restored from a copy
    is recognized. `removed` means that the row was deleted on purpose.
    """

    person: str
    connection: str
    row: SealedLink | None = None
    generation: int = 0
    removed: bool = True


class LinkStore(Protocol):
    """Stores links for several processes: a write of one is visible to the next read of any other.

    A method's change is on disk when it returns. Every method raises OperatorError if the links cannot be read or
    written.
    """

    async def exists(self) -> bool:
        """Whether the store exists; it is not created."""
        ...

    async def find(self, person: str, connection: str) -> KeptLink:
        """The stored link of this person and connection."""
        ...

    async def list_links(self) -> Sequence[KeptLink]:
        """All links that should exist or do exist, sorted by person and connection."""
        ...

    async def put(self, row: SealedLink, *, after: int) -> bool:
        """Replace the row, and end every claim on it.

        False, without a change, if `after` is no longer the newest generation.
        """
        ...

    async def reseal(self, row: SealedLink, former: SealedLink) -> bool:
        """Replace the row by one with a newly encrypted secret; False if the stored row is no longer `former`."""
        ...

    async def end(self, person: str, connection: str, *, generation: int, at: datetime) -> bool:
        """Remove the secret of a link that the CRM rejects; False if there is a newer generation."""
        ...

    async def remove(self, person: str, connection: str, at: datetime) -> bool:
        """Remove a link; False if there was none."""
        ...

    async def claim(self, person: str, connection: str, *, generation: int, by: str, now: datetime, s: float) -> bool:
        """Claim the renewal of this generation for `by`, for at most `s` seconds.

        False if another process holds the claim, or there is a newer generation.
        """
        ...

    async def release(self, person: str, connection: str, by: str) -> None:
        """Release a claim, if `by` still holds it."""
        ...

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """Store the times of last use; concurrent with other work."""
        ...

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        ...
