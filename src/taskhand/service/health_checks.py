"""Look whether everything that an app context has can be worked with, and say how to mend what cannot."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import TaskhandError
from taskhand.domain.query import TaskQuery
from taskhand.domain.task import FINISHED
from taskhand.service.app_context import AppContext

__all__ = ["check_health"]

_MOST_SKEW: Final = timedelta(minutes=2)
_NOT_LOOKED_AT: Final = "It was not looked at: see what failed before."
_IN_PART: Final = frozenset({"scopes"})
"""What may fail without everything else failing too."""


async def check_health(app: AppContext) -> tuple[CheckResult, ...]:
    """What the journal and the backend are like; where the backend cannot be worked with, the rest is unknown."""
    kept = await app.journal.check_health()
    own = await app.backend.check_health(writes=not app.policy.only_reads)
    works = all(finding.outcome != "failed" or finding.subject in _IN_PART for finding in own)
    rest = [await _checked(subject, check, app, works=works) for subject, check in _CHECKS.items()]
    return (*kept, *own, *rest, _zone(app))


async def _checked(
    subject: str, check: Callable[[AppContext], Awaitable[CheckResult]], app: AppContext, *, works: bool
) -> CheckResult:
    if not works:
        return CheckResult(subject, "unknown", _NOT_LOOKED_AT)
    try:
        return await check(app)
    except TaskhandError as error:
        return CheckResult(subject, "failed", error.message, error.next_step or "Look into the log.")


async def _clock(app: AppContext) -> CheckResult:
    theirs = await app.backend.upstream_time()
    if theirs is None:
        return CheckResult("clock", "ok", "No other clock than this machine's was seen.")
    apart = abs(theirs - app.clock())
    if apart <= _MOST_SKEW:
        return CheckResult("clock", "ok", f"It agrees with this machine's to {apart.total_seconds():.0f} s.")
    remedy = "Set this machine's clock (or unset TASKHAND_CLOCK); overdue tasks and lost writes are judged by it."
    return CheckResult("clock", "warning", f"It is {apart.total_seconds():.0f} s away from this machine's.", remedy)


async def _statuses(app: AppContext) -> CheckResult:
    known = await app.backend.statuses()
    named = ", ".join(f"{status.name} ({status.type})" for status in known.statuses) or "none"
    remedy = app.backend.remedies.get("statuses", "Let the place have a finished status.")
    if not any(status.type in FINISHED for status in known.statuses):
        return CheckResult("statuses", "warning", f"No finished one is known: {named}.", remedy)
    if not known.complete:
        return CheckResult("statuses", "warning", f"Perhaps not all: {named}.", remedy)
    return CheckResult("statuses", "ok", f"{named}.")


async def _team(app: AppContext) -> CheckResult:
    members = await app.backend.members()
    if not members:
        return CheckResult("team", "failed", "It has no members.", "Add somebody who can do tasks.")
    return CheckResult("team", "ok", f"Members who can be responsible: {len(members)}.")


async def _me(app: AppContext) -> CheckResult:
    me = await app.backend.me()
    names = {member.id: member.name for member in await app.backend.members()}
    if me in names:
        return CheckResult("me", "ok", f"'me' is {names[me]}.")
    found = "Nobody knows who 'me' is." if me is None else f"{me} is no active member of the team."
    return CheckResult(
        "me", "warning", found, app.backend.remedies.get("me", "Name people by id, e-mail or full name.")
    )


async def _due_times(app: AppContext) -> CheckResult:
    found = await app.backend.list_tasks(TaskQuery(include_tasks_without_dates=False, order="created", limit=50))
    if all(app.backend.sure_of_due(task) for task in found.tasks):
        return CheckResult("due times", "ok", "They are read as they were written.")
    remedy = app.backend.remedies.get("due times", "See whether the CRM's own app shows the same times.")
    return CheckResult(
        "due times", "warning", "Whether they are written in UTC or in local time is not known yet.", remedy
    )


def _zone(app: AppContext) -> CheckResult:
    if app.timezone is None:
        remedy = "Set TASKHAND_TIMEZONE to an IANA name, so that a dueTime without a timezone is understood."
        return CheckResult("time zone", "warning", "None is configured.", remedy)
    return CheckResult("time zone", "ok", f"{app.timezone}.")


_CHECKS: Final = {"clock": _clock, "team": _team, "me": _me, "statuses": _statuses, "due times": _due_times}
