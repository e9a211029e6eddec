"""How a factory opens the connection to its CRM."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from taskhand.backends.remote.adapter import Timing
from taskhand.http.client import Client
from taskhand.http.rate_limiter import Limiter, Rate, RateLimiter
from taskhand.http.upstream import Runtime, Upstream

if TYPE_CHECKING:
    from taskhand.backends.factory import OpenContext

__all__ = ["open_client", "timing_of"]

_ALL_AT_ONCE: Final = 256
"""Requests of all persons that may be under way at once: each credential has a bound of its own."""


async def open_client(
    context: "OpenContext",
    upstream: Upstream,
    rate: Rate,
    in_flight: int = 8,
    *,
    of_account: bool = False,
    account_rate: Rate | None = None,
) -> Client:
    """A client with a rate budget of its own and at most `in_flight` requests under way; `context.stack` closes it.

    `of_account` is whether the CRM counts the requests of all credentials together: then they have one budget. With an
    `account_rate` it counts them in both ways, and that is what all may send together.
    """
    runtime = context.runtime or Runtime()
    credential, base = (context.keys.get(name, name) for name in (upstream.credential, upstream.variable))
    upstream = replace(upstream, credential=credential, variable=base, is_own=context.is_own)
    limiter = _open_limiter(context, rate, in_flight, runtime, of_account=of_account)
    if account_rate is not None and context.people_link:
        from taskhand.http.account_limiter import LimiterInAccount  # noqa: PLC0415  few servers have a vault

        limiter = LimiterInAccount(
            limiter, _open_limiter(context, account_rate, _ALL_AT_ONCE, runtime, of_account=True)
        )
    client = Client(upstream, runtime=runtime, rate_limiter=limiter, own=context.own)
    return await context.stack.enter_async_context(client)


def _open_limiter(context: "OpenContext", rate: Rate, in_flight: int, runtime: Runtime, *, of_account: bool) -> Limiter:
    """The queue that spends from one budget; that of all credentials together is opened once in this process."""
    if of_account and (rate, in_flight) in context.limiters:
        return context.limiters[rate, in_flight]
    limiter: Limiter
    if context.budgets is not None:
        limiter = context.budgets.open_limiter(rate, in_flight, runtime, of_account=of_account)
    else:
        limiter = RateLimiter(rate, in_flight, clock=runtime.clock, sleep=runtime.sleep)
    if of_account:
        context.limiters[rate, in_flight] = limiter
    if runtime.observer is not None and context.own is None:
        runtime.observer.watch_budget(limiter.headroom)
    return limiter


def timing_of(context: "OpenContext") -> Timing:
    """The clocks of an adapter that is opened in `context`."""
    runtime = context.runtime or Runtime()
    return Timing(context.clock, runtime.clock, runtime.sleep)
