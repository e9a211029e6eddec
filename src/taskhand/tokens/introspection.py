"""Asks the issuer about an opaque token (RFC 7662), and caches the response for some seconds."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.tokens.issuer_keys import IssuerKeys
from taskhand.tokens.signed_token import MAX_LENGTH, RefusedToken
from taskhand.tokens.token_claims import TokenHolder, TokenRules, read_holder

__all__ = ["Ask", "Introspection"]

_KEPT_S: Final = 10.0
"""Cache lifetime of a response in seconds: a revoked token may be accepted that long."""
_MAX_KEPT: Final = 1_000


Ask = Callable[[str, Mapping[str, str], str, str], Awaitable[Mapping[str, Any]]]
"""Posts a form to an address as the client with this id and secret; returns a JSON object, or raises TaskhandError."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The holder, or the reason of a refusal, valid until a monotonic time."""

    until: float
    found: TokenHolder | RefusedToken


class Introspection:
    """Asks one issuer, as a `client` with an id and a secret.

    `now` is POSIX time, `monotonic` returns seconds. Tokens are remembered by their hash.
    """

    def __init__(
        self,
        keys: IssuerKeys,
        client: tuple[str, str],
        ask: Ask,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys, self._client, self._ask = keys, client, ask
        self._now, self._monotonic = now, monotonic
        self._answers: dict[str, _Answer] = {}

    async def find_holder(self, text: str, rules: TokenRules, resource: str) -> TokenHolder:
        """The holder of an active token; RefusedToken for any other. OperatorError if the issuer cannot be asked."""
        if len(text) > MAX_LENGTH:
            raise RefusedToken("it is too large")
        name = sha256(text.encode("utf-8", "replace")).hexdigest()
        kept = self._answers.get(name)
        if kept is None or kept.until <= self._monotonic():
            kept = await self._ask_issuer(text, rules, resource)
            self._remember(name, kept)
        if isinstance(kept.found, RefusedToken):
            raise RefusedToken(kept.found.reason, is_misconfigured=kept.found.is_misconfigured)
        return kept.found

    async def _ask_issuer(self, text: str, rules: TokenRules, resource: str) -> _Answer:
        address, asked_at, now = await self._keys.introspection_address(), self._monotonic(), self._now()
        try:
            claims = await self._ask(address, {"token": text, "token_type_hint": "access_token"}, *self._client)
        except TaskhandError as error:
            message = f"The issuer {self._keys.issuer} could not be reached to check a token: {error.message}"
            raise OperatorError(message, next_step=error.next_step) from None
        try:
            holder = self._read(claims, rules, resource, now)
        except RefusedToken as refused:
            return _Answer(asked_at + _KEPT_S, refused)
        left = _KEPT_S if holder.expires_at is None else min(_KEPT_S, holder.expires_at - now)
        return _Answer(asked_at + left, holder)

    def _read(self, claims: Mapping[str, Any], rules: TokenRules, resource: str, now: float) -> TokenHolder:
        issuer = self._keys.issuer
        if claims.get("active") is not True:
            raise RefusedToken("its issuer says that it is not active")
        if claims.get("iss", issuer) != issuer:
            raise RefusedToken("it is of another issuer")
        if str(claims.get("token_type", "Bearer")).lower() not in {"bearer", "access_token"}:
            raise RefusedToken("it is no bearer token", is_misconfigured=True)
        return read_holder(claims, issuer, rules, resource=resource, now=now, must_expire=False)

    def _remember(self, name: str, answer: _Answer) -> None:
        self._answers.pop(name, None)
        self._answers[name] = answer
        while len(self._answers) > _MAX_KEPT:
            del self._answers[next(iter(self._answers))]
