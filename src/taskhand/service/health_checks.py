"""Check that journal, feed of changes, backend and configuration work together, and say how to repair what does not."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import TaskhandError
from taskhand.domain.task import FINISHED
from taskhand.domain.task_query import TaskQuery
from taskhand.domain.time_zones import offset_of_reversed
from taskhand.service.app_context import AppContext

__all__ = ["check_health"]

_MAX_SKEW: Final = timedelta(minutes=2)
_SKIPPED: Final = "Not checked, because an earlier check failed."
_PARTIAL: Final = frozenset({"scopes"})
"""Subjects whose failure does not make the other checks fail."""


async def check_health(app: AppContext) -> tuple[CheckResult, ...]:
    """The check results of the journal, the feed of changes, the backend and the configuration.

    If the backend does not work, the checks that need it are not run, and their result is unknown.
    """
    journal = await app.journal.check_health()
    events = () if app.events is None else (await app.events.check_health(),)
    backend = await app.backend.account.check_health(writes=not app.surface.only_reads)
    works = all(result.outcome != "failed" or result.subject in _PARTIAL for result in backend)
    rest = [await _run_check(subject, check, app, works=works) for subject, check in _CHECKS.items()]
    return (*journal, *events, *backend, *rest, _check_zone(app))


async def _run_check(
    subject: str, check: Callable[[AppContext], Awaitable[CheckResult]], app: AppContext, *, works: bool
) -> CheckResult:
    if not works:
        return CheckResult(subject, "unknown", _SKIPPED)
    try:
        return await check(app)
    except TaskhandError as error:
        return CheckResult(subject, "failed", error.message, error.next_step or "Read the log.")


async def _check_clock(app: AppContext) -> CheckResult:
    theirs = await app.backend.account.upstream_time()
    if theirs is None:
        return CheckResult("clock", "ok", "The backend uses this machine's clock.")
    apart = abs(theirs - app.clock())
    if apart <= _MAX_SKEW:
        return CheckResult(
            "clock", "ok", f"The CRM's clock agrees with this machine's to {apart.total_seconds():.0f} s."
        )
    remedy = "Set this machine's clock, or unset TASKHAND_CLOCK: overdue tasks and lost writes depend on it."
    return CheckResult(
        "clock", "warning", f"The CRM's clock differs from this machine's by {apart.total_seconds():.0f} s.", remedy
    )


async def _check_statuses(app: AppContext) -> CheckResult:
    status_list = await app.backend.statuses()
    named = ", ".join(f"{status.name} ({status.type})" for status in status_list.statuses) or "none"
    remedy = app.backend.remedies.get("statuses", "Add a finished status in the CRM.")
    if not any(status.type in FINISHED for status in status_list.statuses):
        return CheckResult("statuses", "warning", f"No finished status is known: {named}.", remedy)
    if not status_list.complete:
        return CheckResult("statuses", "warning", f"The list may be incomplete: {named}.", remedy)
    return CheckResult("statuses", "ok", f"{named}.")


async def _check_team(app: AppContext) -> CheckResult:
    members = await app.backend.account.members()
    if not members:
        return CheckResult("team", "failed", "The team has no members.", "Add a member in the CRM.")
    return CheckResult("team", "ok", f"Members who can be responsible: {len(members)}.")


async def _check_me(app: AppContext) -> CheckResult:
    me = await app.backend.account.me()
    names = {member.id: member.name for member in await app.backend.account.members()}
    if me in names:
        return CheckResult("me", "ok", f"'me' is {names[me]}.")
    found = (
        "The member that 'me' stands for is not known." if me is None else f"{me} is not an active member of the team."
    )
    return CheckResult("me", "warning", found, app.backend.remedies.get("me", "Name people by id, e-mail or name."))


async def _check_due_times(app: AppContext) -> CheckResult:
    page = await app.backend.list_tasks(TaskQuery(include_tasks_without_dates=False, order="created", limit=50))
    if all(app.backend.sure_of_due(task) for task in page.tasks):
        return CheckResult("due times", "ok", "Due times are read as they were written.")
    remedy = app.backend.remedies.get("due times", "Compare the due times with those in the CRM's own app.")
    return CheckResult(
        "due times", "warning", "It is not known yet whether due times are written in UTC or in local time.", remedy
    )


def _check_zone(app: AppContext) -> CheckResult:
    if app.timezone is None:
        setting = app.backend.remedies.get("time zone", "Set TASKHAND_TIMEZONE to an IANA name")
        remedy = f"{setting}, to accept a dueTime without a timezone."
        return CheckResult("time zone", "warning", "No time zone is configured.", remedy)
    offset = offset_of_reversed(app.timezone)
    return CheckResult("time zone", "ok", f"{app.timezone}, which is {offset}." if offset else f"{app.timezone}.")


_CHECKS: Final = {
    "clock": _check_clock,
    "team": _check_team,
    "me": _check_me,
    "statuses": _check_statuses,
    "due times": _check_due_times,
}
