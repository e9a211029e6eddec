"""Check whether a backend can be worked with, and say how to mend what fails."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from taskhand.errors import TaskhandError
from taskhand.service.desk import Desk
from taskhand.task import FINISHED, TaskQuery

__all__ = ["Finding", "check_up"]

_MOST_SKEW = timedelta(minutes=2)

Outcome = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: what was found, and where it is not well, what to do."""

    subject: str
    outcome: Outcome
    found: str
    remedy: str | None = None


async def check_up(desk: Desk) -> tuple[Finding, ...]:
    """All findings, the decisive one first: where the backend does not answer, nothing else can be checked."""
    reached = await _checked("access", _access, desk)
    if reached.outcome == "failed":
        return (reached, _zone(desk))
    others = [await _checked(subject, check, desk) for subject, check in _CHECKS.items()]
    return (reached, *others, _zone(desk))


async def _checked(subject: str, check: Callable[[Desk], Awaitable[Finding]], desk: Desk) -> Finding:
    try:
        return await check(desk)
    except TaskhandError as error:
        return Finding(subject, "failed", error.message, error.next_step)


async def _access(desk: Desk) -> Finding:
    members = await desk.backend.members()
    if not members:
        return Finding("access", "failed", "It answers, and has no team members.", "Add somebody who can do tasks.")
    return Finding("access", "ok", f"{desk.backend.name} answers; team members: {len(members)}.")


async def _clock(desk: Desk) -> Finding:
    theirs = await desk.backend.upstream_time()
    if theirs is None:
        return Finding("clock", "ok", "No other clock than this machine's was seen.")
    apart = abs(theirs - desk.clock())
    if apart <= _MOST_SKEW:
        return Finding("clock", "ok", f"It agrees with this machine's to {apart.total_seconds():.0f} s.")
    remedy = "Set this machine's clock; overdue tasks and lost writes are judged by it."
    return Finding("clock", "warning", f"It is {apart.total_seconds():.0f} s away from this machine's.", remedy)


async def _statuses(desk: Desk) -> Finding:
    known = await desk.backend.statuses()
    named = ", ".join(f"{status.name} ({status.type})" for status in known.statuses) or "none"
    if not any(status.type in FINISHED for status in known.statuses):
        return Finding("statuses", "warning", f"No finished one is known: {named}.", _NAME_THEM)
    if not known.complete:
        return Finding("statuses", "warning", f"Perhaps not all: {named}.", _NAME_THEM)
    return Finding("statuses", "ok", f"{named}.")


async def _me(desk: Desk) -> Finding:
    me = await desk.backend.me()
    names = {member.id: member.name for member in await desk.backend.members()}
    if me in names:
        return Finding("me", "ok", f"'me' is {names[me]}.")
    found = "Nobody knows who 'me' is." if me is None else f"{me} is no active member of the team."
    remedy = f"Set {desk.backend.name.upper()}_USER_ID to the id of a member that list_team_members shows."
    return Finding("me", "warning", found, remedy)


def _zone(desk: Desk) -> Finding:
    if desk.timezone is None:
        remedy = "Set TASKHAND_TIMEZONE to an IANA name, so that a dueTime without a timezone is understood."
        return Finding("time zone", "warning", "None is configured.", remedy)
    return Finding("time zone", "ok", f"{desk.timezone}.")


_NAME_THEM = "Set VAMBE_STATUSES to all of them in their order, e.g. Pendiente:initial,Completado:done."


async def _due_times(desk: Desk) -> Finding:
    found = await desk.backend.list_tasks(TaskQuery(include_tasks_without_dates=False, order="created", limit=50))
    if all(desk.backend.sure_of_due(task) for task in found.tasks):
        return Finding("due times", "ok", "They are read as they were written.")
    remedy = "Set VAMBE_DUE_AT to utc or wall: see which of the two shows a task's time as Vambe's own app does."
    return Finding("due times", "warning", "Whether Vambe writes UTC or local time is not known yet.", remedy)


_CHECKS = {"clock": _clock, "statuses": _statuses, "me": _me, "due times": _due_times}
