"""Opens the HTTP client of a CRM backend, with the rate budget that it spends from."""

from dataclasses import replace
from typing import Final

from taskhand.backends.factory import OpenContext
from taskhand.backends.remote.timing import Timing
from taskhand.http.client import Client
from taskhand.http.rate_limiter import Limiter, Rate, RateLimiter
from taskhand.http.upstream import Runtime, Upstream

__all__ = ["open_client", "timing_of"]

_MAX_ACCOUNT_IN_FLIGHT: Final = 256
"""The maximum number of concurrent requests of all people together; each credential has its own lower limit."""


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
    credential, base = (
        context.setting_names.get(name, name) for name in (upstream.credential_name, upstream.base_url_name)
    )
    upstream = replace(upstream, credential_name=credential, base_url_name=base, is_own=context.uses_own_credential)
    limiter = _open_limiter(context, rate, in_flight, runtime, of_account=of_account)
    if account_rate is not None and context.people_may_link:
        from taskhand.http.account_limiter import LimiterInAccount  # noqa: PLC0415  few servers have a vault

        account = _open_limiter(context, account_rate, _MAX_ACCOUNT_IN_FLIGHT, runtime, of_account=True)
        limiter = LimiterInAccount(limiter, account)
    client = Client(upstream, rate_limiter=limiter, runtime=runtime, own_token=context.own_token)
    return await context.stack.enter_async_context(client)


def _open_limiter(context: OpenContext, rate: Rate, in_flight: int, runtime: Runtime, *, of_account: bool) -> Limiter:
    """The limiter that spends from one budget; the limiter of a whole account is opened once in this process."""
    if of_account and (rate, in_flight) in context.limiters:
        return context.limiters[rate, in_flight]
    limiter: Limiter
    if context.budgets is not None:
        limiter = context.budgets.open_limiter(rate, in_flight, runtime, of_account=of_account)
    else:
        limiter = RateLimiter(rate, in_flight, monotonic=runtime.monotonic, sleep=runtime.sleep)
    if of_account:
        context.limiters[rate, in_flight] = limiter
    if runtime.observer is not None and context.own_token is None:
        runtime.observer.watch_budget(limiter.headroom)
    return limiter


def timing_of(context: OpenContext) -> Timing:
    """The clocks of an adapter that is opened with `context`."""
    runtime = context.runtime or Runtime()
    return Timing(context.clock, runtime.monotonic, runtime.sleep)
