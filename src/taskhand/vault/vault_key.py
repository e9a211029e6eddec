"""The keys of the vault: their text, and the id that identifies the key of a sealed secret; pure.

The text is `thv_` and 64 hexadecimal digits: 32 random bytes. A word that a person made up is not a key.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Final

from taskhand.domain.errors import OperatorError

__all__ = ["VaultKey", "make_vault_key", "read_vault_keys"]

_BYTES: Final = 32
_TEXT: Final = re.compile(rf"thv_([0-9a-f]{{{2 * _BYTES}}})")
_ID_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class VaultKey:
    """A key; its `id` is not secret, and reveals nothing of the key."""

    id: str
    secret: bytes = field(repr=False)


def make_vault_key(new_token: Callable[[int], str] = token_hex) -> str:
    """The text of a new key; `new_token` returns the given number of random bytes as hexadecimal digits."""
    return f"thv_{new_token(_BYTES)}"


def read_vault_keys(texts: Sequence[str]) -> tuple[VaultKey, ...]:
    """The keys with these texts, in order. OperatorError for a text that is not a key, without quoting it."""
    return tuple(map(_read, texts))


def _read(text: str) -> VaultKey:
    if (match := _TEXT.fullmatch(text)) is None:
        raise OperatorError(
            "A part of TASKHAND_VAULT_KEY is not a key of the vault.",
            next_step="Make one with `taskhand vault new-key`.",
        )
    secret = bytes.fromhex(match[1])
    return VaultKey(hmac.new(secret, b"taskhand vault key id", hashlib.sha256).hexdigest()[:_ID_DIGITS], secret)
