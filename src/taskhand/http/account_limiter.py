"""The queue in front of a CRM that limits a credential, and all credentials of an account together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from taskhand.http.rate_headers import RateHeaders
from taskhand.http.rate_limiter import Headroom, Limiter

__all__ = ["LimiterInAccount"]


@dataclass(frozen=True, slots=True)
class LimiterInAccount:
    """Spends from the budget of a credential, then from the account's; response headers adjust the credential's."""

    own: Limiter
    account: Limiter

    @asynccontextmanager
    async def turn(self, deadline: float) -> AsyncGenerator[None, None]:
        """Wait for a turn in both limiters; see `Limiter.turn`."""
        async with self.own.turn(deadline), self.account.turn(deadline):
            yield

    def pause(self, for_s: float) -> None:
        """Delay the requests of this credential for `for_s` seconds."""
        self.own.pause(for_s)

    def headroom(self) -> Headroom:
        """The headroom of this credential."""
        return self.own.headroom()

    def observe(self, headers: RateHeaders) -> None:
        """Apply a response's headers; call it inside the turn of the request."""
        self.own.observe(headers)
