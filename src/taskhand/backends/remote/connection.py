"""How a factory opens the connection to its CRM."""

from dataclasses import replace
from typing import TYPE_CHECKING

from taskhand.backends.remote.adapter import Timing
from taskhand.http.client import Client
from taskhand.http.rate_limiter import Rate, RateLimiter
from taskhand.http.upstream import Runtime, Upstream

if TYPE_CHECKING:
    from taskhand.backends.factory import OpenContext

__all__ = ["open_client", "timing_of"]


async def open_client(context: "OpenContext", upstream: Upstream, rate: Rate, in_flight: int = 8) -> Client:
    """A client with a rate budget of its own and at most `in_flight` requests under way; `context.stack` closes it."""
    runtime = context.runtime or Runtime()
    credential, base = (context.keys.get(name, name) for name in (upstream.credential, upstream.variable))
    upstream = replace(upstream, credential=credential, variable=base)
    limiter = RateLimiter(rate, in_flight, clock=runtime.clock, sleep=runtime.sleep)
    if runtime.observer is not None:
        runtime.observer.watch_budget(limiter.headroom)
    return await context.stack.enter_async_context(Client(upstream, runtime=runtime, rate_limiter=limiter))


def timing_of(context: "OpenContext") -> Timing:
    """The clocks of an adapter that is opened in `context`."""
    runtime = context.runtime or Runtime()
    return Timing(context.clock, runtime.clock, runtime.sleep)
