"""Checks the token of a request, with the keys of the issuer that it names, or by asking its issuer."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from taskhand.call.parallel_work import concurrent_tasks
from taskhand.domain.errors import OperatorError
from taskhand.tokens.introspection import Introspection
from taskhand.tokens.issuer_keys import IssuerKeys
from taskhand.tokens.signed_token import RefusedToken, is_signed_token, read_signed_token
from taskhand.tokens.token_claims import TokenHolder, TokenRules, check_is_access_token, read_holder

__all__ = ["TokenCheck"]

_log = logging.getLogger(__name__)

_SAID_EVERY_S: Final = 60.0


class TokenCheck:
    """Checks the tokens of these issuers, and refuses all others. `now` is POSIX time, `monotonic` returns seconds."""

    def __init__(
        self,
        issuers: Sequence[IssuerKeys],
        rules: TokenRules,
        introspection: Introspection | None = None,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self.rules = rules
        self._introspection = introspection
        self._now, self._monotonic = now, monotonic
        self._said_at: dict[str, float] = {}

    @property
    def issuers(self) -> tuple[str, ...]:
        """The issuers whose tokens are accepted."""
        return tuple(self._issuers)

    async def find_holder(self, text: str, resource: str) -> TokenHolder | None:
        """The holder of a token for this server, whose address is `resource`; None for any other text.

        OperatorError if its issuer cannot be asked.
        """
        try:
            if self._introspection is not None and not is_signed_token(text):
                return await self._introspection.find_holder(text, self.rules, resource)
            return await self._check_signed(text, resource)
        except RefusedToken as refused:
            self._log_refusal(refused)
            return None

    async def count_keys(self) -> dict[str, int | OperatorError]:
        """The present number of each issuer's keys, or the error of fetching them."""
        counts: dict[str, int | OperatorError] = {}
        for name, issuer in self._issuers.items():
            try:
                counts[name] = await issuer.count_keys()
            except OperatorError as error:
                counts[name] = error
        return counts

    async def run(self) -> None:
        """Keep the keys of all issuers fresh, until cancelled."""
        async with concurrent_tasks() as group:
            for issuer in self._issuers.values():
                group.start_soon(issuer.keep_fresh)

    async def _check_signed(self, text: str, resource: str) -> TokenHolder:
        token = read_signed_token(text)
        named = token.claims.get("iss")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            raise RefusedToken("its issuer (iss) is not one of those that this server trusts")
        if not await issuer.has_signed(token):
            raise RefusedToken("no key of its issuer has signed it")
        check_is_access_token(token)
        return read_holder(token.claims, issuer.issuer, self.rules, resource=resource, now=self._now())

    def _log_refusal(self, refused: RefusedToken) -> None:
        """Log the reason of a refusal; if the operator's settings caused it, also as a warning, but not each time."""
        _log.info("A token was refused: %s.", refused.reason)
        now = self._monotonic()
        if refused.is_misconfigured and now - self._said_at.get(refused.reason, -math.inf) >= _SAID_EVERY_S:
            self._said_at[refused.reason] = now
            _log.warning("A genuine token was refused: %s.", refused.reason)
