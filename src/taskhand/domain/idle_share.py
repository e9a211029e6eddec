"""Requests that nobody waits for: they leave only while a rate budget is mostly unused.

Whoever looks whether something has changed must never slow a call down, so such requests have a share of their own.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["idle_share", "is_idle"]

_IS_IDLE: Final = ContextVar("is_idle", default=False)


@contextmanager
def idle_share() -> Generator[None, None, None]:
    """Send the requests inside only while, with each, at most half of the budget is used, and no other one waits."""
    token = _IS_IDLE.set(True)
    try:
        yield
    finally:
        _IS_IDLE.reset(token)


def is_idle() -> bool:
    """Whether nobody waits for this request."""
    return _IS_IDLE.get()
