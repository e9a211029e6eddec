"""The encryption of the vault: AES-256-GCM with a random nonce, and associated data that identify a secret's purpose.

NIST SP 800-38D: with random nonces of 96 bits, one key may seal 2^32 secrets.
"""

import hmac
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from taskhand.domain.errors import OperatorError
from taskhand.vault.vault_key import VaultKey

# A server whose callers have no credentials of their own loads no cryptography.
# ruff: noqa: PLC0415

__all__ = ["CannotOpen", "Cipher", "Sealed", "no_key"]

_NONCE_BYTES: Final = 12


class CannotOpen(Exception):
    """A sealed secret cannot be opened. `key_is_missing`: no key has its id; otherwise the data were altered."""

    def __init__(self, *, key_is_missing: bool) -> None:
        super().__init__("the key is missing" if key_is_missing else "something was altered")
        self.key_is_missing = key_is_missing


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted secret with its tag, the nonce, and the id of the key."""

    key_id: str
    nonce: bytes
    text: bytes


class Cipher:
    """Seals with the first key, and opens with any key."""

    def __init__(self, keys: Sequence[VaultKey], new_nonce: Callable[[int], bytes] = os.urandom) -> None:
        """Without keys it cannot open anything; `new_nonce` returns the given number of random bytes."""
        self._keys = {key.id: key for key in keys}
        self._new_nonce = new_nonce
        self.key_id: Final = keys[0].id if keys else None
        """The id of the key that seals; None without keys."""

    def seal(self, secret: bytes, associated: bytes) -> Sealed:
        """Encrypt a secret with `associated` data, which identify its purpose. OperatorError without a key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if self.key_id is None:
            raise no_key()
        nonce = self._new_nonce(_NONCE_BYTES)
        return Sealed(self.key_id, nonce, AESGCM(self._keys[self.key_id].secret).encrypt(nonce, secret, associated))

    def make_hmac(self, text: bytes) -> str:
        """An HMAC of the text under the first key. OperatorError without a key."""
        if self.key_id is None:
            raise no_key()
        return _compute_hmac(self._keys[self.key_id], text)

    def verify_hmac(self, text: bytes, mark: str | None) -> bool:
        """Whether `mark` is the HMAC of the text under any of the keys."""
        given = (mark or "").encode("utf-8", "replace")
        return any(hmac.compare_digest(_compute_hmac(key, text).encode(), given) for key in self._keys.values())

    def open(self, sealed: Sealed, associated: bytes) -> bytes:
        """Decrypt a secret. CannotOpen if the secret or the `associated` data differ from what was sealed."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if (key := self._keys.get(sealed.key_id)) is None:
            raise CannotOpen(key_is_missing=True)
        if len(sealed.nonce) != _NONCE_BYTES:
            raise CannotOpen(key_is_missing=False)
        try:
            return AESGCM(key.secret).decrypt(sealed.nonce, sealed.text, associated)
        except InvalidTag:
            raise CannotOpen(key_is_missing=False) from None


def _compute_hmac(key: VaultKey, text: bytes) -> str:
    mark_key = hmac.digest(key.secret, b"taskhand vault mark", "sha256")
    return hmac.digest(mark_key, text, "sha256").hex()


def no_key() -> OperatorError:
    """The error for sealing or opening without a key."""
    return OperatorError(
        "There is no key for the credentials that persons link.",
        next_step="Set TASKHAND_VAULT_KEY to the key that they were encrypted with: no other key decrypts them. "
        "If nobody has linked one yet, set it to the key that `taskhand vault new-key` prints.",
    )
