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
    """Keeps keys for several processes: what one has written, the next read of any other sees.

    Every method raises OperatorError if the keys cannot be read or written.
    """

    async def add(self, key: Key, key_hash: str) -> None:
        """Keep a new key, on disk when this returns."""
        ...

    async def find(self, key_id: str) -> KeptKey | None:
        """The key of this id, whatever its state."""
        ...

    async def list_keys(self) -> Sequence[Key]:
        """Every key, the oldest first."""
        ...

    async def revoke(self, key_ids: Collection[str], at: datetime) -> None:
        """Revoke these keys, on disk when this returns; one that was revoked before keeps its time."""
        ...

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Keep when keys were last used, beside whatever else is under way."""
        ...

    async def aclose(self) -> None:
        """Close the store after what is under way."""
        ...
