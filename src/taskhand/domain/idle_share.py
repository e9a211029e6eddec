"""Requests that nobody waits for: they leave only while a rate budget is mostly unused.

Whoever looks whether something has changed must never slow a call down, so such requests have a share of their own.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["IdleShare", "idle_share", "idle_wait_s", "is_idle"]

_WAIT_S: Final = 5.0


class IdleShare:
    """What some requests have in common that nobody waits for; each waits for its turn up to `wait_s` seconds."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self.is_idle = True

    def end(self) -> None:
        """Somebody waits for these requests now: those that still wait take their turn as all others do."""
        self.is_idle = False


_SHARE: Final[ContextVar[IdleShare | None]] = ContextVar("idle_share", default=None)


@contextmanager
def idle_share(wait_s: float = _WAIT_S) -> Generator[IdleShare, None, None]:
    """Send the requests inside only while, with each, at most half of the budget is used, and no other one waits."""
    token = _SHARE.set(share := IdleShare(wait_s))
    try:
        yield share
    finally:
        _SHARE.reset(token)


def is_idle() -> bool:
    """Whether nobody waits for this request."""
    share = _SHARE.get()
    return share is not None and share.is_idle


def idle_wait_s() -> float:
    """Seconds that this request, which nobody waits for, may wait for its turn."""
    share = _SHARE.get()
    return share.wait_s if share is not None else 0.0
