"""Opens the HTTP client of a CRM backend."""

from dataclasses import replace

from taskhand.backends.factory import OpenContext
from taskhand.backends.remote.adapter import Timing
from taskhand.backends.remote.rate_budget import open_limiter
from taskhand.http.client import Client
from taskhand.http.rate_limiter import Rate
from taskhand.http.upstream import Runtime, Upstream

__all__ = ["open_client", "timing_of"]


async def open_client(
    context: OpenContext,
    upstream: Upstream,
    rate: Rate,
    in_flight: int = 8,
    *,
    of_account: bool = False,
    account_rate: Rate | None = None,
) -> Client:
    """A client with its own rate budget and at most `in_flight` concurrent requests; `context.stack` closes it.

    `of_account` is whether the CRM counts the requests of all credentials together: then they share one budget. Give an
    `account_rate` if the CRM also limits all credentials together, beside the limit of each.
    """
    runtime = context.runtime or Runtime()
    credential, base = (context.keys.get(name, name) for name in (upstream.credential, upstream.variable))
    upstream = replace(upstream, credential=credential, variable=base, is_own=context.is_own)
    limiter = open_limiter(context, rate, in_flight, runtime, of_account=of_account, account_rate=account_rate)
    client = Client(
        upstream,
        limits=runtime.limits,
        rate_limiter=limiter,
        runtime=runtime,
        transport=runtime.transport,
        own=context.own,
    )
    return await context.stack.enter_async_context(client)


def timing_of(context: OpenContext) -> Timing:
    """The clocks of an adapter that is opened with `context`."""
    runtime = context.runtime or Runtime()
    return Timing(context.clock, runtime.clock, runtime.sleep)
