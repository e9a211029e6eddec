"""Resolve a status by name, by type, by position or as the finished one; never guess; pure."""

from collections.abc import Mapping, Sequence
from typing import Final, get_args

from pydantic import MISSING

from taskhand.domain.errors import Ambiguous, Candidate, Explanation, NotFound
from taskhand.domain.name_matching import Match, fold, group_by, matching, nearest_first, resembles, shown_form
from taskhand.domain.task import FINISHED, Status, StatusChoice, StatusList, StatusType

__all__ = [
    "UnknownStatus",
    "check_filter_statuses",
    "describe_absent_statuses",
    "finished_status",
    "resolve_filter_statuses",
    "resolve_status",
    "status_at_position",
    "unknown_status_error",
]

_MAX_CANDIDATES = 20
_FAR = 10**9
_TYPES = frozenset(get_args(StatusType))

_FINISHED: Final = frozenset[str](FINISHED)
_UNFINISHED: Final = _TYPES - _FINISHED
_STARTED: Final = frozenset({"in_progress"})
_INITIAL: Final = frozenset({"initial"})
_TYPES_BY_WORD: Final[Mapping[str, frozenset[str]]] = {
    word: types
    for words, types in (
        ("open opened unfinished uncompleted incomplete outstanding to_do not_done", _UNFINISHED),
        ("not_finished not_completed abierto abierta incompleto incompleta sin_terminar", _UNFINISHED),
        ("por_hacer no_terminado no_terminada no_completado no_completada", _UNFINISHED),
        ("pending pendiente", _UNFINISHED),
        ("closed complete completed finished terminado terminada completado completada", _FINISHED),
        ("cerrado cerrada finalizado finalizada hecho hecha", _FINISHED),
        ("doing started ongoing underway en_curso en_proceso empezado empezada haciendo", _STARTED),
        ("not_started sin_empezar sin_iniciar no_iniciado no_iniciada", _INITIAL),
    )
    for word in words.split()
}
"""Everyday words for the types of statuses, Spanish ones in the singular."""
_MAY_BE_INITIAL: Final = frozenset({"pending", "pendiente", "pendientes"})
"""Words that may also mean the tasks that were not begun: understood only if one status is unfinished."""

_OVERDUE: Final = frozenset(
    {"overdue", "past due", "late", "vencido", "vencida", "vencidos", "vencidas", "atrasada", "atrasadas", "atrasados"}
)
"""Words for tasks that are overdue, which no status says."""


def resolve_status(
    name: str, status_list: StatusList, argument: str = "newStatusName"
) -> tuple[StatusChoice, tuple[Match, ...]]:
    """The status with that name or id, else the only one of that type, else the only one of an everyday word.

    If the list is incomplete, an unknown name is passed on as typed.
    """
    if not shown_form(name):
        raise NotFound(f"{argument} is empty.", code="unknown_status", next_step="Call list_statuses for the names.")
    statuses = _find_by_name(name, status_list)
    if len(statuses) == 1:
        return StatusChoice.of(statuses[0]), (_match(argument, name, statuses[0]),)
    if statuses:
        raise _ambiguous_error(f"{len(statuses)} statuses are named {name[:60]!r}.", statuses, argument)
    kind = _type_of(name)
    if kind and (status := _only_of_type(kind, status_list, argument)):
        return StatusChoice.of(status), (_match(argument, name, status),)
    if len(statuses := _find_by_word(name, status_list)) == 1:
        return StatusChoice.of(statuses[0]), (_match(argument, name, statuses[0]),)
    if statuses:
        raise _ambiguous_error(f"{len(statuses)} statuses may be meant by {name[:60]!r}.", statuses, argument)
    if not status_list.complete:
        return StatusChoice(name=name.strip()), ()
    raise unknown_status_error(name, status_list, argument)


class UnknownStatus(Explanation):
    """No status has the name; `sentence` is the message without the one about the candidates."""


def unknown_status_error(
    name: str, status_list: StatusList, argument: str = "newStatusName", *, message: str | None = None
) -> NotFound:
    """The error for an unknown status: it names the known ones, and says whether the list is complete.

    `message` replaces the sentence on what was wrong.
    """
    kind = _type_of(name)
    wrong = message or f"There is no status {'of type' if kind else 'named'} {kind or name[:60]!r}."
    if status_list.complete:
        count, or_name = len(status_list.statuses), ""
        rest = "The candidates are all there are."
        if count > _MAX_CANDIDATES:
            rest = f"The candidates are {_MAX_CANDIDATES} of {count}; list_statuses has them all."
    else:
        rest = (
            "The candidates are those seen on tasks; there may be others."
            if status_list.statuses
            else "None was seen yet."
        )
        or_name = ", or the name exactly as the CRM shows it"
        wrong = message or f"No status {'of type' if kind else 'named'} {kind or name[:60]!r} is known."
    next_step = f"Send {argument} with the candidate that is meant{or_name}{_or_type(status_list.statuses)}."
    if argument == "status" and fold(name) in _OVERDUE:
        next_step = "Send overdue true in its place; status may be left out."
    return NotFound(
        f"{wrong} {rest}",
        code="unknown_status",
        candidates=_candidates(_resembling_first(name, status_list.statuses)),
        next_step=next_step,
        explanation=UnknownStatus(wrong),
    )


