"""Filters with several names of which a connection knows only some."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from pydantic import MISSING

from taskhand.domain.date_window import with_iso_days
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.filter_rules import check_filter
from taskhand.domain.merged_error import merge_errors
from taskhand.domain.task_query import TaskFilter
from taskhand.service.app_context import AppContext
from taskhand.service.ask_connections import ConnectionAnswers
from taskhand.service.resolve_filter import resolve_filter
from taskhand.service.unknown_filter_names import check_names_known

__all__ = ["PartialAnswer", "ask_for_known", "check_known_somewhere"]

_T = TypeVar("_T")

_NAMES: Final = ("responsible_ids", "status")
"""The fields of a filter that may have several values, of which a task matches one."""
_UNKNOWN: Final = frozenset({"unknown_member", "unknown_status"})

Name = tuple[str, str]
"""The field of a filter, and the value that was sent."""


@dataclass(frozen=True, slots=True)
class PartialAnswer(Generic[_T]):
    """The answer of a connection for the names that it knows, and an error for each unknown name."""

    answer: _T
    unknown: Mapping[Name, TaskhandError] = field(default_factory=dict)


async def ask_for_known(
    app: AppContext, task_filter: TaskFilter, ask: Callable[[TaskFilter], Awaitable[_T]]
) -> PartialAnswer[_T]:
    """The answer for the filter without names that are unknown here; the error if all names of a field are unknown.

    A task has to match one of the names, so fewer names never widen the answer. What the backend cannot express
    is refused before any request.
    """
    check_filter(with_iso_days(task_filter, app.reference)[0], app.backend.capabilities)
    try:
        return PartialAnswer(await ask(task_filter))
    except CallerError as error:
        unknown = await _find_unknown(app, task_filter) if error.code in _UNKNOWN else {}
        known = {
            name: tuple(value for value in getattr(task_filter, name) if (name, value) not in unknown)
            for name in _NAMES
            if getattr(task_filter, name) is not MISSING
        }
        if not unknown or not all(known.values()):
            raise
    return PartialAnswer(await ask(task_filter.model_copy(update=known)), unknown)


async def _find_unknown(app: AppContext, task_filter: TaskFilter) -> dict[Name, TaskhandError]:
    """The errors of the unknown names, each queried by itself."""
    unknown: dict[Name, TaskhandError] = {}
    for name in _NAMES:
        values = getattr(task_filter, name)
        for value in () if values is MISSING else values:
            alone = TaskFilter().model_copy(update={name: (value,)})
            try:
                await resolve_filter(app, alone)
                await check_names_known(app, alone)
            except CallerError as error:
                if error.code not in _UNKNOWN:
                    raise
                unknown[name, value] = error
    return unknown


def check_known_somewhere(connection_answers: ConnectionAnswers[PartialAnswer[_T]]) -> None:
    """Refuse a name that no connection knows; one that could not be asked may know it."""
    if connection_answers.unreachable:
        return
    answers = connection_answers.answers
    for name in next(iter(answers.values())).unknown:
        if all(name in answer.unknown for answer in answers.values()):
            raise merge_errors({connection: answer.unknown[name] for connection, answer in answers.items()})
