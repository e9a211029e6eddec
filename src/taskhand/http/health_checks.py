"""Health checks of a CRM: reachability, credential, scopes and rate."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import (
    Forbidden,
    NotFound,
    OperatorError,
    RateLimited,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.http.client import Client

__all__ = ["Read", "check_by_reading", "check_upstream", "find_refused_reads", "report_scopes"]

Read = Callable[[], Awaitable[object]]
ScopesCheck = Callable[[], Awaitable[CheckResult]]

_NOT_TRIED: Final = "It could not be checked: see the failure above."


async def check_upstream(
    client: Client, probe: Read, check_scopes: ScopesCheck, *, rate: str
) -> tuple[CheckResult, ...]:
    """Check reachability, credential, scopes and rate, in this order.

    `probe` reads what any credential may read; `check_scopes` runs after the CRM accepted the credential. `rate` names
    the variable that limits the rate of requests.
    """
    error = await _error_of(probe)
    has_access = isinstance(error, Forbidden | None)
    scopes = await check_scopes() if has_access else CheckResult("scopes", "unknown", _NOT_TRIED)
    return (
        _check_reachability(client, error),
        _check_credential(client, error),
        scopes,
        _check_rate(client, error, rate),
    )


async def find_refused_reads(reads: Mapping[str, Read], name: str) -> CheckResult | None:
    """The result if the CRM `name` refuses one of the reads or it fails; None if all succeed.

    The keys of `reads` are the subjects: "tasks".
    """
    errors = {what: error for what, read in reads.items() if (error := await _error_of(read)) is not None}
    if not errors:
        return None
    found = " ".join(f"Reading {what}: {error.message}" for what, error in errors.items())
    if any(isinstance(error, Forbidden) for error in errors.values()):
        return CheckResult("scopes", "failed", found, f"Let {name} allow it, or use another credential.")
    return CheckResult("scopes", "unknown", found)


def check_by_reading(name: str, reads: Mapping[str, Read], *, writes: bool, more: str = "") -> ScopesCheck:
    """The check of scopes for a CRM that does not report them: `reads` are tried; `more` as in `report_scopes`."""

    async def check_scopes() -> CheckResult:
        refused = await find_refused_reads(reads, name)
        return refused or report_scopes(name, reads, writes=writes, more=more)

    return check_scopes


def report_scopes(name: str, reads: Mapping[str, Read], *, writes: bool, more: str = "") -> CheckResult:
    """The result if all `reads` succeed and the CRM does not report write permission; `more` follows if `writes`."""
    found = f"It may read {' and '.join(reads)}."
    if not writes:
        return CheckResult("scopes", "ok", found)
    found = f"{found} {name} does not report whether it may write; nothing was written to find out. {more}"
    return CheckResult("scopes", "unknown", found.rstrip())


async def _error_of(read: Read) -> TaskhandError | None:
    try:
        await read()
    except TaskhandError as error:
        return error
    return None


def _check_reachability(client: Client, error: TaskhandError | None) -> CheckResult:
    name, route = client.upstream.name, client.proxy_route
    if error is None or _is_from_crm(error):
        tls = "its certificate is trusted" if route.origin.scheme == "https" else "without TLS, on this machine itself"
        return CheckResult("reachability", "ok", f"{name} answers at {route}; {tls}.")
    remedy = _reachability_remedy(error, client.upstream.base_url_name)
    return CheckResult("reachability", "failed", f"{route}: {error.message}", remedy)


def _is_from_crm(error: TaskhandError) -> bool:
    """Whether the error is the CRM's own response."""
    return isinstance(error, RateLimited | Forbidden) or error.code == "unauthorized"


def _reachability_remedy(error: TaskhandError, variable: str) -> str:
    match error:
        case OperatorError(next_step=str(step)):
            return step
        case UpstreamFailed():
            return "Try again in a while; the CRM's status page may say more."
        case NotFound() | UpstreamError(code="upstream_redirect" | "upstream_invalid"):
            return f"Something else may answer there: check {variable}, and the proxy if there is one."
    return f"Check {variable}, the network, and the proxy (HTTPS_PROXY, NO_PROXY)."


def _check_credential(client: Client, error: TaskhandError | None) -> CheckResult:
    name, credential = client.upstream.name, client.upstream.credential_name
    if isinstance(error, Forbidden | None):
        return CheckResult("credential", "ok", f"{name} accepts {credential}.")
    if error.code == "unauthorized":
        remedy = f"Set {credential} to one that {name} shows as valid."
        return CheckResult("credential", "failed", error.message, remedy)
    return CheckResult("credential", "unknown", _NOT_TRIED)


def _check_rate(client: Client, error: TaskhandError | None, variable: str) -> CheckResult:
    if isinstance(error, RateLimited):
        wait = "a while" if error.retry_after_s is None else f"{error.retry_after_s:.0f} s"
        slower = f"{variable} limits this server if {client.upstream.name} names no limit"
        remedy = f"Wait {wait}. Others who use the same account count too; {slower}."
        return CheckResult("rate", "failed", error.message, remedy)
    if error is not None and not _is_from_crm(error):
        return CheckResult("rate", "unknown", _NOT_TRIED)
    name, room = client.upstream.name, client.headroom
    found = f"{name} does not report how much may be sent."
    if room.left is not None:
        found = f"{name} allows {room.left} more requests in the next {room.for_s:.0f} s."
    if room.left == 0 or room.paused_s > 0:
        remedy = f"Wait {max(room.for_s, room.paused_s):.0f} s; if that persists, "
        remedy += f"lower {variable}." if room.left is None else "look for others who use the same account."
        return CheckResult("rate", "warning", found, remedy)
    limit = f"{room.rate.requests} in {room.rate.per_s:g} s"
    if room.left is None:
        return CheckResult("rate", "unknown", f"{found} At most {limit} are sent ({variable}).")
    return CheckResult("rate", "ok", f"{found} If it reports no limit, at most {limit} are sent ({variable}).")
