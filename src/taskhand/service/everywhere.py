"""Ask several connections the same thing side by side: one that fails costs the others neither time nor their rows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import anyio

from taskhand.domain.deadline import part_of_call, time_left
from taskhand.domain.errors import (
    Ambiguous,
    CallerError,
    NotAllowed,
    NotFound,
    TaskhandError,
    UpstreamError,
)
from taskhand.domain.side_by_side import side_by_side
from taskhand.service.app_context import AppContext
from taskhand.service.joined_error import join_errors
from taskhand.service.link_offers import with_link

__all__ = ["Everywhere", "ask_everywhere"]

_T = TypeVar("_T")

_SHARE: Final = 0.5
"""The part of a call's time that each connection has. All have it at once, and the rest is for the answer."""
_GRACE: Final = 1.1
"""How much longer it is waited for what does not end by itself: an error of the connection's own says more."""
_OTHERS_ENDED: Final = " All other connections have been listed to their end."


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
    apps: Mapping[str, AppContext], ask: Callable[[str, AppContext], Awaitable[_T]], *, others_ended: bool = False
) -> Everywhere[_T]:
    """What the connections answer; their error where none does, or where one does not know which person is meant.

    `others_ended` is whether there are others that have been asked, and have nothing more.
    """
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
            errors[name] = await with_link(app, error)

    async with side_by_side() as group:
        for name, app in apps.items():
            group.start_soon(ask_one, name, app)
    refused = {name: errors[name] for name in apps if isinstance(errors.get(name), CallerError | NotAllowed)}
    unreachable = {name: errors[name] for name in apps if name in errors and name not in refused}
    if unclear := {name: error for name, error in refused.items() if _is_for_all(error)}:
        raise join_errors(unclear)
    if not answers:
        nearest = sorted(refused, key=lambda name: not isinstance(refused[name], NotFound | Ambiguous))
        error = join_errors(unreachable | {name: refused[name] for name in nearest})
        error.message += _OTHERS_ENDED if others_ended else ""
        raise error
    return Everywhere({name: answers[name] for name in apps if name in answers}, unreachable, refused)


def _is_for_all(error: TaskhandError) -> bool:
    """Whether the caller has to decide something before any connection can answer."""
    return error.code in ("ambiguous_member", "invalid_cursor")
