"""The protocol of a store of keys."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from taskhand.keys.key import Key

__all__ = ["KeptKey", "KeyStore"]


class KeptKey(NamedTuple):
    """A key, and the hash of its text."""

    key: Key
    hash: str


class KeyStore(Protocol):
    """Stores keys for several processes: a write of one is visible to the next read of any other.

    Every method raises OperatorError if the keys cannot be read or written.
    """

    async def add(self, key: Key, key_hash: str) -> None:
        """Store a new key, on disk on return."""
        ...

    async def find(self, key_id: str) -> KeptKey | None:
        """The key with this id, in any state."""
        ...

    async def list_keys(self) -> Sequence[Key]:
        """All keys, oldest first."""
        ...

    async def revoke(self, key_ids: Collection[str], at: datetime) -> None:
        """Revoke these keys, on disk on return; a key that was revoked before keeps its time."""
        ...

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Store the times of last use; concurrent with other work."""
        ...

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        ...
