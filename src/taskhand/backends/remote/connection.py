"""How a factory opens the connection to its CRM."""

from dataclasses import replace
from typing import TYPE_CHECKING

from taskhand.backends.remote.adapter import Timing
from taskhand.http.client import Client
from taskhand.http.rate_limiter import Limiter, Rate, RateLimiter
from taskhand.http.upstream import Runtime, Upstream

if TYPE_CHECKING:
    from taskhand.backends.factory import OpenContext

__all__ = ["open_client", "timing_of"]


async def open_client(
    context: "OpenContext", upstream: Upstream, rate: Rate, in_flight: int = 8, *, of_account: bool = False
) -> Client:
    """A client with a rate budget of its own and at most `in_flight` requests under way; `context.stack` closes it.

    `of_account` is whether the CRM counts the requests of all credentials together: then they have one budget.
    """
    runtime = context.runtime or Runtime()
    credential, base = (context.keys.get(name, name) for name in (upstream.credential, upstream.variable))
    upstream = replace(upstream, credential=credential, variable=base, is_own=context.is_own)
    limiter = context.limiters.get((rate, in_flight)) if of_account else None
    if limiter is None:
        limiter = _open_limiter(context, rate, in_flight, runtime, of_account=of_account)
        if runtime.observer is not None and context.own is None:
            runtime.observer.watch_budget(limiter.headroom)
    if of_account:
        context.limiters[rate, in_flight] = limiter
    client = Client(upstream, runtime=runtime, rate_limiter=limiter, own=context.own)
    return await context.stack.enter_async_context(client)


def _open_limiter(context: "OpenContext", rate: Rate, in_flight: int, runtime: Runtime, *, of_account: bool) -> Limiter:
    if context.budgets is not None:
        return context.budgets.open_limiter(rate, in_flight, runtime, of_account=of_account)
    return RateLimiter(rate, in_flight, clock=runtime.clock, sleep=runtime.sleep)


def timing_of(context: "OpenContext") -> Timing:
    """The clocks of an adapter that is opened in `context`."""
    runtime = context.runtime or Runtime()
    return Timing(context.clock, runtime.clock, runtime.sleep)
