"""How long one call of a tool may take in all: its requests share the time, however many they are.

Of many tasks, each is a call of its own: a thousand of them take longer than any one of them may. Its time runs from
its own first request, so that what it waits for its turn in the rate budget is all that counts of the others.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["call_deadline", "deadline_from"]


@dataclass(slots=True)
class _Call:
    deadline: float | None = None


_CALL: ContextVar[_Call | None] = ContextVar("call", default=None)


@contextmanager
def call_deadline() -> Generator[None, None, None]:
    """Everything inside is one call, also inside another one, whose time does not count here."""
    token = _CALL.set(_Call())
    try:
        yield
    finally:
        _CALL.reset(token)


def deadline_from(now: float, total_s: float) -> float:
    """When a request that begins `now` must be through: `total_s` after the call's first request, or after `now`."""
    call = _CALL.get()
    if call is None:
        return now + total_s
    if call.deadline is None:
        call.deadline = now + total_s
    return call.deadline
