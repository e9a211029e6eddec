"""The check of a key that a caller sends, as it is in the store at that moment, and the record of its last use."""

import hmac
from collections.abc import Callable
from datetime import datetime

from taskhand.keys.key import NO_HASH, Key, hash_key, read_key_id
from taskhand.keys.key_store import KeyStore
from taskhand.sqlite.last_uses import LastUses

__all__ = ["KeyCheck"]


class KeyCheck:
    """Checks keys by the store. Nothing is remembered between two checks, so that a revoked key is refused at once."""

    def __init__(self, store: KeyStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._uses = LastUses(store.note_uses, "keys")

    async def find_holder(self, text: str) -> Key | None:
        """The active key with this text; None for any other text. OperatorError if the keys cannot be read.

        A text that is no key, and one whose id nobody has, take as long as a wrong one.
        """
        key_id = read_key_id(text)
        kept = await self._store.find(key_id or "")
        is_same = hmac.compare_digest(hash_key(text), kept.hash if kept else NO_HASH)
        now = self._clock()
        if kept is None or not is_same or kept.key.state(now) != "active":
            return None
        self._uses.note(kept.key.id, now, kept.key.last_used_at)
        return kept.key

    async def is_active(self, key_id: str) -> bool:
        """Whether the key of this id still lets its holder in. OperatorError if the keys cannot be read."""
        kept = await self._store.find(key_id)
        return kept is not None and kept.key.state(self._clock()) == "active"

    async def check_access(self) -> None:
        """OperatorError if the keys cannot be read."""
        await self._store.find("")

    async def count_active(self) -> int:
        """How many keys let their holders in. OperatorError if the keys cannot be read."""
        now = self._clock()
        return sum(key.state(now) == "active" for key in await self._store.list_keys())

    async def record_uses(self) -> None:
        """Write down beside the calls when keys were last used, until cancelled."""
        await self._uses.record()

    async def write_uses(self) -> None:
        """Write down the uses since the last time. One that cannot be written is forgotten: no call may fail for it."""
        await self._uses.write()