def _or_type(statuses: Sequence[Status]) -> str:
    """The clause that offers the types of these statuses in place of a name; empty if there is none."""
    types = [kind for kind in get_args(StatusType) if any(status.type == kind for status in statuses)]
    return f"; a type also works: {', '.join(types)}" if types else ""


def _resembling_first(name: str, statuses: Sequence[Status]) -> Sequence[Status]:
    """The statuses whose names resemble this one, the nearest first, then the others in their order."""
    near = nearest_first(
        name, [candidate for candidate in statuses if resembles(name, candidate.name)], lambda status: status.name
    )
    return [*near, *(candidate for candidate in statuses if candidate not in near)]


def status_at_position(position: int, status_list: StatusList) -> tuple[StatusChoice, tuple[Match, ...]]:
    """The status at that position; if the list is incomplete, an unknown position is passed on."""
    statuses = [status for status in status_list.statuses if status.order == position]
    if len(statuses) == 1:
        return StatusChoice.of(statuses[0]), (_match("newStatusPosition", str(position), statuses[0]),)
    if statuses:
        raise _ambiguous_error(f"{len(statuses)} statuses are at position {position}.", statuses, "newStatusName")
    if not status_list.complete:
        return StatusChoice(position=position), ()
    shown = position if abs(position) < _FAR else "of that size"
    positions = ", ".join(str(status.order) for status in status_list.statuses[:_MAX_CANDIDATES])
    raise NotFound(
        f"There is no status at position {shown}. The positions are {positions}.",
        code="unknown_status",
        candidates=_candidates(status_list.statuses),
        next_step="Send newStatusName with the candidate that is meant.",
    )


def finished_status(name: str | MISSING, status_list: StatusList) -> tuple[StatusChoice, tuple[Match, ...]]:
    """The status that completes a task: the one with that name, else the CRM's own, else the only finished one."""
    if name is not MISSING:
        choice, matched = resolve_status(name, status_list)
        status = next((status for status in status_list.statuses if choice.met_by(status)), None)
        if status is not None and status.type not in FINISHED:
            raise NotFound(
                f"The status {name[:60]!r} has the type {status.type}, which is not finished.",
                code="not_finished",
                candidates=_candidates([s for s in status_list.statuses if s.type in FINISHED]),
                next_step="Send a finished status, or use update_task for another one.",
            )
        return choice, matched
    if status := _only_of_type("done", status_list, "newStatusName"):
        return StatusChoice.of(status), (_match("status", str(status.type), status),)
    raise NotFound(
        "No finished status is known.",
        code="unknown_status",
        candidates=_candidates(status_list.statuses),
        next_step="Send newStatusName with the name of the finished status.",
    )


def resolve_filter_statuses(
    names: Sequence[str], status_list: StatusList
) -> tuple[tuple[StatusChoice, ...], tuple[Match, ...]]:
    """The statuses with these names, types or everyday words, for a filter; the matches are those of the words."""
    choices, matched = list[StatusChoice](), list[Match]()
    by_shown = group_by(status_list.statuses, lambda status: shown_form(status.name))
    by_name = group_by(status_list.statuses, lambda status: fold(status.name))
    by_type = group_by(status_list.statuses, lambda status: status.type)
    for text in names:
        folded, kind = fold(text), _type_of(text)
        statuses = (folded and by_shown.get(shown_form(text))) or by_name.get(folded) or by_type.get(kind or "") or ()
        if not statuses and kind:
            continue  # no status has this type, so no task has it
        if not statuses and (statuses := _find_by_word(text, status_list)):
            matched += [_match("status", text, status) for status in statuses]
        choices += map(StatusChoice.of, statuses) if statuses else [resolve_status(text, status_list, "status")[0]]
    return tuple(dict.fromkeys(choices)), tuple(matched)


def check_filter_statuses(names: Sequence[str], status_list: StatusList) -> None:
    """Refuse a name that an incomplete list does not have.

    To be called if the filter found nothing: a task may have a status that was not seen before.
    """
    for name in names:
        if not status_list.complete and _type_of(name) is None and not _find_by_name(name, status_list):
            raise unknown_status_error(name, status_list, "status")


