"""What a look at Close finds, and what to do where something is not well."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from taskhand.backends.close.client import CloseClient
from taskhand.backends.remote.health_checks import examined, refused, untold
from taskhand.domain.check_result import CheckResult

__all__ = ["REMEDIES", "examination"]

REMEDIES: Final[Mapping[str, str]] = {
    "me": "Use the credential of somebody who is an active user of the organization.",
}


async def examination(wire: CloseClient, clock: Callable[[], datetime], *, writes: bool) -> tuple[CheckResult, ...]:
    """The way to Close, the credential, what it may read, and the rate: three requests.

    Close tells neither what an API key nor what an OAuth token may do; a key acts as its user
    (https://developer.close.com/api/overview/api-key-authentication).
    """
    reads = {
        "tasks": lambda: wire.tasks({"_type": "lead", "is_complete": "false"}, 0, clock().date()),
        "users": lambda: wire.users(0),
    }

    async def may() -> CheckResult:
        key = "A key may do what its user may."
        return await refused(reads, "Close") or untold("Close", reads, writes=writes, more=key)

    return await examined(wire.client, wire.me, may, rate="CLOSE_RATE")
