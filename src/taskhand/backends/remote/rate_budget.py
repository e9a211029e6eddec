"""The rate budget that a client of a CRM spends from: its own, or one that all credentials of an account share."""

from typing import Final

from taskhand.backends.factory import OpenContext
from taskhand.http.rate_limiter import Limiter, Rate, RateLimiter
from taskhand.http.upstream import Runtime

__all__ = ["open_limiter"]

_MAX_ACCOUNT_IN_FLIGHT: Final = 256
"""The maximum number of concurrent requests of all people together; each credential has its own lower limit."""


def open_limiter(
    context: OpenContext,
    rate: Rate,
    in_flight: int,
    runtime: Runtime,
    *,
    of_account: bool,
    account_rate: Rate | None,
) -> Limiter:
    """The limiter of a client with at most `in_flight` concurrent requests.

    `of_account` is whether the CRM counts the requests of all credentials together: then they share one budget. Give an
    `account_rate` if the CRM also limits all credentials together, beside the limit of each.
    """
    limiter = _open_budget(context, rate, in_flight, runtime, of_account=of_account)
    if account_rate is not None and context.people_link:
        from taskhand.http.account_limiter import LimiterInAccount  # noqa: PLC0415  few servers have a vault

        limiter = LimiterInAccount(
            limiter, _open_budget(context, account_rate, _MAX_ACCOUNT_IN_FLIGHT, runtime, of_account=True)
        )
    return limiter


def _open_budget(context: OpenContext, rate: Rate, in_flight: int, runtime: Runtime, *, of_account: bool) -> Limiter:
    """The limiter that spends from one budget; the limiter of a whole account is opened once in this process."""
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
