"""The time that one call of a tool may take in all, shared by its requests.

In a bulk change each task has a deadline of its own, since a thousand tasks take longer than one may. The time starts
with the task's first request, which includes its wait for the rate budget.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["call_deadline", "deadline_from"]


@dataclass(slots=True)
class _Deadline:
    at: float | None = None


_CURRENT: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def call_deadline() -> Generator[None, None, None]:
    """Give the requests inside one deadline of their own; a deadline outside does not apply to them."""
    token = _CURRENT.set(_Deadline())
    try:
        yield
    finally:
        _CURRENT.reset(token)


def deadline_from(now: float, total_s: float) -> float:
    """The deadline of a request that starts `now`: `total_s` after the call's first request.

    Outside a call it is `total_s` after `now`. All times are seconds of the same monotonic clock.
    """
    deadline = _CURRENT.get()
    if deadline is None:
        return now + total_s
    if deadline.at is None:
        deadline.at = now + total_s
    return deadline.at
