"""The key of a caller: its text, its stored data, and its state; pure.

The text is `thk_ID_SECRET`. The id identifies the key and is not secret. The text is shown once, when the key is made.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Final, Literal

from taskhand.domain.principal import Scope

__all__ = ["NO_HASH", "Key", "KeyState", "KeyText", "hash_key", "make_key_text", "read_key_id"]

_ID_BYTES: Final = 5
_SECRET_BYTES: Final = 32
_ID: Final = f"[0-9a-f]{{{2 * _ID_BYTES}}}"
_TEXT: Final = re.compile(rf"thk_({_ID})_[0-9a-f]{{{2 * _SECRET_BYTES}}}")
_ID_OR_TEXT: Final = re.compile(rf"(?:thk_)?({_ID})(?:_.*)?", re.DOTALL)

NO_HASH: Final = hashlib.sha256(b"").hexdigest()
"""The hash that an unknown key is compared with: no key has the empty text."""

KeyState = Literal["active", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class KeyText:
    """A new key: its `text`, which only its holder gets, and the stored id and hash."""

    text: str = field(repr=False)
    id: str
    hash: str


@dataclass(frozen=True, slots=True)
class Key:
    """The stored data of a key: the person who holds it, its scopes, and its times.

    `last_used_at` may lag behind by a minute.
    """

    id: str
    person: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    name: str | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        """The state of the key at a moment; a revoked key stays revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.expires_at is None or now < self.expires_at else "expired"


def make_key_text() -> KeyText:
    """A new key."""
    key_id = token_hex(_ID_BYTES)
    text = f"thk_{key_id}_{token_hex(_SECRET_BYTES)}"
    return KeyText(text, key_id, hash_key(text))


def hash_key(text: str) -> str:
    """The stored hash of a key. The secret is random and too long to be guessed, so a plain hash is enough."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_key_id(text: str, *, whole: bool = True) -> str | None:
    """The id in the text of a key; None if the text is not a key.

    If `whole` is False, the id is enough, with or without `thk_` before it and any text after it.
    """
    match = (_TEXT if whole else _ID_OR_TEXT).fullmatch(text)
    return match[1] if match else None
