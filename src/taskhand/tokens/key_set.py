"""The public keys of an issuer (JWKS, RFC 7517), each with its permitted algorithms; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jwt import InvalidKeyError, PyJWTError
from jwt.algorithms import Algorithm, get_default_algorithms

from taskhand.tokens.signed_token import SignedToken

__all__ = ["KeySet", "PublicKey"]

_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_OF_CURVE: Final = {
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""The algorithms with key pairs. With a shared secret, everyone who can check a token could also make one."""
_MIN_RSA_BITS: Final = 2_048
"""Minimum bits of an RSA key (RFC 7518 §3.3)."""
_MAX_KEYS: Final = 100
_KNOWN: Final[Mapping[str, Algorithm]] = get_default_algorithms()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key, and the names of its permitted algorithms."""

    id: str | None
    algorithms: frozenset[str]
    key: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of one issuer."""

    keys: tuple[PublicKey, ...] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "KeySet":
        """The usable keys in a document; others, such as secret or private keys, are left out."""
        given = document.get("keys")
        listed = given[:_MAX_KEYS] if isinstance(given, list) else []
        return cls(tuple(key for jwk in listed if isinstance(jwk, dict) and (key := _read_key(jwk)) is not None))

    def find(self, token: SignedToken) -> tuple[PublicKey, ...]:
        """The keys that may have signed a token: those of its key id, or the only one if it names none."""
        fitting = tuple(key for key in self.keys if token.algorithm in key.algorithms)
        if token.key_id is None:
            return fitting if len(fitting) == 1 else ()
        return tuple(key for key in fitting if key.id == token.key_id)

    def has_signed(self, token: SignedToken) -> bool:
        """Whether one of the keys has signed the token."""
        return any(_KNOWN[token.algorithm].verify(token.signed, key.key, token.signature) for key in self.find(token))


def _read_key(jwk: Mapping[str, Any]) -> PublicKey | None:
    """The key; None if it is not for checking signatures."""
    operations, key_id = jwk.get("key_ops"), jwk.get("kid")
    is_private = "d" in jwk or "k" in jwk
    may_verify = jwk.get("use", "sig") == "sig" and (not isinstance(operations, list) or "verify" in operations)
    if is_private or not may_verify or not isinstance(key_id, str | None):
        return None
    kind = jwk.get("kty")
    fitting = _RSA if kind == "RSA" else _OF_CURVE.get((str(kind), str(jwk.get("crv"))), ())
    named = jwk.get("alg")
    algorithms = frozenset(fitting) if named is None else frozenset(fitting) & {str(named)}
    if not algorithms:
        return None
    try:
        key = _KNOWN[min(algorithms)].from_jwk(dict(jwk))
    except (InvalidKeyError, PyJWTError, ValueError, TypeError, KeyError):
        return None
    if kind == "RSA" and key.key_size < _MIN_RSA_BITS:
        return None
    return PublicKey(key_id, algorithms, key)
