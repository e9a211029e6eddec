"""Which status is meant: by name, by position, or the finished one. Never guessed; pure."""

from collections.abc import Sequence
from typing import get_args

from pydantic import MISSING

from taskhand.domain.errors import Ambiguous, Candidate, NotFound
from taskhand.domain.names import Match, fold, matching, nearest_first
from taskhand.domain.task import FINISHED, Status, StatusChoice, StatusList, StatusType

__all__ = ["finished_status", "resolve_filter_statuses", "resolve_status", "status_at_position"]

_MOST_CANDIDATES = 20
_FAR = 10**9
_TYPES = frozenset(get_args(StatusType))


def resolve_status(
    name: str, known: StatusList, argument: str = "newStatusName"
) -> tuple[StatusChoice, tuple[Match, ...]]:
    """The status of that name; where the list is incomplete, a name not in it is passed on as typed."""
    found = [status for status in known.statuses if status.name == name.strip()]
    found = found if len(found) == 1 else matching(name, known.statuses, lambda status: status.name)
    if len(found) == 1:
        return StatusChoice.of(found[0]), (_match(argument, name, found[0]),)
    if found:
        raise _several(f"{len(found)} statuses are named {name[:60]!r}; none was chosen.", found)
    if not known.complete:
        return StatusChoice(name=name.strip()), ()
    raise NotFound(
        f"There is no status named {name[:60]!r}.",
        code="unknown_status",
        candidates=_candidates(nearest_first(name, known.statuses, lambda status: status.name)),
        next_step=f"Send {argument} with one of the candidates.",
    )


def status_at_position(position: int, known: StatusList) -> tuple[StatusChoice, tuple[Match, ...]]:
    """The status at that position; where the list is incomplete, a position not in it is passed on."""
    found = [status for status in known.statuses if status.order == position]
    if len(found) == 1:
        return StatusChoice.of(found[0]), (_match("newStatusPosition", str(position), found[0]),)
    if found:
        raise _several(f"{len(found)} statuses are at position {position}; none was chosen.", found)
    if not known.complete:
        return StatusChoice(position=position), ()
    shown = position if abs(position) < _FAR else "of that size"
    places = ", ".join(f"{status.order} {status.name}" for status in known.statuses[:_MOST_CANDIDATES])
    raise NotFound(
        f"There is no status at position {shown}. The positions: {places}.",
        code="unknown_status",
        candidates=_candidates(known.statuses),
        next_step="Send newStatusName with one of the candidates.",
    )


def finished_status(name: str | MISSING, known: StatusList) -> tuple[StatusChoice, tuple[Match, ...]]:
    """The status that completes a task: the one named, else the only `done`, else the only `master_done`."""
    if name is not MISSING:
        choice, matched = resolve_status(name, known)
        status = next((status for status in known.statuses if choice.met_by(status)), None)
        if status is not None and status.type not in FINISHED:
            raise NotFound(
                f"{status.name} is {status.type}, not finished.",
                code="not_finished",
                candidates=_candidates([s for s in known.statuses if s.type in FINISHED]),
                next_step="Send a finished status, or use update_task for any other.",
            )
        return choice, matched
    for kind in FINISHED:
        found = [status for status in known.statuses if status.type == kind]
        if len(found) == 1:
            return StatusChoice.of(found[0]), (_match("status", kind, found[0]),)
        if found:
            raise _several(f"{len(found)} statuses are {kind}; none was chosen.", found)
    raise NotFound(
        "No finished status is known here.",
        code="unknown_status",
        candidates=_candidates(known.statuses),
        next_step="Send newStatusName with the name of the finished status.",
    )


def resolve_filter_statuses(given: Sequence[str], known: StatusList) -> tuple[StatusChoice, ...]:
    """The statuses of these names or types, for a filter."""
    choices: list[StatusChoice] = []
    for text in given:
        found = matching(text, known.statuses, lambda status: status.name)
        found = found or [status for status in known.statuses if fold(text) == status.type]
        if not found and fold(text) in _TYPES:
            continue  # a type that no status here has: no task has it either
        choices += map(StatusChoice.of, found) if found else [resolve_status(text, known, "status")[0]]
    return tuple(dict.fromkeys(choices))


def _match(argument: str, given: str, status: Status) -> Match:
    return Match(argument, given, status.id or status.name, status.name)


def _several(message: str, found: Sequence[Status]) -> Ambiguous:
    return Ambiguous(
        message,
        code="ambiguous_status",
        candidates=_candidates(found),
        next_step="Send newStatusName with one of the candidates.",
    )


def _candidates(statuses: Sequence[Status]) -> list[Candidate]:
    return [Candidate(status.name, f"position {status.order}, {status.type}") for status in statuses[:_MOST_CANDIDATES]]
