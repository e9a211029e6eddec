"""Send one query to several connections concurrently; a failure of one costs the others neither time nor rows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import anyio

from taskhand.call.deadline import part_of_call, time_left
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.domain.errors import (
    Ambiguous,
    CallerError,
    NotAllowed,
    NotFound,
    TaskhandError,
    UpstreamError,
)
from taskhand.domain.merged_error import merge_errors
from taskhand.service.app_context import AppContext
from taskhand.service.link_offers import with_link

__all__ = ["ConnectionAnswers", "ask_connections"]

_T = TypeVar("_T")

_SHARE: Final = 0.5
"""The share of a call's time that each connection has. All run concurrently, and the rest is for the answer."""
_GRACE: Final = 1.1
"""Factor by which a connection may exceed its time, so that it can end with its own, more exact error."""
_OTHERS_ENDED: Final = " All other connections have been listed to their end."


@dataclass(frozen=True, slots=True)
class ConnectionAnswers(Generic[_T]):
    """The answers of connections, by name, in their order.

    `unreachable` could not answer now; `left_out` cannot answer this query, such as one with a name that is unknown
    there.
    """

    answers: Mapping[str, _T]
    unreachable: Mapping[str, TaskhandError] = field(default_factory=dict)
    left_out: Mapping[str, TaskhandError] = field(default_factory=dict)

    @property
    def may_be_back(self) -> bool:
        """Whether an unreachable connection may answer the next call."""
        return any(error.retryable for error in self.unreachable.values())


async def ask_connections(
    apps: Mapping[str, AppContext], ask: Callable[[str, AppContext], Awaitable[_T]], *, others_ended: bool = False
) -> ConnectionAnswers[_T]:
    """The answers of the connections; their error if none answers, or if a person is ambiguous in one.

    `others_ended` is whether other connections were queried before and have no more rows.
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

    async with concurrent_tasks() as group:
        for name, app in apps.items():
            group.start_soon(ask_one, name, app)
    refused = {name: errors[name] for name in apps if isinstance(errors.get(name), CallerError | NotAllowed)}
    unreachable = {name: errors[name] for name in apps if name in errors and name not in refused}
    if unclear := {name: error for name, error in refused.items() if _is_for_all(error)}:
        raise merge_errors(unclear)
    if not answers:
        nearest = sorted(refused, key=lambda name: not isinstance(refused[name], NotFound | Ambiguous))
        error = merge_errors(unreachable | {name: refused[name] for name in nearest})
        raise error.but(message=f"{error.message}{_OTHERS_ENDED}") if others_ended else error
    return ConnectionAnswers({name: answers[name] for name in apps if name in answers}, unreachable, refused)


def _is_for_all(error: TaskhandError) -> bool:
    """Whether the caller has to decide something before any connection can answer."""
    return error.code in ("ambiguous_member", "invalid_cursor")
