"""Checks the key of a request against the store, and records its last use."""

import hmac
from collections.abc import Callable
from datetime import datetime

from taskhand.keys.key import NO_HASH, Key, hash_key, read_key_id
from taskhand.keys.key_store import KeyStore
from taskhand.sqlite.last_uses import LastUses

__all__ = ["KeyCheck"]


class KeyCheck:
    """Checks keys against the store. Nothing is cached between checks, so that a revoked key is refused at once."""

    def __init__(self, store: KeyStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._uses = LastUses(store.note_uses, "keys")

    async def find_holder(self, text: str) -> Key | None:
        """The active key with this text; None for any other text. OperatorError if the keys cannot be read.

        The check takes the same time for a text that is not a key, an unknown id and a wrong secret.
        """
        key_id = read_key_id(text)
        kept_key = await self._store.find(key_id or "")
        is_same = hmac.compare_digest(hash_key(text), kept_key.hash if kept_key else NO_HASH)
        now = self._clock()
        if kept_key is None or not is_same or kept_key.key.state(now) != "active":
            return None
        self._uses.note(kept_key.key.id, now, kept_key.key.last_used_at)
        return kept_key.key

    async def is_active(self, key_id: str) -> bool:
        """Whether the key with this id is still active. OperatorError if the keys cannot be read."""
        kept_key = await self._store.find(key_id)
        return kept_key is not None and kept_key.key.state(self._clock()) == "active"

    async def check_access(self) -> None:
        """Check the store; OperatorError if the keys cannot be read."""
        await self._store.find("")

    async def count_active(self) -> int:
        """The number of active keys. OperatorError if the keys cannot be read."""
        now = self._clock()
        return sum(key.state(now) == "active" for key in await self._store.list_keys())

    async def record_uses(self) -> None:
        """Write the times of last use in the background, until cancelled."""
        await self._uses.record()

    async def write_uses(self) -> None:
        """Write the uses since the last write; unwritable uses are dropped, so that no call fails."""
        await self._uses.write()
