"""What a look at Vambe finds, and what to set where something is not well."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from taskhand.backends.remote.health_checks import examined, refused, untold
from taskhand.backends.vambe.client import VambeClient, Window
from taskhand.domain.check_result import CheckResult

__all__ = ["REMEDIES", "examination"]

REMEDIES: Final[Mapping[str, str]] = {
    "statuses": "Set VAMBE_STATUSES to all of them in their order, e.g. Pendiente:initial,Completado:done.",
    "me": "Set VAMBE_USER_ID to the id of a member that list_team_members shows.",
    "due times": "Set VAMBE_DUE_AT to utc or wall: see which of the two shows a task's time as Vambe's own app does.",
}


async def examination(wire: VambeClient, clock: Callable[[], datetime], *, writes: bool) -> tuple[CheckResult, ...]:
    """The way to Vambe, the key, what it may read, and the rate: two requests.

    Vambe documents neither scopes of a key nor rate headers.
    """
    today = clock().date().isoformat()
    reads = {"the team": wire.members, "tasks": lambda: wire.tasks(Window(today, today, dateless=False))}

    async def may() -> CheckResult:
        tasks = {"tasks": reads["tasks"]}
        return await refused(tasks, "Vambe") or untold("Vambe", reads, writes=writes)

    return await examined(wire.client, reads["the team"], may, rate="VAMBE_RATE")
