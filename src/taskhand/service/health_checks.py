"""Look whether everything that a desk has can be worked with, and say how to mend what cannot."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from taskhand.domain.check_result import Finding
from taskhand.domain.errors import TaskhandError
from taskhand.domain.task import FINISHED, TaskQuery
from taskhand.service.app_context import Desk

__all__ = ["check_up"]

_MOST_SKEW: Final = timedelta(minutes=2)
_NOT_LOOKED_AT: Final = "It was not looked at: see what failed before."
_IN_PART: Final = frozenset({"scopes"})
"""What may fail without everything else failing too."""


async def check_up(desk: Desk) -> tuple[Finding, ...]:
    """What the journal and the backend are like; where the backend cannot be worked with, the rest is unknown."""
    kept = await desk.journal.examine()
    own = await desk.backend.examine(writes=not desk.terms.only_reads)
    works = all(finding.outcome != "failed" or finding.subject in _IN_PART for finding in own)
    rest = [await _checked(subject, check, desk, works=works) for subject, check in _CHECKS.items()]
    return (*kept, *own, *rest, _zone(desk))


async def _checked(subject: str, check: Callable[[Desk], Awaitable[Finding]], desk: Desk, *, works: bool) -> Finding:
    if not works:
        return Finding(subject, "unknown", _NOT_LOOKED_AT)
    try:
        return await check(desk)
    except TaskhandError as error:
        return Finding(subject, "failed", error.message, error.next_step or "Look into the log.")


async def _clock(desk: Desk) -> Finding:
    theirs = await desk.backend.upstream_time()
    if theirs is None:
        return Finding("clock", "ok", "No other clock than this machine's was seen.")
    apart = abs(theirs - desk.clock())
    if apart <= _MOST_SKEW:
        return Finding("clock", "ok", f"It agrees with this machine's to {apart.total_seconds():.0f} s.")
    remedy = "Set this machine's clock (or unset TASKHAND_CLOCK); overdue tasks and lost writes are judged by it."
    return Finding("clock", "warning", f"It is {apart.total_seconds():.0f} s away from this machine's.", remedy)


async def _statuses(desk: Desk) -> Finding:
    known = await desk.backend.statuses()
    named = ", ".join(f"{status.name} ({status.type})" for status in known.statuses) or "none"
    remedy = desk.backend.remedies.get("statuses", "Let the place have a finished status.")
    if not any(status.type in FINISHED for status in known.statuses):
        return Finding("statuses", "warning", f"No finished one is known: {named}.", remedy)
    if not known.complete:
        return Finding("statuses", "warning", f"Perhaps not all: {named}.", remedy)
    return Finding("statuses", "ok", f"{named}.")


async def _team(desk: Desk) -> Finding:
    members = await desk.backend.members()
    if not members:
        return Finding("team", "failed", "It has no members.", "Add somebody who can do tasks.")
    return Finding("team", "ok", f"Members who can be responsible: {len(members)}.")


async def _me(desk: Desk) -> Finding:
    me = await desk.backend.me()
    names = {member.id: member.name for member in await desk.backend.members()}
    if me in names:
        return Finding("me", "ok", f"'me' is {names[me]}.")
    found = "Nobody knows who 'me' is." if me is None else f"{me} is no active member of the team."
    return Finding("me", "warning", found, desk.backend.remedies.get("me", "Name people by id, e-mail or full name."))


async def _due_times(desk: Desk) -> Finding:
    found = await desk.backend.list_tasks(TaskQuery(include_tasks_without_dates=False, order="created", limit=50))
    if all(desk.backend.sure_of_due(task) for task in found.tasks):
        return Finding("due times", "ok", "They are read as they were written.")
    remedy = desk.backend.remedies.get("due times", "See whether the CRM's own app shows the same times.")
    return Finding("due times", "warning", "Whether they are written in UTC or in local time is not known yet.", remedy)


def _zone(desk: Desk) -> Finding:
    if desk.timezone is None:
        remedy = "Set TASKHAND_TIMEZONE to an IANA name, so that a dueTime without a timezone is understood."
        return Finding("time zone", "warning", "None is configured.", remedy)
    return Finding("time zone", "ok", f"{desk.timezone}.")


_CHECKS: Final = {"clock": _clock, "team": _team, "me": _me, "statuses": _statuses, "due times": _due_times}
