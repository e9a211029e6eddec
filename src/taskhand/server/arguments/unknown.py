"""The error for an argument that a tool does not have, with the argument that the caller may have meant; pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from taskhand.domain.capability_notes import NOTES
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.name_matching import normalize_argument
from taskhand.domain.task import IMMUTABLE
from taskhand.domain.task_query import TaskFilter
from taskhand.server.arguments.scope import ArgumentScope
from taskhand.server.arguments.synonyms import nearest_names, other_tool, usual_names
from taskhand.server.schemas.portable import Schema, fields_of, item_fields, model_fields, objects_of
from taskhand.server.tool import lists_of

__all__ = ["OUTERMOST_CONNECTION", "joined_unknown_error", "unknown_argument_error"]

_MAX_NAMED: Final = 5
"""Unknown arguments, and wrong values beside them, that one error explains."""

_WINDOW: Final = ["fromdate", "todate"]
"""The normalized arguments that one day in a filter stands for: the first alone would mean all days from it on."""
_IN_PLACE_OF = {
    "description": "Send such text as addNote, with update_task once the task exists.",
    "aicustomerid": "A task here stays with its customer: to move it, create one there and delete this one.",
}
"""The next step if tasks of the CRM lack a field, or cannot change in it."""
OUTERMOST_CONNECTION: Final = "connection stands once, beside the call's other arguments: send one call for each."
"""The next step for `connection` inside an object: a task of several, `changes` or `filter`."""


class _UnknownEverywhere(CallerError):
    """There is no such argument, with any CRM: one sentence names all of these."""


def unknown_argument_error(scope: ArgumentScope, name: str) -> CallerError:
    """The error for an argument that the tool, or an object in its arguments, does not have."""
    dotted, normalized = scope.dotted_name(name[:60]), normalize_argument(name[:60])
    arguments = {normalize_argument(other): scope.dotted_name(other) for other in scope.properties}
    if normalized not in arguments and scope.documented and normalized in map(normalize_argument, IMMUTABLE):
        return CallerError(
            f"{dotted} cannot be set: it never changes after a task is created.",
            code="immutable_field",
            next_step=f"Leave {dotted} out.",
        )
    fields = {normalize_argument(other): node for other, node in model_fields(scope.model).items()}
    absent = None if normalized in arguments else fields.get(normalized)
    exact = [] if normalized in arguments else _namesakes(scope, normalized)
    similar = _names_like(normalized, arguments)
    misplaced = exact if similar else _find_misplaced(scope, normalized, exact)
    near = misplaced or similar
    holders = [] if absent is None else scope.connections_with(normalized)
    step = None if exact or normalized in arguments else _other_tool(scope, normalized)
    step = step or _step_in_place(scope, normalized, absent, is_misplaced=bool(misplaced))
    if step is None and holders and arguments and not misplaced:
        step = f"Leave {dotted} out, or send the call to the right connection."
    if step is not None:
        near = []
    elif near:
        step = _instead(normalized, arguments, similar, misplaced)
    elif arguments:
        step = f"The {'fields' if scope.within else 'arguments'} are: {', '.join(arguments.values())}."
    else:
        step = f"Leave {dotted} out: this takes no arguments."
    where = "" if absent is None else " with this CRM"
    only = f"; it is only on {' and '.join(holders)}" if holders else ""
    kind = _UnknownEverywhere if absent is None else CallerError
    return kind(
        f"There is no argument {dotted!r}{where}{only}.",
        code="unknown_argument",
        candidates=[Candidate(other) for other in near],
        next_step=step,
    )


def _step_in_place(scope: ArgumentScope, normalized: str, absent: Schema | None, *, is_misplaced: bool) -> str | None:
    """The next step for an argument in whose place there is another way; None for any other argument.

    `absent` is the schema of an argument that tasks of other CRMs have.
    """
    for_several_people = absent is not None and absent.get(NOTES, {}).get("for_several_people")
    if for_several_people and "responsibleIds" in scope.properties:
        return "A task has one person here: responsibleIds replaces them. Ask whether that is meant."
    if normalized == "connection" and scope.others:
        return OUTERMOST_CONNECTION
    if absent is None or is_misplaced:
        return None
    if normalized == "description" and "addNote" in scope.properties:
        return f"Send such text as {scope.dotted_name('addNote')}."
    return _IN_PLACE_OF.get(normalized)


def _instead(normalized: str, arguments: Mapping[str, str], similar: Sequence[str], misplaced: Sequence[str]) -> str:
    """The next step for a name that may mean these arguments."""
    if not misplaced and usual_names(normalized, arguments)[:2] == _WINDOW:
        return f"Send {similar[0]} and {similar[1]}; for one day the same day in both."
    return f"Send {' or '.join(misplaced or similar[:1])} instead."


def joined_unknown_error(unknown: Mapping[str, CallerError], others: Sequence[str] = ()) -> CallerError:
    """One error for all unknown arguments of a call, by dotted name; `others` are sentences on its known arguments."""
    shown = dict([*unknown.items()][:_MAX_NAMED])
    first = next(iter(shown.values()))
    if len(shown) == 1 and not others:
        return first
    messages = {name: error.message for name, error in shown.items()}
    plain = [name for name, error in shown.items() if isinstance(error, _UnknownEverywhere)]
    if len(plain) > 1:
        names = " and ".join([", ".join(repr(name[:60]) for name in plain[:-1]), repr(plain[-1][:60])])
        messages |= dict.fromkeys(plain, f"There are no arguments {names}.")
    more = [f"{len(unknown) - _MAX_NAMED} more are unknown."] if len(unknown) > _MAX_NAMED else []
    steps = {name: error.next_step or "" for name, error in shown.items()}
    has_one_step = len({*steps.values()}) == 1
    return CallerError(
        " ".join([*dict.fromkeys(messages.values()), *more, *others[:_MAX_NAMED]]),
        code=first.code,
        candidates=list(dict.fromkeys(candidate for error in shown.values() for candidate in error.candidates)),
        next_step=first.next_step if has_one_step else " ".join(f"{name[:60]}: {step}" for name, step in steps.items()),
    )


def _names_like(normalized: str, arguments: Mapping[str, str]) -> list[str]:
    """The dotted names of the arguments here that the caller may have meant."""
    if normalized in arguments:
        return [arguments[normalized]]
    similar = [*usual_names(normalized, arguments), *nearest_names(normalized, arguments)]
    return [*dict.fromkeys(arguments[match] for match in similar)][:3]


def _other_tool(scope: ArgumentScope, normalized: str) -> str | None:
    """The next step if another tool does what the argument requests."""
    if issubclass(scope.model, TaskFilter) and scope.within:
        return None
    finishing = [*map(scope.dotted_name, scope.properties), *_namesakes(scope, normalize_argument("newStatusName"))]
    of_several = next((name for name in finishing if name.endswith(".newStatusName")), None)
    known = map(normalize_argument, scope.properties)
    return other_tool(scope.tool, normalized, known, reads=scope.reads, finished_by=of_several)


def _namesakes(scope: ArgumentScope, normalized: str) -> list[str]:
    """The arguments of the same name elsewhere in the call: around the object, or in another one."""
    return [other for other in _names_beside(scope) if normalize_argument(other.rpartition(".")[2]) == normalized]


def _find_misplaced(scope: ArgumentScope, normalized: str, exact: Sequence[str]) -> list[str]:
    """The arguments elsewhere in the call that the caller may have meant: those of this name, and the usual ones.

    Only those of this name if one of them is outside of filters, because the value is then for a change.
    """
    filters = [
        scope.dotted_name(name) for name, body in objects_of(scope.model).items() if issubclass(body, TaskFilter)
    ]
    if any(name.rpartition(".")[0] not in filters for name in exact):
        return [*exact]
    return [*dict.fromkeys([*exact, *_usual_beside(scope, normalized)])]


def _usual_beside(scope: ArgumentScope, normalized: str) -> list[str]:
    """The arguments elsewhere in the call that the name usually stands for: at most one in each object."""
    beside: dict[str, dict[str, str]] = {}
    for dotted in _names_beside(scope):
        within, _, name = dotted.rpartition(".")
        beside.setdefault(within, {})[normalize_argument(name)] = dotted
    found = ((names, usual_names(normalized, names)) for names in beside.values())
    return [names[usual[0]] for names, usual in found if usual]


def _names_beside(scope: ArgumentScope) -> list[str]:
    """The dotted names of the arguments elsewhere in the call."""
    inner = [
        scope.dotted_name(f"{name}.{other}")
        for name in objects_of(scope.model)
        for other in fields_of(scope.properties.get(name, {}))
    ]
    of_items = [
        scope.dotted_name(f"{name}[].{other}")
        for name in lists_of(scope.model)
        for other in item_fields(scope.properties.get(name, {}))
    ]
    return [*scope.elsewhere, *inner, *of_items]
