"""Resolve a status by name, by position or as the finished one; never guess; pure."""

from collections.abc import Sequence
from typing import get_args

from pydantic import MISSING

from taskhand.domain.errors import Ambiguous, Candidate, NotFound
from taskhand.domain.names import Match, fold, group_by, matching, nearest_first, shown_form
from taskhand.domain.task import FINISHED, Status, StatusChoice, StatusList, StatusType

__all__ = ["finished_status", "resolve_filter_statuses", "resolve_status", "status_at_position"]

_MOST_CANDIDATES = 20
_FAR = 10**9
_TYPES = frozenset(get_args(StatusType))
_OR_TYPE = f", or with a type: {', '.join(get_args(StatusType))}"


def resolve_status(
    name: str, known: StatusList, argument: str = "newStatusName"
) -> tuple[StatusChoice, tuple[Match, ...]]:
    """The status with that name or id; where the list is incomplete, an unknown name is passed on as typed."""
    if not shown_form(name):
        raise NotFound(f"{argument} is empty.", code="unknown_status", next_step="Call list_statuses for the names.")
    found = _named(name, known)
    if len(found) == 1:
        return StatusChoice.of(found[0]), (_match(argument, name, found[0]),)
    if found:
        raise _ambiguous_error(f"{len(found)} statuses are named {name[:60]!r}.", found)
    if not known.complete:
        return StatusChoice(name=name.strip()), ()
    raise NotFound(
        f"There is no status named {name[:60]!r}.",
        code="unknown_status",
        candidates=_candidates(nearest_first(name, known.statuses, lambda status: status.name)),
        next_step=f"Send {argument} with the candidate that is meant{_OR_TYPE if argument == 'status' else ''}.",
    )


def status_at_position(position: int, known: StatusList) -> tuple[StatusChoice, tuple[Match, ...]]:
    """The status at that position; where the list is incomplete, an unknown position is passed on."""
    found = [status for status in known.statuses if status.order == position]
    if len(found) == 1:
        return StatusChoice.of(found[0]), (_match("newStatusPosition", str(position), found[0]),)
    if found:
        raise _ambiguous_error(f"{len(found)} statuses are at position {position}.", found)
    if not known.complete:
        return StatusChoice(position=position), ()
    shown = position if abs(position) < _FAR else "of that size"
    positions = ", ".join(str(status.order) for status in known.statuses[:_MOST_CANDIDATES])
    raise NotFound(
        f"There is no status at position {shown}. The positions are {positions}.",
        code="unknown_status",
        candidates=_candidates(known.statuses),
        next_step="Send newStatusName with the candidate that is meant.",
    )


def finished_status(name: str | MISSING, known: StatusList) -> tuple[StatusChoice, tuple[Match, ...]]:
    """The status that completes a task: the one with that name, else the CRM's own, else the only finished one."""
    if name is not MISSING:
        choice, matched = resolve_status(name, known)
        status = next((status for status in known.statuses if choice.met_by(status)), None)
        if status is not None and status.type not in FINISHED:
            raise NotFound(
                f"The status {name[:60]!r} has the type {status.type}, which is not finished.",
                code="not_finished",
                candidates=_candidates([s for s in known.statuses if s.type in FINISHED]),
                next_step="Send a finished status, or use update_task for another one.",
            )
        return choice, matched
    for kind in FINISHED:
        found = [status for status in known.statuses if status.type == kind]
        found = [status for status in found if status.id == known.completed is not None] or found
        if len(found) == 1:
            return StatusChoice.of(found[0]), (_match("status", kind, found[0]),)
        if found:
            raise _ambiguous_error(f"{len(found)} statuses have the type {kind}.", found)
    raise NotFound(
        "No finished status is known.",
        code="unknown_status",
        candidates=_candidates(known.statuses),
        next_step="Send newStatusName with the name of the finished status.",
    )


def resolve_filter_statuses(given: Sequence[str], known: StatusList) -> tuple[StatusChoice, ...]:
    """The statuses with these names or types, for a filter."""
    choices: list[StatusChoice] = []
    by_shown = group_by(known.statuses, lambda status: shown_form(status.name))
    by_name = group_by(known.statuses, lambda status: fold(status.name))
    by_type = group_by(known.statuses, lambda status: status.type)
    for text in given:
        folded = fold(text)
        found = (folded and by_shown.get(shown_form(text))) or by_name.get(folded) or by_type.get(folded) or ()
        if not found and folded in _TYPES:
            continue  # no status has this type, so no task has it
        choices += map(StatusChoice.of, found) if found else [resolve_status(text, known, "status")[0]]
    return tuple(dict.fromkeys(choices))


def _named(text: str, known: StatusList) -> list[Status]:
    """The statuses of that name: those that are shown exactly so, else those that match, else the one with that id."""
    shown = shown_form(text)
    return (
        [status for status in known.statuses if shown_form(status.name) == shown]
        or matching(text, known.statuses, lambda status: status.name)
        or [status for status in known.statuses if status.id is not None and status.id.casefold() == shown.casefold()]
    )


def _match(argument: str, given: str, status: Status) -> Match:
    return Match(argument, given, status.id or status.name, status.name)


def _ambiguous_error(message: str, found: Sequence[Status]) -> Ambiguous:
    are_told_apart = len({shown_form(status.name) for status in found}) == len(found)
    return Ambiguous(
        message,
        code="ambiguous_status",
        candidates=_candidates(found) if are_told_apart else _candidates_by_id(found),
        next_step="Send newStatusName with the candidate that is meant.",
    )


def _candidates(statuses: Sequence[Status]) -> list[Candidate]:
    return [
        Candidate(status.name, f"position {status.order}, {status.type}", is_free_text=True)
        for status in statuses[:_MOST_CANDIDATES]
    ]


def _candidates_by_id(statuses: Sequence[Status]) -> list[Candidate]:
    """Statuses whose names are shown alike."""
    return [
        Candidate(
            status.id or status.name,
            f"{status.name}, position {status.order}, {status.type}",
            is_free_text=status.id is None,
        )
        for status in statuses[:_MOST_CANDIDATES]
    ]
