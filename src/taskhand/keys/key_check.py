"""The check of a key that a caller sends, as it is in the store at that moment, and the record of its last use."""

import hmac
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import anyio

from taskhand.domain.errors import OperatorError
from taskhand.keys.key import NO_HASH, Key, hash_key, read_key_id
from taskhand.keys.key_store import KeyStore

__all__ = ["KeyCheck"]

_log = logging.getLogger(__name__)

_NOTED_EVERY: Final = timedelta(minutes=1)
"""How often the use of one key is written down at most."""


class KeyCheck:
    """Checks keys by the store. Nothing is remembered between two checks, so that a revoked key is refused at once."""

    def __init__(self, store: KeyStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._noted: dict[str, datetime] = {}
        self._uses: dict[str, datetime] = {}
        self._used = anyio.Event()

    async def find_holder(self, text: str) -> Key | None:
        """The active key with this text; None for any other text. OperatorError where the keys cannot be read.

        A text that is no key, and one whose id nobody has, take as long as a wrong one.
        """
        key_id = read_key_id(text)
        kept = await self._store.find(key_id or "")
        is_same = hmac.compare_digest(hash_key(text), kept.hash if kept else NO_HASH)
        now = self._clock()
        if kept is None or not is_same or kept.key.state(now) != "active":
            return None
        self._note_use(kept.key, now)
        return kept.key

    async def is_active(self, key_id: str) -> bool:
        """Whether the key of this id still lets its holder in. OperatorError where the keys cannot be read."""
        kept = await self._store.find(key_id)
        return kept is not None and kept.key.state(self._clock()) == "active"

    async def count_active(self) -> int:
        """How many keys let their holders in. OperatorError where the keys cannot be read."""
        now = self._clock()
        return sum(key.state(now) == "active" for key in await self._store.list_keys())

    async def record_uses(self) -> None:
        """Write down beside the calls when keys were last used, until cancelled."""
        while True:
            await self._used.wait()
            await self.write_uses()

    async def write_uses(self) -> None:
        """Write down the uses since the last time. One that cannot be written is forgotten: no call may fail for it."""
        self._used = anyio.Event()
        uses, self._uses = self._uses, {}
        try:
            await self._store.note_uses(uses)
        except OperatorError as error:
            _log.info("the last use of %d keys was not written down: %s", len(uses), error.message)

    def _note_use(self, key: Key, now: datetime) -> None:
        known = (key.last_used_at, self._noted.get(key.id))
        if not any(at is not None and timedelta() <= now - at < _NOTED_EVERY for at in known):
            self._noted[key.id] = self._uses[key.id] = now
            self._used.set()