def describe_absent_statuses(names: Sequence[str], status_list: StatusList) -> str | None:
    """The sentence on a filter that names only types which no status has, so that no task matches; None for another.

    Of an incomplete list it is about any name and any type that no status has that was seen.
    """
    kinds = {name: _type_of(name) for name in names}
    known = [kind for kind in get_args(StatusType) if any(status.type == kind for status in status_list.statuses)]
    absent = [name for name, kind in kinds.items() if kind not in known and not _find_by_name(name, status_list)]
    types = list(dict.fromkeys(kind for name in absent if (kind := kinds[name])))
    are_all = len(absent) == len(kinds)
    if status_list.complete:
        is_noted = are_all and all(kinds.values())
        rest = f"so no task matches. Types here: {', '.join(known) or 'none'}."
        return f"No status here has the type {' or '.join(types)}, {rest}" if is_noted else None
    unseen = [f"named {name[:60]!r}" for name in absent if not kinds[name]]
    asked = [*unseen, *([f"of the type {' or '.join(types)}"] if types else [])]
    if not asked:
        return None
    seen = "list_statuses has those that were" if unseen else f"Seen types: {', '.join(known) or 'none'}"
    return (
        f"No status {' or '.join(asked)} was seen here yet{', so no task was looked for' if are_all else ''}. {seen}."
    )


def _type_of(text: str) -> str | None:
    """The status type that a text names."""
    typed = fold(text).replace(" ", "_")
    return typed if typed in _TYPES else None


def _find_by_word(text: str, status_list: StatusList) -> list[Status]:
    """The statuses that an everyday word such as open or terminadas stands for.

    Empty if the word resembles the names of some and not all of them, or of another status: it may mean only that.
    Empty if the word has one type and several statuses have it: Waiting may have the type in_progress. Empty too if the
    list is incomplete, because an unseen status may have that name.
    """
    if not status_list.complete:
        return []
    word = fold(text).replace(" ", "_")
    types = _TYPES_BY_WORD.get(word) or _TYPES_BY_WORD.get(word.removesuffix("s"), frozenset())
    statuses = [status for status in status_list.statuses if status.type in types]
    similar = [status for status in status_list.statuses if resembles(text, status.name)]
    is_certain = len(statuses) == 1 or (len(types) > 1 and word not in _MAY_BE_INITIAL)
    return statuses if is_certain and similar in ([], statuses) else []


def _only_of_type(kind: str, status_list: StatusList, argument: str) -> Status | None:
    """The only status of a type; of `master_done` if none is `done`. None if there is none."""
    for status_type in FINISHED if kind == "done" else (kind,):
        statuses = [status for status in status_list.statuses if status.type == status_type]
        statuses = [status for status in statuses if status.id == status_list.completed is not None] or statuses
        if len(statuses) > 1:
            raise _ambiguous_error(f"{len(statuses)} statuses have the type {status_type}.", statuses, argument)
        if statuses:
            return statuses[0]
    return None


def _find_by_name(text: str, status_list: StatusList) -> list[Status]:
    """The statuses of that name: those that are shown exactly so, else those that match, else the one with that id."""
    shown = shown_form(text)
    return (
        [status for status in status_list.statuses if shown_form(status.name) == shown]
        or matching(text, status_list.statuses, lambda status: status.name)
        or matching(text.replace("_", " "), status_list.statuses, lambda status: status.name)
        or [
            status
            for status in status_list.statuses
            if status.id is not None and status.id.casefold() == shown.casefold()
        ]
    )


def _match(argument: str, name: str, status: Status) -> Match:
    return Match(argument, name, status.id or status.name, status.name)


def _ambiguous_error(message: str, statuses: Sequence[Status], argument: str) -> Ambiguous:
    are_told_apart = len({shown_form(status.name) for status in statuses}) == len(statuses)
    return Ambiguous(
        message,
        code="ambiguous_status",
        candidates=_candidates(statuses) if are_told_apart else _candidates_by_id(statuses),
        next_step=f"Send {argument} with the candidate that is meant.",
    )


def _candidates(statuses: Sequence[Status]) -> list[Candidate]:
    return [
        Candidate(status.name, f"position {status.order}, {status.type}", is_free_text=True)
        for status in statuses[:_MAX_CANDIDATES]
    ]


def _candidates_by_id(statuses: Sequence[Status]) -> list[Candidate]:
    """Statuses whose names are shown alike."""
    return [
        Candidate(
            status.id or status.name,
            f"{status.name}, position {status.order}, {status.type}",
            is_free_text=status.id is None,
        )
        for status in statuses[:_MAX_CANDIDATES]
    ]
