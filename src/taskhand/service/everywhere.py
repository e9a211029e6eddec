"""Ask several connections the same thing side by side: one that fails costs the others neither time nor their rows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

import anyio

from taskhand.domain.deadline import part_of_call, time_left
from taskhand.domain.errors import (
    Ambiguous,
    CallerError,
    Candidate,
    NotAllowed,
    NotFound,
    TaskhandError,
    UpstreamError,
)
from taskhand.domain.side_by_side import side_by_side
from taskhand.service.app_context import AppContext

__all__ = ["Everywhere", "ask_everywhere", "one_error"]

_T = TypeVar("_T")

_SHARE: Final = 0.5
"""The part of a call's time that each connection has. All have it at once, and the rest is for the answer."""
_GRACE: Final = 1.1
"""How much longer it is waited for what does not end by itself: an error of the connection's own says more."""
_MOST_CANDIDATES: Final = 20
_MOST_STEPS: Final = 3
_OF_ITS_OWN: Final = "An id is known in its own connection only."


@dataclass(frozen=True, slots=True)
class Everywhere(Generic[_T]):
    """What the connections answered, by name, in their order.

    `unreachable` could not answer now; `left_out` cannot answer this question, such as one with a name that is not
    known there.
    """

    answers: Mapping[str, _T]
    unreachable: Mapping[str, TaskhandError] = field(default_factory=dict)
    left_out: Mapping[str, TaskhandError] = field(default_factory=dict)

    @property
    def may_be_back(self) -> bool:
        """Whether one that is unreachable may answer the next call."""
        return any(error.retryable for error in self.unreachable.values())


async def ask_everywhere(
    apps: Mapping[str, AppContext], ask: Callable[[str, AppContext], Awaitable[_T]]
) -> Everywhere[_T]:
    """What the connections answer; their error where none does, or where one does not know which person is meant."""
    answers: dict[str, _T] = {}
    errors: dict[str, TaskhandError] = {}

    async def ask_one(name: str, app: AppContext) -> None:
        try:
            with part_of_call(_SHARE), anyio.fail_after(_GRACE * time_left()):
                answers[name] = await ask(name, app)
        except TimeoutError:
            errors[name] = UpstreamError(
                "The connection did not answer in time.", next_step="Send the same call again later.", retryable=True
            )
        except TaskhandError as error:
            errors[name] = error

    async with side_by_side() as group:
        for name, app in apps.items():
            group.start_soon(ask_one, name, app)
    refused = {name: errors[name] for name in apps if isinstance(errors.get(name), CallerError | NotAllowed)}
    unreachable = {name: errors[name] for name in apps if name in errors and name not in refused}
    if unclear := {name: error for name, error in refused.items() if _is_for_all(error)}:
        raise one_error(unclear)
    if not answers:
        nearest = sorted(refused, key=lambda name: not isinstance(refused[name], NotFound | Ambiguous))
        raise one_error(unreachable | {name: refused[name] for name in nearest})
    return Everywhere({name: answers[name] for name in apps if name in answers}, unreachable, refused)


def one_error(errors: Mapping[str, TaskhandError]) -> TaskhandError:
    """The errors of connections as one, of the class and the code of the first; each is named where they differ."""
    first, all_errors = next(iter(errors.values())), tuple(errors.values())
    names: dict[str, list[str]] = {}
    for name, error in errors.items():
        names.setdefault(error.message, []).append(name)
    is_shared = len(errors) > 1 and len(names) == 1
    waits = [error.retry_after_s for error in all_errors if error.retry_after_s is not None]
    candidates = _candidates(errors)[:_MOST_CANDIDATES]
    steps = dict.fromkeys(error.next_step for error in all_errors if error.next_step)
    own = [_OF_ITS_OWN] if any(one.connection for one in candidates) else []
    return type(first)(
        first.message if is_shared else " ".join(f"{', '.join(of)}: {message}" for message, of in names.items()),
        code=first.code,
        next_step=" ".join([*[*steps][:_MOST_STEPS], *own]) or None,
        candidates=candidates,
        retryable=any(error.retryable for error in all_errors),
        retry_after_s=max(waits) if waits else None,
        details=first.details,
    )


def _candidates(errors: Mapping[str, TaskhandError]) -> list[Candidate]:
    """The candidates of all, each with its connection unless all connections accept it."""
    shared = set.intersection(*(set(error.candidates) for error in errors.values())) if len(errors) > 1 else set()
    own = [
        one if one in shared else replace(one, connection=name)
        for name, error in errors.items()
        for one in error.candidates
    ]
    return list(dict.fromkeys(own))


def _is_for_all(error: TaskhandError) -> bool:
    """Whether the caller has to decide something before any connection can answer."""
    return error.code in ("ambiguous_member", "invalid_cursor")
