"""What a look at a CRM finds, whichever it is: the way to it, the credential, what that may do, and the rate."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import NotFound, OperatorError, RateLimited, TaskhandError, UpstreamError, UpstreamFailed
from taskhand.http.client import Client
from taskhand.http.rate_limiter import Headroom
from taskhand.http.upstream import Upstream

__all__ = ["Read", "examined", "refused", "untold"]

Read = Callable[[], Awaitable[object]]

_NOT_TRIED: Final = "It could not be looked at: see what failed before."


async def examined(
    client: Client, knock: Read, may: Callable[[], Awaitable[CheckResult]], *, rate: str
) -> tuple[CheckResult, ...]:
    """Findings about reachability, credential, scopes and rate, in this order.

    `knock` asks for what any credential may read; `may` looks at what more it may do, once the knock was answered.
    `rate` is the variable that says how much is sent.
    """
    error = await _met(knock)
    may_go_on = error is None or error.code == "forbidden"
    scopes = await may() if may_go_on else CheckResult("scopes", "unknown", _NOT_TRIED)
    return (
        _reachability(client, error),
        _credential(client.upstream, error),
        scopes,
        _rate(client.upstream, error, client.headroom, rate),
    )


async def refused(reads: Mapping[str, Read], name: str) -> CheckResult | None:
    """The finding where one of the reads is not allowed, or cannot be made; None where all of them are answered.

    `reads` are named by what they read: "tasks".
    """
    errors = {what: error for what, read in reads.items() if (error := await _met(read)) is not None}
    if not errors:
        return None
    said = " ".join(f"Reading {what}: {error.message}" for what, error in errors.items())
    if any(error.code == "forbidden" for error in errors.values()):
        return CheckResult("scopes", "failed", said, f"Let {name} allow it, or use another credential.")
    return CheckResult("scopes", "unknown", said)


def untold(name: str, reads: Mapping[str, Read], *, writes: bool, more: str = "") -> CheckResult:
    """The finding where all that is read can be read, and `name` does not tell who may write; `more` is said then."""
    can = f"It may read {' and '.join(reads)}."
    if not writes:
        return CheckResult("scopes", "ok", can)
    told = f"{can} {name} does not tell whether it may write; nothing was written to find out. {more}"
    return CheckResult("scopes", "unknown", told.rstrip())


async def _met(read: Read) -> TaskhandError | None:
    """What went wrong, if anything."""
    try:
        await read()
    except TaskhandError as error:
        return error
    return None


def _reachability(client: Client, error: TaskhandError | None) -> CheckResult:
    name, variable, route = client.upstream.name, client.upstream.variable, client.proxy_route
    if error is None or _answers(error):
        tls = "its certificate is trusted" if route.origin.scheme == "https" else "without TLS, on this machine itself"
        return CheckResult("reachability", "ok", f"{name} answers at {route}; {tls}.")
    return CheckResult("reachability", "failed", f"{route}: {error.message}", _way_out(error, variable))


def _answers(error: TaskhandError | None) -> bool:
    """Whether the CRM itself was met, with whatever result."""
    return error is None or isinstance(error, RateLimited) or error.code in {"unauthorized", "forbidden"}


def _way_out(error: TaskhandError, variable: str) -> str:
    match error:
        case OperatorError(next_step=str(step)):
            return step
        case UpstreamFailed():
            return "Try again in a while; the CRM's status page may say more."
        case NotFound() | UpstreamError(code="upstream_redirect" | "upstream_invalid"):
            return f"Something else may answer there: check {variable}, and the proxy if there is one."
    return f"Check {variable}, the network, and the proxy (HTTPS_PROXY, NO_PROXY)."


def _credential(upstream: Upstream, error: TaskhandError | None) -> CheckResult:
    if error is None or error.code == "forbidden":
        return CheckResult("credential", "ok", f"{upstream.name} accepts {upstream.credential}.")
    if error.code == "unauthorized":
        return CheckResult(
            "credential",
            "failed",
            error.message,
            f"Set {upstream.credential} to one that {upstream.name} shows as valid.",
        )
    return CheckResult("credential", "unknown", _NOT_TRIED)


def _rate(upstream: Upstream, error: TaskhandError | None, room: Headroom, variable: str) -> CheckResult:
    if isinstance(error, RateLimited):
        wait = "a while" if error.retry_after_s is None else f"{error.retry_after_s:.0f} s"
        remedy = f"Wait {wait}. Others who use the same account count too; {variable} slows this server down."
        return CheckResult("rate", "failed", error.message, remedy)
    if not _answers(error):
        return CheckResult("rate", "unknown", _NOT_TRIED)
    ours = f"At most {room.rate.requests} in {room.rate.per_s:g} s are sent ({variable})."
    told = f"{upstream.name} does not tell how much may be sent."
    if room.left is not None:
        told = f"{upstream.name} allows {room.left} more requests in the next {room.for_s:.0f} s."
    if room.left == 0 or room.paused_s > 0:
        remedy = f"Wait {max(room.for_s, room.paused_s):.0f} s; where it stays so, lower {variable}."
        return CheckResult("rate", "warning", told, remedy)
    return CheckResult("rate", "unknown" if room.left is None else "ok", f"{told} {ours}")
